# SPDX-License-Identifier: GPL-2.0-or-later
"""A recording (a bundle in runs/), and the folder of results/ that is made of it by `spicetap`."""

import json
import os
import re
import subprocess

from . import TOP, LabError, option, read_json, read_text, runlist, stack, store, timeline

BUILD = os.environ.get("SPICETAP_BUILD", os.path.join(TOP, "build"))
SPICETAP = os.environ.get("SPICETAP", os.path.join(BUILD, "spicetap"))
FULL_EPISODES = 20  # the longest OOM episodes are kept whole, of the others only OF_EPISODES
OF_EPISODES = ("id", "from", "resumed", "stalled_ns", "ooms", "evicted")
GUEST_FACTS = ("kernel", "distribution", "cpus", "agent", "attached")
NO_REASON = "no reason known"
WORK = r"^spicetap-workload: alive ([\d.]+) s, work (\d+)"
IDLE = r"^spicetap-workload: alive ([\d.]+) s,.* idle ([\d.]+) s"
PACKAGES = re.compile(
    r"^(linux-image-\d\S*|xserver-xorg-core|xserver-xorg-video-qxl|mpv|xterm|weston|xwayland|"
    r"libgl1-mesa-dri|mesa-utils|xfce4-session|xfwm4|xfce4-panel|xfdesktop4|gnome-shell|mutter|firefox-esr) (\S+)$",
    re.M,
)


def spicetap(*arguments):
    return subprocess.run([SPICETAP, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def whatif(bundle, server):
    """Predictions of the other size of the trace ring, and of the other time that a future stream's next frame may
    take. `whatif` exits with 1, and prints why, where its model does not give this run."""
    patches = stack.variants().get(server, ())
    ring, delta = "trace-ring-128.patch" in patches, "detection-delta.patch" in patches
    constants = ",".join(["trace-items=128"] * ring + ["detection-delta=1000"] * delta)
    recorded = ["--recorded", constants] if constants else []
    others = ["--trace-items", "8" if ring else "128"], ["--detection-delta", "200" if delta else "1000"]
    commands = ([SPICETAP, "whatif", bundle, *recorded, *other] for other in others)
    return "\n".join(subprocess.run(c, check=False, stdout=subprocess.PIPE, text=True).stdout for c in commands)


# ---- experiment.json ---------------------------------------------------------------------------


def experiment_of(lines):
    """experiment.json of lines KEY=VALUE: name, verdict, commit, why (any number), beside, set.SETTING."""
    out = {"why": [], "beside": [], "settings": {}}
    for line in lines:
        key, _, value = line.rstrip("\n").partition("=")
        if key in ("why", "beside"):
            out[key].append(value)
        elif key.startswith("set."):
            out["settings"][key[len("set."):]] = value
        else:
            out[key] = value
    return out


# ---- run.json ----------------------------------------------------------------------------------


def guest_facts(bundle, head, console):
    facts = {}
    for log in head.get("guest", {}).get("logs", [])[:1]:
        hello = log.get("hello", {})
        facts = {k: hello[k] for k in GUEST_FACTS if k in hello}
    facts["packages"] = dict(PACKAGES.findall(read_text(os.path.join(bundle, "packages"))))
    facts["said"] = [s for s in console.splitlines() if re.match(r"spicetap-workload: (\w+ is up|GL renderer)", s)]
    work, idle = ([tuple(map(float, beat)) for beat in re.findall(beats, console, re.M)] for beats in (WORK, IDLE))
    if len(work) > 1:
        facts["work_a_second"] = round(rate(work), 2)
    if len(idle) > 1:
        facts["idle_share"] = round(100 * rate(idle) / facts.get("cpus", 1), 1)
    return facts


def rate(beats):
    """What a counter grew a second, of its first and its last (time, count)."""
    (begin, first), (end, last) = beats[0], beats[-1]
    return (last - first) / (end - begin)


def facts_of(bundle, info):
    """What run.json says of a recording."""
    head = info["run"]
    target = head["target"]
    stack = read_json(os.path.join(bundle, "stack.json")) or {}
    clocks = [s["error_ns"] for c in head.get("clocks", []) for s in c["segments"] if s.get("error_ns") is not None]
    return {
        "date": head["started"]["wall"],
        "seconds": info["seconds"],
        "bundle": os.path.basename(bundle.rstrip("/")),
        "accel": option(target["command_line"], "-accel").split(",")[0] or "tcg",
        "host": head["host"],
        "device": head["devices"],
        "probes": head["probes"],
        "versions": {
            "spicetap": head["spicetap"],
            "spice": stack.get("spice", {}).get("version"),
            "qemu": stack.get("qemu", {}).get("version"),
            "spice_build_id": target["spice"]["build_id"],
            "qemu_build_id": target["qemu"]["build_id"],
        },
        "guest": guest_facts(bundle, head, read_text(os.path.join(bundle, "console.log")).replace("\r", "")),
        "client": {k: v for k, v in info.get("client", {}).items() if k != "uri"},
        "clock_error_ns": max(clocks, default=None),
        "events": info["events"]["count"],
        "draws": info["events"]["by_kind"].get("draw", 0),
        "lost": info["losses"]["events"],
        "bundle_bytes": info["bytes_on_disk"],
    }


def batch_of(name):
    """The batch of runs.list that has this row; None if there is none."""
    return next((r.batch for r in runlist.read()[0] if r.name == name), None)


def head_of(run, name, settings, verdict, why, attempts, batch):
    return {
        "schema": 1,
        "run": run,
        "name": name,
        "repeat": int(run.rsplit("-", 1)[1]),
        "batch": batch,
        "settings": settings,
        "verdict": verdict,
        "why": why,
        "attempts": attempts,
    }


# ---- keep, fail, again -------------------------------------------------------------------------


def shorter(explain, run):
    """explain.json with the details of the longest episodes only: a run can have a thousand."""
    explain["run"] = run
    episodes = explain.get("episodes", [])
    longest = sorted(episodes, key=lambda e: -e.get("stalled_ns", 0))[:FULL_EPISODES]
    explain["episodes"] = [e if e in longest else {k: e[k] for k in OF_EPISODES if k in e} for e in episodes]
    return explain


def keep(bundle, folder, name, took, attempts, batch=None, accept=lambda facts: None):
    """Makes results/RUN of a good run: run.json, explain.json, row.json, series.csv, timeline.svg and small texts.
    `accept` is given what run.json will say, and raises an error where the run must not be kept."""
    run = os.path.basename(folder.rstrip("/"))
    experiment = read_json(os.path.join(bundle, "experiment.json"))
    info = json.loads(spicetap("info", "--json", bundle))
    explain = shorter(json.loads(spicetap("explain", "--json", bundle)), run)
    settings = experiment["settings"]
    batch = batch or batch_of(name)
    facts = head_of(run, name, settings, experiment["verdict"], experiment["why"], attempts, batch)
    facts.update(facts_of(bundle, info), took=took)
    facts.update(commit=experiment.get("commit"), beside=experiment.get("beside", []))
    accept(facts)
    seconds = timeline.series(bundle, SPICETAP, info, explain)
    with store.Folder(folder) as new:
        store.write_json(new, "explain.json", explain)
        store.write_json(new, "row.json", json.loads(spicetap("compare", "--format", "json", bundle))[0])
        store.write(new, "series.csv", timeline.as_csv(seconds))
        store.write(new, "timeline.svg", timeline.as_svg(run, seconds, info, explain))
        store.write(new, "explain.txt", spicetap("explain", "--hypotheses", bundle))
        store.write(new, "info.txt", spicetap("info", bundle))
        for text in ("console.log", "domain.xml"):
            store.write(new, text, read_text(os.path.join(bundle, text)).replace("\r", ""))
        if settings["domain"] == "qxl.xml":
            store.write(new, "whatif.txt", whatif(bundle, settings.get("server")))
        store.write_json(new, "run.json", facts)  # last: it is what makes the folder a row


def reasons_of(experiment, log):
    if experiment.get("why"):
        return experiment["why"]
    errors = [line.removeprefix("error: ") for line in read_text(log).splitlines() if line.startswith("error: ")]
    return [line for line in errors if not line.startswith("experiment-")][-2:] or [NO_REASON]


def fail(bundle, folder, name, duration, log):
    """Makes results/RUN of a failed run: run.json with the reasons. Returns these."""
    run = os.path.basename(folder.rstrip("/"))
    experiment = read_json(os.path.join(bundle, "experiment.json")) or {}
    why = reasons_of(experiment, log)
    row = next(r for r in runlist.read()[0] if r.name == name)
    settings = experiment.get("settings") or row.settings(duration)
    verdict = "refused" if experiment.get("verdict") == "refused" else "failed"
    with store.Folder(folder) as new:
        store.write_json(new, "run.json", head_of(run, name, settings, verdict, why, 2, batch_of(name)))
    return why


def again(results, only):
    """Makes the rows anew from the bundles that are still in runs/; a line for each."""
    for run in store.folders(results):
        there = read_json(os.path.join(results, run, "run.json"))
        if not there or there["verdict"] != "ok" or (only and run not in only):
            continue
        bundle = os.path.join(TOP, "runs", there["bundle"])
        if os.path.isdir(bundle):
            keep(bundle, os.path.join(results, run), there["name"], there.get("took"), there["attempts"])
            yield f"{run}: made again"
        else:
            yield f"{run}: its bundle is not in runs/, it stays as it is"


# ---- a further repeat --------------------------------------------------------------------------


def repeat_of(bundle):
    """(experiment.json, run.json's facts, row.json) of a bundle that is to be set beside its row."""
    experiment = read_json(os.path.join(bundle, "experiment.json"))
    if not experiment:
        raise LabError(f"{bundle} has no experiment.json: make experiment writes it at its end")
    facts = facts_of(bundle, json.loads(spicetap("info", "--json", bundle))) | {"settings": experiment["settings"]}
    return experiment, facts, json.loads(spicetap("compare", "--format", "json", bundle))[0]
