# SPDX-License-Identifier: GPL-2.0-or-later
"""What forbids an experiment's run to become a row. A good run has no reason."""

import json
import os
import re
import subprocess

from . import guests, option, stack

QXL_CLOCK_NS = 200_000
PING_CLOCK_NS = 5_000_000  # virtio has no I/O writes: only the port's pings show the guest's time
LOSS_SHARE = 1000  # one event in a thousand
STANDS = 3  # lines of the guest's, 10 s apart
UNKNOWN_NS = 10**12
CHANNELS = ((1, "main"), (2, "display"))  # as SPICE counts them


def losses(info):
    lost, events = info["losses"], info["events"]["count"]
    uncounted = lost["places_without_count"]
    if uncounted or lost["events"] * LOSS_SHARE > events:
        yield f"{lost['events']} of {events} events lost, {uncounted} losses without a count"
    if info["state"] != "complete":
        yield f"the recording is {info['state']}"


def clocks(info, settings):
    limit = QXL_CLOCK_NS if settings["domain"] == "qxl.xml" else PING_CLOCK_NS
    known = info["run"].get("clocks", [])
    if not known:
        yield "nothing of the guest: its agent did not answer, or its clock is not known"
    for clock in known:
        errors = [s.get("error_ns") for s in clock.get("segments", [])]
        worst = max((UNKNOWN_NS if e is None else e for e in errors), default=UNKNOWN_NS)
        if clock.get("violations"):
            yield f"{clock['violations']} violations of the clock of {clock.get('log')}"
        if worst > limit:
            yield f"clock of {clock.get('log')} known to {worst} ns only, {limit} allowed"


def length(info, settings):
    window = info["run"].get("window", {})
    seconds = (window.get("to", 0) - window.get("from", 0)) / 1e9
    if seconds < int(settings["duration"]) - 0.5:
        yield f"recorded {seconds:.1f} s of {settings['duration']}"


def speed(info, settings):
    """In slow motion as asked for. With KVM a guest has the speed of a real one, and `slowdown` is not used."""
    line = info["run"].get("target", {}).get("command_line", [])
    kvm = option(line, "-accel").startswith("kvm")
    wanted, was = 1 if kvm else int(settings.get("slowdown", 1)), info["run"].get("time_scale", 1)
    if abs(was / wanted - 1) > 1e-9:
        yield f"a second of the VM took {was:g} s, not {wanted}"


def server(info, settings):
    wanted = settings.get("server", "traced")
    path = info["run"].get("target", {}).get("spice", {}).get("path", "")
    was = next((name for name in stack.variants() if f"/stack-{name}/" in path), "traced")
    if was != wanted:
        yield f"the server was that of server={was}, not of server={wanted}"


def settings_of_device(device):
    """The settings that QEMU's display device shows: `domain`, and the sizes of qxl's memories in MiB."""
    has = device.get("properties", {})
    known = {
        "domain": {"qxl-vga": "qxl.xml"}.get(device["driver"], device["driver"] + ".xml"),
        "vgamem": has.get("vgamem_mb"),
        "ram": has.get("ram_size", 0) >> 20,
        "vram": has.get("vram_size", 0) >> 20,
    }
    return {k: str(v) for k, v in known.items() if v or k == "domain"}


def machine(info, settings):
    """The VM that ran is the one that was asked for, by its own QEMU's command line and its own agent."""
    line = info["run"]["target"].get("command_line", [])
    spice = dict(word.split("=", 1) for word in option(line, "-spice").split(",") if "=" in word)
    was = {
        "memory": option(line, "-m"),
        "compression": spice.get("image-compression"),
        "streaming": spice.get("streaming-video"),
    }
    for device in info["run"].get("devices", [])[:1]:
        was.update(settings_of_device(device))
    for log in info["run"].get("guest", {}).get("logs", [])[:1]:
        number = re.search(r"Debian GNU/Linux (\d+)", log.get("hello", {}).get("distribution", ""))
        was["guest"] = f"debian{number.group(1)}" if number else None
    settings = {**settings, "guest": guests.debian_of(settings["guest"])}
    for key, value in was.items():
        if settings.get(key) and value != settings[key]:
            yield f"the VM was another one: its {key} was {value}, not {settings[key]}"
    if "domain" not in was:
        yield "the VM was another one: it has no display device"


def connected(info, events, summary):
    """The client's main and display channels, from before the recording to its end. The events are those of the
    recording's window: a channel that was connected before has none, and is in the client's own summary."""
    window, known = info["run"]["window"], {c["channel"] for c in summary.get("channels", ())}
    for number, channel in CHANNELS:
        mine = [e for e in events if e.get("channel") == channel]
        late = any(e["event"] == "client_connected" and e["t"] > window["from"] for e in mine)
        if late or number not in known or not summary.get("ready"):
            yield f"the client's {channel} channel was not connected when the recording began"
        gone = [e["t"] for e in mine if e["event"] == "client_disconnected" and e["t"] < window["to"]]
        if gone:
            early = (window["to"] - gone[0]) / 1e9
            yield f"the client's {channel} channel ended {early:.1f} s before the recording did"


def clip(settings, summary):
    """The client looked for the clip where it is, and could read its frames' numbers there."""
    there = summary["clip"]
    if there["region"] != guests.clip_box(settings):
        yield f"the client looked for the clip in {there['region']}, not where {settings['clip']} is"
    looks, unread = (there.get(key, 0) for key in ("looks", "unreadable"))
    if settings["bars"] == "no":
        if unread < looks:
            yield f"the clip should have no bars, but the client read its number {looks - unread} times of {looks}"
    elif settings["workload"] in ("video", "mixed") and unread > 0.99 * looks:
        yield (
            "the clip is not where the client looked for it: "
            f"it could read its number {looks - unread} times of {looks}"
        )


def keys(settings, summary, console):
    """All keys were pressed, and the workload's box answered."""
    if settings["workload"] == "keys" and f"spicetap-workload: activity {settings['activity']}\n" not in console:
        yield f"the guest's activity was not {settings['activity']}"
    if settings.get("keys"):
        asked, was = int(settings["keys"].split(",")[0]), summary.get("keys", {})
        if was.get("pressed") != asked:
            yield f"the client pressed {was.get('pressed', 0)} keys of {asked}: too short a run, or too slow a guest"
        elif not was.get("answered"):
            yield f"none of {asked} key presses was answered"


def client(info, settings, events, summary, console):
    if settings["client"] == "none":
        return
    yield from connected(info, events, summary or {})
    if info["run"].get("client", {}).get("exit") != 0 or not summary:
        yield "the client did not end well: client.log says why"
        return
    if settings["client"] == "slow" and summary.get("rate_limit") != int(settings["rate"]):
        yield f"the client's rate was {summary.get('rate_limit')}, not {settings['rate']}"
    link = summary.get("link", {}).get("words", "local")
    if link != settings.get("link", "local"):
        yield f"the client's link was {link}, not {settings.get('link', 'local')}"
    if summary.get("asked_compression") != settings.get("asks"):
        asked = summary.get("asked_compression")
        yield f"the client asked for the compression {asked}, not {settings.get('asks')}"
    if not info["events"]["by_kind"].get("client_picture"):
        yield "the client showed no picture"
    yield from clip(settings, summary)
    yield from keys(settings, summary, console)


def driver(settings, drawn):
    """With patches/linux an image's rows are as long as the image is wide; the stock driver's are the screen's."""
    if settings.get("driver") != "tight":
        return
    pixels, other, images = {}, 0, 0  # by release id, which is used again
    for e in drawn:
        if e["event"] == "draw":
            left, top, right, bottom = e["box"]
            pixels[e["release_id"]] = (right - left) * (bottom - top)
        elif e["release_id"] in pixels:
            images += 1
            other += e["raw"] != 4 * pixels[e["release_id"]]
    if other or not images:
        yield f"the guest's qxl driver is not the one with patches/linux: {other} of {images} images have other rows"


def came_up(console, settings):
    desktop = settings["desktop"]
    up = rf"^spicetap-workload: {desktop} is up: .*compositor (?:0x|mutter)"
    if desktop != "bare" and not re.search(up, console, re.M):
        yield f"the guest's desktop {desktop} did not come up, or has no compositor"
    says = "shows an article"
    if settings["workload"] in guests.PLAYS:
        says = "plays at " + ",".join(map(str, (*guests.PLACES["firefox"], *settings["clip"].split("-")[0].split("x"))))
    if settings["player"] == "firefox" and f"\nspicetap-workload: firefox {says}\n" not in console:
        yield f"in the guest Firefox never said that it {says}"
    ended = re.search(r"^spicetap-workload: (\w+ has ended)", console, re.M)
    if ended:
        yield f"in the guest {ended.group(1)}"


def session(console, settings):
    """The guest runs what was asked for, its desktop and browser came up, and it says who draws GL."""
    keys = ("workload", "clip", "bars", "desktop", "player", "page", "pause", "beside")
    wanted = f"{settings['x']} at {settings['screen']}" + "".join(f", {key} {settings[key]}" for key in keys)
    runs = re.search(r"spicetap-session: (?:X with )?(\w+ at .*), kernel (.*)$", console, re.M)
    if not runs or runs.group(1) != wanted:
        yield f"the guest runs another session: {runs.group(0) if runs else 'it did not say which'}"
        return
    up = re.search(r"^spicetap-workload: (?:X|weston|mutter) is up:(.*)$", console, re.M)
    if not up or settings["screen"] not in up.group(1):
        yield f"the guest's screen is not {settings['screen']}: it said{up.group(1) if up else ' nothing'}"
    yield from came_up(console, settings)
    renderer = re.search(r"^spicetap-workload: GL renderer: *(.*)$", console, re.M)
    virgl = ", virgl" in runs.group(2) and (not renderer or "virgl" in renderer.group(1))
    if settings["domain"] == "virtio-vga-gl.xml" and not virgl:
        yield f"the guest has no virgl: GL is drawn by {renderer.group(1) if renderer else 'nobody'}"
    if settings["workload"] == "gl" and not (renderer and renderer.group(1)):
        yield "the guest does not say who draws GL"


def workload(console, first, settings):
    """The number `work` rises from each line of the guest's to the next, but may stand still for STANDS lines: a guest
    that waits for graphics memory stands still for up to 15 s (qxl_fence_wait's callers give up then), and a run is
    there to show that."""
    beats = [line for line in console.splitlines() if line.startswith("spicetap-workload: alive")][first - 1:]
    seen = [int(n) for line in beats for n in re.findall(r" work (\d+)", line)]
    fell = any(after < before for before, after in zip(seen, seen[1:], strict=False))
    stood = any(after == before for before, after in zip(seen, seen[STANDS:], strict=False))
    if len(seen) <= 1 + int(settings["duration"]) // 30 or fell or stood or seen[-1] == seen[0]:
        yield f"the workload did not run: the guest said work {' '.join(map(str, seen))}"


def reasons(settings, info, events, summary, console, first, drawn=()):
    """All of them, what matters most first."""
    yield from length(info, settings)
    yield from workload(console, first, settings)
    yield from session(console, settings)
    yield from machine(info, settings)
    yield from server(info, settings)
    yield from speed(info, settings)
    yield from driver(settings, drawn)
    yield from client(info, settings, events, summary, console)
    yield from losses(info)
    yield from clocks(info, settings)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def exported(spicetap, run, *selection):
    lines = output(spicetap, "export", run, "--format", "jsonl", *selection)
    return [event for event in map(json.loads, lines.splitlines()) if "event" in event]


def of_run(spicetap, run, console, first, settings):
    """The reasons that forbid the run in that bundle. `first`: which of the console's lines `alive` counts first."""
    info = json.loads(output(spicetap, "info", "--json", run))
    events, summary, drawn = [], None, []
    if settings["client"] != "none" and os.path.exists(os.path.join(run, "client.tap")):
        events = exported(spicetap, run, "--kind", "client_connected,client_disconnected")
    if os.path.exists(os.path.join(run, "client.json")):
        with open(os.path.join(run, "client.json"), encoding="utf-8") as f:
            summary = json.load(f)
    if settings.get("driver") == "tight":
        drawn = exported(spicetap, run, "--source", "spice", "--kind", "draw,image")
    with open(console, encoding="utf-8", errors="replace") as f:
        text = f.read().replace("\r", "")
    return list(reasons(settings, info, events, summary, text, first, drawn))
