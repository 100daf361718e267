/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which streams run while a recording goes on, from its events as they come: for record's live
 * line. A stream from before the recording is known from its next frame on.
 */
#ifndef SPICETAP_RUNNING_H
#define SPICETAP_RUNNING_H

#include "event/event.h"

#define RUNNING_DISPLAYS 16 /* QEMU takes no more heads or QXL devices than that */
#define RUNNING_STREAMS  64 /* of a display: spice-server has 50 (NUM_STREAMS, display-limits.h) */

/* All zero to begin with. */
struct running {
    uint64_t streams[RUNNING_DISPLAYS]; /* a bit for each stream that runs */
    uint64_t known;                     /* streams in all */
};

void running_event(struct running *r, const struct tap_event *ev);

/* How many run. After losses more than do may be told, until their numbers are used again. */
unsigned running_count(const struct running *r);

#endif
