# SPDX-License-Identifier: GPL-2.0-or-later
"""results/README.md, and the marked tables of pages in docs/: made of results/*/ and the list of runs alone."""

import os
import re

from . import TOP, batchpages, citations, figures, hosts, read_text, runlist, store, tables

HEADING = """<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Made by `make results` from results/*/: do not edit. -->
# Results

How these runs are made, and what a column means: [docs/dev/experiments.md](../docs/dev/experiments.md).

A figure is the median of the repeats on one host, with the least and the most in brackets. The letter before it is
[the host](#hosts); runs of two hosts are never one figure. An empty figure was not measured.
"""
EMULATED = """
**Emulated guests.** {} of the {} runs below had no KVM: QEMU emulated the guest's processor. Every figure that depends
on speed (frames a second, intervals, OOMs a minute) is lower than on any real host. Streams may be missed because the
guest draws too slowly. What holds regardless: which test refused frames, which memory ran out, what was evicted, and
ratios between rows of one batch on one host.
"""
MATRIX = """## Decision matrix

Device and guest by workload. A cell has, for each host:

- the window's steps a second, in `desktop` and `mixed` (12.5 at most, because the workload pauses);
- the clip's frames a second at the client, of 25; in `mixed`, which plays it a third of the time, the ms between two;
- the scene's pictures a second at the client in `gl`, and how many the guest drew;
- the share of the clip's redraws that were streamed;
- the bytes sent, and how often a minute the guest ran out of graphics memory.

"""
APART = """## How far repeats lie apart

The row whose repeats on one host differ most in a figure, and the least of them in % of the most. A row of one or two
runs has no spread of its own: `scripts/results.py agree` is inconclusive there.

"""


def batch_lines(results, row, shown, known):
    """A line for each host that made the row."""
    if row.name not in results.good:
        yield [row.name, "", f"*{results.why_not(row.name)}*"] + [""] * (len(shown) + 2)
        return
    for mark, of_host in hosts.split(results.good[row.name], known):
        rows = figures.rows_of(of_host)
        runs = " ".join(f"[{facts['repeat']}]({facts['run']}/)" for facts, _ in of_host)
        cells = [figures.figure(rows, c.name, c.digits, c.scale) for c in shown]
        yield [row.name, mark, runs, *cells, figures.word(rows, "death"), figures.word(rows, "refusal")]


def batch_part(results, batch, about, rows):
    known = hosts.marks(results)
    mine = [row for row in rows if row.batch == batch]
    measured = [figures.of_workload(*run) for row in mine for run in results.good.get(row.name, ())]
    shown = [c for c in figures.COLUMNS if any(figures.value(row, c.name) is not None for row in measured)]
    lines = [line for row in mine for line in batch_lines(results, row, shown, known)]
    head = ["row", "host", "runs", *(c.heading for c in shown), "most streams ended by", "most redraws refused by"]
    return f"## {batch}: {about}\n\n{tables.table(head, lines)}"


def apart_part(results):
    known, rows = hosts.marks(results), {}
    for name, runs in results.good.items():
        for mark, of_host in hosts.split(runs, known):
            rows[f"{name} on {mark}"] = figures.rows_of(of_host)
    worst = figures.apart(rows)
    shown = [c for c in figures.COLUMNS if c.name in worst]
    lines = [[c.heading, f"{100 * worst[c.name][0]:.0f} %", worst[c.name][1]] for c in shown]
    return APART + tables.table(["figure", "least of most", "row"], lines)


# ---- hosts and guests --------------------------------------------------------------------------


def distinct(facts, of):
    """{what `of` says: the runs it is said of}."""
    seen = {}
    for f in facts:
        seen.setdefault(of(f), []).append(f["run"])
    return {k: sorted(v) for k, v in sorted(seen.items())}


def software_of(f):
    host, versions = f["host"], f["versions"]
    return (
        f"{host.get('memory', 0) / 2**30:.0f} GiB, {host.get('distribution')}, kernel {host.get('kernel')}; "
        f"spice {versions.get('spice')}, QEMU {versions.get('qemu')}"
    )


def guest_of(f):
    guest = f["guest"]
    versions = sorted(guest.get("packages", {}).items())
    packages = [f"{name} {version}" for name, version in versions if not name.startswith("linux-image")]
    return f"{guest.get('distribution')}, kernel {guest.get('kernel')}: {', '.join(packages) or 'versions not known'}"


def host_lines(results):
    for host, mark in sorted(hosts.marks(results).items(), key=lambda item: (len(item[1]), item[1])):
        mine = [f for f in results.facts() if hosts.key(f) == host]
        yield f"- **{mark}**: {hosts.describe(host)} ({tables.plural(len(mine), 'run')})"
        for software, runs in distinct(mine, software_of).items():
            yield f"  - {software}: {', '.join(runs)}"


def machines_part(results):
    guests = [
        f"- {guest} ({tables.plural(len(runs), 'run')}): {', '.join(runs)}"
        for guest, runs in distinct(results.facts(), guest_of).items()
    ]
    host_list, guest_list = ("\n".join(lines) or "none yet" for lines in (list(host_lines(results)), guests))
    return (
        "## Hosts\n\nThe letter before a figure. The commit of spicetap that made a run is in its run.json.\n\n"
        f"{host_list}\n\n## Guests\n\n{guest_list}\n"
    )


def missing_part(results, rows):
    lines = [[f["run"], "failed", "; ".join(f["why"])] for f in results.failed]
    there = {f["run"] for f in results.facts() + results.failed}
    wanted = [f"{row.name}-{n}" for row in rows for n in range(1, row.repeats + 1)]
    left = [run for run in wanted if run not in there]
    out = "## Failed, and not run\n\n" + (tables.table(["run", "", "why"], lines) if lines else "No run has failed.\n")
    return out + (f"\nNot run (`make experiments` does): {', '.join(left)}.\n" if left else "")


def page(folder):
    """results/README.md."""
    results = store.Results(folder)
    rows, batches = runlist.read()
    facts = results.facts()
    emulated = sum(f["accel"] != "kvm" for f in facts)
    parts = [
        HEADING + (EMULATED.format(emulated, len(facts)) if emulated else ""),
        *filter(None, [batchpages.overview(folder)]),
        MATRIX + tables.matrix(results, rows),
        *(batch_part(results, batch, about, rows) for batch, about in batches.items()),
        apart_part(results),
        machines_part(results),
        missing_part(results, rows),
    ]
    return "\n".join(parts)


# ---- tables in other pages ---------------------------------------------------------------------

MADE = re.compile(r"(<!-- made by `make results`: (.*?) -->\n).*?(<!-- made -->)", re.S)


def filled(path, folder):
    """The text of a page, its marked tables made from the runs."""
    results, rows = store.Results(folder), runlist.read()[0]
    way = os.path.relpath(folder, os.path.dirname(path))

    def made(block):
        what, *names = block.group(2).split()
        if what in batchpages.PARTS:
            lines, base = batchpages.part(folder, what, *names), f"{way}/{store.BATCHES}/{names[0]}"
        else:
            lines, base = tables.matrix(results, rows) if what == "matrix" else tables.beside(results, names), way
        return f"{block.group(1)}\n{lines.replace('](', f']({base}/')}\n{block.group(3)}"

    return MADE.sub(made, read_text(path))


def of_docs(folder):
    """The pages of docs/ that have marked tables or citations; none for results that are a trial's."""
    if os.path.realpath(folder) != os.path.realpath(os.path.join(TOP, "results")):
        return []
    paths = [os.path.join(place, name) for place, _, names in os.walk(os.path.join(TOP, "docs")) for name in names]
    texts = {path: read_text(path) for path in sorted(paths) if path.endswith(".md")}
    return [os.path.relpath(path) for path, text in texts.items() if MADE.search(text) or citations.CITED.search(text)]


def make(folder, paths):
    batchpages.make(folder)
    store.replace_file(os.path.join(folder, "README.md"), page(folder))
    for path in paths:
        store.replace_file(path, filled(path, folder))


def check(folder, paths=()):
    """What is wrong with results/ and these pages, a line each."""
    if read_text(os.path.join(folder, "README.md")) != page(folder):
        yield f"{os.path.basename(folder)}/README.md is not what its runs say: make results"
    yield from store.halves(folder)
    yield from batchpages.check(folder)
    for path in paths:
        if read_text(path) != filled(path, folder):
            yield f"{path} has a table that is not what the runs say: make results"
        for complaint in citations.check(read_text(path), folder):
            yield f"{path}: {complaint}"
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            for leak in store.leaks(read_text(path))[:3]:
                yield f"{os.path.relpath(path, folder)} identifies the machine it was made on: {leak}"
