/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event logs (*.tap): docs/dev/format.md is the contract. Errors are negative errno.
 * -EBADMSG: damaged, -ENODATA: not a log or cut in its header, -EPROTO: a newer major version.
 */
#ifndef SPICETAP_TAP_H
#define SPICETAP_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

/* ---- writing: one thread, one source a log ----------------------------------------- */

struct tap_writer;

/* Creates `path` (mode 0640, must not exist) and writes its description of `source`'s kinds and
 * META's. */
int tap_writer_open(struct tap_writer **out, const char *path, enum tap_source source);
/* Adds one event; writes a chunk when it is full (4096 events) or a second old, by the events' own
 * times: call tap_writer_flush when none come for a while. Within a chunk events are put in order
 * of time. -EINVAL: the event is not as events.def describes it; it is left out, the rest goes on.
 * The first error (disk full) is kept and returned from then on; what was written stays readable.
 */
int tap_write(struct tap_writer *w, const struct tap_event *ev);
/* Says that `count` events were lost at `time`: a META loss event, and the chunk's own count. */
int tap_write_loss(struct tap_writer *w, uint64_t time, uint64_t count, unsigned reason);
int tap_writer_flush(struct tap_writer *w); /* ends the chunk now */
uint64_t tap_writer_events(const struct tap_writer *w);
uint64_t tap_writer_bytes(const struct tap_writer *w); /* on disk so far */
int tap_writer_close(struct tap_writer *w); /* flush, fsync, free; returns the kept error */

/* ---- reading: streams, memory does not grow with the log ---------------------------- */

/* loss_reason of events.def */
enum {
    LOSS_RING_FULL,
    LOSS_BAD_MEMORY,
    LOSS_DAMAGED,
    LOSS_TRUNCATED,
    LOSS_PORT_FULL,
    LOSS_REFUSED,
    LOSS_FLOOD,
    LOSS_MISSED,
    LOSS_GAP
};

struct tap_reader;

int tap_reader_open(struct tap_reader **out, const char *path);
/* 1: *ev is the next event, 0: end, <0: error. A damaged or cut chunk is given as a META loss
 * event and reading goes on behind it. Loss events are EV_loss whatever the log calls them. */
int tap_reader_next(struct tap_reader *r, struct tap_event *ev);
/* The log's own description of `kind`: use this, not tap_kind_find, to print what a log holds.
 * NULL: the log does not describe it. Lives as long as the reader. */
const struct tap_kind_desc *tap_reader_kind(const struct tap_reader *r, uint16_t kind);
/* The event as the built-in table describes it, for analysis: `ev` itself, or `room` filled in.
 * Fields are matched by name; those the log does not have are 0. NULL: the table has no such kind.
 */
const struct tap_event *tap_reader_known(const struct tap_reader *r, const struct tap_event *ev,
                                         struct tap_event *room);
enum tap_source tap_reader_source(const struct tap_reader *r);
bool tap_reader_recovered(const struct tap_reader *r); /* a chunk so far was damaged or cut */
uint64_t tap_reader_lost(const struct tap_reader *r);  /* events lost so far, as far as known */
void tap_reader_close(struct tap_reader *r);

#endif
