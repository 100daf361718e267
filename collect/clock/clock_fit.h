/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bounds of a guest's clock to its map (docs/dev/clocks.md). Each bound limits the clock from
 * below or above; nothing guesses. While a guest's clock runs evenly, its true line is among those
 * that are left, and the stated error is the distance to the farthest of them.
 *
 * Times are ns of the two CLOCK_MONOTONICs. A clock_fit begins all zero. Errors are -ENOMEM.
 */
#ifndef SPICETAP_CLOCK_FIT_H
#define SPICETAP_CLOCK_FIT_H

#include "clock/clock_band.h"
#include "clock/clock_map.h"

/* A segment spans at most this: NTP, in the guest or the host, bends a clock slowly. */
#define GUEST_CLOCK_SPAN UINT64_C(60000000000)
/* After this many pairs in a row that agree with each other and not with the rest, the clock leapt.
 */
#define GUEST_CLOCK_JUMP_PAIRS 4

struct clock_fit {
    struct clock_band *bands;
    size_t count;
    uint64_t pairs, rejected;
    /* `other`: becomes the next band if more pairs contradict this one. `before`, `sure`: the last
     * band after the last pair that fit it; later pings may belong to the next band. */
    struct clock_band other, before, sure;
    unsigned streak;
};

/* A ping: at guest time `guest` the host's was from `sent` to `received`. */
int clock_fit_ping(struct clock_fit *f, uint64_t guest, uint64_t sent, uint64_t received);
/* A pair: what the host saw at `host` fell between guest times `begin` and `end`. */
int clock_fit_pair(struct clock_fit *f, uint64_t begin, uint64_t end, uint64_t host);
/* A fence: the guest saw at `guest` what the host did at `host` or before. */
void clock_fit_fence(struct clock_fit *f, uint64_t guest, uint64_t host);
/* The earliest and latest host time of a guest time; false: nothing is known. */
bool clock_fit_range(const struct clock_fit *f, uint64_t guest, int64_t *low, int64_t *high);
/* Makes the map for guest times from `first` to `last`; free it with clock_map_free(). */
int clock_fit_map(const struct clock_fit *f, struct clock_map *m, uint64_t first, uint64_t last);
void clock_fit_free(struct clock_fit *f);

#endif
