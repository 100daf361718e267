# SPDX-License-Identifier: GPL-2.0-or-later
"""Differences within blocks, and the interval of their median."""

import itertools
import statistics
import unittest
from collections import Counter
from fractions import Fraction

from spicetap_lab import paired


def brute(values):
    """{median: probability} over each of the n^n resamples."""
    n = len(values)
    count = Counter(statistics.median(draw) for draw in itertools.product(values, repeat=n))
    return {median: Fraction(times, n**n) for median, times in count.items()}


class Bootstrap(unittest.TestCase):
    def test_it_is_that_of_all_resamples(self):
        lists = ([3.0, 1.0, 8.0], [1.0, 2.0, 4.0, 8.0], [5.0, 1.0, 2.0, 2.0, 9.0], [1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
        for values in lists:
            exact = Counter()
            for median, probability in paired.medians(values):
                exact[median] += probability
            self.assertEqual({k: v for k, v in exact.items() if v}, brute(values))

    def test_the_interval(self):
        """Of five values it is their range: one resample in 17 has the least as its median."""
        self.assertEqual(paired.interval([5.0, 1.0, 2.0, 3.0, 4.0]), (1.0, 5.0))
        self.assertEqual(paired.interval([float(v) for v in range(1, 10)]), (2.0, 8.0))
        self.assertEqual(paired.interval([7.0] * 6), (7.0, 7.0))


class Differences(unittest.TestCase):
    def test_they_are_taken_within_blocks(self):
        """The host is five times slower in block 2. And the medians of two rows may be apart as their runs are not."""
        base, row = {1: 50.0, 2: 10.0, 3: 51.0}, {1: 51.0, 2: 11.0, 3: 52.0}
        self.assertEqual(paired.difference(base, row), paired.Difference(3, 1.0, 1.0, 1.0))
        base, row = {1: 10.0, 2: 20.0, 3: 30.0}, {1: 31.0, 2: 11.0, 3: 21.0}
        self.assertEqual(paired.difference(base, row), paired.Difference(3, -9.0, -9.0, 21.0))
        self.assertEqual(paired.difference({1: 50.0, 2: 10.0}, {2: 11.0, 3: 52.0}), paired.Difference(1, 1.0, 1.0, 1.0))

    def test_there_is_an_interval_from_five_blocks_on(self):
        base = dict.fromkeys(range(1, 6), 10.0)
        row = {n: 10.0 + n for n in base}
        self.assertEqual(paired.difference(base, row), paired.Difference(5, 3.0, 1.0, 5.0, 1.0, 5.0))
        four = {n: row[n] for n in range(1, 5)}
        self.assertEqual(paired.difference(base, four)[1:], (2.5, 1.0, 4.0, None, None))

    def test_what_was_not_measured_has_no_difference(self):
        self.assertIsNone(paired.difference({1: 5.0, 2: None}, {1: 5.0, 2: 6.0}))
        self.assertIsNone(paired.difference({1: 5.0}, {2: 5.0}))
        self.assertIsNotNone(paired.difference({1: 5.0, 2: None}, {1: 5.0}), "block 2 has one row")
