#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of guest-configs/runs.list, and what of them is done.

Usage: runs.py plan RESULTS [--only PATTERN...] [--duration SECONDS]
           a line for each run, in the order they are made: RUN NAME STATE SECONDS SECONDS-LEFT
       runs.py list RESULTS [...]     the same to read, and how long the rest takes

A run is NAME-N, N the repeat. STATE is done, failed (refused twice; RESULTS/RUN says why) or todo: nothing
is there, or its settings are other ones, or it failed without a recording. PATTERN is a shell pattern of names of rows or of runs, or @BATCH.
"""
import argparse
import fnmatch
import json
import os
import re
import statistics
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONFIGS = os.path.join(TOP, "guest-configs")
DEFAULTS = {"duration": "600", "client": "meter", "server": "traced", "clip": "1024x768"}
OVERHEAD = 100  # seconds beside the recording, as long as no run has told: boot, start of the workload, checks


class Row:
    """One line of the list: `repeats` runs with the same settings."""

    def __init__(self, batch, name, repeats, experiment, changes):
        self.batch, self.name, self.repeats, self.experiment = batch, name, repeats, experiment
        self.changes = changes

    def settings(self, duration=None):
        """As scripts/experiment.sh has them; None where the experiment's file is not there."""
        path = os.path.join(CONFIGS, self.experiment + ".experiment")
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as f:
            words = [line.rstrip("\n") for line in f if re.match(r"[a-z]+=", line)]
        settings = dict(DEFAULTS, **dict(word.split("=", 1) for word in words + self.changes))
        if duration:
            settings["duration"] = str(duration)
        return settings


def read_list(path=None):
    """Rows and {batch: what it is about}; ValueError names the line that is wrong."""
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
                rows.append(read_row(words, batch, {r.name for r in rows}, "%s:%d" % (os.path.basename(path), number)))
    return rows, batches


def read_row(words, batch, names, where):
    if batch is None or len(words) < 3 or not re.fullmatch(r"[1-9]\d?", words[1]):
        raise ValueError("%s: not NAME REPEATS EXPERIMENT KEY=VALUE..., below a [batch]" % where)
    if words[0] in names:
        raise ValueError("%s: a second row named %s" % (where, words[0]))
    bad = [word for word in words[3:] if not re.match(r"[a-z]+=.", word)]
    if bad:
        raise ValueError("%s: not KEY=VALUE: %s" % (where, bad[0]))
    return Row(batch, words[0], int(words[1]), words[2], words[3:])


def option(line, name):
    """What follows an option in a command line; "" if nothing does."""
    return line[line.index(name) + 1] if name in line[:-1] else ""


def load(path):
    try:
        with open(path, encoding="utf-8") as f:
            return json.load(f)
    except (OSError, ValueError):
        return None


def same(one, other):
    """Settings, without what the experiment is about in words. A key that came after a run was made had its default."""
    one, other = ({**DEFAULTS, **settings, "about": ""} for settings in (one, other or {}))
    return one == other


def state(results, run, settings):
    there = load(os.path.join(results, run, "run.json"))
    if not there or settings is None or not same(there.get("settings", {}), settings):
        return "todo"
    # where there was no recording to judge, another time may be better
    return {"ok": "done", "refused": "failed"}.get(there.get("verdict"), "todo")


def wanted(row, repeat, patterns):
    run = "%s-%d" % (row.name, repeat)
    return not patterns or any(p == "@" + row.batch or fnmatch.fnmatchcase(row.name, p) or fnmatch.fnmatchcase(run, p)
                               for p in patterns)


def order(rows, patterns=()):
    """(row, repeat): the first of all rows, then the second of all, ..."""
    for repeat in range(1, max((r.repeats for r in rows), default=0) + 1):
        for row in rows:
            if repeat <= row.repeats and wanted(row, repeat, patterns):
                yield row, repeat


def overhead(results):
    """Median of what the runs that are there took beside their recording."""
    beside = []
    for run in os.listdir(results) if os.path.isdir(results) else ():
        there = load(os.path.join(results, run, "run.json"))
        if there and there.get("took") and there.get("seconds"):
            beside.append(there["took"] - there["seconds"])
    return statistics.median(beside) if beside else OVERHEAD


def plan(results, rows, patterns, duration):
    """(run, row, state, seconds of it, seconds left from its start on), in order."""
    runs, extra = [], overhead(results)
    for row, repeat in order(rows, patterns):
        settings = row.settings(duration)
        run = "%s-%d" % (row.name, repeat)
        seconds = int((settings or DEFAULTS)["duration"]) + extra
        runs.append([run, row, state(results, run, settings), round(seconds), 0])
    left = 0
    for item in reversed(runs):
        left += item[3] if item[2] == "todo" else 0
        item[4] = left
    return runs


def span(seconds):
    minutes = round(seconds / 60)
    return "%d h %02d min" % divmod(minutes, 60) if minutes >= 60 else "%d min" % minutes


def show(results, runs):
    batch = None
    for run, row, how, seconds, _ in runs:
        if row.batch != batch:
            batch = row.batch
            print("[%s]" % batch)
        there = load(os.path.join(results, run, "run.json")) if how == "failed" else None
        what = {"done": "done", "failed": "FAILED", "todo": "to do, about %s" % span(seconds)}[how]
        print("  %-28s %s%s" % (run, what, ": " + "; ".join(there["why"]) if there else ""))
    counts = {how: sum(r[2] == how for r in runs) for how in ("done", "failed", "todo")}
    print("%d done, %d failed, %d to do; about %s left" %
          (counts["done"], counts["failed"], counts["todo"], span(runs[0][4] if runs else 0)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["plan", "list"])
    parser.add_argument("results")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--duration", type=int)
    o = parser.parse_args()
    try:
        rows, _ = read_list()
    except ValueError as e:
        sys.exit("error: %s" % e)
    runs = plan(o.results, rows, o.only, o.duration)
    if not runs:
        sys.exit("error: no run is named %s: scripts/experiments.sh --list" % " ".join(o.only))
    if o.command == "list":
        show(o.results, runs)
    else:
        for run, row, how, seconds, left in runs:
            print(run, row.name, how, seconds, left)


if __name__ == "__main__":
    main()
