/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a recorder counts of the events as they come: for the live line, the summary and run.json.
 *
 * The set of running streams here is not model/'s tracker: record/ stands beside model/ and must
 * not include it, and the live line has no time for more than a bit a stream.
 */
#ifndef SPICETAP_RECORD_COUNTS_H
#define SPICETAP_RECORD_COUNTS_H

#include "event/event.h"

enum {
    COUNTS_REASONS = 16,  /* loss_reason of events.def has fewer values */
    COUNTS_DISPLAYS = 16, /* QEMU accepts no more heads or QXL devices */
    COUNTS_STREAMS = 64,  /* a display; spice-server has 50: NUM_STREAMS, display-limits.h */
};

/* All zero to begin with. */
struct record_counts {
    uint64_t kinds[EV_MAX]; /* events, by kind */
    uint64_t events;        /* of the host */
    uint64_t sent;          /* bytes in `sent` events */
    uint64_t lost[COUNTS_REASONS];
    uint64_t streams; /* streams seen; one from before the recording from its next frame on */
    uint64_t unknown; /* losses of an unknown number of events */
    uint64_t running[COUNTS_DISPLAYS]; /* a bit a running stream */
};

void counts_event(struct record_counts *c, const struct tap_event *ev);
/* `count` events were lost for `reason`, a value of loss_reason. 0: an unknown number. */
void counts_loss(struct record_counts *c, unsigned reason, uint64_t count);
/* Events known to be lost, of all reasons. */
uint64_t counts_lost(const struct record_counts *c);
/* Streams that run now. After a loss it may count streams whose end was lost, until spice-server
 * uses their number again. */
unsigned counts_running(const struct record_counts *c);

#endif
