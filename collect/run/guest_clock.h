/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds how a guest's clock goes, from what is known of it on both sides (docs/dev/clocks.md).
 * Everything here bounds the clock from below or above, nothing guesses: as long as a
 * guest's clock runs evenly, the true clock is among the lines that are left, and the error given
 * is the distance to the farthest of them.
 */
#ifndef SPICETAP_GUEST_CLOCK_H
#define SPICETAP_GUEST_CLOCK_H

#include "clock/clock_band.h"
#include "clock/clock_map.h"
#include "event/event.h"

/* ---- from bounds to a map ------------------------------------------------------------------ */

/* A segment is at most so long: NTP, in the guest or the host, bends a clock slowly. */
#define GUEST_CLOCK_SPAN UINT64_C(60000000000)
/* So many pairs in a row that agree with each other and not with the rest: the clock has leapt. */
#define GUEST_CLOCK_JUMP_PAIRS 4

struct clock_fit {
    struct clock_band *bands;
    size_t count;
    uint64_t pairs, rejected;
    /* What would be the next band, if pairs that contradict this one go on, and the last band as it
     * was after the last pair that did not: a ping since may have been one of the next's. */
    struct clock_band other, before, sure;
    unsigned streak;
};

/* What one side knows of the other's clock: -ENOMEM, or 0.
 * A ping: at guest time `guest` the host's was from sent to received. */
int clock_fit_ping(struct clock_fit *f, uint64_t guest, uint64_t sent, uint64_t received);
/* A pair: what the host saw at `host` fell between guest times begin and end. */
int clock_fit_pair(struct clock_fit *f, uint64_t begin, uint64_t end, uint64_t host);
/* A fence: the guest saw at `guest` what the host had done at `host`, or before. */
void clock_fit_fence(struct clock_fit *f, uint64_t guest, uint64_t host);
/* The earliest and latest host time of a guest time; false: nothing is known. */
bool clock_fit_range(const struct clock_fit *f, uint64_t guest, int64_t *low, int64_t *high);
/* The map for guest times from `first` to `last`. */
int clock_fit_map(const struct clock_fit *f, struct clock_map *m, uint64_t first, uint64_t last);
void clock_fit_free(struct clock_fit *f);

/* ---- from logs to a map -------------------------------------------------------------------- */

/* Reads the log `guest` (path), and `qemu` for the I/O writes and fences; NULL: the pings alone.
 * `progress`, if there is one, is called now and then. */
int guest_clock_make(struct clock_map *m, const char *guest, const char *qemu,
                     void (*progress)(void));
int guest_clock_from_pings(struct clock_map *m, const char *guest);

#endif
