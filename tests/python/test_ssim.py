# SPDX-License-Identifier: GPL-2.0-or-later
"""SSIM of kept pictures against the clip's frames, from the bundle alone."""

import json
import os
import subprocess
import tempfile
import unittest

from spicetap_lab import LabError, ssim

FRAMES = 6


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True)


class Ssim(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A clip of six frames that all differ, and a picture of frame 4: whole, blurred."""
        cls.room = tempfile.TemporaryDirectory()
        cls.clip = os.path.join(cls.room.name, "clip-64x48.avi")
        source = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25,noise=alls=30:allf=t:all_seed=1"]
        ffmpeg(*source, "-frames:v", str(FRAMES), "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "2", cls.clip)
        cls.pictures = {}
        for name, change in (("whole", "null"), ("blurred", "gblur=sigma=2")):
            cls.pictures[name] = os.path.join(cls.room.name, f"{name}.png")
            ffmpeg("-i", cls.clip, "-vf", f"select=eq(n\\,4),{change}", "-frames:v", "1", cls.pictures[name])

    @classmethod
    def tearDownClass(cls):
        cls.room.cleanup()

    def bundle(self, kept):
        run = tempfile.mkdtemp(dir=self.room.name)
        os.mkdir(os.path.join(run, "pictures"))
        listed = []
        for i, (picture, number, bars) in enumerate(kept):
            name = f"{i:06}.png"
            os.link(self.pictures[picture], os.path.join(run, "pictures", name))
            listed.append({"file": name, "time": i, "number": number, "bars": bars})
        self.write(run, {"pictures": listed})
        return run

    @staticmethod
    def write(run, summary):
        with open(os.path.join(run, "client.json"), "w", encoding="utf-8") as f:
            json.dump(summary, f)

    def test_the_right_frame_is_most_like(self):
        found = [ssim.ssim(self.clip, n, self.pictures["whole"]) for n in range(FRAMES)]
        self.assertEqual(found.index(max(found)), 4)
        self.assertGreater(found[4], 0.94)
        self.assertLess(sorted(found)[-2], 0.9)
        self.assertLess(ssim.ssim(self.clip, 4, self.pictures["blurred"]), 0.9)

    def test_a_run(self):
        kept = [("whole", 4, [4, 4, 4]), ("blurred", 4, [4, None, 5]), ("whole", None, [None] * 3)]
        run = self.bundle(kept)
        result = ssim.measure(run, self.clip)
        self.assertEqual(result["unread"], 1)
        self.assertEqual([p["torn"] for p in result["pictures"]], [False, True])
        values = [p["ssim"] for p in result["pictures"]]
        self.assertEqual((result["least"], result["median"]), (min(values), sum(values) / 2))
        with open(os.path.join(run, "ssim.json"), encoding="utf-8") as f:
            self.assertEqual(json.load(f), result)
        self.assertIn("000001.png, frame 4), 1 without a readable number", ssim.words(run, result))

    def test_the_clip_of_the_run_is_taken_from_a_folder(self):
        run = self.bundle([("whole", 4, [4, 4, 4])])
        with open(os.path.join(run, "experiment.json"), "w", encoding="utf-8") as f:
            json.dump({"settings": {"clip": "64x48"}}, f)
        self.assertGreater(ssim.measure(run, self.room.name)["median"], 0.94)
        with open(os.path.join(run, "experiment.json"), "w", encoding="utf-8") as f:
            json.dump({"settings": {"clip": "64x48", "player": "firefox"}}, f)
        with self.assertRaisesRegex(LabError, "clip-64x48.webm: there is no such clip"):
            ssim.measure(run, self.room.name)  # a browser plays another file
        os.remove(os.path.join(run, "experiment.json"))
        with self.assertRaisesRegex(LabError, "clip-1024x768.avi: there is no such clip"):
            ssim.measure(run, self.room.name)

    def test_nothing_to_compare_is_no_figure(self):
        run = self.bundle([("whole", None, [None] * 3)])
        result = ssim.measure(run, self.clip)
        self.assertNotIn("median", result)
        self.assertIn("no picture of the clip to compare", ssim.words(run, result))

    def test_a_bad_bundle_is_named(self):
        run = self.bundle([("whole", 4, [4, 4, 4])])
        os.remove(os.path.join(run, "pictures", "000000.png"))
        with self.assertRaisesRegex(LabError, "000000.png: ffmpeg cannot compare it with frame 4"):
            ssim.measure(run, self.clip)
        for summary in ({"pictures": [{"file": "../x.png", "number": 1, "bars": []}]}, {"pictures": [3]}, []):
            self.write(run, summary)
            with self.assertRaisesRegex(LabError, "client.json: cannot be read"):
                ssim.measure(run, self.clip)
