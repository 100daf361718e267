# SPDX-License-Identifier: GPL-2.0-or-later
"""guest-configs/runs.list: the rows, and which of their runs are done.

A run is NAME-N, N the repeat. Its state is
  done     results/ has a whole row with these settings
  failed   it was refused twice; its run.json has the reasons
  todo     nothing is there, it has other settings, it is half a row, or it left no recording
"""

import fnmatch
import os
import re
import statistics
from dataclasses import dataclass

from . import CONFIGS, LabError, read_json, settings, store

OVERHEAD = 100  # seconds beside the recording (boot, start of the workload, checks) as long as no run has told


@dataclass(frozen=True)
class Row:
    """One line of the list: `repeats` runs with the same settings."""

    batch: str
    name: str
    repeats: int
    experiment: str
    changes: tuple = ()

    def settings(self, duration=None):
        path = settings.path_of(self.experiment)
        if not path:
            raise LabError(f"{self.name}: there is no guest-configs/{self.experiment}.experiment")
        more = [f"duration={duration}"] if duration else []
        try:
            return settings.resolve(path, [*self.changes, *more], self.name)
        except LabError as e:
            raise LabError(f"runs.list, row {self.name}: {e}") from None


def read_row(words, batch, names, where):
    if batch is None or len(words) < 3 or not re.fullmatch(r"[1-9]\d?", words[1]):
        raise LabError(f"{where}: not NAME REPEATS EXPERIMENT KEY=VALUE..., below a [batch]")
    if words[0] in names:
        raise LabError(f"{where}: a second row named {words[0]}")
    bad = [word for word in words[3:] if not re.match(r"[a-z]+=.", word)]
    if bad:
        raise LabError(f"{where}: not KEY=VALUE: {bad[0]}")
    return Row(batch, words[0], int(words[1]), words[2], tuple(words[3:]))


def read(path=None):
    """The rows and {batch: what it is about}; LabError names the line that is wrong."""
    path = path or os.path.join(CONFIGS, "runs.list")
    rows, batches, batch = [], {}, None
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            words = line.split("#", 1)[0].split()
            head = re.match(r"\[([a-z]+)\] *(.*)$", line)
            if head:
                batch = head.group(1)
                batches[batch] = head.group(2)
            elif words:
                where = f"{os.path.basename(path)}:{number}"
                rows.append(read_row(words, batch, {r.name for r in rows}, where))
    return rows, batches


def find(name, kinds=("experiment",)):
    """The settings' file behind the name of an experiment or of a row, and what the row changes in it."""
    path = settings.path_of(name, kinds)
    if path:
        return path, ()
    row = next((row for row in read()[0] if row.name == name), None)
    path = settings.path_of(row.experiment) if row else None
    return (path, row.changes) if path else (None, ())


def state(results, run, wanted):
    there = read_json(os.path.join(results, run, "run.json"))
    if not there or not settings.same(there.get("settings", {}), wanted):
        return "todo"
    if there.get("verdict") == "ok":
        return "todo" if store.missing(os.path.join(results, run)) else "done"
    # Without a recording there was nothing to judge: another try may do better.
    return "failed" if there.get("verdict") == "refused" else "todo"


def wanted(row, repeat, patterns):
    names = (row.name, f"{row.name}-{repeat}")
    return not patterns or any(
        p == f"@{row.batch}" or any(fnmatch.fnmatchcase(name, p) for name in names) for p in patterns
    )


def order(rows, patterns=()):
    """(row, repeat): the first repeat of all rows, then the second of those that have one, ..."""
    for repeat in range(1, max((r.repeats for r in rows), default=0) + 1):
        for row in rows:
            if repeat <= row.repeats and wanted(row, repeat, patterns):
                yield row, repeat


def overhead(results):
    """Median of what the runs that are there took beside their recording."""
    beside = []
    for run in store.folders(results):
        there = read_json(os.path.join(results, run, "run.json"))
        if there and there.get("took") and there.get("seconds"):
            beside.append(there["took"] - there["seconds"])
    return statistics.median(beside) if beside else OVERHEAD


@dataclass
class Planned:
    run: str
    row: Row
    state: str
    seconds: int
    left: int = 0  # seconds from its start to the end of the list


def plan(results, rows, patterns, duration):
    """The runs in the order in which they are made."""
    runs, extra = [], overhead(results)
    for row, repeat in order(rows, patterns):
        row_settings = row.settings(duration)
        run = f"{row.name}-{repeat}"
        seconds = round(int(row_settings["duration"]) + extra)
        runs.append(Planned(run, row, state(results, run, row_settings), seconds))
    left = 0
    for item in reversed(runs):
        left += item.seconds if item.state == "todo" else 0
        item.left = left
    return runs


def span(seconds):
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def show(results, runs):
    """The plan as lines to read."""
    batch = None
    for item in runs:
        if item.row.batch != batch:
            batch = item.row.batch
            yield f"[{batch}]"
        what = {"done": "done", "failed": "FAILED", "todo": f"to do, about {span(item.seconds)}"}[item.state]
        if item.state == "failed":
            what += ": " + "; ".join(read_json(os.path.join(results, item.run, "run.json"))["why"])
        yield f"  {item.run:<28} {what}"
    count = {state: sum(r.state == state for r in runs) for state in ("done", "failed", "todo")}
    left = span(runs[0].left if runs else 0)
    yield f"{count['done']} done, {count['failed']} failed, {count['todo']} to do; about {left} left"
