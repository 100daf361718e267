# SPDX-License-Identifier: GPL-2.0-or-later
"""How like the clip's own frames are the pictures that the client kept? SSIM, by ffmpeg's filter.

A run has the pictures in its folder `pictures`, and what is on each in client.json. The result is ssim.json."""

import json
import os
import re
import statistics
import subprocess

from . import LabError, read_json, read_text, store

FPS = 25
RESULT = "ssim.json"
# Both as the clip's file has it. PTS are of two files: each picture is the first of its own.
FILTER = (
    "[0]trim=end_frame=1,setpts=0,format=yuvj420p[a];"
    "[1]setpts=0,scale=out_range=full,format=yuvj420p[b];"
    "[a][b]ssim"
)


def ssim(clip, number, picture):
    """1 where the picture is the clip's frame of that number to the last bit, 0 where they have nothing in common."""
    # Half a frame before it: the first frame that ffmpeg then takes is this one, however it rounds.
    seek = ["-ss", f"{(number - 0.5) / FPS:.3f}"] if number else []
    command = ["ffmpeg", "-nostdin", "-v", "info", *seek, "-i", clip, "-i", picture, "-lavfi", FILTER]
    done = subprocess.run([*command, "-f", "null", "-"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    found = re.search(r"SSIM .*All:([0-9.]+)", done.stderr)
    if done.returncode or not found:
        why = done.stderr.strip().splitlines()
        raise LabError(f"{picture}: ffmpeg cannot compare it with frame {number} of {clip}: {why[-1] if why else '?'}")
    return float(found.group(1))


def kept(run):
    """The pictures of a run: file, number (None: no bar could be read) and whether it was torn."""
    path = os.path.join(run, "client.json")
    try:
        pictures = json.loads(read_text(path)).get("pictures", [])
        for p in pictures:
            if os.path.basename(p["file"]) != p["file"]:
                raise ValueError(p["file"])
            yield p["file"], p["number"], len({n for n in p["bars"] if n is not None}) > 1
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise LabError(f"{path}: cannot be read: {e}") from e


def clip_of(run, clips):
    """The clip that the run played, where `clips` is a folder of them."""
    if not os.path.isdir(clips):
        return clips
    settings = (read_json(os.path.join(run, "experiment.json")) or {}).get("settings", {})
    kind = "webm" if settings.get("player") == "firefox" else "avi"
    return os.path.join(clips, f"clip-{settings.get('clip', '1024x768')}.{kind}")


def measure(run, clips):
    """Compares all pictures of a run, and puts the result beside them."""
    clip = clip_of(run, clips)
    if not os.path.isfile(clip):
        raise LabError(f"{clip}: there is no such clip")
    found, unread = [], 0
    for name, number, torn in kept(run):
        if number is None:
            unread += 1
            continue
        value = ssim(clip, number, os.path.join(run, "pictures", name))
        found.append({"file": name, "number": number, "torn": torn, "ssim": value})
    values = [f["ssim"] for f in found]
    result = {"pictures": found, "unread": unread}
    if values:
        result |= {"median": statistics.median(values), "least": min(values)}
    store.replace_file(os.path.join(run, RESULT), json.dumps(result, indent=2))
    return result


def words(run, result):
    unread = f", {result['unread']} without a readable number left out" if result["unread"] else ""
    if not result["pictures"]:
        return f"{run}: no picture of the clip to compare{unread}"
    worst = min(result["pictures"], key=lambda p: p["ssim"])
    return (
        f"{run}: SSIM {result['median']:.4f} in the median of {len(result['pictures'])} pictures, "
        f"{worst['ssim']:.4f} at the least ({worst['file']}, frame {worst['number']}){unread}"
    )
