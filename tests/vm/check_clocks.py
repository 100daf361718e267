#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Do the clocks of server, client and guest agree with the run's time, from its beginning to its end?

    tests/vm/check_clocks.py SPICETAP RUN

The run needs a client and the guest's agent. Prints `ok NAME (figures)` or `FAIL NAME: figures`; exit 1 if one failed.
"""

import json
import os
import subprocess
import sys

LIMIT = 1_000_000  # ns
PARTS = 10  # of a run: a clock that drifts shows itself in the difference between them


def figures(spans, window):
    """(good, text) of pairs (time, ns from a reading of the clock to the event behind it). No event is before its
    reading. The shortest spans of the parts of the run differ by what waiting makes of them."""
    length = (window["to"] - window["from"]) / PARTS
    parts = [[] for _ in range(PARTS)]
    for at, span in spans:
        parts[min(max(int((at - window["from"]) / length), 0), PARTS - 1)].append(span)
    least = [min(part) for part in parts if part] or [-1]
    apart = max(least) - min(least)
    text = f"{len(spans)} in {length * PARTS / 1e9:.0f} s: least {min(least)} ns; "
    return (min(least) >= 0 and apart < LIMIT and len(least) == PARTS,
            text + f"those of {len(least)} parts of the run {apart} ns apart")


def of_server(events):
    """The server reads its clock for `created` a moment before the probe `draw`."""
    return [(e["t"], e["t"] - e["created"]) for e in events if e["event"] == "draw" and e["created"]]


def of_client(events):
    """What was sent is one piece of what the client got; each message came after it was sent."""
    sent, got = ([e for e in events if e["event"] == kind and e["channel"] == "display"]
                 for kind in ("sent", "client_message"))

    def alike(first):
        return all((s["msg"], s["size"]) == (g["msg"], g["size"]) for s, g in zip(sent, got[first:], strict=False))

    first = next((i for i in range(len(got)) if alike(i)), len(got))
    return [(s["t"], g["t"] - s["t"]) for s, g in zip(sent, got[first:], strict=False)]


def of_guest(about):
    """The guest's clock is mapped by lines with a proven error. Between lines nothing may leap."""
    clocks = about.get("clocks", [])
    segments = [s for c in clocks for s in c["segments"]]
    errors = [s.get("error_ns") if s.get("error_ns") is not None else 10**12 for s in segments]
    drifts = [s["drift_ppb"] / 1000 for s in segments]
    rejected, violations = (sum(c.get(key, 0) for c in clocks) for key in ("rejected", "violations"))
    good = segments and max(errors) < LIMIT and not violations and not any(s.get("jump") for s in segments)
    return bool(good), (f"{len(segments)} lines, {sum(c.get('pairs', 0) for c in clocks)} pairs, {rejected} rejected, "
                        f"{violations} violations; error {max(errors, default=0)} ns at most; drift "
                        f"{min(drifts, default=0):.3f} to {max(drifts, default=0):.3f} ppm")


def check(spicetap, run):
    """Lines (name, good, figures)."""
    with open(os.path.join(run, "run.json"), encoding="utf-8") as f:
        about = json.load(f)
    command = [spicetap, "export", run, "--format", "jsonl", "--kind", "draw,sent,client_message"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as export:
        events = [json.loads(line) for line in export.stdout]
    for name, spans in (("server", of_server(events)), ("client", of_client(events))):
        good, text = figures(spans, about["window"])
        yield f"the {name}'s clock is the run's", good, text
    good, text = of_guest(about)
    yield "the guest's clock is known to 1 ms", good, text


def main():
    failed = 0
    for name, good, text in check(sys.argv[1], sys.argv[2]):
        failed += not good
        print(f"ok {name} ({text})" if good else f"FAIL {name}: {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
