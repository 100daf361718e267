# SPDX-License-Identifier: GPL-2.0-or-later
"""Which host made a run. Figures of two hosts are never one figure: each host has a mark, and figures of its own.

Two runs are of one host where the accelerator, the processor (name, family, model, stepping) and the number of cores
are the same. Early runs did not record family, model and stepping: the host's kernel stands for them there.
"""

import os
import platform
import re
import subprocess

from . import TOP, LabError, read_text


def key(facts):
    host = facts["host"]
    which = host.get("cpu_version") or f"kernel {host.get('kernel', 'not recorded')}"
    return facts.get("accel", "tcg"), host.get("cpu", "processor not recorded"), which, host.get("cores", 0)


def value_of(text, key):
    """As value_of in collect/base/host.c: what follows the key in the first line that begins with it."""
    found = re.search(rf"^{key}(.*)$", text, re.M)
    return found.group(1).lstrip(' \t:="').split('"')[0] if found else ""


def here():
    """This host, as run.json describes the host of a recording (collect/base/host.c)."""
    accelerator = subprocess.run([f"{TOP}/scripts/vm.sh", "accelerator"], capture_output=True, text=True, check=False)
    if accelerator.returncode:
        raise LabError(accelerator.stderr.strip().removeprefix("error: "))
    cpu = read_text("/proc/cpuinfo")
    family, model, stepping = (value_of(cpu, k) for k in ("cpu family", "model\t", "stepping"))
    host = {
        "cpu": value_of(cpu, "model name"),
        "cpu_version": f"family {family}, model {model}, stepping {stepping}" if family else "",
        "cores": os.sysconf("SC_NPROCESSORS_ONLN"),
        "kernel": platform.release(),
    }
    return {"accel": "kvm" if accelerator.stdout.strip() == "kvm" else "tcg", "host": host}


def describe(host):
    accel, cpu, which, cores = host
    by = "KVM" if accel == "kvm" else "emulation (TCG)"
    return f"{cpu}, {which}, {cores} {'core' if cores == 1 else 'cores'}, {by}"


def letters(number):
    """A, B, ... Z, AA, AB, ..."""
    text = ""
    while True:
        text = chr(ord("A") + number % 26) + text
        number = number // 26 - 1
        if number < 0:
            return text


def marks(results):
    """{host: its mark}. A host that is new gets the next letter: they are in order of their first run."""
    first = {}
    for facts in results.facts():
        when = (facts.get("date", ""), facts["run"])
        first[key(facts)] = min(first.get(key(facts), when), when)
    return {host: letters(n) for n, host in enumerate(sorted(first, key=lambda host: (first[host], host)))}


def split(runs, known):
    """[(mark, the runs of that host)], in order of the marks."""
    by_host = {}
    for facts, row in runs:
        by_host.setdefault(known[key(facts)], []).append((facts, row))
    return sorted(by_host.items(), key=lambda item: (len(item[0]), item[0]))
