#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What forbids an experiment's run to become a row: a line for each reason, none for a good run.

Usage: checks.py SPICETAP RUN CONSOLE FIRST KEY=VALUE...

SPICETAP is the program, RUN the bundle, CONSOLE what the guest said on its serial console, FIRST the
number of its first line "alive" that counts, KEY=VALUE the experiment's settings.
"""
import json
import os
import re
import subprocess
import sys

import runs

QXL_CLOCK_NS, PING_CLOCK_NS = 200_000, 5_000_000  # without I/O writes only the port's pings tell the guest's time
LOSS_SHARE = 1000  # one event in a thousand
STANDS = 3  # lines of the guest's, 10 s apart


def losses(info):
    lost, events = info["losses"], info["events"]["count"]
    if lost["places_without_count"] or lost["events"] * LOSS_SHARE > events:
        yield "%d of %d events lost, %d losses without a count" % (lost["events"], events, lost["places_without_count"])
    if info["state"] != "complete":
        yield "the recording is " + info["state"]


def clocks(info, settings):
    limit = QXL_CLOCK_NS if settings["domain"] == "qxl.xml" else PING_CLOCK_NS
    known = info["run"].get("clocks", [])
    if not known:
        yield "nothing of the guest: its agent did not answer, or its clock is not known"
    for clock in known:
        errors = [10**12 if s.get("error_ns") is None else s["error_ns"] for s in clock.get("segments", [])]
        worst = max(errors, default=10**12)
        if clock.get("violations"):
            yield "%d violations of the clock of %s" % (clock["violations"], clock.get("log"))
        if worst > limit:
            yield "clock of %s known to %d ns only, %d allowed" % (clock.get("log"), worst, limit)


def length(info, settings):
    window = info["run"].get("window", {})
    seconds = (window.get("to", 0) - window.get("from", 0)) / 1e9
    if seconds < int(settings["duration"]) - 0.5:
        yield "recorded %.1f s of %s" % (seconds, settings["duration"])


def server(info, settings):
    ring128 = "/stack-ring128/" in info["run"].get("target", {}).get("spice", {}).get("path", "")
    if ring128 != (settings.get("server", "traced") == "ring128"):
        yield "the server was not the one of server=%s" % settings.get("server", "traced")


def said_of_device(device):
    """A display device's settings, from what QEMU was told of it: `driver`, and the sizes of qxl's memories in MiB."""
    of = device.get("properties", {})
    known = {"domain": {"qxl-vga": "qxl.xml"}.get(device["driver"], device["driver"] + ".xml"),
             "vgamem": of.get("vgamem_mb"), "ram": of.get("ram_size", 0) >> 20, "vram": of.get("vram_size", 0) >> 20}
    return {k: str(v) for k, v in known.items() if v or k == "domain"}


def machine(info, settings):
    """The VM that ran, by its own QEMU's command line and its own agent, is the one that was asked for."""
    line = info["run"]["target"].get("command_line", [])
    spice = dict(word.split("=", 1) for word in runs.option(line, "-spice").split(",") if "=" in word)
    was = {"memory": runs.option(line, "-m"), "compression": spice.get("image-compression"), "streaming": spice.get("streaming-video")}
    for device in info["run"].get("devices", [])[:1]:
        was.update(said_of_device(device))
    for log in info["run"].get("guest", {}).get("logs", [])[:1]:
        number = re.search(r"Debian GNU/Linux (\d+)", log.get("hello", {}).get("distribution", ""))
        was["guest"] = "debian" + number.group(1) if number else None
    for key, value in was.items():
        if settings.get(key) and value != settings[key]:
            yield "the VM was another one: its %s was %s, not %s" % (key, value, settings[key])
    if "domain" not in was:
        yield "the VM was another one: it has no display device"


def client(info, settings, events, summary):
    """The meter's main and display channel from before the recording to its end, pictures shown in it."""
    if settings["client"] == "none":
        return
    window = info["run"]["window"]
    for channel in ("main", "display"):
        mine = [e for e in events if e.get("channel") == channel]
        if not any(e["event"] == "client_connected" and e["t"] <= window["from"] for e in mine):
            yield "the client's %s channel was not connected when the recording began" % channel
        gone = [e["t"] for e in mine if e["event"] == "client_disconnected" and e["t"] < window["to"]]
        if gone:
            yield "the client's %s channel ended %.1f s before the recording did" % (channel, (window["to"] - gone[0]) / 1e9)
    if info["run"].get("client", {}).get("exit") != 0 or not summary:
        yield "the client did not end well: client.log says why"
        return
    if settings["client"] == "slow" and summary.get("rate_limit") != int(settings["rate"]):
        yield "the client's rate was %s, not %s" % (summary.get("rate_limit"), settings["rate"])
    if summary.get("asked_compression") != settings.get("asks"):
        yield "the client asked for the compression %s, not %s" % (summary.get("asked_compression"), settings.get("asks"))
    width, height = map(int, settings["clip"].split("x"))
    if summary["clip"]["region"] != [50, 50, 50 + width, 50 + height]:
        yield "the client looked for the clip in %s, not where %s is" % (summary["clip"]["region"], settings["clip"])
    if not info["events"]["by_kind"].get("client_picture"):
        yield "the client showed no picture"
    looks, unread = (summary["clip"].get(key, 0) for key in ("looks", "unreadable"))
    # of columns of different frames a third can be read, of what is no clip one in a thousand, by chance
    if settings["workload"] in ("video", "mixed") and unread > 0.99 * looks:
        yield "the clip is not where the client looked for it: it could read its number %d times of %d" % (looks - unread, looks)


def driver(settings, drawn):
    """With patches/linux a picture's rows are as long as the picture is wide; the stock driver's are the screen's."""
    if settings.get("driver") != "tight":
        return
    pixels, other, images = {}, 0, 0  # by release: its id is used again
    for e in drawn:
        if e["event"] == "draw":
            left, top, right, bottom = e["box"]
            pixels[e["release_id"]] = (right - left) * (bottom - top)
        elif e["release_id"] in pixels:
            images += 1
            other += e["raw"] != 4 * pixels[e["release_id"]]
    if other or not images:
        yield "the guest's qxl driver is not the one with patches/linux: %d of %d images have other rows" % (other, images)


def session(console, settings):
    """What the guest says it runs: the driver, the screen, the clip, who draws GL."""
    wanted = tuple(settings[key] for key in ("x", "screen", "workload", "clip"))
    said = re.search(r"spicetap-session: (?:X with )?(\w+) at (\d+x\d+), workload (\w+), clip (\w+), kernel (.*)$", console, re.M)
    if not said or said.groups()[:4] != wanted:
        yield "the guest runs another session: %s" % (said.group(0) if said else "it did not say which")
        return
    up = re.search(r"^spicetap-workload: \w+ is up:(.*)$", console, re.M)
    if not up or settings["screen"] not in up.group(1):
        yield "the guest's screen is not %s: it said%s" % (settings["screen"], up.group(1) if up else " nothing")
    renderer = re.search(r"^spicetap-workload: GL renderer: *(.*)$", console, re.M)
    if settings["domain"] == "virtio-vga-gl.xml" and (", virgl" not in said.group(5) or
                                                      renderer and "virgl" not in renderer.group(1)):
        yield "the guest has no virgl: GL is drawn by %s" % (renderer.group(1) if renderer else "nobody")
    if settings["workload"] == "gl" and not (renderer and renderer.group(1)):
        yield "the guest does not say who draws GL"


def workload(console, first, settings):
    """The number `work` must rise from each line of the guest's to the next; for STANDS lines it may not: a
    guest that waits for graphics memory stands still for up to 15 s at a time (qxl_fence_wait's callers
    give up then), and that is what a run is there to show."""
    beats = [line for line in console.splitlines() if line.startswith("spicetap-workload: alive")][first - 1:]
    seen = [int(n) for line in beats for n in re.findall(r" work (\d+)", line)]
    stands = any(b < a for a, b in zip(seen, seen[1:])) or any(b == a for a, b in zip(seen, seen[STANDS:]))
    if len(seen) <= 1 + int(settings["duration"]) // 30 or stands or seen[-1] == seen[0]:
        yield "the workload did not run: the guest said work %s" % " ".join(map(str, seen))


def reasons(settings, info, events, summary, console, first, drawn=()):
    """All of them, in the order in which a reader wants to know."""
    yield from length(info, settings)
    yield from workload(console, first, settings)
    yield from session(console, settings)
    yield from machine(info, settings)
    yield from server(info, settings)
    yield from driver(settings, drawn)
    yield from client(info, settings, events, summary)
    yield from losses(info)
    yield from clocks(info, settings)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    spicetap, run, console, first = sys.argv[1:5]
    settings = dict(word.split("=", 1) for word in sys.argv[5:])
    info = json.loads(output(spicetap, "info", "--json", run))
    events, summary, drawn = [], None, []
    if settings["client"] != "none" and os.path.exists(os.path.join(run, "client.tap")):
        lines = output(spicetap, "export", run, "--format", "jsonl", "--kind", "client_connected,client_disconnected")
        events = [json.loads(line) for line in lines.splitlines()]
    if os.path.exists(os.path.join(run, "client.json")):
        with open(os.path.join(run, "client.json"), encoding="utf-8") as f:
            summary = json.load(f)
    if settings.get("driver") == "tight":
        lines = output(spicetap, "export", run, "--format", "jsonl", "--source", "spice", "--kind", "draw,image")
        drawn = [json.loads(line) for line in lines.splitlines()]
    with open(console, encoding="utf-8", errors="replace") as f:
        text = f.read().replace("\r", "")
    for reason in reasons(settings, info, events, summary, text, int(first), drawn):
        print(reason)


if __name__ == "__main__":
    main()
