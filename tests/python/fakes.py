# SPDX-License-Identifier: GPL-2.0-or-later
"""An experiment and a `spicetap` that are forged: runs take no time, and their answers are known.

Files in the folder steer them: does/ROW-BLOCK (or does/ROW) has what a run does, a word for each of its attempts; the
last one stays. figures/ROW has JSON figures of its row.
"""

import json
import os
import sys
from unittest import mock

import forged
from spicetap_lab import TOP, batchfile, bundle, store

EXPERIMENT = """#!%(python)s -ES
import os, signal, sys, time
sys.path.insert(0, %(scripts)r)
from spicetap_lab import settings
import json
here, to = %(here)r, os.environ["SPICETAP_RUN"]
run = os.path.basename(to).rsplit("-", 2)[0]
before = open(here + "/made").read().split().count(run) if os.path.exists(here + "/made") else 0
def cleaned(*_):
    open(here + "/made", "a").write("cleaned\\n")
    sys.exit(143)
signal.signal(signal.SIGTERM, cleaned)
open(here + "/made", "a").write(run + "\\n")
words = ["ok"]
for name in (run, run.rsplit("-", 1)[0]):
    path = here + "/does/" + name
    if os.path.exists(path):
        words = open(path).read().split()
        break
does = words[min(before, len(words) - 1)]
print("error: no such device" if does == "break" else "the guest boots", flush=True)
if does == "break": sys.exit(1)
os.makedirs(to)
if does == "sleep": time.sleep(60)
settings.SETTINGS.setdefault("slowdown", settings.Setting("slowdown"))
wanted = settings.resolve(settings.path_of(sys.argv[1]), sys.argv[2:], "fake")
if does == "other": wanted["ram"] = "9"
why = ["the workload did not run"] if does == "refuse" else []
verdict = "refused" if why else "ok"
json.dump({"name": sys.argv[1], "verdict": verdict, "why": why, "settings": wanted}, open(to + "/experiment.json", "w"))
sys.exit(bool(why))
"""
BATCH = """about=What memory does
seed=7
blocks=3
duration=9
ram64   005b
ram128  005b  ram=128
blocks=1
ram256  005b  ram=256
"""
HERE = {"accel": "tcg", "host": dict(forged.HOST)}


def definition(text=BATCH, name="memory"):
    return batchfile.parse(text, name, f"{name}.batch")


class Tree:
    def __init__(self, folder):
        self.folder = folder
        self.experiment = folder + "/experiment"
        for name in ("does", "figures"):
            os.mkdir(f"{folder}/{name}")
        where = {"here": folder, "scripts": os.path.join(TOP, "scripts"), "python": sys.executable}
        self.write("experiment", EXPERIMENT % where)
        self.info = forged.info()

    def spicetap(self, command, *words):
        """Stands in place of bundle.spicetap."""
        row = os.path.basename(words[-1]).rsplit("-", 3)[0]
        figures = store.read_text(f"{self.folder}/figures/{row}")
        return {
            ("info", "--json"): json.dumps(self.info),
            ("explain", "--json"): json.dumps(forged.explain()),
            ("compare", "--format"): figures or json.dumps([forged.row(clip_frames=5.0, seconds=60)]),
        }.get((command, words[0]), f"the text of {command}\n")

    def patches(self):
        """What a test must patch to be in this tree."""
        return (
            mock.patch.object(bundle, "spicetap", self.spicetap),
            mock.patch.object(bundle, "whatif", lambda *_: "the text of whatif\n"),
            mock.patch.object(bundle.timeline, "series", lambda *_: []),
            mock.patch.object(bundle, "BUILD", f"{self.folder}/build"),
        )

    def write(self, name, text):
        forged.write(os.path.join(self.folder, name), text)
        os.chmod(os.path.join(self.folder, name), 0o755)

    def made(self):
        return store.read_text(self.folder + "/made").split()
