/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/histogram.h"

void histogram_add(struct histogram *h, uint64_t span, uint64_t at)
{
    uint64_t bin = span / HISTOGRAM_BIN;

    h->count[bin < HISTOGRAM_BINS ? bin : HISTOGRAM_BINS]++;
    h->all++;
    if (span > h->longest) {
        h->longest = span;
        h->longest_at = at;
    }
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->all), sum = 0;

    for (unsigned i = 0; i < HISTOGRAM_BINS; i++) {
        sum += h->count[i];
        if (sum > want)
            return i * HISTOGRAM_BIN + HISTOGRAM_BIN / 2;
    }
    return h->longest;
}
