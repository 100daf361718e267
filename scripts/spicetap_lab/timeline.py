# SPDX-License-Identifier: GPL-2.0-or-later
"""A run second by second: a table (series.csv) and a picture (timeline.svg)."""

import json
import subprocess

from . import LabError

COLUMNS = ["second", "shown", "pictures", "stream_bytes", "drawing_bytes", "other_bytes", "ooms", "evicted", "streams"]
STREAM_DATA = {123, 316}  # spice-protocol: stream_data, stream_data_sized
DRAWINGS = {*range(302, 314), 318, 104}  # draw_fill to draw_alpha_blend, draw_composite, copy_bits
KINDS = "sent,evict,client_clip,client_picture"
SECOND = 10**9


def class_of(event):
    if event["channel"] == "display":
        if event["msg"] in STREAM_DATA:
            return "stream_bytes"
        if event["msg"] in DRAWINGS:
            return "drawing_bytes"
    return "other_bytes"


def count(seconds, event, start):
    at = (event["t"] - start) // SECOND
    if not 0 <= at < len(seconds):
        return
    row = seconds[at]
    if event["event"] == "sent":
        row[class_of(event)] += event["size"]
    elif event["event"] == "evict":
        row["evicted"] += 1
    elif event["event"] == "client_picture":
        row["pictures"] += 1
    elif event["event"] == "client_clip":
        row["shown"] += 1


def alive(explain, time):
    """Streams at that instant. One without a beginning or an end in the recording reaches beyond it."""
    return sum(s.get("born", 0) <= time and not (s.get("ended") and s["died"] <= time) for s in explain["streams"])


def tabulate(events, info, explain):
    """A row for each whole second of the recording."""
    start, end = info["run"]["window"]["from"], info["run"]["window"]["to"]
    seconds = [dict.fromkeys(COLUMNS, 0) for _ in range((end - start) // SECOND)]
    for event in events:
        count(seconds, event, start)
    for episode in explain["episodes"]:
        at = (episode["from"] - start) // SECOND
        if 0 <= at < len(seconds):
            seconds[at]["ooms"] += 1
    for n, row in enumerate(seconds):
        row["second"] = n
        row["streams"] = alive(explain, start + (n + 1) * SECOND - 1)
    return seconds


def series(bundle, spicetap, info, explain):
    command = [spicetap, "export", bundle, "--format", "jsonl", "--kind", KINDS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as export:
        events = (event for event in map(json.loads, export.stdout) if "t" in event and event["event"] != "loss")
        seconds = tabulate(events, info, explain)
    if export.returncode:
        raise LabError(f"{bundle} cannot be exported")
    return seconds


def as_csv(seconds):
    rows = [COLUMNS, *([row[c] for c in COLUMNS] for row in seconds)]
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


# ---- the picture -------------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, HEIGHT, GAP = 1000, 70, 20, 90, 34
CLIP, OTHER = "#1b7837", "#2166ac"
PANELS = [
    ("frames a second shown of the clip", [("shown", CLIP)], 1),
    (
        "MB a second: video (blue), drawings (orange), other (grey)",
        [("stream_bytes", OTHER), ("drawing_bytes", "#e08214"), ("other_bytes", "#888888")],
        1e6,
    ),
    ("times a second out of memory", [("ooms", "#b2182b")], 1),
    ("drawings a second evicted", [("evicted", "#762a83")], 1),
]
STREAMS = 24  # the longest streams are drawn, this many
STREAM_HEIGHT = 8
TICKS = (5, 10, 30, 60, 120, 300, 600)  # seconds


def text(x, y, words, size=12, anchor="start"):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}">{words}</text>'


def bars(seconds, columns, scale, top, step):
    """Stacked, one path a column; and the highest sum."""
    most = max((sum(row[c] for c, _ in columns) for row in seconds), default=0)
    out, below = [], [0.0] * len(seconds)
    for column, colour in columns:
        path = []
        for n, row in enumerate(seconds):
            high = row[column] / most * HEIGHT if most else 0
            if high >= 0.05:
                x, y = LEFT + n * step, top + HEIGHT - below[n]
                path.append(f"M{x:.1f} {y:.1f}h{step:.1f}v-{high:.1f}h-{step:.1f}z")
            below[n] += high
        if path:
            out.append(f'<path fill="{colour}" d="{"".join(path)}"/>')
    return out, most / scale


def panel(seconds, what, columns, scale, top, step):
    drawn, most = bars(seconds, columns, scale, top, step)
    axes = f'<path stroke="#444" fill="none" d="M{LEFT} {top}v{HEIGHT}h{WIDTH - LEFT - RIGHT}"/>'
    highest, lowest = (LEFT - 6, top + 10, f"{most:.3g}"), (LEFT - 6, top + HEIGHT, "0")
    return [text(LEFT, top - 6, what), *drawn, axes, text(*highest, 11, "end"), text(*lowest, 11, "end")]


def lives(explain, info, top, step):
    """A line for each stream, the clip's in green."""
    start, end = info["run"]["window"]["from"], info["run"]["window"]["to"]
    streams = explain["streams"]
    spans = [(max(s.get("born", start), start), s["died"] if s.get("ended") else end, s) for s in streams]
    spans = sorted(sorted(spans, key=lambda s: s[0] - s[1])[:STREAMS], key=lambda s: s[0])
    clip = (explain.get("clip") or {}).get("box")
    out = [text(LEFT, top - 6, f"streams alive (the clip's in green), {len(spans)} of {len(streams)}")]
    for n, (born, died, stream) in enumerate(spans):
        left, upper, right, lower = stream["box"]
        x, y = LEFT + (born - start) / SECOND * step, top + n * STREAM_HEIGHT
        wide = max((died - born) / SECOND * step, 1)
        colour = CLIP if clip and stream["box"] == clip else OTHER
        out.append(
            f'<rect x="{x:.1f}" y="{y}" width="{wide:.1f}" height="{STREAM_HEIGHT - 2}" fill="{colour}">'
            f"<title>{right - left}x{lower - upper}: {stream['cause']}</title></rect>"
        )
    return out, top + max(len(spans), 1) * STREAM_HEIGHT


def axis(length, top, step):
    every = next((e for e in TICKS if length / e <= 12), TICKS[-1])
    return [text(round(LEFT + s * step), top, f"{s} s", 11, "middle") for s in range(0, length + 1, every)]


def as_svg(run, seconds, info, explain):
    step = (WIDTH - LEFT - RIGHT) / max(len(seconds), 1)
    out, top = [text(LEFT, 20, run, 16)], 20 + GAP
    for what, columns, scale in PANELS:
        out += panel(seconds, what, columns, scale, top, step)
        top += HEIGHT + GAP
    drawn, top = lives(explain, info, top, step)
    body = "\n".join(out + drawn + axis(len(seconds), top + 16, step))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top + 28}" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )
