/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All lines that a clock can follow within its bounds. A line is a point in a plane: its heights at
 * the band's two ends. A bound (at guest time g the host's time was at least, or at most, h) cuts
 * half of the plane off. What remains is a convex polygon. At any time, the highest and the lowest
 * line are corners of it, so the corners are all that is kept. Memory is fixed.
 *
 * Times are ns of the two CLOCK_MONOTONICs.
 */
#ifndef SPICETAP_CLOCK_BAND_H
#define SPICETAP_CLOCK_BAND_H

#include <stdbool.h>
#include <stdint.h>

#define BAND_NO_LOW  INT64_MIN
#define BAND_NO_HIGH INT64_MAX

/* Thousands of bounds leave fewer corners than this. A cut that needs more is left out: the band is
 * then wider than it could be, and still right. */
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

/* Begins with a bound from both sides, in host time. `drift`: how far from 1 a rate may be. */
void band_begin(struct clock_band *b, uint64_t guest, int64_t low, int64_t high, double span,
                double drift);
/* Adds a bound. false: no line fits it and all before it; the band is unchanged. */
bool band_bound(struct clock_band *b, uint64_t guest, int64_t low, int64_t high);
/* The earliest and the latest host time that a guest time can have. */
void band_range(const struct clock_band *b, uint64_t guest, int64_t *low, int64_t *high);

#endif
