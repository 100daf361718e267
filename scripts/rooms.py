#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the house of collect/: the order of its rooms, circles, and the size of files and functions.

The order is the fenced block ```rooms of docs/dev/design.md: one floor a line, the lowest first. A file
includes from its own room and from rooms on lower floors. `rooms.py [TREE]` checks TREE (default: this
repository), prints a line for each fault and exits 1 if there is one.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

FILE_LINES, FUNCTION_LINES = 500, 60
SOURCES = ("bpf", "loader", "collect", "guest", "meter")
GENERATED = {"bpf/events.def"}
WORD = re.compile(r"\b[A-Za-z_]\w*\b(?!\s*[:=])")
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', re.S)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def floors(page):
    block = re.search(r"^```rooms\n(.*?)^```", page.read_text(), re.M | re.S)
    if not block:
        sys.exit(f"{page}: has no block ```rooms with the order of the rooms")
    lines = [line.split() for line in block.group(1).splitlines() if line.strip()]
    return {room: floor for floor, rooms in enumerate(lines) for room in rooms}


def includes(tree):
    """{file: [file of collect/ it includes]}, for the files of collect/, relative to collect/."""
    house = tree / "collect"
    found = {}
    for path in sorted(house.rglob("*.[ch]")):
        name = str(path.relative_to(house))
        found[name] = [i for i in INCLUDE.findall(path.read_text()) if (house / i).is_file()]
    return found


def order_faults(edges, floor):
    for name, targets in edges.items():
        room = name.split("/")[0]
        if room not in floor:
            yield f"collect/{name}: docs/dev/design.md does not list the room {room}"
            continue
        for target in targets:
            other = target.split("/")[0]
            if other != room and floor.get(other, 99) >= floor[room]:
                yield f"collect/{name}: includes {target}, but {room} comes before {other} or beside it"


def stem(name):
    """A header and the source of its name are one part."""
    return name.rsplit(".", 1)[0]


def functions(tree):
    """What ctags knows of each function in C: its file, name, first and last line, and whether it is static."""
    sources = sorted(str(path.relative_to(tree)) for room in SOURCES for path in (tree / room).rglob("*.[ch]"))
    tags = subprocess.run(["ctags", "--output-format=json", "--c-kinds=f", "--fields=+nef", "-f", "-", *sources],
                          cwd=tree, capture_output=True, text=True, check=True).stdout if sources else ""
    return [json.loads(line) for line in tags.splitlines()]


def uses(tree, tags):
    """{part: parts whose functions it names}: a shared header hides these arrows from the includes."""
    home, own = {}, {}
    for tag in tags:
        if not tag["path"].startswith("collect/"):
            continue
        name = stem(tag["path"].removeprefix("collect/"))
        own.setdefault(name, set()).add(tag["name"])
        if not tag.get("file") and tag["name"] != "main":
            home[tag["name"]] = name
    found = {}
    for path in sorted((tree / "collect").rglob("*.c")):
        part = stem(str(path.relative_to(tree / "collect")))
        words = set(WORD.findall(COMMENT.sub("", path.read_text()))) - own.get(part, set())
        found[part] = {home[word] for word in words if word in home} - {part}
    return found


def circle_faults(edges, named):
    parts = {part: set(others) for part, others in named.items()}
    for name, targets in edges.items():
        parts.setdefault(stem(name), set()).update(stem(t) for t in targets if stem(t) != stem(name))
    state = {}

    def visit(part, path):
        state[part] = "open"
        for other in sorted(parts.get(part, ())):
            if state.get(other) == "open":
                yield "circle: " + " -> ".join([*path[path.index(other) :], other])
            elif other not in state:
                yield from visit(other, [*path, other])
        state[part] = "done"

    for part in sorted(parts):
        if part not in state:
            yield from visit(part, [part])


def size_faults(tree):
    listed = subprocess.run(["git", "-C", tree, "ls-files", "*.c", "*.h", "*.sh", "*.py", "scripts/*"],
                            capture_output=True, text=True, check=False).stdout.split()
    own = sorted({f for f in listed if not f.startswith("tests/") and f not in GENERATED and (tree / f).is_file()})
    for name in own:
        lines = (tree / name).read_text().count("\n")
        if lines > FILE_LINES:
            yield f"{name}: {lines} lines; a file has at most {FILE_LINES}"


def function_faults(tags):
    for tag in tags:
        length = tag.get("end", 0) - tag["line"] + 1
        if length > FUNCTION_LINES:
            yield f"{tag['path']}: {tag['name']} has {length} lines; a function has at most {FUNCTION_LINES}"


def main():
    tree = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent)
    edges = includes(tree)
    tags = functions(tree)
    faults = [
        *order_faults(edges, floors(tree / "docs/dev/design.md")),
        *circle_faults(edges, uses(tree, tags)),
        *size_faults(tree),
        *function_faults(tags),
    ]
    print("\n".join(faults), end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
