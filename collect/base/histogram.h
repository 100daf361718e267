/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A histogram of spans of time. Spans and times are ns. */
#ifndef SPICETAP_HISTOGRAM_H
#define SPICETAP_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BINS = 400 };
#define HISTOGRAM_BIN 5000000ull /* 5 ms */

struct histogram {
    uint32_t count[HISTOGRAM_BINS + 1]; /* the last bin holds every longer span */
    uint64_t all, longest, longest_at;
};

/* `at` is the time at which the span ended. */
void histogram_add(struct histogram *h, uint64_t span, uint64_t at);
/* The middle of the bin in which the quantile lies, or the longest span. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
