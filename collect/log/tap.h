/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event logs (*.tap); docs/dev/format.md is the contract. Times are ns of the CLOCK_MONOTONIC of
 * the log's source. Errors are negative errno: -EBADMSG damaged; -ENODATA not a log, or cut in its
 * header; -EPROTO a newer major version; -EINVAL a FIFO, a device or another thing that is no file.
 */
#ifndef SPICETAP_TAP_H
#define SPICETAP_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

/* A log's size, as its own last chunk and run.json have it. */
struct tap_end {
    uint64_t chunks; /* the last one included */
    uint64_t events; /* losses are events too; log_end is not counted */
};

/* ---- writing: one thread, one source a log ----------------------------------------- */

struct tap_writer;

/* Creates `path` (mode 0640; -EEXIST if it is there) and writes the description of the kinds of
 * `source` and of META. */
int tap_writer_open(struct tap_writer **out, const char *path, enum tap_source source);
/* Adds one event, which is copied. A chunk is written when it has 4096 events; when 1024 of them
 * span a second; when any span four: call tap_writer_flush when none come for a while. Within a
 * chunk the writer sorts by time. -EINVAL: the event is not as events.def describes it; it is left
 * out, the rest goes on.
 * Any other error (a full disk) is kept and returned from then on; what was written stays readable.
 */
int tap_write(struct tap_writer *w, const struct tap_event *ev);
/* Adds a loss: `count` events (0: how many is not known) from `since` to `time`. since 0: from the
 * event before it in the log. */
int tap_write_loss_since(struct tap_writer *w, uint64_t since, uint64_t time, uint64_t count,
                         unsigned reason);
int tap_write_loss(struct tap_writer *w, uint64_t time, uint64_t count, unsigned reason);
int tap_writer_flush(struct tap_writer *w);             /* ends the chunk now */
uint64_t tap_writer_events(const struct tap_writer *w); /* accepted so far */
uint64_t tap_writer_bytes(const struct tap_writer *w);  /* on disk so far */
/* Writes the last chunk, which marks the log's end; nothing can be added after it. *end, if not
 * NULL, is the size that a whole log has; it is set even if an error is returned. */
int tap_writer_finish(struct tap_writer *w, struct tap_end *end);
int tap_writer_close(struct tap_writer *w); /* finish, fsync, free; returns the kept error */

/* ---- reading: streams, memory does not grow with the log ---------------------------- */

struct tap_reader;

/* Opens a regular file; anything else is -EINVAL and is never waited for. */
int tap_reader_open(struct tap_reader **out, const char *path);
/* The same, for `name` in the folder `folder` (a descriptor); a symbolic link is -ELOOP. */
int tap_reader_open_at(struct tap_reader **out, int folder, const char *name);
/* The log's size as run.json has it, before the first event is read. */
void tap_reader_expect(struct tap_reader *r, const struct tap_end *end);
/* The log is still being written, so its missing end is no loss. Call it before the first event is
 * read. */
void tap_reader_growing(struct tap_reader *r);
/* Its recorder was killed: the log's end is missing, also in 1.0. Before the first event is read.
 */
void tap_reader_unended(struct tap_reader *r);
/* 1: *ev is the next event, 0: the end, <0: error. What is missing comes as an EV_loss, and reading
 * goes on behind it. Losses are EV_loss, laid out as events.def has it, whatever the log calls
 * them. log_end is not given. */
int tap_reader_next(struct tap_reader *r, struct tap_event *ev);
/* After a loss: the events it stands for are in this span, both ends included. *to is UINT64_MAX if
 * they are missing at the log's end. */
void tap_reader_span(const struct tap_reader *r, uint64_t *from, uint64_t *to);
/* The log's own description of `kind`: use it, not tap_kind_find, to print what a log holds. NULL:
 * the log does not describe it. Lives as long as the reader. For EV_loss `r` may be NULL. */
const struct tap_kind_desc *tap_reader_kind(const struct tap_reader *r, uint16_t kind);
/* The event as the built-in table describes it, for analysis: `ev` itself, or `room` filled in.
 * Fields are matched by name; those the log does not have are 0. NULL: the table has no such kind.
 */
const struct tap_event *tap_reader_known(const struct tap_reader *r, const struct tap_event *ev,
                                         struct tap_event *room);
enum tap_source tap_reader_source(const struct tap_reader *r);
bool tap_reader_recovered(const struct tap_reader *r); /* a part so far was damaged or missing */
bool tap_reader_missed(const struct tap_reader *r);    /* ... and events with it */
uint64_t tap_reader_lost(const struct tap_reader *r);  /* events lost so far, as far as known */
/* Fields that this program has no room for: how many, and the first as "KIND.FIELD". */
unsigned tap_reader_left_out(const struct tap_reader *r, const char **first);
void tap_reader_close(struct tap_reader *r);

#endif
