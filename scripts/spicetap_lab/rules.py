# SPDX-License-Identifier: GPL-2.0-or-later
"""Which rules of measurement (docs/dev/measuring.md) a run in results/ breaks."""

from collections import Counter

from . import batchpages, figures, hosts, paired, plateau, store

# Rule 5 wants them of a workload with the clip. A row whose client did not measure them has none.
SEEN = {"age_median": "the age of the picture", "torn": "the share of time torn"}
CLIP = ("video", "mixed")


def of_plateau(facts, pilots):
    begins, pilot = plateau.of_row(facts["settings"], facts, pilots)
    if facts["guest"].get("idle_share") is None:
        yield 1, "the guest's idle time was not recorded"
    if facts["accel"] == "kvm":
        return
    if not pilot:
        yield 1, "no pilot of this host shows where the row's plateau begins"
    elif begins is None or plateau.factor(facts["settings"]) < begins:
        yield 1, "not on the plateau of its pilot"


def of_batch(facts, batched, good):
    if not batched:
        yield 2, "not made in a block of a batch: its order was not drawn"
    if facts.get("beside"):
        yield 2, "another VM ran beside it"
    if good < paired.MIN_RUNS:
        yield 2, f"its row has fewer than {paired.MIN_RUNS} good runs on this host"


def of_control(facts):
    if facts["settings"]["client"] != "none" and not facts["settings"].get("bitrate"):
        yield 3, "the server's first bit rate is not pinned (bitrate)"
    if not facts["guest"].get("packages"):
        yield 3, "the versions of the guest's packages were not recorded"


def of_instrument(facts, controls):
    if facts["settings"]["workload"] not in CLIP:
        return
    if "bars" not in facts["settings"]:
        yield 4, "the frame's number was drawn in cells as wide as QEMU's columns"
    elif facts["settings"]["bars"] == "yes" and facts["settings"]["domain"] not in controls:
        yield 4, "no control row of its device without bars"


def of_viewer(facts, row):
    lacks = [words for name, words in SEEN.items() if figures.value(row, name) is None]
    if facts["settings"]["workload"] in CLIP and facts["settings"]["client"] != "none" and lacks:
        yield 5, f"not measured: {', '.join(lacks)}"


def of_refusals(facts):
    if facts["why"]:
        yield 6, "a row although there was a reason against it"


def of_run(facts, row, pilots, good, batched=False, controls=()):
    """(rule, reason), in order of the rules. good: the row's good runs on this host."""
    yield from of_plateau(facts, pilots)
    yield from of_batch(facts, batched, good)
    yield from of_control(facts)
    yield from of_instrument(facts, controls)
    yield from of_viewer(facts, row)
    yield from of_refusals(facts)


def controls_in(results):
    """The devices that have a control row without bars."""
    folders = [results, *(of.folder for of in batchpages.kept(results))]
    facts = [facts["settings"] for folder in folders for facts in store.Results(folder).facts()]
    return {settings["domain"] for settings in facts if settings.get("bars") == "no"}


def of_folder(folder, pilots, controls, batched=False):
    """{run: [(rule, reason)]} of the rows in a folder of runs."""
    results = store.Results(folder)
    good = Counter((facts["name"], hosts.key(facts)) for facts in results.facts())
    return {
        facts["run"]: list(of_run(facts, row, pilots, good[facts["name"], hosts.key(facts)], batched, controls))
        for runs in results.good.values()
        for facts, row in runs
    }


def of_results(results):
    """{run: [(rule, reason)]} of results/ and its batches; a run of a batch is BATCH/ROW-BLOCK."""
    pilots, controls = batchpages.pilots_of(results), controls_in(results)
    found = of_folder(results, pilots, controls)
    for of in batchpages.kept(results):
        # A pilot looks for the plateau: it need not be on it.
        known = None if plateau.is_pilot(of.definition) else pilots
        for run, broken in of_folder(of.folder, known or [], controls, batched=True).items():
            found[f"{of.name}/{run}"] = [b for b in broken if known is not None or b[0] != 1]
    return found


def named(runs, of_all):
    """The runs by name, or those that are not among them if that is shorter."""
    others = sorted(of_all - runs)
    if len(others) >= len(runs):
        return ", ".join(sorted(runs))
    return f"all but {', '.join(others)}" if others else "all"


def show(results):
    """A line for each reason, with the runs that it holds for."""
    found = of_results(results)
    runs_of = {}
    for run, broken in found.items():
        for rule in broken:
            runs_of.setdefault(rule, []).append(run)
    for (rule, reason), runs in sorted(runs_of.items()):
        yield f"rule {rule}: {reason}: {len(runs)} of {len(found)}: {named(set(runs), set(found))}"
    kept = sorted(run for run, broken in found.items() if not broken)
    yield f"{len(kept)} of {len(found)} keep the rules" + (f": {', '.join(kept)}" if kept else "")
