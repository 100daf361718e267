# SPDX-License-Identifier: GPL-2.0-or-later
"""The arguments of the probes, as the patches pass them, are the fields of events.def, in its order.

The recorder and the bpftrace oracle both take an argument's number from events.def. If two numbers were exchanged
there, they would agree on the wrong value; the names in the patches would not."""

import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERIES = os.path.join(TOP, "patches", "spice")

# field of events.def: what the patches call it, where the name is another one
OTHERWISE = {
    "drawable": {"id"}, "stream": {"number"}, "verdict": {"why", "what"}, "reason": {"why"}, "ring": {"which"},
    "step": {"which"}, "armed": {"arm"}, "origin": {"from"}, "starts": {"start"}, "glz_drawables": {"glz"},
    "src_width": {"width"}, "src_height": {"height"}, "start_mm": {"start"}, "end_mm": {"end"},
    "last_delay": {"delay"}, "audio_delay": {"audio"}, "sent": {"size"},
}  # fmt: skip

BOXES = {"old": ("old_left_top", "old_right_bottom")}


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def sites():
    """{probe: its arguments as the patches write them}; the last patch that touches a probe counts."""
    found = {}
    for patch in read(SERIES, "series").split():
        added = "".join(re.findall(r"^\+(?!\+\+)(.*\n)", read(SERIES, patch), re.M))
        for m in re.finditer(r"STAP_PROBE(\d+)\(spice, (\w+),([^;]*)\);", added):
            found[m[2]] = (int(m[1]), [" ".join(arg.split()) for arg in m[3].split(",")])
    return found


def fields():
    """{probe: [(number of the argument, field)]}; a box is two arguments."""
    found = {}
    for m in re.finditer(r"^EVENT\(SPICE, \d+, (\w+),(.*?\))\)$", read(TOP, "bpf", "events.def"), re.M | re.S):
        found[m[1]] = []
        for number, kind, name in re.findall(r"\bF\((\d+), (\w+), (\w+),", m[2]):
            parts = BOXES.get(name, ("left_top", "right_bottom")) if kind == "RECT" else (name,)
            found[m[1]] += [(int(number) + i, part) for i, part in enumerate(parts)]
    return found


class Probes(unittest.TestCase):
    def test_every_probe_has_a_site_and_an_event(self):
        self.assertEqual(sorted(sites()), sorted(fields()))
        self.assertGreater(len(sites()), 20)

    def test_arguments_are_the_fields(self):
        at = sites()
        for probe, wanted in fields().items():
            count, args = at[probe]
            with self.subTest(probe):
                self.assertEqual(count, len(args))
                self.assertEqual([number for number, _ in wanted], list(range(count)))
                for number, field in wanted:
                    self.assertIn(args[number], {field} | OTHERWISE.get(field, set()), f"argument {number}")


if __name__ == "__main__":
    unittest.main()
