# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the runs of a batch, one after another. It can be stopped at any time, and goes on where it stopped."""

import contextlib
import datetime
import fcntl
import os
import shutil
import signal
import subprocess
import time

from . import TOP, LabError, batch, bundle, read_json, read_text, settings, store

EXPERIMENT = os.path.join(TOP, "scripts", "experiment.sh")
PROGRESS = 60  # seconds between two lines of progress
GIVE_UP = 3  # runs in a row without any recording: the machine is at fault, not the experiment
GOES_AWAY = 180  # seconds that an interrupted run has to stop its VM


class Interrupted(BaseException):
    """A signal ended the batch. Its number is the argument."""


@contextlib.contextmanager
def signals():
    """SIGINT, SIGTERM and SIGHUP raise Interrupted, once: what cleans up then is not interrupted again."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(number, _):
        for n in numbers:
            signal.signal(n, signal.SIG_IGN)
        raise Interrupted(number)

    before = {n: signal.signal(n, interrupt) for n in numbers}
    try:
        yield
    finally:
        for n, handler in before.items():
            signal.signal(n, handler)


@contextlib.contextmanager
def alone():
    """One batch at a time in this tree, and none beside `make experiments`."""
    os.makedirs(bundle.BUILD, exist_ok=True)
    with open(os.path.join(bundle.BUILD, ".experiments.lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError("another batch or make experiments is running in this tree") from None
        yield


def last_line(log):
    lines = [line.strip() for line in read_text(log)[-2000:].replace("\r", "\n").splitlines() if line.strip()]
    return lines[-1][:100] if lines else ""


def end(child):
    """Ends an experiment and all that it started; at SIGTERM it stops its VM."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(GOES_AWAY)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


class Maker:
    """Makes what a batch lacks. `command` is given NAME KEY=VALUE... and SPICETAP_RUN, as experiment.sh is."""

    def __init__(self, of, command=EXPERIMENT, out=print, progress=PROGRESS):
        self.batch, self.command, self.out, self.progress = of, command, out, progress
        self.barren = []  # the last runs in a row that left no recording

    def all(self):
        """True when every run is a row."""
        while run := self.batch.next():
            runs = self.batch.runs()
            place = sum(r.state in ("done", "failed") for r in runs) + 1
            again = ", once more" if run.state == "again" else ""
            self.out(
                f"[{place}/{len(runs)}] block {run.block} of {self.batch.definition.blocks}: {run.name}{again}: "
                f"about {batch.span(run.seconds)}, all that is left {batch.span(self.left(runs))}"
            )
            self.one(run)
        runs = self.batch.runs()
        self.out(f"{self.batch.name}: {batch.count(runs)}")
        return all(run.state == "done" for run in runs)

    def left(self, runs):
        return sum(run.seconds for run in runs if run.state in ("todo", "again"))

    def log(self, run):
        return self.batch.path("log", f"{run.name}-{run.attempts + 1}.log")

    def one(self, run):
        """One attempt at a run; it leaves a row or the reasons."""
        start = time.monotonic()
        now = datetime.datetime.now().strftime("%Y%m%d-%H%M%S.%f")[:-3]
        to = self.batch.path("bundles", f"{run.name}-{now}")
        log = self.log(run)
        code = self.started(run, to, log)
        took = round(time.monotonic() - start)
        why = list(reasons(run, to, log, code))
        if why:
            self.fail(run, to, took, why)
        else:
            self.keep(run, to, took)

    def started(self, run, to, log):
        """Runs the experiment; its exit code."""
        os.makedirs(os.path.dirname(log), exist_ok=True)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        words = [self.command, run.row.experiment, *run.row.changes]
        with open(log, "w", encoding="utf-8") as f:
            print("+", *words, file=f, flush=True)
            child = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=f, stderr=f, start_new_session=True,
                env={**os.environ, "SPICETAP_RUN": to},
            )  # fmt: skip
            try:
                return self.wait(child, run, log)
            except BaseException:
                end(child)
                raise

    def wait(self, child, run, log):
        start, left = time.monotonic(), self.left(self.batch.runs())
        while True:
            try:
                return child.wait(self.progress)
            except subprocess.TimeoutExpired:
                now = round(time.monotonic() - start)
                self.out(
                    f"  {run.name}: {now} s of about {run.seconds}, "
                    f"all that is left {batch.span(max(left - now, 0))}: {last_line(log)}"
                )

    def keep(self, run, to, took):
        def accept(facts):
            batch.same_host(self.batch.manifest, facts, self.batch.name)
            for earlier, _ in self.batch.good()[run.row.name].values():
                batch.same_software(earlier, facts)

        self.barren = []
        folder = self.batch.path(run.name)
        try:
            bundle.keep(to, folder, run.row.name, took, run.attempts + 1, self.batch.manifest["batch"], accept)
        except subprocess.CalledProcessError as e:
            raise LabError(f"{run.name} was good, but its row cannot be made of {to}: {e}") from None
        lacks = store.missing(folder)
        if lacks:
            raise LabError(f"{run.name} was good, but its row is not whole: no {', '.join(lacks)}; it is made of {to}")

    def fail(self, run, to, took, why):
        there = read_json(os.path.join(to, "experiment.json")) or {}
        verdict = "refused" if there.get("verdict") == "refused" else "failed"
        name, attempts = self.batch.manifest["batch"], run.attempts + 1
        head = bundle.head_of(run.name, run.row.name, run.row.settings, verdict, why, attempts, name)
        with store.Folder(self.batch.path(run.name)) as new:
            store.write_json(new, "run.json", head | {"took": took})
        self.out(f"  {run.name}: attempt {attempts} of {batch.ATTEMPTS} {verdict}: {'; '.join(why)}")
        self.barren = [] if os.path.isdir(to) else [*self.barren, run.name]
        if len(self.barren) >= GIVE_UP:
            # They say nothing about their rows: each has its two attempts when the machine is well again.
            for barren in set(self.barren):
                shutil.rmtree(self.batch.path(barren))
            raise LabError(
                f"{GIVE_UP} runs in a row left no recording: can this machine run them?\n"
                f"  the last log: {self.log(run)}\n  then go on with the same command"
            )


def reasons(run, to, log, code):
    """What forbids a run to become a row; none of a good run."""
    there = read_json(os.path.join(to, "experiment.json"))
    if not there:
        errors = [line for line in bundle.reasons_of({}, log) if line != bundle.NO_REASON]
        yield from errors or [f"{os.path.basename(EXPERIMENT)} ended with status {code}: {last_line(log)}"]
    elif there["verdict"] != "ok" or there["why"]:
        yield from there["why"] or [f"its verdict is {there['verdict']}"]
    elif not settings.same(there["settings"], run.row.settings):
        yield "it had other settings than the batch has"
    elif code:
        yield f"{os.path.basename(EXPERIMENT)} ended with status {code}"


def make(definition, folder, here, **how):
    """Begins the batch, or goes on with it. True when every run is a row."""
    with alone():
        return Maker(batch.begin(definition, folder, here), **how).all()


def again(of):
    """Makes the rows of a batch anew from its recordings; the names of the runs whose recording is there."""
    for run in of.runs():
        facts = of.facts(run.name)
        to = of.path("bundles", facts.get("bundle") or ".")
        if run.state == "done" and os.path.exists(os.path.join(to, "experiment.json")):
            name = of.manifest["batch"]
            bundle.keep(to, of.path(run.name), run.row.name, facts["took"], run.attempts, name)
            yield run.name
