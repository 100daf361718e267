# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables in Markdown: rows side by side, and the decision matrix. No cell mixes the runs of two hosts."""

from typing import NamedTuple

from . import figures, hosts

WORKLOADS = ("desktop", "mixed", "video", "gl")
SHAPES = (
    ("QXL, X's `qxl` driver", "qxl.xml", "qxl"),
    ("QXL, X's `modesetting`", "qxl.xml", "modesetting"),
    ("virtio-vga", "virtio-vga.xml", "modesetting"),
    ("virtio-vga-gl (virgl)", "virtio-vga-gl.xml", "modesetting"),
)
GUESTS = (("debian11", "Debian 11"), ("debian13", "Debian 13"))


class Line(NamedTuple):
    """A line of `beside`."""

    column: str
    heading: str
    digits: int
    scale: float = 1


BESIDE = tuple(
    Line(*line)
    for line in (
        ("done", "what the guest got done a second: steps of a window, frames of a scene", 1),
        ("clip_frames", "frames of the clip shown a second", 1),
        ("interval_median", "ms between them, median", 0),
        ("interval_p95", "ms between them, 95th percentile", 0),
        ("longest_freeze", "longest freeze, s", 1),
        ("age_median", "ms that the picture was behind, median", 0),
        ("age_p95", "ms that the picture was behind, 95th percentile", 0),
        ("torn", "of the time the picture was torn, %", 1),
        ("ssim", "likeness of the picture to the clip's frame (SSIM), %", 1),
        ("clip_streamed", "of the clip's pixels sent as video, %", 0),
        ("(bytes)", "MB/s sent", 1, 1e6),
        ("(frame's bytes)", "kB sent for each frame shown", 0, 1e3),
        ("decode", "decode latency of a picture, mean ms", 1),
        ("worker_cpu", "the server's worker, % of a core", 0),
        ("ooms_a_minute", "OOM a minute", 0),
        ("(frame's OOM)", "OOM for each frame shown", 2),
        ("(evicted)", "drawings evicted a minute", 0),
        ("(frame's evicted)", "drawings evicted for each frame shown", 2),
    )
)


class Part(NamedTuple):
    """A figure in a cell of the matrix, in words."""

    column: str
    digits: int
    scale: float
    words: str


ALWAYS = (Part("(bytes)", 1, 1e6, "{} MB/s"), Part("ooms_a_minute", 1, 1, "{} OOM/min"))
MOVES, STREAMED = Part("done", 1, 1, "{} moves/s"), Part("clip_streamed", 0, 1, "{} % of the clip streamed")
CELLS = {
    "desktop": (MOVES, *ALWAYS),
    "mixed": (MOVES, Part("interval_median", 0, 1, "{} ms between pictures"), STREAMED, *ALWAYS),
    "video": (Part("clip_frames", 1, 1, "{} frames/s"), STREAMED, *ALWAYS),
    "gl": (Part("clip_frames", 1, 1, "{} pictures/s shown"), Part("done", 1, 1, "{} drawn"), *ALWAYS),
}


def escaped(text):
    return text.replace("|", "\\|").replace("\n", " ")


def plural(number, word):
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def table(head, lines):
    cells = ["| " + " | ".join(escaped(cell) for cell in line) + " |" for line in lines]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *cells]) + "\n"


# ---- rows side by side -------------------------------------------------------------------------


def ends(rows, line):
    """The least and the most of the repeats; one figure where they are the same."""
    _, least, most = figures.spread(rows, line.column, line.digits, line.scale)
    return least if least == most else f"{least} to {most}"


def beside(results, names):
    """Rows, or single runs, side by side on each host that made them. A figure that none has is left out."""
    known = hosts.marks(results)
    by_host = {}  # the first host is that of the first row
    for name in names:
        for mark, of_host in hosts.split(results.runs(name), known):
            by_host.setdefault(mark, []).append((name, of_host))
    heads, columns, used = [], [], {}
    for mark, rows in by_host.items():
        used[mark] = hosts.describe(hosts.key(rows[0][1][0][0]))
        for name, of_host in rows:
            title = f"{name} (n={len(of_host)})" if name in results.good else f"[{name}]({name}/)"
            heads.append(f"{mark}: {title}")
            columns.append(figures.rows_of(of_host))
    for name in names:
        if not results.runs(name):
            heads.append(f"{name} (n=0)")
            columns.append([])
    lines = [[line.heading, *(ends(rows, line) for rows in columns)] for line in BESIDE]
    legend = "; ".join(f"**{mark}** {host}" for mark, host in sorted(used.items()))
    out = table(["", *heads], [line for line in lines if any(line[1:])])
    return f"{out}\nHosts: {legend}.\n" if used else out


# ---- the decision matrix -----------------------------------------------------------------------


def cell_name(guest, domain, x, workload, rows):
    """The row of the list that is this cell."""
    wanted = {"guest": guest, "domain": domain, "x": x, "workload": workload}
    for row in rows:
        if row.batch == "matrix" and wanted.items() <= row.settings().items():
            return row.name
    return None


def cell(results, name, workload, known):
    """The figures of each host that made the row, a line each, behind the host's mark."""
    if name not in results.good:
        return f"*{results.why_not(name) if name else 'not run'}*"
    lines = []
    for mark, of_host in hosts.split(results.good[name], known):
        rows = figures.rows_of(of_host)
        parts = [(p.words, figures.figure(rows, p.column, p.digits, p.scale)) for p in CELLS[workload]]
        said = ", ".join(words.format(figure) for words, figure in parts if figure)
        lines.append(f"{mark}: [{said}]({of_host[0][0]['run']}/)")
    return "<br>".join(lines)


def matrix(results, rows):
    known, lines = hosts.marks(results), []
    for shape, domain, x in SHAPES:
        for guest, title in GUESTS:
            names = [cell_name(guest, domain, x, w, rows) for w in WORKLOADS]
            cells = [cell(results, name, w, known) for name, w in zip(names, WORKLOADS, strict=True)]
            lines.append([shape, title, *cells])
    return table(["device", "guest", *WORKLOADS], lines)
