/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <hdr/hdr_histogram.h>

#include "base/histogram.h"

/* Resolution: 2^10 ns, then two digits. Spans over a minute count as a minute. */
#define LEAST ((int64_t)1 << 10)
#define MOST  (60 * INT64_C(1000000000))
enum { DIGITS = 2 };

void histogram_free(struct histogram *h)
{
    if (h->counts)
        hdr_close(h->counts);
    *h = (struct histogram){0};
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
    if (!h->counts && hdr_init(LEAST, MOST, DIGITS, &h->counts))
        return;
    hdr_record_value(h->counts, span < (uint64_t)MOST ? (int64_t)span : MOST);
    h->all++;
    h->sum += span;
    note_longest(h, span, at);
}

void histogram_merge(struct histogram *h, const struct histogram *from)
{
    if (!from->counts || (!h->counts && hdr_init(LEAST, MOST, DIGITS, &h->counts)))
        return;
    hdr_add(h->counts, from->counts);
    h->all += from->all;
    h->sum += from->sum;
    note_longest(h, from->longest, from->longest_at);
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
    int64_t span;

    if (!h->all)
        return 0;
    span = hdr_value_at_percentile(h->counts, q * 100);
    if (span >= MOST)
        return h->longest;
    span = hdr_median_equivalent_value(h->counts, span);
    return (uint64_t)span < h->longest ? (uint64_t)span : h->longest;
}
