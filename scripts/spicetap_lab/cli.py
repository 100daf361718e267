# SPDX-License-Identifier: GPL-2.0-or-later
"""The commands: options in, exit code out.

Exit codes: 0 done, 1 no (a bad setting, a run that does not agree, a page that is not current), 2 usage,
3 inconclusive (agree)."""

import argparse
import json
import os
import sys

from . import (
    LabError,
    bundle,
    checks,
    cli_batch,
    figures,
    guests,
    hosts,
    ooms,
    pages,
    runlist,
    settings,
    ssim,
    stack,
    store,
    tables,
)

DOCS = "default: the pages of docs/ with marked tables or citations, where RESULTS is the tree's results/"
RUNS = "patterns of names of rows (005b) or of runs (16a-2), or @BATCH"


def command_settings(o):
    kinds = ("vm", "experiment") if o.vm else ("experiment",)
    path, row_changes = runlist.find(o.name, kinds)
    if not path:
        if o.vm:
            raise LabError(f"no VM named {o.name}: guest-configs/ has no such .vm, .experiment or row")
        raise LabError(f"no experiment and no row named {o.name}: make experiment lists them")
    for key, value in sorted(settings.resolve(path, [*row_changes, *o.change], o.name).items()):
        if not o.vm or settings.SETTINGS[key].of_vm:
            print(f"{key}={value}")


def command_clip_region(o):
    """The region for the client's --clip: X,Y,WIDTHxHEIGHT."""
    left, top, right, bottom = guests.clip_box(settings.parse(o.change, "clip-region"))
    print(f"{left},{top},{right - left}x{bottom - top}")


def command_experiments(_):
    """The experiments, with what each is about."""
    for path in sorted(os.listdir(settings.CONFIGS)):
        name, end = os.path.splitext(path)
        if end == ".experiment":
            words = settings.parse(settings.read_file(os.path.join(settings.CONFIGS, path)), path)
            print(f"  {name:<18} {words.get('about', '')}")


def planned(o):
    rows, _ = runlist.read()
    runs = runlist.plan(o.results, rows, o.only, o.duration)
    if not runs:
        raise LabError(f"no run is named {' '.join(o.only)}: scripts/experiments.sh --list")
    return runs


def command_plan(o):
    for item in planned(o):
        print(item.run, item.row.name, item.state, item.seconds, item.left)


def command_list(o):
    print("\n".join(runlist.show(o.results, planned(o))))


def command_check_run(o):
    for reason in checks.of_run(bundle.SPICETAP, o.run, o.console, o.first, settings.parse(o.change, "check-run")):
        print(reason)


def command_count_ooms(o):
    print(ooms.compare(o.run, bundle.SPICETAP, sys.stdin))


def command_conclude(o):
    text = json.dumps(bundle.experiment_of(sys.stdin), indent=2)
    store.replace_file(os.path.join(o.run, "experiment.json"), text)


def command_keep(o):
    bundle.keep(o.bundle, o.folder, o.name, o.took, o.attempts)


def command_fail(o):
    why = bundle.fail(o.bundle, o.folder, o.name, o.duration, o.log)
    print(f"  {os.path.basename(o.folder)} failed: {'; '.join(why)}")


def command_again(o):
    for line in bundle.again(o.results, o.runs):
        print(line)


def command_pages(o):
    pages.make(o.results, o.pages or pages.of_docs(o.results))


def command_check(o):
    wrong = list(pages.check(o.results, o.pages or pages.of_docs(o.results)))
    print("\n".join(wrong) or f"{o.results}: agrees")
    return bool(wrong)


def command_beside(o):
    sys.stdout.write(tables.beside(store.Results(o.results), o.names))


def command_agree(o):
    experiment, facts, repeat = bundle.repeat_of(o.bundle)
    runs = store.Results(o.results).good.get(experiment["name"])
    if not runs:
        raise LabError(f"{experiment['name']} has no run in {o.results}")
    host = hosts.key(facts)
    of_host = [run for run in runs if hosts.key(run[0]) == host]
    print(f"host: {hosts.describe(host)}; {len(of_host)} of the row's {tables.plural(len(runs), 'run')} are of it")
    if any(not settings.same(experiment["settings"], run[0]["settings"]) for run in of_host):
        print("warning: its settings are not those of the row")
    judged = list(figures.agreement(figures.rows_of(of_host), figures.of_workload(facts, repeat)))
    for j in judged:
        verdict = f"{j.verdict}: {j.why}" if j.why else j.verdict
        print(f"{j.heading:<18} {j.figure:>12}   {j.least:>10} to {j.most:<10} {verdict}".rstrip())
    return conclusion(judged, len(of_host))


def conclusion(judged, runs):
    """Prints what the figures say together; the exit code."""
    count = {v: sum(j.verdict == v for j in judged) for v in (figures.WITHIN, figures.OUTSIDE, figures.INCONCLUSIVE)}
    if count[figures.OUTSIDE]:
        print(f"outside: {count[figures.OUTSIDE]} of {tables.plural(len(judged), 'figure')}")
        return 1
    if runs < figures.MIN_RUNS:
        print(f"inconclusive: the row has {tables.plural(runs, 'run')} of this host; a spread takes {figures.MIN_RUNS}")
        return 3
    if count[figures.INCONCLUSIVE] or not judged:
        cannot = f"{count[figures.INCONCLUSIVE]} of {tables.plural(len(judged), 'figure')}"
        print(f"inconclusive: {cannot} cannot be compared")
        return 3
    print(f"agrees: {tables.plural(len(judged), 'figure')} within the spread of {runs} runs")
    return 0


def command_ssim(o):
    print(ssim.words(o.run, ssim.measure(o.run, o.clips)))


def command_stack_component(o):
    stack.write(o.file, stack.component(os.environ))


def command_stack_merge(o):
    stack.merge(o.folder)


def command_stack_verdicts(o):
    print("\n".join(stack.verdicts(o.log)))


# ---- options -----------------------------------------------------------------------------------


def for_people(add):
    """The commands of scripts/results.py."""
    add(command_list, "the rows of runs.list: what is done, failed and left", planned_options)
    again = add(command_again, "make folders of RESULTS anew from the bundles that are in runs/", ("results",))
    again.add_argument("runs", nargs="*")
    for command, about in (
        (command_pages, "make RESULTS/README.md, and the marked tables of the PAGES, from the runs"),
        (command_check, "are README.md, tables and citations current, and does no file name a path or the host?"),
    ):
        add(command, about, ("results",)).add_argument("pages", nargs="*", help=DOCS)
    beside = add(command_beside, "print rows (16a) or single runs (16a-3) side by side, host by host", ("results",))
    beside.add_argument("names", nargs="+")
    cli_batch.for_people(add)
    agree = "does a further repeat lie within the spread of its row on the same host?"
    add(command_agree, agree, ("bundle", "results"))


def for_scripts(add):
    """The commands that the bash scripts use."""
    one = add(command_settings, "check and print the settings of an experiment, a row or a VM", ("name",))
    one.add_argument("change", nargs="*", metavar="KEY=VALUE")
    one.add_argument("--vm", action="store_true", help="a VM's settings alone; NAME may be a .vm file too")
    region = add(command_clip_region, "print where on the screen the clip is, for these settings")
    region.add_argument("change", nargs="*", metavar="KEY=VALUE")
    add(command_experiments, "list the experiments of guest-configs/")
    add(command_plan, "a line for each run: RUN NAME STATE SECONDS SECONDS-LEFT", planned_options)
    run = add(command_check_run, "print what forbids a run to become a row, a line each", ("run", "console"))
    run.add_argument("first", type=int, help="the first line `alive` of the console that counts")
    run.add_argument("change", nargs="*", metavar="KEY=VALUE")
    add(command_ssim, "compare a run's kept pictures with CLIPS, a clip or a folder of them", ("run", "clips"))
    add(command_count_ooms, "compare QEMU's log lines (stdin) with the recording's probe", ("run",))
    add(command_conclude, "write RUN/experiment.json from lines KEY=VALUE (stdin)", ("run",))
    keep = add(command_keep, "make FOLDER of RESULTS of a good run", ("bundle", "folder"))
    fail = add(command_fail, "make FOLDER of RESULTS of a failed run, with the reasons", ("bundle", "folder"))
    for parser in (keep, fail):
        parser.add_argument("--name", required=True, help="the row")
    add(command_stack_component, "write what stack.json has of one component, from the environment", ("file",))
    add(command_stack_merge, "make FOLDER/stack.json of the components that are there", ("folder",))
    add(command_stack_verdicts, "print the verdicts in a log of meson's tests, sorted", ("log",))
    keep.add_argument("--took", type=int, help="seconds from the start to the end of the experiment")
    keep.add_argument("--attempts", type=int, default=1)
    fail.add_argument("--duration", type=int)
    fail.add_argument("--log", default="", help="where its errors are")
    cli_batch.for_scripts(add)


def planned_options(parser):
    parser.add_argument("results")
    parser.add_argument("--only", nargs="*", default=[], metavar="PATTERN", help=RUNS)
    parser.add_argument("--duration", type=int)


def parser_of(prog, about, groups):
    parser = argparse.ArgumentParser(prog=prog, description=about)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(command, help_text, words=()):
        name = command.__name__.removeprefix("command_").replace("_", "-")
        one = commands.add_parser(name, help=help_text, description=help_text)
        one.set_defaults(run_command=command)
        if callable(words):
            words(one)
        else:
            for word in words:
                one.add_argument(word)
        return one

    for group in groups:
        group(add)
    return parser


def main(prog="spicetap_lab", about="The experiments: settings, checks, results.", groups=(for_people, for_scripts)):
    o = parser_of(prog, about, groups).parse_args()
    try:
        return int(o.run_command(o) or 0)
    except LabError as e:
        print(f"error: {e}", file=sys.stderr)
        return 1
