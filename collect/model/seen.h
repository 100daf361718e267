/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One event as every part of the model sees it, and what the parts found it to belong to. */
#ifndef SPICETAP_SEEN_H
#define SPICETAP_SEEN_H

#include "event/fields.h"

#define NS_PER_MS     1000000ull
#define NS_PER_SECOND 1000000000ull
/* RED_STREAM_DETECTION_MAX_DELTA, spice-server's server/video-stream.h */
#define MODEL_MAX_DELTA (200 * NS_PER_MS)

struct model_seen {
    const struct tap_event *ev; /* laid out as the built-in table has it */
    uint32_t display;           /* id of its display */
    unsigned slot;              /* of the display in the parts' tables (displays.h) */
    uint64_t error;             /* ns by which the event's time can be wrong */
};

/*
 * What an event belongs to: ids of streams and episodes, and for regions the index in `boxes` + 1,
 * because a region gets its id only when it has lasted. 0: nothing.
 */
struct model_attr {
    uint32_t stream, region, episode;
    uint32_t other_region;  /* the region whose history a trace_add overwrote */
    uint32_t first_episode; /* of several, which end with `episode` */
    /* A wait that holds the guest up, the begin or end of a block of the command ring, or a call
     * for memory that the server drops. */
    bool counts;
    uint32_t group; /* of the redraw whose fate the event decided: index in `alternates` + 1 */
};

#endif
