# SPDX-License-Identifier: GPL-2.0-or-later
"""Forged recordings and results, whose answers are known."""

import json
import os
import tempfile
import unittest

SECOND = 10**9
SETTINGS = {
    "about": "x",
    "guest": "debian11",
    "domain": "qxl.xml",
    "memory": "1024",
    "ram": "64",
    "vram": "64",
    "vgamem": "16",
    "screen": "1920x1440",
    "x": "modesetting",
    "workload": "video",
    "compression": "auto_glz",
    "streaming": "filter",
    "client": "meter",
    "server": "traced",
    "clip": "1024x768",
    "desktop": "bare",
    "player": "mpv",
    "page": "plain",
    "pause": "0",
    "beside": "terminals",
    "bars": "yes",
    "duration": "60",
}
BEATS = "".join(
    f"spicetap-workload: alive {n}.00 s, work {n * 7}, clip at 1 dropped 0 played 1\n" for n in range(10, 80, 10)
)
SESSION = (
    "spicetap-session: X with modesetting at 1920x1440, workload video, clip 1024x768, bars yes, desktop bare, "
    "player mpv, page plain, pause 0, beside terminals, kernel 5.10.0-32-amd64"
)
CONSOLE = f"""\x1b[!p{SESSION}
spicetap-workload: X is up:Output Virtual-1 using initial mode 1920x1440
spicetap-workload: started
{BEATS}"""
HOST = {
    "cpu": "A CPU",
    "cpu_version": "family 6",
    "cores": 2,
    "memory": 2**33,
    "distribution": "Debian",
    "kernel": "6.1",
}


def device(driver="qxl-vga"):
    memories = {"ram_size": 64 << 20, "vram_size": 64 << 20, "vgamem_mb": 16} if driver == "qxl-vga" else {}
    return {"driver": driver, "id": "video0", "properties": memories}


def info(of_device=None):
    """What `spicetap info --json` prints."""
    line = ["/home/somebody/qemu", "-accel", "tcg,thread=multi", "-m", "1024"]
    line += ["-spice", "port=5900,image-compression=auto_glz,streaming-video=filter"]
    library = "/home/somebody/build/stack/lib/libspice-server.so.1"
    return {
        "run": {
            "clocks": [{"log": "guest.tap", "violations": 0, "segments": [{"error_ns": 5000}]}],
            "window": {"from": 100 * SECOND, "to": 160 * SECOND},
            "client": {"exit": 0},
            "started": {"wall": "2026-01-02T03:04:05.000Z"},
            "spicetap": "0.1",
            "host": dict(HOST),
            "devices": [of_device or device()],
            "probes": {},
            "guest": {"logs": [{"hello": {"kernel": "5.10", "distribution": "Debian GNU/Linux 11 (bullseye)"}}]},
            "target": {
                "command_line": line,
                "spice": {"path": library, "build_id": "aa"},
                "qemu": {"build_id": "bb"},
            },
        },
        "state": "complete",
        "seconds": 60.0,
        "bytes_on_disk": 1000,
        "events": {"count": 5000, "by_kind": {"client_picture": 9}},
        "losses": {"events": 0, "places_without_count": 0},
        "client": {"uri": "spice://127.0.0.1:5900", "exit": 0},
    }


def explain():
    """What `spicetap explain --json` prints."""
    clip = [50, 50, 1074, 818]
    finding = {"ref": "e1.1", "rule": "episode_course", "text": "long"}
    stream = {"box": clip, "cause": "guest_idle", "born": 101 * SECOND, "died": 102 * SECOND, "ended": True}
    return {
        "run": "/home/somebody/runs/x",
        "clip": {"box": clip},
        "episodes": [{"from": 100 * SECOND, "stalled_ns": n, "findings": [finding]} for n in range(30)],
        "streams": [stream, {"box": [0, 0, 9, 9], "cause": "running", "ended": False}],
    }


def row(**figures):
    """row.json with these figures."""
    made = {"name": "x", "runs": 1, "death": "guest_idle", "refusal": "too_late"}
    made.update({k: None if v is None else {"median": v, "least": v, "most": v} for k, v in figures.items()})
    return made


def facts(run, settings=(), **changes):
    """run.json."""
    name, repeat = run.rsplit("-", 1)
    made = {
        "run": run,
        "name": name,
        "repeat": int(repeat),
        "verdict": "ok",
        "why": [],
        "settings": {**SETTINGS, **dict(settings)},
        "accel": "tcg",
        "host": dict(HOST),
        "versions": {},
        "guest": {},
        "seconds": 60,
        "took": 160,
    }
    return made | changes


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def result(folder, run, of_row=None, settings=(), **changes):
    """results/RUN; a whole row where `of_row` is given."""
    path = os.path.join(folder, run)
    os.makedirs(path)
    write(f"{path}/run.json", json.dumps(facts(run, settings, **changes)))
    if of_row is not None:
        write(f"{path}/row.json", json.dumps(of_row))
        write(f"{path}/explain.json", json.dumps(explain() | {"run": run}))
        for name in ("explain.txt", "info.txt", "series.csv", "timeline.svg"):
            write(f"{path}/{name}", f"{name} of {run}\n")
    return path


def on(cpu):
    """A host with another processor."""
    return {"host": {**HOST, "cpu": cpu}}


class InFolder(unittest.TestCase):
    """A test that has a folder of its own."""

    def setUp(self):
        there = tempfile.TemporaryDirectory()
        self.addCleanup(there.cleanup)
        self.folder = there.name
