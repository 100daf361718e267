# SPDX-License-Identifier: GPL-2.0-or-later
"""The plateau of a row: from which factor of slow motion on its figures no longer depend on the factor.

An emulated guest is too slow for the server's constants. Slow motion by a factor N gives it N times as long. The
plateau begins at the smallest N at which
  - the guest's CPU is idle part of the time (IDLE), in each run;
  - no figure changes beyond its spread when N is doubled.
A figure changes beyond its spread where the medians of the two factors are further apart than the least and the most of
either, by more than one step of the last digit that the table shows, and by more than one event in a run. Two figures
change with the factor for ever, and do not count: NOT_FLAT.
"""

import os
from typing import NamedTuple

from . import LabError, batch, batchfile, figures, hosts, settings, store

FACTORS = (1, 2, 4, 8, 16, 32)
BLOCKS, SECONDS, SEED = 3, 60, 1
IDLE = 5  # % of the time; below it the guest may as well be short of time
SHOWN = ("clip_frames", "ooms_a_minute", "clip_time", "waited_share", "(events)", "idle")
# The guest is idle the longer, and waits for the server the shorter, the larger the factor: in slow motion the guest
# gets N times as long for its work, and so does the server.
NOT_FLAT = ("idle", "waited_share")


def columns():
    by_name = {column.name: column for column in figures.OF_A_BATCH}
    return [by_name[name] for name in SHOWN]


def find(name):
    """(experiment, changes) of BATCH/ROW, or of an experiment."""
    of_batch, slash, row_name = name.partition("/")
    if slash:
        row = batchfile.read(of_batch).row(row_name)
        if not row:
            raise LabError(f"the batch {of_batch} has no row named {row_name}")
        return row.experiment, [word for word in row.changes if word.split("=")[0] not in ("slowdown", "duration")]
    if not settings.path_of(name):
        raise LabError(f"no experiment named {name}; a row of a batch is BATCH/ROW")
    return name, []


def definition(name, changes=(), accel="tcg", factors=FACTORS):
    """The pilot of a row, as a batch: a row for each factor."""
    if accel == "kvm":
        raise LabError(f"no pilot of {name}: with KVM a guest has the speed of a real one, and there is no slow motion")
    experiment, of_row = find(name)
    changes = [*of_row, *changes]
    lines = [f"about=Where the plateau of {name} begins", f"seed={SEED}", f"blocks={BLOCKS}", f"duration={SECONDS}"]
    lines += [f"x{n} {experiment} {' '.join(changes)} slowdown={n}" for n in factors]
    title = "plateau-" + "-".join([name.replace("/", "-"), *(word.replace("=", "-") for word in changes[len(of_row):])])
    return batchfile.parse("\n".join(lines), title.lower(), f"the pilot of {name}")


def factor(of_settings):
    return float(of_settings.get("slowdown") or 1)


def apart_from_factor(of_settings):
    return {**settings.DEFAULTS, **of_settings, "about": "", "slowdown": "", "duration": ""}


def is_pilot(of):
    """True where the rows of a definition differ in the factor alone."""
    known = [apart_from_factor(row.settings) for row in of.rows]
    factors = {factor(row.settings) for row in of.rows}
    return len(factors) > 2 and len(factors) == len(known) and all(one == known[0] for one in known)


def one_event(column, rows):
    """How much one event more in a run changes the figure: an OOM more in 16 s is 3.75 a minute more."""
    return 60 / min(figures.value(row, "seconds") for row in rows) if column.name == "ooms_a_minute" else 0


def changed(column, slow, slower):
    """What of a figure changes beyond its spread when the factor is doubled, in words; "" if nothing does. None: no
    verdict, as one of the two has too few runs or not this figure in each."""
    values = [[figures.value(row, column.name) for row in rows] for rows in (slow, slower)]
    if any(None in v or len(v) < figures.MIN_RUNS for v in values):
        return None
    (a, b), step = (sorted(v) for v in values), column.scale * 10**-column.digits
    middle = [v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2 - 1] + v[len(v) // 2]) / 2 for v in (a, b)]
    allowed = max(a[-1] - a[0], b[-1] - b[0], step, one_event(column, [*slow, *slower]))
    if abs(middle[1] - middle[0]) <= allowed * (1 + 1e-9):  # 20.1 - 20.0 is a little more than 0.1
        return ""
    return "{} {} to {}".format(column.heading, *(f"{v / column.scale:.{column.digits}f}" for v in middle))


class Verdict(NamedTuple):
    """Of one factor: is the plateau there, and why not."""

    factor: float
    on: bool
    why: str


def judge(rows, n):
    """The Verdict on factor n. rows: {factor: rows of its good runs}."""
    slow, slower = rows[n], rows.get(2 * n, [])
    if min(len(slow), len(slower)) < figures.MIN_RUNS:
        return Verdict(n, False, f"not known: it takes {figures.MIN_RUNS} good runs of it and of its double")
    idle = [figures.value(row, "idle") for row in slow]
    if None in idle:
        return Verdict(n, False, "not known: the guest's idle time was not recorded")
    if min(idle) < IDLE:
        return Verdict(n, False, f"the guest is idle {min(idle):.0f} % of the time")
    flat = [column for column in columns() if column.name not in NOT_FLAT]
    moves = [changed(column, slow, slower) for column in flat]
    if all(move is None for move in moves):
        return Verdict(n, False, "not known: no figure is there in each run")
    why = "; ".join(move for move in moves if move)
    return Verdict(n, not why, why and f"doubled: {why}")


def rows_of(of):
    """{factor: rows of its good runs} of a pilot."""
    good = of.good()
    return {factor(row.settings): figures.rows_of(good[row.name].values()) for row in of.definition.rows}


def verdicts(of):
    rows = rows_of(of)
    return [judge(rows, n) for n in sorted(rows)]


def begins(of):
    """The factor at which the plateau begins; None if no factor of the pilot is on it."""
    return next((verdict.factor for verdict in verdicts(of) if verdict.on), None)


# ---- the pilot of a row ------------------------------------------------------------------------


def pilots(*folders):
    """The pilots among the batches in these folders."""
    for folder in folders:
        for name in store.folders(folder):
            if os.path.exists(os.path.join(folder, name, batch.MANIFEST)):
                of = batch.Batch(os.path.join(folder, name))
                if is_pilot(of.definition):
                    yield of


def of_row(of_settings, host, known):
    """(factor at which the row's plateau begins or None, the pilot) by a pilot of the same host; (None, None) if there
    is none. known: the pilots."""
    for pilot in known:
        same = apart_from_factor(pilot.definition.rows[0].settings) == apart_from_factor(of_settings)
        if same and hosts.key(pilot.manifest) == hosts.key(host):
            return begins(pilot), pilot
    return None, None
