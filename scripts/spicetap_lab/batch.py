# SPDX-License-Identifier: GPL-2.0-or-later
"""A batch that is being made, or is done: a folder with its manifest and a folder for each run.

    runs/batches/NAME/
        batch.json       the manifest: rows, settings, seed, order, host
        ROW-BLOCK/       a row as in results/, or the reasons of a failed run
        bundles/         the recordings, ROW-BLOCK-DATE
        log/             what experiment.sh printed, ROW-BLOCK.log

A run is
  done     its row is whole, with the settings of the manifest
  again    it failed or was refused once: it is tried once more, at the end of its block
  failed   it failed or was refused twice: the block lacks it
  todo     nothing is there
"""

import os
import statistics
from dataclasses import dataclass

from . import TOP, LabError, batchfile, hosts, read_json, settings, store

RUNS = os.path.join(TOP, "runs", "batches")
ATTEMPTS = 2
OVERHEAD = 100  # seconds beside the recording, as long as no run of the batch was measured
MANIFEST = "batch.json"


def manifest_of(definition, host):
    """batch.json of a batch that begins on that host."""
    rows = [vars(row) | {"changes": list(row.changes)} for row in definition.rows]
    order = [[row.name for row in definition.order(block)] for block in range(1, definition.blocks + 1)]
    head = {"schema": 1, "batch": definition.name, "about": definition.about, "seed": definition.seed}
    of_host = {"accel": host["accel"], "host": host["host"], "stack": host.get("stack", {})}
    return head | {"rows": rows, "order": order, **of_host}


def definition_of(manifest):
    rows = tuple(batchfile.Row(**{**row, "changes": tuple(row["changes"])}) for row in manifest["rows"])
    return batchfile.Definition(manifest["batch"], manifest["about"], manifest["seed"], rows)


def changes(old, new):
    """What of a batch that has begun the batch file says differently now. More blocks and other words are none."""
    if old.seed != new.seed:
        yield f"seed={new.seed}, and was {old.seed}"
    for name in sorted({row.name for row in old.rows} ^ {row.name for row in new.rows}):
        yield f"row {name} is {'new' if new.row(name) else 'gone'}"
    for row in old.rows:
        now = new.row(row.name)
        if now and not settings.same(row.settings, now.settings):
            keys = row.settings.keys() | now.settings.keys()
            other = sorted(k for k in keys if row.settings.get(k) != now.settings.get(k) and k != "about")
            yield f"row {row.name} has another {', '.join(other)}"
        if now and now.blocks < row.blocks:
            yield f"row {row.name} has fewer blocks"


def same_host(known, here, folder):
    """Raises LabError where a batch is another host's."""
    if hosts.key(known) != hosts.key(here):
        raise LabError(
            f"{folder} is another host's: {hosts.describe(hosts.key(known))}\n"
            f"  this host: {hosts.describe(hosts.key(here))}\n"
            "  a batch is one host's; begin one here: scripts/batch.sh --as OTHER-NAME NAME"
        )


def software_of(facts):
    """What a row runs on: each is one in all runs of a row."""
    versions, guest = facts.get("versions", {}), facts.get("guest", {})
    return {
        "spice-server": versions.get("spice_build_id"),
        "QEMU": versions.get("qemu_build_id"),
        "guest's kernel": guest.get("kernel"),
        "guest's packages": guest.get("packages"),
    }


def same_software(known, facts):
    """Raises LabError where a run had other software than an earlier one of its row."""
    one, other = software_of(known), software_of(facts)
    changed = [name for name in one if one[name] != other[name]]
    if changed:
        raise LabError(
            f"{facts['run']} had another {' and another '.join(changed)} than {known['run']}: it is no row\n"
            "  put back what the batch began with, or begin another one: scripts/batch.sh --as OTHER-NAME NAME"
        )


def same_stack(manifest, here, name):
    """Raises LabError where the stack was built anew, with other sources, since the batch began."""
    was, now = manifest.get("stack", {}), here.get("stack", {})
    changed = [component for component in was if now.get(component, was[component]) != was[component]]
    if changed:
        raise LabError(
            f"{name} was begun with another {' and another '.join(changed)}: the traced stack has changed since\n"
            "  put it back, or begin a batch beside it: scripts/batch.sh --as OTHER-NAME NAME"
        )


def agrees(manifest, definition, here, name):
    """Raises LabError where a batch that has begun is another host's, or another batch."""
    same_host(manifest, here, name)
    same_stack(manifest, here, name)
    changed = list(changes(definition_of(manifest), definition))
    if changed:
        raise LabError(
            f"{name} was begun with another batch file: {'; '.join(changed)}\n"
            "  put the file back, or begin a batch beside it: scripts/batch.sh --as OTHER-NAME NAME"
        )


def begin(definition, folder, here):
    """The batch in that folder: a new one, or the one that is there if it is the same batch on the same host."""
    path = os.path.join(folder, MANIFEST)
    there = read_json(path)
    if there:
        agrees(there, definition, here, os.path.basename(folder))
    elif os.path.exists(path):
        raise LabError(f"{path} is damaged: it is the manifest of the runs beside it")
    os.makedirs(folder, exist_ok=True)
    store.write_json(folder, MANIFEST + ".new", manifest_of(definition, there or here))
    os.replace(path + ".new", path)
    return Batch(folder)


@dataclass
class Run:
    name: str
    row: batchfile.Row
    block: int
    state: str
    attempts: int
    why: list
    seconds: int = 0
    left: int = 0  # seconds from its start to the end of the batch


class Planned:
    """A batch that has not begun."""

    def __init__(self, definition, accel):
        self.definition, self.accel = definition, accel

    def run(self, row, block):
        return Run(f"{row.name}-{block}", row, block, "todo", 0, [])

    def measured(self):
        return {}

    def runs(self):
        """All runs in their order, with how long each takes. A second attempt is at the end of its block."""
        out = []
        for block in range(1, self.definition.blocks + 1):
            of_block = [self.run(row, block) for row in self.definition.order(block)]
            out += sorted(of_block, key=lambda run: run.state == "again")
        took = self.measured()
        for run in out:
            run.seconds = round(expected(run.row, took, self.accel))
        left = 0
        for run in reversed(out):
            left += run.seconds if run.state in ("todo", "again") else 0
            run.left = left
        return out

    def next(self):
        """The run to be made now; None when the batch is done."""
        return next((run for run in self.runs() if run.state in ("todo", "again")), None)


class Batch(Planned):
    """A folder with a manifest. What is done is read from the folder each time: nothing is remembered."""

    def __init__(self, folder):
        self.folder = folder.rstrip("/")
        self.manifest = read_json(os.path.join(folder, MANIFEST))
        if not self.manifest:
            raise LabError(f"{folder} is no batch: it has no {MANIFEST}")
        super().__init__(definition_of(self.manifest), self.manifest["accel"])
        self.name = os.path.basename(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def facts(self, run):
        return read_json(self.path(run, "run.json")) or {}

    def run(self, row, block):
        name = f"{row.name}-{block}"
        there = self.facts(name)
        if not there or not settings.same(there.get("settings", {}), row.settings):
            return Run(name, row, block, "todo", 0, [])
        attempts, why = there.get("attempts", 1), there.get("why", [])
        if there["verdict"] == "ok":
            return Run(name, row, block, "todo" if store.missing(self.path(name)) else "done", attempts, why)
        return Run(name, row, block, "failed" if attempts >= ATTEMPTS else "again", attempts, why)

    def measured(self):
        """{row's name: [(seconds that a run took, those that it was to record)]}"""
        out = {}
        for name in store.folders(self.folder):
            facts = self.facts(name)
            if facts.get("took") and facts["verdict"] == "ok":
                out.setdefault(facts["name"], []).append((facts["took"], recording(facts["settings"], facts["accel"])))
        return out

    def good(self):
        """{row's name: {block: (run.json, row.json)}} of the runs that are rows."""
        out = {row.name: {} for row in self.definition.rows}
        for run in self.runs():
            if run.state == "done":
                out[run.row.name][run.block] = (self.facts(run.name), read_json(self.path(run.name, "row.json")))
        return out


def recording(of_settings, accel):
    """Seconds on a clock on the wall that a recording takes: in slow motion a second of the run is several of them.
    With KVM there is none."""
    return int(of_settings["duration"]) * (1 if accel == "kvm" else int(of_settings.get("slowdown", 1)))


def expected(row, took, accel):
    """Seconds that a run of a row takes: as measured; else its recording and what runs of other rows took beside."""
    if row.name in took:
        return statistics.median(seconds for seconds, _ in took[row.name])
    beside = [seconds - recorded for runs in took.values() for seconds, recorded in runs]
    return recording(row.settings, accel) + (statistics.median(beside) if beside else OVERHEAD)


def span(seconds):
    if seconds < 90:
        return f"{round(seconds)} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def count(runs):
    """"12 done, 1 failed, 27 to do; about 5 h 10 min left" """
    of = {state: sum(r.state == state for r in runs) for state in ("done", "failed", "again", "todo")}
    left = span(runs[0].left if runs else 0)
    to_do = of["todo"] + of["again"]
    return f"{of['done']} done, {of['failed']} failed, {to_do} to do" + (f"; about {left} left" if to_do else "")


def show(batch):
    """The state of a batch as lines to read."""
    yield f"{batch.name}: {batch.definition.about}"
    yield f"host: {hosts.describe(hosts.key(batch.manifest))}; seed {batch.definition.seed}"
    runs, block = batch.runs(), 0
    for run in runs:
        if run.block != block:
            block = run.block
            yield f"block {block}"
        words = {
            "done": "done",
            "todo": f"to do, about {span(run.seconds)}",
            "again": f"failed once, to do again, about {span(run.seconds)}",
            "failed": "FAILED",
        }[run.state]
        yield f"  {run.name:<28} {words}" + (f": {'; '.join(run.why)}" if run.state in ("again", "failed") else "")
    yield count(runs)
