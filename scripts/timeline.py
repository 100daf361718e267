#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A run second by second, as a table and as a picture. Used by results.py."""
import json
import subprocess

COLUMNS = ["second", "shown", "pictures", "stream_bytes", "drawing_bytes", "other_bytes", "ooms", "evicted", "streams"]
STREAM_DATA = {123, 316}  # spice-protocol: stream_data, stream_data_sized
DRAWINGS = {*range(302, 314), 318, 104}  # draw_fill to draw_alpha_blend, draw_composite, copy_bits
KINDS = "sent,evict,client_clip,client_picture"


def class_of(event):
    if event["channel"] != "display":
        return "other_bytes"
    return "stream_bytes" if event["msg"] in STREAM_DATA else "drawing_bytes" if event["msg"] in DRAWINGS else "other_bytes"


def count(seconds, event, start):
    at = (event["t"] - start) // 10**9
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
    """Streams at that instant; one without beginning or end in the recording reaches beyond it."""
    return sum(s.get("born", 0) <= time and not (s.get("ended") and s["died"] <= time) for s in explain["streams"])


def tabulate(events, info, explain):
    """A row for each whole second of the recording."""
    start, end = info["run"]["window"]["from"], info["run"]["window"]["to"]
    seconds = [dict.fromkeys(COLUMNS, 0) for _ in range((end - start) // 10**9)]
    for event in events:
        count(seconds, event, start)
    for episode in explain["episodes"]:
        at = (episode["from"] - start) // 10**9
        if 0 <= at < len(seconds):
            seconds[at]["ooms"] += 1
    for n, row in enumerate(seconds):
        row["second"] = n
        row["streams"] = alive(explain, start + (n + 1) * 10**9 - 1)
    return seconds


def series(bundle, spicetap, info, explain):
    command = [spicetap, "export", bundle, "--format", "jsonl", "--kind", KINDS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as export:
        seconds = tabulate((e for e in map(json.loads, export.stdout) if "t" in e and e["event"] != "loss"), info, explain)
    if export.returncode:
        raise SystemExit("error: %s cannot be exported" % bundle)
    return seconds


def as_csv(seconds):
    return "".join(",".join(map(str, row)) + "\n" for row in [COLUMNS] + [[r[c] for c in COLUMNS] for r in seconds])


# ---- the picture -------------------------------------------------------------------------------

WIDTH, LEFT, RIGHT, HEIGHT, GAP = 1000, 70, 20, 90, 34
PANELS = [("frames a second shown of the clip", [("shown", "#1b7837")], 1),
          ("MB a second: video (blue), drawings (orange), other (grey)",
           [("stream_bytes", "#2166ac"), ("drawing_bytes", "#e08214"), ("other_bytes", "#888888")], 1e6),
          ("times a second out of memory", [("ooms", "#b2182b")], 1),
          ("drawings a second evicted", [("evicted", "#762a83")], 1)]
STREAMS = 24  # so many are drawn, the longest
STREAM_HEIGHT = 8


def text(x, y, words, size=12, anchor="start"):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return '<text x="%d" y="%d" font-size="%d" text-anchor="%s">%s</text>' % (x, y, size, anchor, words)


def bars(seconds, columns, scale, top, step):
    """Stacked, one path a column; and the highest sum."""
    most = max([sum(row[c] for c, _ in columns) for row in seconds] + [0])
    out, below = [], [0.0] * len(seconds)
    for column, colour in columns:
        path = []
        for n, row in enumerate(seconds):
            high = row[column] / most * HEIGHT if most else 0
            if high >= 0.05:
                path.append("M%.1f %.1fh%.1fv-%.1fh-%.1fz" % (LEFT + n * step, top + HEIGHT - below[n], step, high, step))
            below[n] += high
        if path:
            out.append('<path fill="%s" d="%s"/>' % (colour, "".join(path)))
    return out, most / scale


def panel(seconds, what, columns, scale, top, step):
    drawn, most = bars(seconds, columns, scale, top, step)
    return [text(LEFT, top - 6, what), *drawn,
            '<path stroke="#444" fill="none" d="M%d %dv%dh%d"/>' % (LEFT, top, HEIGHT, WIDTH - LEFT - RIGHT),
            text(LEFT - 6, top + 10, "%.3g" % most, 11, "end"), text(LEFT - 6, top + HEIGHT, "0", 11, "end")]


def lives(explain, info, top, step):
    """A line for each stream, the clip's in green."""
    start, end = info["run"]["window"]["from"], info["run"]["window"]["to"]
    spans = [(max(s.get("born", start), start), s["died"] if s.get("ended") else end, s) for s in explain["streams"]]
    spans = sorted(sorted(spans, key=lambda s: s[0] - s[1])[:STREAMS], key=lambda s: s[0])
    clip = (explain.get("clip") or {}).get("box")
    out = [text(LEFT, top - 6, "streams alive (the clip's in green), %d of %d" % (len(spans), len(explain["streams"])))]
    for n, (born, died, stream) in enumerate(spans):
        out.append('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s: %s</title></rect>' % (
            LEFT + (born - start) / 1e9 * step, top + n * STREAM_HEIGHT, max((died - born) / 1e9 * step, 1), STREAM_HEIGHT - 2,
            "#1b7837" if clip and stream["box"] == clip else "#2166ac",
            "%dx%d" % (stream["box"][2] - stream["box"][0], stream["box"][3] - stream["box"][1]), stream["cause"]))
    return out, top + max(len(spans), 1) * STREAM_HEIGHT


def axis(length, top, step):
    every = next((e for e in (5, 10, 30, 60, 120, 300) if length / e <= 12), 600)
    return [text(round(LEFT + s * step), top, "%d s" % s, 11, "middle") for s in range(0, length + 1, every)]


def as_svg(run, seconds, info, explain):
    step = (WIDTH - LEFT - RIGHT) / max(len(seconds), 1)
    out, top = [text(LEFT, 20, run, 16)], 20 + GAP
    for what, columns, scale in PANELS:
        out += panel(seconds, what, columns, scale, top, step)
        top += HEIGHT + GAP
    drawn, top = lives(explain, info, top, step)
    out += drawn + axis(len(seconds), top + 16, step)
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif">'
            '<rect width="100%%" height="100%%" fill="white"/>\n%s\n</svg>\n' % (WIDTH, top + 28, "\n".join(out)))
