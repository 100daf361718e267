#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""results/README.md, and tables in other pages: the decision matrix and the runs, from results/*/. Used by results.py."""
import os
import re
import statistics

import runs

# column of row.json, heading, digits, divided by; a word in () is one that is worked out here
COLUMNS = [
    ("seconds", "s", 0, 1), ("ooms_a_minute", "OOM/min", 1, 1), ("still_share", "still %", 2, 1),
    ("waited_share", "waited %", 2, 1), ("(evicted)", "evicted/min", 1, 1), ("(streams)", "streams/min", 1, 1),
    ("life", "life s", 1, 1), ("clip_streamed", "clip streamed %", 0, 1), ("clip_time", "of its time %", 0, 1),
    ("clip_frames", "frames/s", 1, 1), ("interval_median", "interval ms", 0, 1), ("interval_p95", "p95 ms", 0, 1),
    ("longest_freeze", "freeze s", 1, 1), ("put_off", "put off s", 1, 1),
    ("decode", "decode ms", 1, 1), ("decode_p95", "p95 ms", 0, 1),
    ("stream_bytes", "video MB/s", 2, 1e6), ("drawing_bytes", "drawings MB/s", 2, 1e6),
    ("other_bytes", "other kB/s", 1, 1e3), ("worker_cpu", "worker %", 0, 1), ("lost", "lost", 0, 1),
]
A_MINUTE = {"(evicted)": "evicted", "(streams)": "streams"}
# for each frame of the clip that was shown: of which column, and how many seconds that counts
A_FRAME = {"(frame's bytes)": ("(bytes)", 1), "(frame's OOM)": ("ooms_a_minute", 60), "(frame's evicted)": ("(evicted)", 60)}
# of `results.py beside`: column, in words, digits, divided by
BESIDE = [
    ("done", "what the guest got done a second: steps of a window, frames of a scene", 1, 1),
    ("clip_frames", "frames of the clip shown a second", 1, 1), ("interval_median", "ms between them, median", 0, 1), ("interval_p95", "ms between them, 95th percentile", 0, 1),
    ("longest_freeze", "longest freeze, s", 1, 1), ("clip_streamed", "of the clip's pixels sent as video, %", 0, 1),
    ("(bytes)", "MB/s sent", 1, 1e6), ("(frame's bytes)", "kB sent for each frame shown", 0, 1e3),
    ("decode", "decode latency of a picture, mean ms", 1, 1), ("worker_cpu", "the server's worker, % of a core", 0, 1),
    ("ooms_a_minute", "OOM a minute", 0, 1), ("(frame's OOM)", "OOM for each frame shown", 2, 1),
    ("(evicted)", "drawings evicted a minute", 0, 1), ("(frame's evicted)", "drawings evicted for each frame shown", 2, 1),
]
NOT_OF_A_REPEAT = ("seconds", "lost")
WORKLOADS = ["desktop", "mixed", "video", "gl"]
SHAPES = [("QXL, X's `qxl` driver", "qxl.xml", "qxl"), ("QXL, X's `modesetting`", "qxl.xml", "modesetting"),
          ("virtio-vga", "virtio-vga.xml", "modesetting"), ("virtio-vga-gl (virgl)", "virtio-vga-gl.xml", "modesetting")]
GUESTS = [("debian11", "Debian 11"), ("debian13", "Debian 13")]
# of a cell of the matrix: the column, and what to say of it
ALWAYS = [("(bytes)", 1, 1e6, "{} MB/s"), ("ooms_a_minute", 1, 1, "{} OOM/min")]
CELLS = {
    "desktop": [("done", 1, 1, "{} moves/s")] + ALWAYS,
    "mixed": [("done", 1, 1, "{} moves/s"), ("interval_median", 0, 1, "{} ms between pictures"), ("clip_streamed", 0, 1, "{} % of the clip streamed")] + ALWAYS,
    "video": [("clip_frames", 1, 1, "{} frames/s"), ("clip_streamed", 0, 1, "{} % of the clip streamed")] + ALWAYS,
    "gl": [("clip_frames", 1, 1, "{} pictures/s shown"), ("done", 1, 1, "{} drawn")] + ALWAYS,
}
# What a column does not tell of a workload: `mixed` has no clip for two thirds of the time, and what would be called
# the clip elsewhere is a terminal, or the scene.
SAYS_NOTHING = {
    "desktop": ("clip_streamed", "clip_time", "clip_frames", "interval_median", "interval_p95", "longest_freeze", "refusal"),
    "mixed": ("clip_frames", "longest_freeze"),
    "gl": ("clip_streamed", "clip_time", "refusal"),
}

HEADING = """<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Made by `make results` from results/*/: do not edit. -->
# Results

How these runs are made, and what a column means: [docs/dev/experiments.md](../docs/dev/experiments.md). A figure is the
median of the row's repeats, and in brackets the least and the most. An empty figure was not measured in that row.
"""
EMULATED = """
**Emulated guests.** %d of the %d runs below had no KVM: QEMU emulated the guest's processor, so every figure that
depends on speed (frames a second, intervals, OOMs a minute) is lower than on any real host, and streams may be missed
because the guest draws too slowly. What holds regardless: which test refused frames, which memory ran out, what was
evicted, and ratios between rows of one batch.
"""


class Results:
    """What is in results/: {row's name: [(run.json, row.json) of its good runs]}, and the failed ones."""

    def __init__(self, folder):
        self.good, self.failed = {}, []
        for run in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            facts = runs.load(os.path.join(folder, run, "run.json"))
            row = runs.load(os.path.join(folder, run, "row.json"))
            if facts and facts["verdict"] == "ok" and row:
                self.good.setdefault(facts["name"], []).append((facts, of_workload(facts, row)))
            elif facts:
                self.failed.append(facts)

    def rows(self, name):
        """What runs of that row say; by a run's own name what that one says."""
        return [row for there in self.good.values() for facts, row in there if name in (facts["name"], facts["run"])]

    def facts(self):
        return [facts for row in self.good.values() for facts, _ in row]

    def why_not(self, name):
        """Why there is no figure in that row."""
        failed = [f for f in self.failed if f["name"] == name]
        return "failed: " + "; ".join(failed[0]["why"]) if failed else "not run"


# ---- figures -----------------------------------------------------------------------------------


def of_workload(facts, row):
    """The row without what it does not tell of this workload, and with what the guest got done: steps of its window's
    drag, or frames of its GL scene."""
    workload = facts["settings"]["workload"]
    done = facts["guest"].get("work_a_second") if workload != "video" else None
    row = {k: v for k, v in row.items() if k not in SAYS_NOTHING.get(workload, ())}
    return row if done is None else row | {"done": {"median": done}}


def value(row, column):
    """A column's figure in one run, or None."""
    if column in A_MINUTE:
        count, seconds = value(row, A_MINUTE[column]), value(row, "seconds")
        return None if count is None or not seconds else count * 60 / seconds
    if column == "(bytes)":
        parts = [value(row, c) for c in ("stream_bytes", "drawing_bytes", "other_bytes")]
        return None if None in parts else sum(parts)
    if column in A_FRAME:
        count, frames = value(row, A_FRAME[column][0]), value(row, "clip_frames")
        return None if count is None or not frames else count / A_FRAME[column][1] / frames
    figure = row.get(column)
    return figure["median"] if figure else None


def spread(rows, column, digits, scale=1):
    """The median, least and most of the repeats in words; empty ones where one of them has none."""
    values = [value(row, column) for row in rows]
    if not values or None in values:
        return "", "", ""
    return tuple("%.*f" % (digits, v / scale) for v in (statistics.median(values), min(values), max(values)))


def figure(rows, column, digits, scale=1):
    words = spread(rows, column, digits, scale)
    return words[0] if len(rows) < 2 or not words[0] else "%s (%s–%s)" % words


def apart(good):
    """{column: (least / most, row)} of the row whose repeats differ most in it. The least is 0: no bound."""
    worst = {}
    for name, there in good.items():
        for column, *_ in COLUMNS:
            values = [value(row, column) for _, row in there]
            if column not in NOT_OF_A_REPEAT and len(values) > 1 and None not in values and max(values) > 0:
                worst[column] = min(worst.get(column, (1, name)), (min(values) / max(values), name))
    return worst


def agreement(rows, repeat, worst):
    """(heading, figure, least, most, within) of a further repeat. Within: not further from the least and the most than
    these are from each other; of one run or two, which hardly have such ends, no further apart than any row's repeats."""
    for column, heading, digits, scale in COLUMNS:
        values, new = [value(row, column) for row in rows], value(repeat, column)
        if column in NOT_OF_A_REPEAT or new is None or None in values:
            continue
        least, most = min(values), max(values)
        within = 2 * least - most <= new <= 2 * most - least
        if len(rows) < 3:
            within |= min(least, new) >= worst.get(column, (1, ""))[0] * max(most, new)
        # a digit more than the tables: else one would be told to be outside whose figures look the same
        yield [heading] + ["%.*f" % (digits + 1, v / scale) for v in (new, least, most)] + [within]


def word(rows, column):
    """A word all repeats agree on, else each of them."""
    return "/".join(sorted({row.get(column) or "-" for row in rows})).replace("_", " ").strip("-")


def escaped(text):
    return text.replace("|", "\\|").replace("\n", " ")


def table(head, lines):
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(out + ["| " + " | ".join(escaped(cell) for cell in line) + " |" for line in lines]) + "\n"


def runs_of(row):
    return " ".join("[%s](%s/)" % (facts["run"].rsplit("-", 1)[1], facts["run"]) for facts, _ in row)


def beside(results, names):
    """Rows, or single runs, side by side: least and most of the repeats. A figure that none of them has is left out."""
    rows = {name: results.rows(name) for name in names}
    lines = []
    for column, heading, digits, scale in BESIDE:
        ends = [spread(rows[name], column, digits, scale)[1:] for name in names]
        if any(least for least, _ in ends):
            lines.append([heading] + [least if least == most else "%s to %s" % (least, most) for least, most in ends])
    heads = ["%s (n=%d)" % (name, len(rows[name])) if name in results.good or not rows[name] else "[%s](%s/)" % (name, name)
             for name in names]
    return table([""] + heads, lines)


# ---- the parts ---------------------------------------------------------------------------------


def cell_name(guest, domain, x, workload, rows):
    """The row of the list that is this cell."""
    for row in rows:
        settings = row.settings() or {}
        if row.batch == "matrix" and (settings.get("guest"), settings.get("domain"), settings.get("x"),
                                      settings.get("workload")) == (guest, domain, x, workload):
            return row.name
    return None


def cell(results, name, workload):
    if name not in results.good:
        # a row whose experiment file is not there yet
        return "*%s*" % (results.why_not(name) if name else "not run")
    rows = [row for _, row in results.good[name]]
    said = [(what, figure(rows, column, digits, scale)) for column, digits, scale, what in CELLS[workload]]
    return "[%s](%s/)" % (", ".join(what.format(words) for what, words in said if words), results.good[name][0][0]["run"])


def matrix_table(results, rows):
    lines = []
    for shape, domain, x in SHAPES:
        for guest, title in GUESTS:
            lines.append([shape, title] + [cell(results, cell_name(guest, domain, x, w, rows), w) for w in WORKLOADS])
    return table(["device", "guest"] + WORKLOADS, lines)


def matrix_part(results, rows):
    return ("## Decision matrix\n\nDevice shape and guest by workload. In each cell: steps a second of the window that is "
            "dragged about (its pauses leave 12.5\nat most); frames of the clip a second at the client, of 25 (`mixed`, where it "
            "plays for a third of the time: ms from one\nto the next; `gl`: pictures of the scene a second, and how many the guest "
            "drew); the share of the clip's redraws that\nwere streamed; bytes sent; times a minute that the guest ran out of "
            "graphics memory.\n\n" + matrix_table(results, rows))


def batch_part(results, batch, about, rows):
    mine = [row for row in rows if row.batch == batch]
    measured = [row for row in mine if row.name in results.good]
    shown = [c for c in COLUMNS if any(figure([r for _, r in results.good[row.name]], c[0], c[2]) for row in measured)]
    lines = []
    for row in mine:
        if row.name in results.good:
            there = [r for _, r in results.good[row.name]]
            lines.append([row.name, runs_of(results.good[row.name])] + [figure(there, c, d, s) for c, _, d, s in shown] +
                         [word(there, "death"), word(there, "refusal")])
        else:
            lines.append([row.name, "*%s*" % results.why_not(row.name)] + [""] * (len(shown) + 2))
    head = ["row", "runs"] + [title for _, title, _, _ in shown] + ["most streams ended by", "most redraws refused by"]
    return "## %s: %s\n\n%s" % (batch, about, table(head, lines))


def apart_part(results):
    worst = apart(results.good)
    lines = [[heading, "%.0f %%" % (100 * worst[c][0]), worst[c][1]] for c, heading, *_ in COLUMNS if c in worst]
    return ("## How far repeats lie apart\n\nThe row whose repeats differ most in a figure, and the least of them in % of the "
            "most. A row of one run has no spread\nof its own, one of two hardly: another run of them is within the spread, too, "
            "where it differs no more than this\n(`scripts/results.py agree`).\n\n" + table(["figure", "least of most", "row"], lines))


def distinct(facts, key):
    """Each value once, and which runs have it."""
    seen = {}
    for f in facts:
        seen.setdefault(key(f), []).append(f["run"])
    return ["- %s (%d run%s): %s" % (k, len(v), "s"[len(v) == 1:], ", ".join(sorted(v))) for k, v in sorted(seen.items())]


def host_of(f):
    host, versions = f["host"], f["versions"]
    version = " (%s)" % host["cpu_version"] if host.get("cpu_version") else ""
    return "%s on %s%s, %s cores, %.0f GiB, %s, kernel %s; spice %s, QEMU %s" % (
        "KVM" if f["accel"] == "kvm" else "emulation (TCG)", host.get("cpu"), version, host.get("cores"),
        host.get("memory", 0) / 2**30, host.get("distribution"), host.get("kernel"),
        versions.get("spice"), versions.get("qemu"))


def guest_of(f):
    guest = f["guest"]
    packages = ", ".join("%s %s" % p for p in sorted(guest.get("packages", {}).items()) if not p[0].startswith("linux-image"))
    return "%s, kernel %s: %s" % (guest.get("distribution"), guest.get("kernel"), packages or "versions not known")


def machines_part(results):
    facts = results.facts()
    hosts, guests = ("\n".join(distinct(facts, of)) or "none yet" for of in (host_of, guest_of))
    return ("## Hosts\n\nThe commit of spicetap that made a run is in its run.json.\n\n%s\n\n## Guests\n\n%s\n" % (hosts, guests))


def missing_part(results, rows):
    lines = [[f["run"], "failed", "; ".join(f["why"])] for f in results.failed]
    there = {f["run"] for f in results.facts() + results.failed}
    left = ["%s-%d" % (row.name, n) for row in rows for n in range(1, row.repeats + 1) if "%s-%d" % (row.name, n) not in there]
    out = "## Failed, and not run\n\n" + (table(["run", "", "why"], lines) if lines else "No run has failed.\n")
    return out + ("\nNot run (`make experiments` does): %s.\n" % ", ".join(left) if left else "")


def page(folder):
    results = Results(folder)
    rows, batches = runs.read_list()
    facts = results.facts()
    emulated = sum(f["accel"] != "kvm" for f in facts)
    parts = [HEADING + (EMULATED % (emulated, len(facts)) if emulated else ""), matrix_part(results, rows)]
    parts += [batch_part(results, batch, about, rows) for batch, about in batches.items()]
    return "\n".join(parts + [apart_part(results), machines_part(results), missing_part(results, rows)])


# ---- tables in other pages ---------------------------------------------------------------------

MADE = re.compile(r"(<!-- made by `make results`: (.*?) -->\n).*?(<!-- made -->)", re.S)


def filled(text, folder):
    """The text of a page of docs/, its marked tables made from the runs."""
    results, rows = Results(folder), runs.read_list()[0]

    def made(block):
        what, *names = block.group(2).split()
        lines = matrix_table(results, rows) if what == "matrix" else beside(results, names)
        return block.group(1) + "\n" + lines.replace("](", "](../results/") + "\n" + block.group(3)

    return MADE.sub(made, text)
