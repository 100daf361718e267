#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Two counts of spice_qxl_oom: QEMU's own log trace (stdin), and the recording's probe.

Usage: count-ooms.py RUN SPICETAP <lines of QEMU's log

With `-msg timestamp=on`, as libvirt has it, a line begins PID@SECONDS.MICROSECONDS: and the time of
day; run.json knows both clocks at the start.
"""
import json
import re
import subprocess
import sys
from datetime import datetime

run, spicetap = sys.argv[1:]
with open(run + "/run.json", encoding="utf-8") as f:
    head = json.load(f)
wall = datetime.fromisoformat(head["started"]["wall"].replace("Z", "+00:00")).timestamp()
shift = wall * 1e9 - head["started"]["monotonic"]
low, high = head["window"]["from"], head["window"]["to"]
logged = edge = 0
for line in sys.stdin:
    at = re.match(r"(?:\d+@)?(\d+\.\d+):", line)
    if not at:
        print("qxl_spice_oom: QEMU's log has lines without a time: no second count")
        sys.exit(0)
    time = float(at.group(1)) * 1e9 - shift
    logged += low <= time <= high
    edge += min(abs(time - low), abs(time - high)) < 5e6  # the wall clock is known to 1 ms
summary = json.loads(subprocess.run([spicetap, "export", run, "--oom", "--summary", "--format", "jsonl"],
                                    capture_output=True, check=True, text=True).stdout)
told = "qxl_spice_oom: %d by QEMU's own log, %d by its probe" % (logged, summary["spice_ooms"])
print(told if abs(logged - summary["spice_ooms"]) <= edge else "differ: " + told)
