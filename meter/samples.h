/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers whose percentiles are wanted at the end: all of them up to SAMPLES_KEPT, from then on a
 * random choice of so many, each as likely as the other. Zero it first; the largest is exact. */
#ifndef SPICETAP_SAMPLES_H
#define SPICETAP_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

enum { SAMPLES_KEPT = 1 << 20 };

struct samples {
    int64_t *values;
    size_t kept, room;
    uint64_t count, dice;
    int64_t max;
};

void samples_add(struct samples *s, int64_t value);
/* The smallest value that at least `percent` of 100 are not above (nearest rank); 0 if there are
 * none. Sorts what is kept. */
int64_t samples_percentile(struct samples *s, unsigned percent);
void samples_free(struct samples *s);

#endif
