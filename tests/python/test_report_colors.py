# SPDX-License-Identifier: GPL-2.0-or-later
"""The colours of the report's lanes: each stands out from the background, and those that meet in one lane are apart for
every kind of colour vision, in light and in dark."""

import itertools
import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REPORT = os.path.join(TOP, "collect", "report")

# Machado, Oliveira and Fernandes 2009, severity 1: what linear RGB looks like.
VISION = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(text):
    parts = (int(text[i:i + 2], 16) / 255 for i in (1, 3, 5))
    return [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]


def seen(text, vision):
    rgb = linear(text)
    return [min(1, max(0, sum(m * v for m, v in zip(row, rgb, strict=True)))) for row in VISION[vision]]


def lab(rgb):
    rows = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.95047, 1, 1.08883)
    xyz = [sum(m * v for m, v in zip(row, rgb, strict=True)) / w for row, w in zip(rows, white, strict=True)]
    f = [v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz]
    return 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])


def distance(a, b, vision):
    """CIE76: 2 is just visible."""
    return sum((x - y) ** 2 for x, y in zip(lab(seen(a, vision)), lab(seen(b, vision)), strict=True)) ** 0.5


def contrast(a, b):
    dark, light = sorted(sum(m * v for m, v in zip((0.2126, 0.7152, 0.0722), linear(c), strict=True)) for c in (a, b))
    return (light + 0.05) / (dark + 0.05)


def schemes():
    """{scheme: {name: colour}} of report.css."""
    with open(os.path.join(REPORT, "report.css"), encoding="utf-8") as f:
        light, dark = f.read().split("@media (prefers-color-scheme: dark)")[:2]
    read = [dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})\b", text)) for text in (light, dark)]
    read[0]["bg"] = "#ffffff"
    return dict(zip(("light", "dark"), read, strict=True))


def lanes():
    """{lane: meanings} of timeline.c and of bars.c."""
    found = {}
    with open(os.path.join(REPORT, "timeline.c"), encoding="utf-8") as f:
        for lane, means in re.findall(r'\{"([^"]+)",\s*"[^"]+",\s*"[^"]+",\s*"(\w+)",\s*EV_', f.read()):
            found.setdefault(lane, set()).add(means)
    with open(os.path.join(REPORT, "bars.c"), encoding="utf-8") as f:
        for lane, means in re.findall(r't->lane = "([^"]+)";\s*t->means = ([^;]+);', f.read()):
            found.setdefault(lane, set()).update(re.findall(r'"(\w+)"', means))
    return found


class Colors(unittest.TestCase):
    def test_lanes_are_found(self):
        self.assertEqual(lanes()["Sent to clients"], {"all", "video", "picture"})
        self.assertEqual(lanes()["Picture stood still"], {"still", "unread"})
        self.assertEqual(len(lanes()), 10)

    def test_each_meaning_has_a_color_of_its_own(self):
        for scheme, colors in schemes().items():
            means = sorted(set().union(*lanes().values()))
            self.assertEqual([m for m in means if m not in colors], [], scheme)
            self.assertEqual(len({colors[m] for m in means}), len(means), scheme)

    def test_stands_out(self):
        for scheme, colors in schemes().items():
            for means in set().union(*lanes().values()):
                with self.subTest(scheme=scheme, means=means):
                    self.assertGreaterEqual(contrast(colors[means], colors["bg"]), 3)

    def test_apart_in_a_lane(self):
        for (scheme, colors), (lane, means), vision in itertools.product(schemes().items(), lanes().items(), VISION):
            for a, b in itertools.combinations(sorted(means), 2):
                with self.subTest(scheme=scheme, lane=lane, vision=vision, pair=(a, b)):
                    self.assertGreaterEqual(distance(colors[a], colors[b], vision), 20)


if __name__ == "__main__":
    unittest.main()
