/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <stdlib.h>

#include "base/histogram.h"

struct histogram histogram_of(uint64_t width, uint32_t bins)
{
    return (struct histogram){.width = width, .bins = bins};
}

void histogram_free(struct histogram *h)
{
    free(h->count);
    *h = histogram_of(h->width, h->bins);
}

static bool has_bins(struct histogram *h)
{
    if (!h->count)
        h->count = calloc(h->bins + 1, sizeof(*h->count));
    return h->count;
}

static void note_longest(struct histogram *h, uint64_t span, uint64_t at)
{
    if (span <= h->longest)
        return;
    h->longest = span;
    h->longest_at = at;
}

void histogram_add(struct histogram *h, uint64_t span, uint64_t at)
{
    uint64_t bin = span / h->width;

    if (!has_bins(h))
        return;
    h->count[bin < h->bins ? bin : h->bins]++;
    h->all++;
    h->sum += span;
    note_longest(h, span, at);
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    if (!from->count || !has_bins(h))
        return;
    for (uint32_t i = 0; i <= h->bins; i++)
        h->count[i] += from->count[i];
    h->all += from->all;
    h->sum += from->sum;
    note_longest(h, from->longest, from->longest_at);
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->all), sum = 0;

    for (uint64_t i = 0; h->count && i < h->bins; i++) {
        sum += h->count[i];
        if (sum > want)
            return i * h->width + h->width / 2;
    }
    return h->longest;
}
