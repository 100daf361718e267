# SPDX-License-Identifier: GPL-2.0-or-later
"""A run second by second: what a second holds, and that the picture is XML."""

import unittest
import xml.etree.ElementTree

import forged
from forged import SECOND
from spicetap_lab import timeline


def sent(t, channel, msg, size):
    return {"t": t, "event": "sent", "channel": channel, "msg": msg, "size": size}


class Timeline(unittest.TestCase):
    def test_a_second_holds_what_happened_in_it(self):
        at = 101 * SECOND
        events = [sent(at, "display", 123, 10), sent(at, "display", 304, 20), sent(at, "display", 122, 3)]
        events.append(sent(at + SECOND - 1, "cursor", 304, 4))
        events += [{"t": at, "event": event} for event in ("evict", "client_clip", "client_picture")]
        events += [{"t": t * SECOND, "event": "evict"} for t in (99, 160)]
        seconds = timeline.tabulate(events, forged.info(), forged.explain())
        self.assertEqual(len(seconds), 60)
        self.assertEqual(timeline.as_csv(seconds).splitlines()[0], ",".join(timeline.COLUMNS))
        self.assertEqual(timeline.as_csv(seconds).splitlines()[2], "1,1,1,10,20,7,0,1,2")
        self.assertEqual((seconds[0]["ooms"], seconds[0]["streams"]), (30, 1))
        self.assertEqual((seconds[2]["streams"], seconds[59]["evicted"]), (1, 0))

    def test_the_picture_is_xml(self):
        for length in (0, 1, 60, 3600):
            info = forged.info()
            info["run"]["window"]["to"] = (100 + length) * SECOND
            seconds = timeline.tabulate([], info, forged.explain())
            svg = timeline.as_svg("a<b-1", seconds, info, forged.explain())
            self.assertEqual(xml.etree.ElementTree.fromstring(svg).tag, "{http://www.w3.org/2000/svg}svg")
