/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of a slow link. All channels share it: it sends one piece after the other at its
 * rate, and each arrives a delay later. What waits to be sent is bounded: whoever brings more has
 * to wait, and nothing is lost. Times are ns of CLOCK_MONOTONIC.
 */
#ifndef SPICETAP_LINE_H
#define SPICETAP_LINE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/link_spec.h"

/* Bytes on the way, which arrive together. */
struct line_piece {
    struct line_piece *next;
    uint64_t due; /* when its last byte arrives */
    size_t size;
    uint8_t bytes[];
};

struct line;
/* One channel's part of the line. Its bytes arrive in the order in which they were put. */
struct line_lane;

/* `spec` must be a link. NULL: no memory. */
struct line *line_new(const struct link_spec *spec);
/* Everyone who waits is woken, and nothing is put or taken any more. */
void line_stop(struct line *l);
void line_free(struct line *l); /* after its lanes */

struct line_lane *line_lane_new(struct line *l); /* NULL: no memory */
void line_lane_free(struct line_lane *lane);
/* The most that is put at once: more would arrive too coarsely. */
size_t line_piece_size(const struct line *l);
/* Waits until the queue has room. Channels take turns. `waited`: the bytes were there before anyone
 * asked for them, so the line need not have stood still since the last ones. False: the line was
 * stopped, or there is no memory. */
bool line_put(struct line_lane *lane, const void *bytes, size_t size, bool waited);
/* No more will be put. */
void line_close(struct line_lane *lane);
/* Waits until the next piece has arrived; the caller frees it. NULL: the lane was closed and is
 * empty, or the line was stopped. */
struct line_piece *line_take(struct line_lane *lane);

uint64_t line_now(void); /* ns, CLOCK_MONOTONIC */
/* Sleeps until `time`, or until *stop. In slices that end by the clock of this process: a library
 * that slows its clock (libfaketime) slows this too. */
void line_sleep(uint64_t time, const atomic_bool *stop);

#endif
