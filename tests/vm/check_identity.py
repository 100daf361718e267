#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the order and the identities of an export, a line at a time. Its memory does not grow with the run.

    spicetap export RUN --format jsonl | tests/vm/check_identity.py

Prints `ok NAME` or `FAIL NAME: why`; exit 1 if one failed. A rule that no event showed has failed.
"""

import json
import sys

SHOWN = 3  # as many failures of one kind are printed


class Check:
    """One rule: how often it held, and how often not."""

    def __init__(self, name):
        self.name, self.held, self.before, self.broken, self.examples = name, 0, 0, 0, []

    def fail(self, event, why):
        self.broken += 1
        if len(self.examples) < SHOWN:
            self.examples.append("{} at t={}: {}".format(event["event"], event["t"], why))

    def result(self):
        if self.broken:
            of = self.broken + self.held + self.before
            return False, f"{self.broken} of {of}: {'; '.join(self.examples)}"
        if not self.held:
            return False, f"nothing shows it: 0 held, {self.before} began before the recording"
        note = f"{self.held} held"
        return True, note + (f", {self.before} began before the recording" if self.before else "")


class Identity:
    """The state of one recording."""

    def __init__(self):
        self.checks = {}
        self.drawn = {}       # drawable's address -> its release id, from draw to release
        self.addresses = set()  # addresses that were seen in this recording
        self.streams = set()  # (display, stream) from stream_create to stream_stop
        self.numbers = set()  # (display, stream) seen in this recording
        self.inside = {"oom": {}, "free_some": {}}  # display -> drawables evicted since it began
        self.time = 0
        for name in ("time goes forward", "no event is lost", "a release has its draw", "an address is one drawable",
                     "an evict lies in a free_some", "an evicted drawable was drawn", "free_some counts its evictions",
                     "begin and end alternate", "a stream_stop has its stream_create", "a frame has its stream"):
            self.checks[name] = Check(name)

    def see(self, event):
        order = self.checks["time goes forward"]
        if event["t"] < self.time:
            order.fail(event, "{} ns before the line above".format(self.time - event["t"]))
        else:
            order.held += 1
        self.time = max(self.time, event["t"])
        self.checks["no event is lost"].held += event["event"] != "loss"
        handler = getattr(self, "on_" + event["event"], None)
        if handler:
            handler(event)

    def on_loss(self, event):
        text = "{} lost ({}): nothing can be concluded".format(event["count"], event["reason"])
        self.checks["no event is lost"].fail(event, text)

    # ---- drawables

    def on_draw(self, event):
        check, address = self.checks["an address is one drawable"], event["drawable"]
        if address in self.drawn:
            check.fail(event, f"{address} is drawn again before its release")
        else:
            check.held += 1
        self.drawn[address] = event["release_id"]
        self.addresses.add(address)

    def known(self, check, event):
        """The drawable was drawn and is not released; or its draw came before the recording."""
        address = event["drawable"]
        if self.drawn.get(address) == event["release_id"]:
            check.held += 1
        elif address not in self.addresses:
            check.before += 1
        elif address in self.drawn:
            ident = event["release_id"]
            check.fail(event, f"{address} has release id {ident}, drawn with {self.drawn[address]}")
        else:
            check.fail(event, f"{address} was released already")

    def on_release(self, event):
        self.known(self.checks["a release has its draw"], event)
        self.drawn.pop(event["drawable"], None)
        self.addresses.add(event["drawable"])

    # ---- eviction

    def begin(self, what, event):
        check = self.checks["begin and end alternate"]
        if event["display"] in self.inside[what]:
            check.fail(event, "the one before has not ended")
        else:
            check.held += 1
        self.inside[what][event["display"]] = 0

    def end(self, what, event, first):
        evicted = self.inside[what].pop(event["display"], None)
        check = self.checks["begin and end alternate"]
        if evicted is not None:
            check.held += 1
        elif first:
            check.before += 1
        else:
            check.fail(event, "it has not begun")
        return evicted

    def on_oom_begin(self, event):
        self.begin("oom", event)

    def on_oom_end(self, event):
        self.end("oom", event, not self.checks["begin and end alternate"].held)

    def on_free_some_begin(self, event):
        self.begin("free_some", event)

    def on_free_some_end(self, event):
        evicted = self.end("free_some", event, not self.checks["begin and end alternate"].held)
        check = self.checks["free_some counts its evictions"]
        if evicted is None:
            check.before += 1
        elif evicted == event["evicted"]:
            check.held += 1
        else:
            check.fail(event, "it says {}, there were {}".format(event["evicted"], evicted))

    def on_evict(self, event):
        check = self.checks["an evict lies in a free_some"]
        if event["display"] in self.inside["free_some"]:
            self.inside["free_some"][event["display"]] += 1
            check.held += 1
        else:
            check.fail(event, "no free_some is under way")
        self.known(self.checks["an evicted drawable was drawn"], event)

    # ---- streams

    def on_stream_create(self, event):
        stream = (event["display"], event["stream"])
        if stream in self.streams:
            text = "stream {} runs already".format(event["stream"])
            self.checks["a stream_stop has its stream_create"].fail(event, text)
        self.streams.add(stream)
        self.numbers.add(stream)

    def running(self, check, event):
        stream = (event["display"], event["stream"])
        if stream in self.streams:
            check.held += 1
        elif stream not in self.numbers:
            check.before += 1
        else:
            check.fail(event, "stream {} does not run".format(event["stream"]))

    def on_stream_stop(self, event):
        stream = (event["display"], event["stream"])
        self.running(self.checks["a stream_stop has its stream_create"], event)
        self.streams.discard(stream)
        self.numbers.add(stream)

    def on_stream_attach(self, event):
        self.running(self.checks["a frame has its stream"], event)

    def results(self):
        """(name, ok, what was seen) for each rule"""
        return [(name,) + check.result() for name, check in self.checks.items()]


def check_lines(lines, also=None):
    """Checks an export; calls also(event) for every event."""
    identity = Identity()
    for line in lines:
        event = json.loads(line)
        identity.see(event)
        if also:
            also(event)
    return identity.results()


def main():
    failed = 0
    for name, ok, detail in check_lines(sys.stdin):
        print(f"ok {name} ({detail})" if ok else f"FAIL {name}: {detail}")
        failed += not ok
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
