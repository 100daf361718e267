/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values for percentiles. Keeps up to SAMPLES_KEPT values, so percentiles of fewer are exact.
 * Beyond that it keeps a random sample, in which each value is equally likely. The count and the
 * largest are always exact. Initialize it with zeros.
 */
#ifndef SPICETAP_SAMPLES_H
#define SPICETAP_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

enum { SAMPLES_KEPT = 1 << 20 };

struct samples {
    int64_t *values;
    size_t kept, room; /* values in the array, and its size */
    uint64_t count;    /* values added */
    uint64_t dice;     /* state of the random numbers */
    int64_t max;
};

void samples_add(struct samples *s, int64_t value);
/* The percentile by nearest rank: at least `percent` % of the kept values are not above it. 0:
 * there are none. Sorts the kept values. */
int64_t samples_percentile(struct samples *s, unsigned percent);
void samples_free(struct samples *s);

#endif
