# SPDX-License-Identifier: GPL-2.0-or-later
"""The settings of an experiment and of its VM: the one place that knows, reads and checks them.

A setting is KEY=VALUE. Settings come from a file of guest-configs/ (NAME.experiment or NAME.vm), then from the row of
runs.list, then from the command line. The later one wins.
"""

import os
import re
from dataclasses import dataclass

from . import CONFIGS, LabError, guests, stack

IMAGES = ("auto_glz", "auto_lz", "quic", "glz", "lz", "off")
MIB = r"[1-9][0-9]{0,4}"
# collect/event/link_spec.h has the same limits.
LINK = r"local|[0-9]{1,4}ms/(([89]|[1-9][0-9]{1,6})kbit|[1-9][0-9]{0,4}mbit)(/[1-9][0-9]{1,3}ms)?"
KEYS = r"[1-9][0-9]{0,3}(,([2-9][0-9]{2}|[1-9][0-9]{3,4}))?"
PICTURES = r"0|[2-9]|[1-9][0-9]{1,2}|1000"
WORKLOADS = os.path.join("overlay", "usr", "local", "bin")


@dataclass(frozen=True)
class Setting:
    """One key. A value is one of `choices`, or a name among `files`, or matches `pattern`; without these, any text."""

    key: str
    wants: str = ""
    choices: tuple = ()
    pattern: str = ""
    files: tuple = ()  # folder, beginning and end of the files' names, and how much of the name is the value
    default: str | None = None
    required: bool = False
    of_vm: bool = True  # scripts/vm.sh uses it; the others are the recording's

    def allowed(self):
        """The values that it can have, where they can be listed."""
        if not self.files:
            return self.choices
        folder, begin, end, keep = self.files
        names = sorted(os.listdir(os.path.join(CONFIGS, folder)))
        return tuple(n[len(begin):len(n) - len(end)] + keep for n in names if n.startswith(begin) and n.endswith(end))

    def accepts(self, value):
        if self.choices or self.files:
            return value in self.allowed()
        return not self.pattern or re.fullmatch(self.pattern, value) is not None

    def complaint(self, value):
        wants = self.wants
        if not wants:
            *first, last = self.choices
            wants = f"{', '.join(first)} or {last}"
        return f"{self.key}={value}: not {wants}"


SETTINGS = {
    s.key: s
    for s in (
        Setting("about", of_vm=False),
        Setting("guest", "the name of a guest-configs/*.guest", files=("", "", ".guest", ""), required=True),
        Setting("domain", "the name of a guest-configs/*.xml", files=("", "", ".xml", ".xml"), required=True),
        Setting("memory", "a number of MiB", pattern=MIB),
        Setting("ram", "a number of MiB", pattern=MIB),
        Setting("vram", "a number of MiB", pattern=MIB),
        Setting("vgamem", "a number of MiB", pattern=MIB),
        Setting("screen", "WIDTHxHEIGHT", pattern=r"[1-9][0-9]{2,4}x[1-9][0-9]{2,4}", required=True),
        Setting("x", choices=("modesetting", "qxl", "weston", "mutter"), required=True),
        Setting("desktop", choices=("bare", "xfce", "gnome"), default="bare"),
        Setting("player", choices=("mpv", "firefox"), default="mpv"),
        Setting("page", choices=("plain", "player"), default="plain"),
        Setting("pause", "a number of seconds from 0 to 5", pattern="[0-5]", default="0"),
        Setting("beside", choices=("terminals", "nothing"), default="terminals"),
        Setting("workload", "the name of a workload", files=(WORKLOADS, "spicetap-", "", ""), required=True),
        Setting("activity", choices=("busy", "heavy")),
        Setting("compression", choices=IMAGES, required=True),
        Setting("streaming", choices=("filter", "all", "off"), required=True),
        Setting("bitrate", "a number of Mbit/s", pattern=r"[1-9][0-9]{0,5}"),
        Setting("driver", choices=("stock", "tight")),
        Setting("clip", choices=("1024x768", "640x360"), default="1024x768"),
        Setting("slowdown", "a whole number from 1 to 999", pattern=r"[1-9][0-9]{0,2}", default="1"),
        Setting("bars", choices=("yes", "no"), default="yes"),
        Setting("server", choices=("traced", *stack.variants()), default="traced", of_vm=False),
        Setting("client", choices=("meter", "slow", "none"), default="meter", of_vm=False),
        Setting("pictures", "a number of pictures, 0 or 2 to 1000", pattern=PICTURES, default="20", of_vm=False),
        Setting("rate", "a number of bytes a second, at least 1000", pattern=r"[1-9][0-9]{3,10}", of_vm=False),
        Setting("link", "local, RTT/RATE or RTT/RATE/QUEUE, such as 80ms/10mbit", pattern=LINK, default="local",
                of_vm=False),
        Setting("keys", "N or N,MS: key presses, and ms between them from 200", pattern=KEYS, of_vm=False),
        Setting("asks", choices=(*IMAGES, "lz4"), of_vm=False),
        Setting("duration", "a number of seconds", pattern=r"[1-9][0-9]{0,5}", default="600", of_vm=False),
    )
}
DEFAULTS = {s.key: s.default for s in SETTINGS.values() if s.default is not None}


def contradictions(settings):
    """What two settings that are good by themselves cannot both be."""
    qxl = settings["domain"] == "qxl.xml"
    if settings["client"] == "slow" and not settings.get("rate"):
        yield "client=slow wants rate=, bytes a second"
    if settings["client"] != "slow" and settings.get("rate"):
        yield f"rate={settings['rate']}: only with client=slow"
    if settings["client"] != "meter" and settings.get("link", "local") != "local":
        yield f"link={settings['link']}: only with client=meter"
    if (settings["workload"] == "keys") != bool(settings.get("activity")):
        yield "activity=busy or activity=heavy: with workload=keys, and with nothing else"
    if settings.get("keys") and (settings["workload"] != "keys" or settings["client"] == "none"):
        yield f"keys={settings['keys']}: only with workload=keys and a client"
    if settings["client"] == "none" and settings.get("asks"):
        yield f"asks={settings['asks']}: there is no client to ask"
    if settings.get("driver", "stock") != "stock" and not (qxl and settings["x"] == "modesetting"):
        yield f"driver={settings['driver']}: only with domain=qxl.xml and x=modesetting"
    if settings["bars"] == "no" and settings["clip"] != "1024x768":
        yield f"bars=no: only with clip=1024x768, not {settings['clip']}"
    if settings["x"] == "qxl" and not qxl:
        yield "x=qxl: only with domain=qxl.xml"
    yield from guests.contradictions(settings)


def parse(words, where):
    """KEY=VALUE words as a dictionary; a key that does not exist is an error."""
    settings = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise LabError(f"{where}: not KEY=VALUE: {word}")
        if key not in SETTINGS:
            raise LabError(f"{word}: there is no setting named {key}; there are {', '.join(SETTINGS)}")
        settings[key] = value
    return settings


def check(settings, where):
    """Raises LabError that names the first setting that is missing or bad."""
    for setting in SETTINGS.values():
        value = settings.get(setting.key)
        if setting.required and not value:
            raise LabError(f"{where} does not say {setting.key}=")
        if value is not None and not setting.accepts(value):
            raise LabError(setting.complaint(value))
    for complaint in contradictions(settings):
        raise LabError(complaint)


def path_of(name, kinds=("experiment",)):
    """The file of that name in guest-configs/, or None."""
    paths = (os.path.join(CONFIGS, f"{name}.{kind}") for kind in kinds)
    return next((path for path in paths if os.path.isfile(path)), None)


def read_file(path):
    """The KEY=VALUE words of a .experiment or .vm file."""
    with open(path, encoding="utf-8") as f:
        lines = (line.strip() for line in f)
        return [line for line in lines if line and not line.startswith("#")]


def resolve(path, changes, where):
    """The checked settings of that file with the changes made."""
    file_settings = parse(read_file(path), os.path.basename(path))
    settings = {**DEFAULTS, **file_settings, **parse(changes, where)}
    check(settings, where)
    return settings


def same(one, other):
    """True where two runs had the same settings. What they are about in words does not count; a key that came after a
    run was made had its default."""
    one, other = ({**DEFAULTS, **settings, "about": ""} for settings in (one, other or {}))
    return one == other
