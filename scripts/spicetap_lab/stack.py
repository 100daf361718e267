# SPDX-License-Identifier: GPL-2.0-or-later
"""stack.json, which describes the traced stack, and the verdicts of spice's own tests. scripts/stack.sh uses this."""

import json
import os

from . import TOP, read_json, read_text

COMPONENTS = ("spice", "qemu")
VARIANTS = os.path.join(TOP, "patches", "variants", "series")


def variants():
    """{name: its patches} of the spice-servers of patches/variants/series: NAME PATCH... a line."""
    lines = (line.split() for line in read_text(VARIANTS).splitlines())
    return {words[0]: words[1:] for words in lines if words and not words[0].startswith("#")}


def sums(text):
    """{file: SHA-256} of lines as sha256sum prints them."""
    return {name: digest for digest, name in (line.split() for line in text.splitlines() if line)}


def component(of):
    """One component, of the variables that stack.sh has for it."""
    return {
        "component": of["COMPONENT"],
        "version": of["VERSION"],
        "key": of["KEY"],
        "sources": sums(of["SUMS"]),
        "patches": sums(of["PATCHES"]),
        "flags": of["FLAGS"].splitlines(),
        "nop": of["NOP"],
        "compiler": of["COMPILER"],
        "build_kernel": of["KERNEL"],
    }


def write(path, value):
    new = f"{path}.{os.getpid()}.new"
    with open(new, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1)
        f.write("\n")
    os.replace(new, path)


def merge(folder):
    """Makes FOLDER/stack.json of the components that are there."""
    found = {name: read_json(os.path.join(folder, f"{name}.json")) for name in COMPONENTS}
    write(os.path.join(folder, "stack.json"), {"format": 1} | {name: c for name, c in found.items() if c})


def keys(folder):
    """{component: the key of its build} of FOLDER/stack.json: another key is another program."""
    there = read_json(os.path.join(folder, "stack.json")) or {}
    return {name: there[name]["key"] for name in COMPONENTS if name in there}


def verdicts(log):
    """"NAME RESULT" for each test in a log of meson's, sorted."""
    with open(log, encoding="utf-8") as f:
        return sorted({f"{test['name']} {test['result']}" for test in map(json.loads, f)})
