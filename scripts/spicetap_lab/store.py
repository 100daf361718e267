# SPDX-License-Identifier: GPL-2.0-or-later
"""results/RUN/: what is kept of a run. A folder appears whole or not at all; half a row is never a result.

run.json says what a folder is. Its verdict is `ok` (a row), `refused` or `failed` (the reasons instead of figures).
"""

import json
import os
import re
import shutil
import socket

from . import read_json, read_text

OF_A_ROW = ("run.json", "row.json", "explain.json", "explain.txt", "info.txt", "series.csv", "timeline.svg")
BATCHES = "batches"  # in results/: a folder for each batch, whose runs are no runs of results/ itself
# Folders that every machine has. Of any other path only the last part is kept.
PLAIN_ROOTS = "usr|opt|etc|dev|proc|sys|boot|lib|bin|sbin"
PATH = re.compile(rf"(?<![\w./:~])/(?!(?:{PLAIN_ROOTS})/)(?:[\w.@+,=-]+/)+([\w.@+,=-]*)")


def scrub(text):
    """The text without this machine's paths."""
    return PATH.sub(r".../\1", text)


def leaks(text):
    """What in a text identifies the machine: its paths and its name."""
    found = [m.group(0) for m in PATH.finditer(text)]
    host = socket.gethostname()
    if len(host) > 4 and host != "localhost" and re.search(rf"\b{re.escape(host)}\b", text):
        found.append(host)
    return found


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write(scrub(text))
        f.flush()
        os.fsync(f.fileno())


def write_json(folder, name, value):
    write(folder, name, json.dumps(value, separators=(",", ":"), sort_keys=True) + "\n")


def replace_file(path, text):
    """Writes a page aside, then renames it."""
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".new", path)


class Folder:
    """A folder that is filled aside, under a name that no reader looks at, and renamed when it is whole."""

    def __init__(self, path):
        self.path = path.rstrip("/")
        parent, name = os.path.split(self.path)
        self.new, self.old = os.path.join(parent, f".new-{name}"), os.path.join(parent, f".old-{name}")

    def __enter__(self):
        shutil.rmtree(self.new, ignore_errors=True)
        os.makedirs(self.new)
        return self.new

    def __exit__(self, kind, value, trace):
        if kind is not None:
            shutil.rmtree(self.new, ignore_errors=True)
            return
        shutil.rmtree(self.old, ignore_errors=True)
        if os.path.isdir(self.path):
            os.rename(self.path, self.old)
        os.rename(self.new, self.path)
        shutil.rmtree(self.old, ignore_errors=True)


def folders(results):
    """The names of the runs in results/, in order."""
    if not os.path.isdir(results):
        return []
    names = sorted(os.listdir(results))
    return [n for n in names if n[0] != "." and n != BATCHES and os.path.isdir(os.path.join(results, n))]


def path_of(run):
    """Where in results/ a run lies that is named ROW-N or BATCH/ROW-BLOCK."""
    return os.path.join(BATCHES, run) if "/" in run else run


def missing(folder):
    """The files of a row that a folder has not, or that are empty or no JSON: it is half a row then."""
    bad = []
    for name in OF_A_ROW:
        path = os.path.join(folder, name)
        whole = read_json(path) is not None if name.endswith(".json") else bool(read_text(path))
        if not whole:
            bad.append(name)
    return bad


def halves(results):
    """What is wrong with folders that an interruption left behind: a line each."""
    for run in folders(results):
        facts = read_json(os.path.join(results, run, "run.json"))
        lacks = missing(os.path.join(results, run)) if not facts or facts.get("verdict") == "ok" else []
        if lacks:
            yield f"{run} is half a row: {', '.join(lacks)} missing or damaged; make experiments makes the run again"
    for name in sorted(os.listdir(results)) if os.path.isdir(results) else ():
        if name.startswith((".new-", ".old-")):
            yield f"{name} is what an interrupted `keep` left: remove it"


class Results:
    """What results/ has: `good` {row's name: its rows}, and `failed`, the run.json of runs without figures.

    A row is (run.json, row.json)."""

    def __init__(self, folder):
        self.good, self.failed = {}, []
        for run in folders(folder):
            path = os.path.join(folder, run)
            facts = read_json(os.path.join(path, "run.json"))
            if not facts:
                continue
            if facts["verdict"] != "ok":
                self.failed.append(facts)
                continue
            lacks = missing(path)
            if lacks:
                self.failed.append({**facts, "verdict": "failed", "why": [f"half a row: no {', '.join(lacks)}"]})
            else:
                self.good.setdefault(facts["name"], []).append((facts, read_json(os.path.join(path, "row.json"))))

    def runs(self, name):
        """The runs of that row; by a run's own name that run alone."""
        return [r for there in self.good.values() for r in there if name in (r[0]["name"], r[0]["run"])]

    def facts(self):
        return [facts for row in self.good.values() for facts, _ in row]

    def why_not(self, name):
        """Why a row has no figure."""
        failed = [f for f in self.failed if f["name"] == name]
        return "failed: " + "; ".join(failed[0]["why"]) if failed else "not run"
