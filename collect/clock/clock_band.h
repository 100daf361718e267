/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All the lines that a clock can be, given what bounds it. A line is named by its height at the
 * band's two ends; each bound (at guest time g the host's was at least, or at most, so much) cuts
 * a half of that plane away. What is left is a convex polygon with few corners, kept exactly: the
 * highest and lowest that any line reaches at a time is reached in a corner. Memory is fixed.
 */
#ifndef SPICETAP_CLOCK_BAND_H
#define SPICETAP_CLOCK_BAND_H

#include <stdbool.h>
#include <stdint.h>

#define BAND_NO_LOW  INT64_MIN
#define BAND_NO_HIGH INT64_MAX

/* More than a polygon gets from thousands of bounds; a cut that would need more is left out,
 * which leaves the band wider than it must be, and right. */
enum { BAND_CORNERS = 64 };

struct clock_band {
    uint64_t guest; /* its first bound; the plane's axes are here, and a span later */
    uint64_t host;  /* what heights are counted from, as if the clock did not drift */
    uint64_t last;  /* its last bound */
    double span;
    uint64_t pings, pairs, fences;
    bool jump; /* the clock leapt between the band before and this one */
    unsigned count;
    struct {
        double x, y;
    } corner[BAND_CORNERS];
};

/* The first bound, both sides of it, host time in ns. `drift`: how far from 1 a rate may be. */
void band_begin(struct clock_band *b, uint64_t guest, int64_t low, int64_t high, double span,
                double drift);
/* Another one. false: no line is left that keeps it and all before; the band is then unchanged. */
bool band_bound(struct clock_band *b, uint64_t guest, int64_t low, int64_t high);
/* The earliest and the latest host time that a guest time can have. */
void band_range(const struct clock_band *b, uint64_t guest, int64_t *low, int64_t *high);

#endif
