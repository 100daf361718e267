# SPDX-License-Identifier: GPL-2.0-or-later
"""A number that a page cites stands in the sentence it cites."""

import forged
from spicetap_lab import citations

EXPLAIN = """Memory
  [e0.1] The guest ran out of graphics memory {total} times (99.6 a minute). It is known to have stood{space}
         still for 1.96 s in all.
  [e0.4] In {ram} of them the guest was asking for memory in ram.
  [e0.8] In {idle} of them nobody in the guest asked for memory: its kernel waited.
"""


class Citations(forged.InFolder):
    def setUp(self):
        super().setUp()
        for run, total, ram, idle in (("16a-1", 299, 297, 2), ("16a-2", 585, 543, 42), ("debian13-kms-1", 152, 57, 95)):
            path = forged.result(self.folder, run, forged.row())
            forged.write(f"{path}/explain.txt", EXPLAIN.format(total=total, ram=ram, idle=idle, space=" "))

    def wrong(self, text):
        return list(citations.check(text, self.folder))

    def test_a_true_one_passes(self):
        for text in (
            "In 2 of 299 calls in 16a-1 nobody\nasked (`e0.8`).",
            "A driver calls, since Linux 6.3: 2 of 299 in [16a-1](../results/16a-1/) (`e0.8`).",
            "First 2 of 299 and 42 of 585 in 16a-1 and -2, 95 of 152 in debian13-kms-1 (`e0.8`).",
            "2 of 299 and 42 of 585 times of 16a-1 to -2 (`e0.8`), 297 of 299 of 16a-1 (`e0.4`).",
            "2 of 299 calls (16a-1 `e0.8`).",
            "| run | nobody asked |\n|---|---|\n| 16a-1, -2 | 2 of 299, 42 of 585 (`e0.8`) |\n",
            "| H1 | refuted in 6 of 104 runs | 16a-1 (`e0.8`) |",
            "2 of 299 calls (`e0.8` of [16a-1](../results/16a-1/)).",
        ):
            self.assertEqual(self.wrong(text), [], text)

    def test_a_wrong_one_is_named(self):
        text = "A newer driver calls when nobody wants any: 2514 of 3147 calls in 16a-1 (`e0.8`)."
        want = "2514 of 3147 (e0.8 of 16a-1): 2514 is not in it: In 2 of them nobody in the guest asked for memory"
        self.assertEqual(len(self.wrong(text)), 1)
        self.assertIn(want, self.wrong(text)[0])

    def test_the_number_of_another_sentence_is_wrong(self):
        self.assertEqual(len(self.wrong("297 of 299 calls (16a-1 `e0.8`).")), 1)
        self.assertEqual(self.wrong("297 of 299 calls (16a-1 `e0.4`)."), [])

    def test_a_table_is_checked_too(self):
        self.assertEqual(len(self.wrong("| run | nobody asked |\n|---|---|\n| 16a-1 | 2514 of 3147 (`e0.8`) |\n")), 1)

    def test_the_number_of_another_run_is_wrong(self):
        self.assertEqual(len(self.wrong("42 of 585 and 2 of 299 calls in 16a-1 and -2 (`e0.8`).")), 2)

    def test_the_whole_must_stand_there_too(self):
        self.assertIn("300 is nowhere in 16a-1/explain.txt", self.wrong("2 of 300 calls (16a-1 `e0.8`).")[0])

    def test_a_sentence_that_is_not_there_is_wrong(self):
        self.assertIn("there is no such sentence", self.wrong("2 of 299 calls (16a-1 `e0.9`).")[0])

    def test_without_a_run_nothing_is_checked(self):
        self.assertEqual(self.wrong("In 7 of 9 the guest asked (`e0.4`). In 16a-1 it ran on."), [])

    def test_runs_are_named_in_short(self):
        known = {"16a-1", "16a-2", "16a-3", "debian13-kms-1", "16a-xqxl-1"}
        for text, want in (
            ("16a-1 to -3", ["16a-1", "16a-2", "16a-3"]),
            ("16a-1, -2 and -3", ["16a-1", "16a-2", "16a-3"]),
            ("16a-1 and debian13-kms-1", ["16a-1", "debian13-kms-1"]),
            ("16a-xqxl-1", ["16a-xqxl-1"]),
            ("16a-9", []),
        ):
            self.assertEqual(citations.runs_in(text, known), want)
