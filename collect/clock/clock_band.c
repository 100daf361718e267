/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "clock/clock_band.h"

/* ns: both clocks are read in whole ns, so a true bound can be off by 2. */
#define TOLERANCE 2.0

static double place(const struct clock_band *b, uint64_t guest)
{
    return (double)(int64_t)(guest - b->guest) / b->span;
}

static double height(const struct clock_band *b, uint64_t guest, int64_t host)
{
    return (double)(host - (int64_t)(b->host + (guest - b->guest)));
}

void band_begin(struct clock_band *b, uint64_t guest, int64_t low, int64_t high, double span,
                double drift)
{
    double x = (double)(low - high), d = span * drift;

    *b = (struct clock_band){.guest = guest,
                             .host = (uint64_t)high,
                             .last = guest,
                             .span = span,
                             .count = 4,
                             .corner = {{x, x - d}, {0, -d}, {0, d}, {x, x + d}}};
}

/* Adds a corner unless it equals the one before. */
static void put(struct clock_band *b, double x, double y)
{
    const double small = TOLERANCE / 16;

    if (b->count && fabs(b->corner[b->count - 1].x - x) < small &&
        fabs(b->corner[b->count - 1].y - y) < small)
        return;
    b->corner[b->count].x = x;
    b->corner[b->count++].y = y;
}

/* Keeps the corners where sign * (height at `t`) >= sign * h, and makes new ones on the line
 * between: Sutherland and Hodgman's clipping. */
static bool cut(struct clock_band *b, double t, double h, double sign)
{
    struct clock_band kept = *b;

    kept.count = 0;
    for (unsigned i = 0; i < b->count; i++) {
        unsigned next = (i + 1) % b->count;
        double here = sign * ((1 - t) * b->corner[i].x + t * b->corner[i].y - h);
        double there = sign * ((1 - t) * b->corner[next].x + t * b->corner[next].y - h);

        if (kept.count + 2 > BAND_CORNERS)
            return true;
        if (here >= -TOLERANCE)
            put(&kept, b->corner[i].x, b->corner[i].y);
        if ((here >= -TOLERANCE) != (there >= -TOLERANCE)) {
            double part = here / (here - there);

            part = part < 0 ? 0 : part > 1 ? 1 : part;
            put(&kept, b->corner[i].x + part * (b->corner[next].x - b->corner[i].x),
                b->corner[i].y + part * (b->corner[next].y - b->corner[i].y));
        }
    }
    if (!kept.count)
        return false;
    *b = kept;
    return true;
}

bool band_bound(struct clock_band *b, uint64_t guest, int64_t low, int64_t high)
{
    struct clock_band tried = *b;
    double t = place(b, guest);

    if (low != BAND_NO_LOW && !cut(&tried, t, height(b, guest, low), 1))
        return false;
    if (high != BAND_NO_HIGH && !cut(&tried, t, height(b, guest, high), -1))
        return false;
    if (guest > tried.last)
        tried.last = guest;
    *b = tried;
    return true;
}

void band_range(const struct clock_band *b, uint64_t guest, int64_t *low, int64_t *high)
{
    double t = place(b, guest), least = INFINITY, most = -INFINITY;
    int64_t even = (int64_t)(b->host + (guest - b->guest));

    for (unsigned i = 0; i < b->count; i++) {
        double h = (1 - t) * b->corner[i].x + t * b->corner[i].y;

        least = h < least ? h : least;
        most = h > most ? h : most;
    }
    *low = even + (int64_t)floor(least);
    *high = even + (int64_t)ceil(most);
}
