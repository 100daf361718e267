/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A histogram of spans of time, over HdrHistogram_c. Spans and times are ns. All zero is an empty
 * one: its counts take memory (20 kB) with the first span. A copy of the struct shares them,
 * and one owner frees them. A span for which there is no memory is not counted.
 */
#ifndef SPICETAP_HISTOGRAM_H
#define SPICETAP_HISTOGRAM_H

#include <stdint.h>

struct hdr_histogram;

struct histogram {
    uint64_t all, sum, longest, longest_at; /* longest_at: when the longest span ended */
    struct hdr_histogram *counts;           /* NULL: no span yet */
};

/* Frees its counts and empties it. */
void histogram_free(struct histogram *h);
/* `at` is the time at which the span ended. */
void histogram_add(struct histogram *h, uint64_t span, uint64_t at);
/* Adds the spans of `from`. */
void histogram_merge(struct histogram *h, const struct histogram *from);
/* The span at quantile q (0 to 1), exact to 1% or 1 us, whichever is more. Beyond a minute it is
 * the longest span. 0: no span. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
