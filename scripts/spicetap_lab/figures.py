# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of runs: a column's value, the spread of repeats, and whether a further repeat lies within it.

Every function here is given runs of one host (hosts.py)."""

import statistics
from typing import NamedTuple


class Column(NamedTuple):
    """A column of row.json. A name in () is worked out here."""

    name: str
    heading: str
    digits: int
    scale: float = 1


COLUMNS = tuple(
    Column(*c)
    for c in (
        ("seconds", "s", 0),
        ("ooms_a_minute", "OOM/min", 1),
        ("still_share", "still %", 2),
        ("waited_share", "waited %", 2),
        ("(evicted)", "evicted/min", 1),
        ("(streams)", "streams/min", 1),
        ("life", "life s", 1),
        ("clip_streamed", "clip streamed %", 0),
        ("clip_time", "of its time %", 0),
        ("clip_frames", "frames/s", 1),
        ("interval_median", "interval ms", 0),
        ("interval_p95", "p95 ms", 0),
        ("longest_freeze", "freeze s", 1),
        ("age_median", "age ms", 0),
        ("age_p95", "p95 ms", 0),
        ("torn", "torn %", 1),
        ("ssim", "SSIM %", 1),
        ("put_off", "put off s", 1),
        ("decode", "decode ms", 1),
        ("decode_p95", "p95 ms", 0),
        ("stream_bytes", "video MB/s", 2, 1e6),
        ("drawing_bytes", "drawings MB/s", 2, 1e6),
        ("other_bytes", "other kB/s", 1, 1e3),
        ("worker_cpu", "worker %", 0),
        ("lost", "lost", 0),
    )
)
OF_A_BATCH = (
    *COLUMNS,
    *(
        Column(*c)
        for c in (
            ("net_test", "net test Mbit/s", 0),
            ("first_rate", "first rate Mbit/s", 1),
            ("least_rate", "least rate Mbit/s", 1),
            ("skipped", "skipped %", 0),
            ("delay_asked", "delay asked s", 1),
            ("delay_ordered", "delay ordered s", 1),
            ("press_median", "press to picture ms", 0),
            ("press_p95", "p95 ms", 0),
            ("press_unanswered", "unanswered", 0),
            ("(draws)", "draws/s", 1),
            ("(events)", "events/s", 0),
            ("idle", "guest idle %", 0),
        )
    ),
)
NOT_OF_A_REPEAT = ("seconds", "lost")
A_SECOND = {"(events)": "events", "(draws)": "draws"}
A_MINUTE = {"(evicted)": "evicted", "(streams)": "streams"}
# per shown frame of the clip: of which column, and the seconds that this column counts
A_FRAME = {
    "(frame's bytes)": ("(bytes)", 1),
    "(frame's OOM)": ("ooms_a_minute", 60),
    "(frame's evicted)": ("(evicted)", 60),
}
# Columns that mean nothing in a workload: `mixed` shows the clip for a third of the time, and what would be taken for
# the clip elsewhere is a terminal or the scene.
SAYS_NOTHING = {
    "desktop": (
        "clip_streamed",
        "clip_time",
        "clip_frames",
        "interval_median",
        "interval_p95",
        "longest_freeze",
        "age_median",
        "age_p95",
        "torn",
        "refusal",
    ),
    "mixed": ("clip_frames", "longest_freeze"),
    "gl": ("clip_streamed", "clip_time", "age_median", "age_p95", "torn", "refusal"),
}
MIN_RUNS = 3  # fewer runs have no spread
WITHIN, OUTSIDE, INCONCLUSIVE = "", "OUTSIDE", "INCONCLUSIVE"


def of_workload(facts, row):
    """The row without the columns that mean nothing in its workload, and with what run.json has of the guest and of the
    recording. `done` is what the guest got done a second: steps of the dragged window, or frames of the GL scene."""
    workload = facts["settings"]["workload"]
    more = {
        "done": facts["guest"].get("work_a_second") if workload != "video" else None,
        "idle": facts["guest"].get("idle_share"),
        "events": facts.get("events"),
        "draws": facts.get("draws"),
    }
    row = {k: v for k, v in row.items() if k not in SAYS_NOTHING.get(workload, ())}
    return row | {k: {"median": v} for k, v in more.items() if v is not None}


def rows_of(runs):
    return [of_workload(facts, row) for facts, row in runs]


def value(row, column):
    """A column's figure in one run, or None."""
    if column in A_MINUTE:
        count, seconds = value(row, A_MINUTE[column]), value(row, "seconds")
        return None if count is None or not seconds else count * 60 / seconds
    if column in A_SECOND:
        count, seconds = value(row, A_SECOND[column]), value(row, "seconds")
        return None if count is None or not seconds else count / seconds
    if column == "(bytes)":
        parts = [value(row, c) for c in ("stream_bytes", "drawing_bytes", "other_bytes")]
        return None if None in parts else sum(parts)
    if column in A_FRAME:
        count, frames = value(row, A_FRAME[column][0]), value(row, "clip_frames")
        return None if count is None or not frames else count / A_FRAME[column][1] / frames
    figure = row.get(column)
    return figure["median"] if figure else None


def spread(rows, column, digits, scale=1):
    """The median, least and most of the repeats as words; empty ones where one of them has no figure."""
    values = [value(row, column) for row in rows]
    if not values or None in values:
        return "", "", ""
    return tuple(f"{v / scale:.{digits}f}" for v in (statistics.median(values), min(values), max(values)))


def figure(rows, column, digits, scale=1):
    middle, least, most = spread(rows, column, digits, scale)
    return middle if len(rows) < 2 or not middle else f"{middle} ({least}–{most})"


def word(rows, column):
    """The word that all repeats have, else each of them."""
    return "/".join(sorted({row.get(column) or "-" for row in rows})).replace("_", " ").strip("-")


def apart(rows_by_name):
    """{column: (least / most, name)} of the row whose repeats differ most in it."""
    worst = {}
    for name, rows in rows_by_name.items():
        for column in (c.name for c in COLUMNS if c.name not in NOT_OF_A_REPEAT):
            values = [value(row, column) for row in rows]
            if len(values) > 1 and None not in values and max(values) > 0:
                worst[column] = min(worst.get(column, (1, name)), (min(values) / max(values), name))
    return worst


class Judged(NamedTuple):
    heading: str
    figure: str
    least: str
    most: str
    verdict: str
    why: str = ""


def judge(values, new):
    """The verdict on one figure, and why. Within: no further outside the least and the most than these are apart."""
    if new is None:
        return INCONCLUSIVE, "not measured in this run"
    if None in values:
        return INCONCLUSIVE, "not measured in every run of the row"
    if len(values) < MIN_RUNS:
        return INCONCLUSIVE, f"{len(values)} {'run has' if len(values) == 1 else 'runs have'} no spread"
    least, most = min(values), max(values)
    return (WITHIN if 2 * least - most <= new <= 2 * most - least else OUTSIDE), ""


def agreement(rows, repeat):
    """A verdict for each figure of a further repeat. A figure that nobody measured is left out."""
    for column in COLUMNS:
        values, new = [value(row, column.name) for row in rows], value(repeat, column.name)
        if column.name in NOT_OF_A_REPEAT or all(v is None for v in (new, *values)):
            continue
        verdict, why = judge(values, new)
        known = [v for v in values if v is not None]
        ends = (new, min(known), max(known)) if known else (new, None, None)
        # One digit more than the tables: a figure that is outside must not look like one that is within.
        shown = ["-" if v is None else f"{v / column.scale:.{column.digits + 1}f}" for v in ends]
        yield Judged(column.heading, *shown, verdict, why)
