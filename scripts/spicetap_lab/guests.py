# SPDX-License-Identifier: GPL-2.0-or-later
"""What a guest's image has (guest-configs/*.guest), and where on its screen the clip is."""

import os
import re

from . import CONFIGS, read_text

OFFERS = {"desktop": ("desktops", ("bare",)), "player": ("players", ("mpv",))}  # the .guest file's key, its default
PLACES = {"mpv": (50, 50), "firefox": (50, 200)}  # of the clip's corner; a browser's own bars are above
PLAYS = ("video", "mixed")  # the workloads with a clip
BROWSES = (*PLAYS, "desktop")  # those that use Firefox
FIREFOX_MIB = 2048
TERMINALS = 200  # pixels at the right of the screen, however small it is


def images():
    """The names of all images."""
    return sorted(n.removesuffix(".guest") for n in os.listdir(CONFIGS) if n.endswith(".guest"))


def offers(image, setting):
    """The desktops or players that an image has."""
    key, default = OFFERS[setting]
    said = re.search(rf"^{key}=(.*)$", read_text(os.path.join(CONFIGS, f"{image}.guest")), re.M)
    return tuple(said.group(1).split()) if said else default


def debian_of(image):
    """debian11 for debian11 and for debian11-xfce."""
    return image.partition("-")[0]


def clip_box(settings):
    """The clip's place on the screen: left, top, right, bottom."""
    left, top = PLACES[settings["player"]]
    width, height = map(int, settings["clip"].split("-")[0].split("x"))
    return [left, top, left + width, top + height]


def lacks(settings):
    """What is asked for that the image lacks."""
    for key in OFFERS:
        if settings[key] not in offers(settings["guest"], key):
            others = [i for i in images() if settings[key] in offers(i, key)]
            others.sort(key=lambda i: (sum(settings[k] not in offers(i, k) for k in OFFERS),
                                       debian_of(i) != debian_of(settings["guest"])))
            yield f"{key}={settings[key]}: the image of guest={settings['guest']} lacks it, guest={others[0]} has it"


def of_firefox(settings):
    """What Firefox cannot do."""
    _, _, right, bottom = clip_box(settings)
    width, height = map(int, settings["screen"].split("x"))
    if settings["workload"] not in BROWSES:
        yield f"player=firefox: workload={settings['workload']} has no browser"
    if settings["x"] == "weston":
        yield "player=firefox: not with x=weston"
    if int(settings.get("memory") or 0) < FIREFOX_MIB:
        yield f"memory={settings.get('memory', '')}: player=firefox takes {FIREFOX_MIB} and more"
    right += TERMINALS if settings["beside"] == "terminals" else 0
    if width < right or height < bottom:
        yield f"screen={settings['screen']}: too small for Firefox and the clip; {right}x{bottom} is enough"


def contradictions(settings):
    yield from lacks(settings)
    if settings["desktop"] != "bare" and settings["x"] == "weston":
        yield f"desktop={settings['desktop']}: not with x=weston"
    if (settings["desktop"] == "gnome") != (settings["x"] == "mutter"):
        yield f"desktop={settings['desktop']}: not with x={settings['x']}; desktop=gnome and x=mutter go together"
    if settings["desktop"] == "gnome" and (settings["player"], settings["workload"]) != ("firefox", "video"):
        yield "desktop=gnome: only with player=firefox and workload=video"
    if settings["player"] == "firefox":
        yield from of_firefox(settings)
    elif settings["page"] != "plain":
        yield f"page={settings['page']}: only with player=firefox"
    if settings["pause"] != "0" and (settings["player"], settings["workload"]) != ("firefox", "video"):
        yield f"pause={settings['pause']}: only with player=firefox and workload=video"
    if settings["beside"] != "terminals" and settings["workload"] != "video":
        yield f"beside={settings['beside']}: only with workload=video"
