# SPDX-License-Identifier: GPL-2.0-or-later
"""Differences of two rows of one batch: taken within blocks, because a host changes from one block to the next."""

import math
import statistics
from fractions import Fraction
from typing import NamedTuple

MIN_RUNS = 3  # a row with fewer good runs carries no recommendation
MIN_BOOTSTRAP = 5  # a bootstrap of fewer differences says less than their range
LEVEL = Fraction(95, 100)


class Difference(NamedTuple):
    """Of a figure, in the blocks that have it of both rows. low and high: the 95% interval; None below n = 5."""

    n: int
    median: float
    least: float
    most: float
    low: float | None = None
    high: float | None = None


def at_most(n, k, share):
    """The probability that of n draws at least k are within the first `share` of the values."""
    return sum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k, n + 1))


def medians(values):
    """[(a median, its probability)] over all n^n resamples of the values: the bootstrap without a random number."""
    x, n = sorted(values), len(values)
    middle = (n + 1) // 2  # of an even number the lower one of the two in the middle
    alone = [at_most(n, middle, Fraction(i + 1, n)) - at_most(n, middle, Fraction(i, n)) for i in range(n)]
    if n % 2:
        return list(zip(x, alone, strict=True))
    out = []
    for i in range(n):
        # Half of the draws are x[i] or less, one of them x[i] itself; the least of the others is x[j].
        lower = Fraction((i + 1) ** middle - i**middle, n**middle)
        beyond = []
        for j in range(i + 1, n):
            upper = Fraction((n - j) ** middle - (n - j - 1) ** middle, n**middle)
            beyond.append(math.comb(n, middle) * lower * upper)
            out.append(((x[i] + x[j]) / 2, beyond[-1]))
        out.append((x[i], alone[i] - sum(beyond)))
    return sorted(out)


def interval(values):
    """The bootstrap's percentile interval of the median."""
    tail, seen, low = (1 - LEVEL) / 2, Fraction(0), None
    for median, probability in medians(values):
        seen += probability
        if low is None and seen > tail:
            low = median
        if seen >= 1 - tail:
            return low, median
    raise AssertionError("the probabilities have a sum of 1")


def difference(base, row):
    """Of {block: figure} of two rows; None where no block has both, or where a figure in such a block is missing."""
    pairs = [(base[block], row[block]) for block in sorted(base.keys() & row.keys())]
    if not pairs or any(None in pair for pair in pairs):
        return None
    values = [b - a for a, b in pairs]
    ends = interval(values) if len(values) >= MIN_BOOTSTRAP else (None, None)
    return Difference(len(values), statistics.median(values), min(values), max(values), *ends)
