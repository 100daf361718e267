# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of a batch: its rows, the differences within blocks, the plateau, and what failed. Nothing in it is of
another batch."""

import os
import shutil

from . import TOP, LabError, batch, figures, hosts, paired, plateau, store, tables

HEADING = """<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Made by `make results` from the runs beside it: do not edit. -->
# {name}

{about}

{host}. {blocks}, seed {seed}. {count}.

A figure is the median of the row's runs, with the least and the most in brackets. An empty figure was not measured in
each of them. How a batch is made and read: [docs/dev/experiments.md]({way}docs/dev/experiments.md#batches).
"""
RESULTS = os.path.join(TOP, "results")
FEW = "†"
NO_PILOT, NOT_ON_IT = "‡", "§"
MARKS = {
    FEW: f"fewer than {paired.MIN_RUNS} good runs: no recommendation may rest on this row.",
    NO_PILOT: "no pilot of this host shows that the row is on the plateau.",
    NOT_ON_IT: "not on the plateau: its pilot asks for slower motion, or found no plateau.",
}


class Page:
    """What is said of one batch. pilots: where the rows' plateaus are looked up."""

    def __init__(self, of, pilots=()):
        self.of, self.good, self.pilots = of, of.good(), list(pilots)
        self.rows = {
            name: dict(zip(runs, figures.rows_of(runs.values()), strict=True)) for name, runs in self.good.items()
        }
        self.used = []

    def mark(self, row):
        """The marks of a row, which the legend below the table explains."""
        marks = FEW if len(self.good[row.name]) < paired.MIN_RUNS else ""
        if self.of.accel != "kvm" and not plateau.is_pilot(self.of.definition):
            begins, pilot = plateau.of_row(row.settings, self.of.manifest, self.pilots)
            if not pilot:
                marks += NO_PILOT
            elif begins is None or plateau.factor(row.settings) < begins:
                marks += NOT_ON_IT
        self.used += marks
        return marks

    def legend(self):
        lines = [f"{mark} {words}" for mark, words in MARKS.items() if mark in self.used]
        self.used = []
        return "\n" + "  \n".join(lines) + "\n" if lines else ""

    def shown(self):
        there = [row for rows in self.rows.values() for row in rows.values()]
        return [c for c in figures.OF_A_BATCH if any(figures.value(row, c.name) is not None for row in there)]

    def table(self):
        """A line for each row."""
        shown, lines = self.shown(), []
        for row in self.of.definition.rows:
            rows = list(self.rows[row.name].values())
            runs = " ".join(f"[{block}]({row.name}-{block}/)" for block in sorted(self.good[row.name]))
            cells = [figures.figure(rows, c.name, c.digits, c.scale) for c in shown]
            words = [figures.word(rows, "death"), figures.word(rows, "refusal")] if rows else ["", ""]
            lines.append([row.name + self.mark(row), f"{plateau.factor(row.settings):g}", runs, *cells, *words])
        words = ["most streams ended by", "most redraws refused by"]
        head = ["row", "slowdown", "runs", *(c.heading for c in shown), *words]
        return tables.table(head, lines) + self.legend()

    def difference(self, row, column):
        values = [
            {block: figures.value(of_row, column.name) for block, of_row in self.rows[name].items()}
            for name in (row.base, row.name)
        ]
        return paired.difference(*values)

    def differences(self):
        """A line for each row that is compared with another one."""
        shown, lines = [c for c in self.shown() if c.name not in figures.NOT_OF_A_REPEAT], []
        for row in self.of.definition.rows:
            both = self.good[row.name].keys() & self.good[row.base].keys()
            if row.name == row.base or not both:
                continue
            few = FEW if len(both) < paired.MIN_RUNS else ""
            self.used += few
            cells = [in_words(self.difference(row, c), c) for c in shown]
            lines.append([row.name + few, row.base, str(len(both)), *cells])
        if not lines:
            return "No block has two rows to compare.\n"
        used = [n for n in range(len(shown)) if any(line[n + 3] for line in lines)]
        lines = [[*line[:3], *(line[n + 3] for n in used)] for line in lines]
        return tables.table(["row", "minus", "blocks", *(shown[n].heading for n in used)], lines) + self.legend()

    def settings(self):
        """In what the rows differ."""
        rows = self.of.definition.rows
        keys = sorted({k for row in rows for k in row.settings} - {"about"})
        other = [k for k in keys if len({row.settings.get(k) for row in rows}) > 1]
        lines = [[row.name, row.experiment, *(row.settings.get(k) or "" for k in other)] for row in rows]
        same = ", ".join(f"{k}={rows[0].settings[k]}" for k in keys if k not in other and rows[0].settings.get(k))
        return f"{tables.table(['row', 'experiment', *other], lines)}\nThe same in all rows: {same}.\n"

    def failed(self):
        runs = [run for run in self.of.runs() if run.state in ("failed", "again")]
        lines = [[run.name, str(run.attempts), "; ".join(run.why)] for run in runs]
        return tables.table(["run", "attempts", "why"], lines) if lines else "No run has failed.\n"

    def versions(self):
        facts = [facts for runs in self.good.values() for facts, _ in runs.values()]
        return distinct_lines(facts, software_of) or "none yet\n"

    def text(self, way="../../../"):
        of = self.of
        parts = [
            HEADING.format(
                name=of.name,
                about=of.definition.about,
                host=hosts.describe(hosts.key(of.manifest)),
                blocks=tables.plural(of.definition.blocks, "block"),
                seed=of.definition.seed,
                count=batch.count(of.runs()),
                way=way,
            ),
            *(["## The plateau\n", plateau_table(of)] if plateau.is_pilot(of.definition) else []),
            "## Rows\n", self.table(),
            "## Differences within blocks\n", BETWEEN, self.differences(),
            "## Settings\n", self.settings(),
            "## Versions\n", self.versions(),
            "## Failed\n", self.failed(),
        ]  # fmt: skip
        return "\n".join(parts)


BETWEEN = f"""The median of the row minus the other one, taken in each block that has both, and its least and most. From
{paired.MIN_BOOTSTRAP} blocks on: the 95 % interval of the median by bootstrap, over all resamples.
"""


def signed(value, column):
    return f"{value / column.scale:+.{column.digits}f}"


def in_words(difference, column):
    if difference is None:
        return ""
    text = signed(difference.median, column)
    if difference.n > 1:
        text += f" ({signed(difference.least, column)} to {signed(difference.most, column)})"
    if difference.low is not None:
        text += f", 95 % {signed(difference.low, column)} to {signed(difference.high, column)}"
    return text


def plateau_table(of):
    """What each factor of a pilot shows, and where the plateau begins."""
    shown, lines = plateau.columns(), []
    rows = plateau.rows_of(of)
    for verdict in plateau.verdicts(of):
        of_factor = rows[verdict.factor]
        cells = [figures.figure(of_factor, c.name, c.digits, c.scale) for c in shown]
        said = "on the plateau" if verdict.on else verdict.why
        lines.append([f"{verdict.factor:g}", str(len(of_factor)), *cells, said])
    begins = plateau.begins(of)
    end = f"The plateau begins at {begins:g}." if begins else "No factor of this pilot is shown to be on the plateau."
    return tables.table(["slowdown", "runs", *(c.heading for c in shown), ""], lines) + f"\n{end}\n"


def software_of(facts):
    guest, versions = facts["guest"], facts["versions"]
    packages = [f"{name} {version}" for name, version in sorted(guest.get("packages", {}).items())]
    stack = f"spice {versions.get('spice')}, QEMU {versions.get('qemu')}"
    return f"{stack}; {guest.get('distribution')}, kernel {guest.get('kernel')}: {', '.join(packages) or 'not known'}"


def distinct_lines(facts, of):
    seen = {}
    for f in facts:
        seen.setdefault(of(f), set()).add(f["name"])
    return "".join(f"- {', '.join(sorted(names))}: {words}\n" for words, names in sorted(seen.items()))


def part(results, what, name):
    """One table of a batch in results/, for a page of docs/: of one batch, so that no table mixes two."""
    of = next((of for of in kept(results) if of.name == name), None)
    if not of:
        return f"*no batch named {name} is in results/*\n"
    return PARTS[what](Page(of, pilots_of(results)))


PARTS = {"rows": Page.table, "differences": Page.differences, "plateau": lambda page: plateau_table(page.of)}


# ---- results/batches/ --------------------------------------------------------------------------


def kept(results):
    """The batches in results/."""
    folder = os.path.join(results, store.BATCHES)
    return [batch.Batch(os.path.join(folder, name)) for name in store.folders(folder)]


def pilots_of(results):
    return list(plateau.pilots(os.path.join(results, store.BATCHES)))


def page(of, results):
    return Page(of, pilots_of(results)).text()


def make(results):
    """Writes the page of each batch in results/."""
    for of in kept(results):
        store.replace_file(of.path("README.md"), page(of, results))


def overview(results):
    """A line for each batch, for results/README.md; "" where there are none."""
    lines = [
        [f"[{of.name}]({store.BATCHES}/{of.name}/README.md)", of.definition.about, str(of.definition.blocks),
         hosts.describe(hosts.key(of.manifest)), batch.count(of.runs())]
        for of in kept(results)
    ]  # fmt: skip
    return "## Batches\n\n" + tables.table(["batch", "about", "blocks", "host", "runs"], lines) if lines else ""


def check(results):
    """What is wrong with the batches in results/, a line each."""
    folder = os.path.join(results, store.BATCHES)
    for name in store.folders(folder):
        path = os.path.join(folder, name)
        if not os.path.exists(os.path.join(path, batch.MANIFEST)):
            yield f"{store.BATCHES}/{name} is no batch: it has no {batch.MANIFEST}"
            continue
        of = batch.Batch(path)
        if store.read_text(of.path("README.md")) != page(of, results):
            yield f"{store.BATCHES}/{name}/README.md is not what its runs say: make results"
        names = {run.name for run in of.runs()}
        for run in store.folders(path):
            facts = of.facts(run)
            if run not in names:
                yield f"{store.BATCHES}/{name}/{run} is no run of this batch"
            elif facts.get("verdict") == "ok" and hosts.key(facts) != hosts.key(of.manifest):
                yield f"{store.BATCHES}/{name}/{run} is another host's"
        for complaint in store.halves(path):
            yield f"{store.BATCHES}/{name}: {complaint}"


def keep(of, results, unfinished=False):
    """Makes results/batches/NAME of a batch in runs/: its manifest, its rows, and the reasons of its failed runs."""
    runs = of.runs()
    if of.next() and not unfinished:
        raise LabError(f"{of.name} is not done: {batch.count(runs)}; go on: scripts/batch.sh {of.name}")
    with store.Folder(os.path.join(results, store.BATCHES, of.name)) as new:
        for run in runs:
            if run.state != "todo":
                shutil.copytree(of.path(run.name), os.path.join(new, run.name))
        store.write_json(new, batch.MANIFEST, of.manifest)
    there = batch.Batch(os.path.join(results, store.BATCHES, of.name))
    make(results)
    return f"{there.folder}: {batch.count(there.runs())}"
