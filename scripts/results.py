#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""results/: what is kept of each run, and the pages made from it.

Usage: results.py keep BUNDLE RESULTS/RUN --name NAME [--took SECONDS] [--attempts N]
           of a good run: run.json, explain.json, row.json, series.csv, timeline.svg and small texts
       results.py fail BUNDLE RESULTS/RUN --name NAME [--duration SECONDS] [--log FILE]
           of a failed one: run.json with the reasons
       results.py again RESULTS [RUN...]   makes them anew from the bundles in runs/, where those are
       results.py pages RESULTS [PAGE...]  makes RESULTS/README.md from RESULTS/*/ and the list of runs, and anew the
           tables of the pages that stand between marks (scripts/matrix.py)
       results.py beside RESULTS NAME...   prints rows (16a) or single runs (16a-3) side by side, least and most of
           their repeats
       results.py agree BUNDLE RESULTS     does a further repeat lie within the spread of its row?
       results.py check RESULTS [PAGE...]  do these agree, and does nothing name a path or host?
"""
import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import matrix
import runs
import timeline

BUILD = os.environ.get("SPICETAP_BUILD", os.path.join(runs.TOP, "build"))
SPICETAP = os.environ.get("SPICETAP", os.path.join(BUILD, "spicetap"))
FULL_EPISODES = 20  # so many, the longest, are kept whole, of the others what a reader counts
OF_EPISODES = ("id", "from", "resumed", "stalled_ns", "ooms", "evicted")
# folders that say nothing of the machine; of any other path only the last part is kept
PLAIN_ROOTS = "usr|opt|etc|dev|proc|sys|boot|lib|bin|sbin"
PATH = re.compile(r"(?<![\w./:~])/(?!(?:%s)/)(?:[\w.@+,=-]+/)+([\w.@+,=-]*)" % PLAIN_ROOTS)
PACKAGES = re.compile(r"^(linux-image-\d\S*|xserver-xorg-core|xserver-xorg-video-qxl|mpv|xterm|weston|xwayland|"
                      r"libgl1-mesa-dri|mesa-utils) (\S+)$", re.M)


def scrub(text):
    """Without this machine's paths."""
    return PATH.sub(r".../\1", text)


def leaks(text):
    """What of it tells on the machine: paths, its name."""
    found = [m.group(0) for m in PATH.finditer(text)]
    host = socket.gethostname()
    if len(host) > 4 and host != "localhost" and re.search(r"\b%s\b" % re.escape(host), text):
        found.append(host)
    return found


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write(scrub(text))


def write_json(folder, name, value):
    write(folder, name, json.dumps(value, separators=(",", ":"), sort_keys=True) + "\n")


def spicetap(*arguments):
    return subprocess.run([SPICETAP, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def whatif(bundle, server):
    """The other size of the trace ring; where the model does not reproduce the run, whatif says so, and exits with 1."""
    other = ["--recorded", "trace-items=128", "--trace-items", "8"] if server == "ring128" else ["--trace-items", "128"]
    return subprocess.run([SPICETAP, "whatif", bundle, *other], check=False, stdout=subprocess.PIPE, text=True).stdout


# ---- run.json ----------------------------------------------------------------------------------


def guest_facts(bundle, head, console):
    facts = {}
    for log in head.get("guest", {}).get("logs", [])[:1]:
        hello = log.get("hello", {})
        facts = {k: hello[k] for k in ("kernel", "distribution", "cpus", "agent", "attached") if k in hello}
    facts["packages"] = dict(PACKAGES.findall(read(os.path.join(bundle, "packages"))))
    facts["said"] = [line for line in console.splitlines()
                     if re.match(r"spicetap-workload: (\w+ is up|GL renderer)", line)]
    work = re.findall(r"^spicetap-workload: alive ([\d.]+) s, work (\d+)", console, re.M)
    if len(work) > 1:
        facts["work_a_second"] = round((int(work[-1][1]) - int(work[0][1])) / (float(work[-1][0]) - float(work[0][0])), 2)
    return facts


def facts_of(bundle, info):
    head = info["run"]
    line = head["target"]["command_line"]
    stack = runs.load(os.path.join(bundle, "stack.json")) or {}
    clocks = [s["error_ns"] for c in head.get("clocks", []) for s in c["segments"] if s.get("error_ns") is not None]
    return {
        "date": head["started"]["wall"], "seconds": info["seconds"], "bundle": os.path.basename(bundle.rstrip("/")),
        "accel": runs.option(line, "-accel").split(",")[0] or "tcg",
        "host": head["host"], "device": head["devices"], "probes": head["probes"],
        "versions": {"spicetap": head["spicetap"], "spice": stack.get("spice", {}).get("version"),
                     "qemu": stack.get("qemu", {}).get("version"), "spice_build_id": head["target"]["spice"]["build_id"],
                     "qemu_build_id": head["target"]["qemu"]["build_id"]},
        "guest": guest_facts(bundle, head, read(os.path.join(bundle, "console.log")).replace("\r", "")),
        "client": {k: v for k, v in info.get("client", {}).items() if k != "uri"},
        "clock_error_ns": max(clocks, default=None), "events": info["events"]["count"],
        "lost": info["losses"]["events"], "bundle_bytes": info["bytes_on_disk"],
    }


def head_of(run, name, settings, verdict, why, attempts):
    batch = next((r.batch for r in runs.read_list()[0] if r.name == name), None)
    return {"schema": 1, "run": run, "name": name, "repeat": int(run.rsplit("-", 1)[1]), "batch": batch,
            "settings": settings, "verdict": verdict, "why": why, "attempts": attempts}


# ---- keep, fail, again -------------------------------------------------------------------------


def shorter(explain, run):
    """Without most of what is said of each of a thousand episodes."""
    explain["run"] = run
    longest = sorted(explain.get("episodes", []), key=lambda e: -e.get("stalled_ns", 0))[:FULL_EPISODES]
    explain["episodes"] = [e if e in longest else {k: e[k] for k in OF_EPISODES if k in e} for e in explain.get("episodes", [])]
    return explain


class Folder:
    """Is made beside its place, and renamed into it when it is whole."""

    def __init__(self, path):
        self.path = path.rstrip("/")
        self.new = os.path.join(os.path.dirname(self.path), ".new-" + os.path.basename(self.path))

    def __enter__(self):
        shutil.rmtree(self.new, ignore_errors=True)
        os.makedirs(self.new)
        return self.new

    def __exit__(self, kind, value, trace):
        if kind is None:
            shutil.rmtree(self.path, ignore_errors=True)
            os.rename(self.new, self.path)


def keep(bundle, folder, name, took, attempts):
    run = os.path.basename(folder.rstrip("/"))
    experiment = runs.load(os.path.join(bundle, "experiment.json"))
    info = json.loads(spicetap("info", "--json", bundle))
    explain = shorter(json.loads(spicetap("explain", "--json", bundle)), run)
    facts = head_of(run, name, experiment["settings"], experiment["verdict"], experiment["why"], attempts)
    facts.update(facts_of(bundle, info), took=took, commit=experiment.get("commit"), beside=experiment.get("beside", []))
    seconds = timeline.series(bundle, SPICETAP, info, explain)
    with Folder(folder) as new:
        write_json(new, "run.json", facts)
        write_json(new, "explain.json", explain)
        write_json(new, "row.json", json.loads(spicetap("compare", "--format", "json", bundle))[0])
        write(new, "series.csv", timeline.as_csv(seconds))
        write(new, "timeline.svg", timeline.as_svg(run, seconds, info, explain))
        write(new, "explain.txt", spicetap("explain", bundle))
        write(new, "info.txt", spicetap("info", bundle))
        for text in ("console.log", "domain.xml"):
            write(new, text, read(os.path.join(bundle, text)).replace("\r", ""))
        if experiment["settings"]["domain"] == "qxl.xml":
            write(new, "whatif.txt", whatif(bundle, experiment["settings"].get("server")))


def reasons_of(bundle, log):
    experiment = runs.load(os.path.join(bundle, "experiment.json")) or {}
    said = [line[len("error: "):] for line in read(log).splitlines() if line.startswith("error: ")]
    return experiment, experiment.get("why") or [line for line in said if not line.startswith("experiment-")][-2:] or ["no reason known"]


def fail(bundle, folder, name, duration, log):
    run = os.path.basename(folder.rstrip("/"))
    experiment, why = reasons_of(bundle, log)
    row = next(r for r in runs.read_list()[0] if r.name == name)
    settings = experiment.get("settings") or row.settings(duration)
    with Folder(folder) as new:
        write_json(new, "run.json", head_of(run, name, settings, "refused" if experiment.get("verdict") == "refused" else "failed", why, 2))
    print("  %s failed: %s" % (run, "; ".join(why)))


def again(results, only):
    for run in sorted(os.listdir(results)):
        there = runs.load(os.path.join(results, run, "run.json"))
        if not there or there["verdict"] != "ok" or only and run not in only:
            continue
        bundle = os.path.join(runs.TOP, "runs", there["bundle"])
        if os.path.isdir(bundle):
            keep(bundle, os.path.join(results, run), there["name"], there.get("took"), there["attempts"])
            print("%s: made again" % run)
        else:
            print("%s: its bundle is not in runs/, it stays as it is" % run)


# ---- the pages ---------------------------------------------------------------------------------


def replace(path, text):
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.replace(path + ".new", path)


def make_pages(results, pages):
    replace(os.path.join(results, "README.md"), matrix.page(results))
    for page in pages:
        replace(page, matrix.filled(read(page), results))


def check(results, pages=()):
    """What is wrong, a line each."""
    if read(os.path.join(results, "README.md")) != matrix.page(results):
        yield "%s/README.md is not what its runs say: make results" % os.path.basename(results)
    for page in pages:
        if read(page) != matrix.filled(read(page), results):
            yield "%s has a table that is not what the runs say: make results" % page
    for folder, _, files in os.walk(results):
        for name in files:
            path = os.path.join(folder, name)
            for leak in leaks(read(path))[:3]:
                yield "%s tells on the machine it was made on: %s" % (os.path.relpath(path, results), leak)


def agree(bundle, folder):
    """Prints it figure by figure; how many are outside."""
    experiment = runs.load(os.path.join(bundle, "experiment.json"))
    if not experiment:
        sys.exit("error: %s has no experiment.json: make experiment writes it at its end" % bundle)
    good = matrix.Results(folder).good
    there = good.get(experiment["name"])
    if not there:
        sys.exit("error: %s has no run in %s" % (experiment["name"], folder))
    if not runs.same(experiment["settings"], there[0][0]["settings"]):
        print("warning: its settings are not those of the row")
    repeat = json.loads(spicetap("compare", "--format", "json", bundle))[0]
    lines = list(matrix.agreement([row for _, row in there], repeat, matrix.apart(good)))
    for heading, figure, least, most, within in lines:
        print("%-18s %12s   %10s to %-10s %s" % (heading, figure, least, most, "" if within else "OUTSIDE"))
    return sum(not line[-1] for line in lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["keep", "fail", "again", "pages", "beside", "agree", "check"])
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--name")
    parser.add_argument("--took", type=int)
    parser.add_argument("--attempts", type=int, default=1)
    parser.add_argument("--duration", type=int)
    parser.add_argument("--log", default="")
    return parser.parse_args()


def main():
    o = arguments()
    if o.command == "keep":
        keep(o.paths[0], o.paths[1], o.name, o.took, o.attempts)
    elif o.command == "fail":
        fail(o.paths[0], o.paths[1], o.name, o.duration, o.log)
    elif o.command == "again":
        again(o.paths[0], o.paths[1:])
    elif o.command == "agree":
        sys.exit(agree(o.paths[0], o.paths[1]) > 0)
    elif o.command == "beside":
        sys.stdout.write(matrix.beside(matrix.Results(o.paths[0]), o.paths[1:]))
    elif o.command == "pages":
        make_pages(o.paths[0], o.paths[1:])
    else:
        wrong = list(check(o.paths[0], o.paths[1:]))
        print("\n".join(wrong) or "%s: agrees" % o.paths[0])
        sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
