# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands of batches: options in, exit code out."""

import os

from . import LabError, batch, batchfile, batchpages, batchrun, bundle, hosts, plateau, rules, stack, tables


def folder_of(o, definition):
    """Where the batch is made."""
    name = o.folder or definition.name
    if os.path.basename(name) != name or name.startswith("."):
        raise LabError(f"--as {name}: a name is wanted, no path")
    return os.path.join(batch.RUNS, name)


def here():
    """This host, and the traced stack that is built on it."""
    return hosts.here() | {"stack": stack.keys(os.path.join(bundle.BUILD, "stack", "share", "spicetap"))}


def definition_of(o):
    if o.plateau:
        return plateau.definition(o.name, o.change, hosts.here()["accel"])
    if o.change:
        raise LabError(f"{o.change[0]}: a batch has its settings from its file alone")
    return batchfile.read(o.name)


def there(o):
    """The batch as far as it is made."""
    definition = definition_of(o)
    folder = folder_of(o, definition)
    if not os.path.exists(os.path.join(folder, batch.MANIFEST)):
        raise LabError(f"{definition.name} has not begun: scripts/batch.sh --dry-run shows what it would make")
    return batch.Batch(folder)


def command_batch_names(_):
    """The batches, with what each is about."""
    if not batchfile.names():
        print("  guest-configs/batches has no batch")
    for name in batchfile.names():
        definition = batchfile.read(name)
        begun = os.path.join(batch.RUNS, name)
        state = batch.count(batch.Batch(begun).runs()) if os.path.exists(f"{begun}/{batch.MANIFEST}") else "not begun"
        print(f"  {name:<12} {definition.about} ({state})")


def command_batch_make(o):
    definition = definition_of(o)
    folder = folder_of(o, definition)

    def out(line):
        print(line, flush=True)

    try:
        with batchrun.signals():
            whole = batchrun.make(definition, folder, here(), out=out)
    except batchrun.Interrupted as e:
        out("interrupted; the same command goes on with the run that was being made")
        return 128 + e.args[0]
    options = ["--table", *(["--plateau"] if o.plateau else []), *(["--as", o.folder] if o.folder else [])]
    out(f"its figures:  scripts/batch.sh {' '.join([*options, o.name, *o.change])}")
    out(f"to keep it:   scripts/results.py keep-batch {os.path.basename(folder)} results")
    return not whole


def command_batch_list(o):
    print("\n".join(batch.show(there(o))))


def command_batch_dry_run(o):
    """What would run, in its order. Nothing is written."""
    definition = definition_of(o)
    folder = folder_of(o, definition)
    host = here()
    begun = os.path.exists(os.path.join(folder, batch.MANIFEST))
    made = batch.Batch(folder) if begun else None
    if made:
        batch.agrees(made.manifest, definition, host, made.name)
    runs = (made or batch.Planned(definition, host["accel"])).runs()
    print(f"{definition.name}: {definition.about}\nhost: {hosts.describe(hosts.key(host))}; seed {definition.seed}")
    for run in runs:
        if run.state in ("todo", "again"):
            words = " ".join([run.row.experiment, *run.row.changes])
            print(f"  {run.name:<24} scripts/experiment.sh {words}   # about {batch.span(run.seconds)}")
    print(batch.count(runs))


def command_batch_table(o):
    of = there(o)
    pilots = [*plateau.pilots(batch.RUNS), *plateau.pilots(os.path.join(batchpages.RESULTS, "batches"))]
    print(batchpages.Page(of, pilots).text())


def command_keep_batch(o):
    print(batchpages.keep(batch.Batch(os.path.join(batch.RUNS, o.batch)), o.results, o.unfinished))


def command_batch_again(o):
    of = batch.Batch(os.path.join(batch.RUNS, o.batch))
    made = list(batchrun.again(of))
    print(f"{of.name}: {tables.plural(len(made), 'row')} made again")


def command_rules(o):
    """Which rules of measurement the runs break."""
    print("\n".join(rules.show(o.results)))


def one(parser):
    parser.add_argument("name", help="a batch; with --plateau a row")
    parser.add_argument("change", nargs="*", metavar="KEY=VALUE")
    parser.add_argument("--plateau", action="store_true", help="the pilot of the row NAME")
    parser.add_argument("--as", dest="folder", metavar="FOLDER", help="in place of the batch's name")


def for_people(add):
    keep = add(command_keep_batch, "make RESULTS/batches/BATCH of a batch in runs/batches", ("batch", "results"))
    keep.add_argument("--unfinished", action="store_true", help="although runs of it are to do")
    add(command_rules, "which rules of docs/dev/measuring.md do the runs in RESULTS break?", ("results",))
    add(command_batch_again, "make the rows of a batch in runs/batches anew from its recordings", ("batch",))


def for_scripts(add):
    add(command_batch_names, "list the batches of guest-configs/batches")
    add(command_batch_make, "make a batch, or go on with it", one)
    add(command_batch_list, "print what of a batch is done, failed and left", one)
    add(command_batch_dry_run, "print what a batch would run", one)
    add(command_batch_table, "print the page of a batch as far as it is made", one)
