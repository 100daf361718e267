/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A histogram of spans of time, in bins of equal width. Spans and times are ns. Its bins take
 * memory with the first span; a copy of the struct shares them, and one owner frees them. A span
 * for which there is no memory is not counted.
 */
#ifndef SPICETAP_HISTOGRAM_H
#define SPICETAP_HISTOGRAM_H

#include <stdint.h>

struct histogram {
    uint64_t width; /* of a bin */
    uint32_t bins;  /* every span beyond them is in one more bin, after the last */
    uint64_t all, sum, longest, longest_at; /* longest_at: when the longest span ended */
    uint32_t *count;                        /* NULL: no span yet */
};

/* An empty one, with `bins` bins of `width`: nothing to free yet. */
struct histogram histogram_of(uint64_t width, uint32_t bins);
/* Empties it and frees its bins. */
void histogram_free(struct histogram *h);
/* `at` is the time at which the span ended. */
void histogram_add(struct histogram *h, uint64_t span, uint64_t at);
/* Adds the spans of `from`, which has the same bins. */
void histogram_merge(struct histogram *h, const struct histogram *from);
/* The middle of the bin in which the quantile lies; beyond the bins the longest span. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
