# SPDX-License-Identifier: GPL-2.0-or-later
"""guest-configs/batches/NAME.batch: the rows of a batch, and in which order each block has them.

    about=What the batch is to answer
    seed=20261127            the order of the rows in each block is drawn from it
    blocks=5                 holds for the rows below it, as every KEY=VALUE line does
    duration=120             a setting of the rows below
    base=005b                the row that the rows below are compared with; the first row if not given
    005b  005b               NAME EXPERIMENT [KEY=VALUE]...
    16a   16a  ram=128
"""

import hashlib
import os
import re
from dataclasses import dataclass

from . import CONFIGS, LabError, settings

FOLDER = os.path.join(CONFIGS, "batches")
END = ".batch"
OF_A_ROW = {"blocks": r"[1-9]\d?", "base": r".+"}  # keys that hold for the rows below, and are no settings
OF_A_BATCH = {"about": r".+", "seed": r"\d{1,18}"}
NAME = r"[a-z0-9][a-z0-9.-]*"


@dataclass(frozen=True)
class Row:
    """One line: its settings are checked. It is in the blocks 1 to `blocks`."""

    name: str
    experiment: str
    settings: dict
    changes: tuple
    blocks: int
    base: str


@dataclass(frozen=True)
class Definition:
    name: str
    about: str
    seed: int
    rows: tuple

    @property
    def blocks(self):
        return max(row.blocks for row in self.rows)

    def order(self, block):
        """The rows of a block, in its order. It depends on seed, block and names alone."""

        def drawn(row):
            return hashlib.sha256(f"{self.seed} {block} {row.name}".encode()).hexdigest()

        return sorted((row for row in self.rows if block <= row.blocks), key=drawn)

    def row(self, name):
        return next((row for row in self.rows if row.name == name), None)


def row_of(words, common, of_row, where):
    """One row. `common`: the settings that hold for all rows below them."""
    if len(words) < 2 or not re.fullmatch(NAME, words[0]) or "=" in words[1]:
        raise LabError(f"{where}: not NAME EXPERIMENT [KEY=VALUE]..., NAME of small letters, digits, '.' and '-'")
    name, experiment, *changes = words
    path = settings.path_of(experiment)
    if not path:
        raise LabError(f"{where}: there is no guest-configs/{experiment}.experiment")
    changes = [*(f"{key}={value}" for key, value in common.items()), *changes]
    try:
        checked = settings.resolve(path, changes, name)
    except LabError as e:
        raise LabError(f"{where}, row {name}: {e}") from None
    return Row(name, experiment, checked, tuple(changes), int(of_row["blocks"]), of_row.get("base", ""))


def bases(rows, where):
    """The rows, each with the name of the row that it is compared with."""
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise LabError(f"{where}: two rows are named {name}")
    for row in rows:
        if row.base and row.base not in names:
            raise LabError(f"{where}: base={row.base}: there is no such row")
    return tuple(Row(**{**vars(row), "base": row.base or names[0]}) for row in rows)


def key_line(key, value, known, common, where):
    """Puts one KEY=VALUE line where it belongs."""
    pattern = {**OF_A_ROW, **OF_A_BATCH}.get(key)
    if pattern:
        if not re.fullmatch(pattern, value):
            wants = {"seed": "a number", "blocks": "a number, 1 to 99"}.get(key, "a text")
            raise LabError(f"{where}: {key}={value}: not {wants}")
        known[key] = value
    elif key in settings.SETTINGS:
        common[key] = value
    else:
        words = ", ".join([*OF_A_BATCH, *OF_A_ROW])
        raise LabError(f"{where}: {key}={value}: neither one of {words} nor a setting")


def parse(text, name, where):
    """The Definition in a text; LabError names the line and what is wrong in it."""
    known, common, rows = {}, {}, []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        at = f"{where}:{number}"
        key = re.match(r"([a-z]+)=(.*)$", line)
        if key:
            key_line(key.group(1), key.group(2).strip(), known, common, at)
        elif line:
            if "blocks" not in known:
                raise LabError(f"{at}: no blocks= above the first row")
            rows.append(row_of(line.split(), common, known, at))
    for key in OF_A_BATCH:
        if key not in known:
            raise LabError(f"{where} has no {key}=")
    if not rows:
        raise LabError(f"{where} has no row")
    return Definition(name, known["about"], int(known["seed"]), bases(rows, where))


def names():
    there = os.listdir(FOLDER) if os.path.isdir(FOLDER) else ()
    return sorted(n.removesuffix(END) for n in there if n.endswith(END))


def read(name):
    """The batch of that name."""
    path = os.path.join(FOLDER, name + END)
    if name not in names():
        raise LabError(f"no batch named {name}; there are {', '.join(names()) or 'none'} (guest-configs/batches)")
    with open(path, encoding="utf-8") as f:
        return parse(f.read(), name, os.path.basename(path))
