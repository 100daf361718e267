# SPDX-License-Identifier: GPL-2.0-or-later
"""Two counts of spice_qxl_oom in a recording's window: QEMU's own log trace, and the recording's probe.

With `-msg timestamp=on`, as libvirt has it, a line of the log begins with the time of day, PID@SECONDS.MICROSECONDS.
run.json has both clocks at the start of the recording. In slow motion QEMU's time of day and its monotonic clock are
one: both begin at the time of day at which libfaketime was loaded, and are slowed alike.
"""

import json
import os
import re
import subprocess
from datetime import datetime

EDGE_NS = 5e6  # the time of day is known to 1 ms: a line this close to the window's edge may be in or out


def logged(lines, head):
    """(how many lines are in the window, how many are at its edge); None where a line has no time."""
    wall = datetime.fromisoformat(head["started"]["wall"].replace("Z", "+00:00")).timestamp()
    shift = 0 if "time_line" in head else wall * 1e9 - head["started"]["monotonic"]
    low, high = head["window"]["from"], head["window"]["to"]
    inside = edge = 0
    for line in lines:
        at = re.match(r"(?:\d+@)?(\d+\.\d+):", line)
        if not at:
            return None
        time = float(at.group(1)) * 1e9 - shift
        inside += low <= time <= high
        edge += min(abs(time - low), abs(time - high)) < EDGE_NS
    return inside, edge


def compare(run, spicetap, lines):
    """One line; it begins with `differ` where the counts do."""
    with open(os.path.join(run, "run.json"), encoding="utf-8") as f:
        counted = logged(lines, json.load(f))
    if counted is None:
        return "qxl_spice_oom: QEMU's log has lines without a time: no second count"
    command = [spicetap, "export", run, "--oom", "--summary", "--format", "jsonl"]
    probed = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)["spice_ooms"]
    inside, edge = counted
    line = f"qxl_spice_oom: {inside} by QEMU's own log, {probed} by its probe"
    return line if abs(inside - probed) <= edge else f"differ: {line}"
