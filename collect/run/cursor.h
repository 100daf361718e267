/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only way to read a run. The cursor merges the run's logs in order of the host's time, clips
 * them to the window in which every probe was on, and hands over losses as events: what the
 * recorder could not keep, and what is missing in the files, a whole log included. Events of the
 * kinds with EV_IS_EARLY come from before the window, too: they decided what holds in it.
 *
 * Order: by time. Events of one log with equal times keep the log's order; of two logs, the one
 * whose file name sorts first (by bytes) comes first. An event that stands more than 512 events
 * behind its place in a log comes late, with its own time.
 *
 * Times are ns of the host's CLOCK_MONOTONIC. Errors are negative errno.
 */
#ifndef SPICETAP_CURSOR_H
#define SPICETAP_CURSOR_H

#include "run/bundle.h"

#define RUN_UNKNOWN UINT64_MAX /* a count or an error that is not known */

struct run_loss {
    uint64_t from, to; /* the lost events are in this span, both ends included */
    uint64_t count;    /* at least 1, or RUN_UNKNOWN */
    unsigned reason;   /* loss_reason of events.def */
};

/* All pointers are valid until the next call of cursor_next(). */
struct run_event {
    const struct tap_event *raw;   /* as its log describes it; a loss is EV_loss in every log */
    const struct tap_event *event; /* as the built-in table has it; NULL: a kind it does not have */
    const struct bundle_log *log;
    enum tap_source source;
    unsigned missing; /* a bit (1 << source) for each source whose log misses events at this time,
                         as found in its file: its silence is no evidence */
    uint64_t clock_error; /* how wrong raw->time can be, ns; RUN_UNKNOWN; 0 for the host's own */
    struct run_loss loss; /* valid if raw->kind is EV_loss; raw->time is loss.to, and in raw a count
                             of 0 is not known */
};

struct run_cursor;

/* Starts the one pass over `b`, which must outlive the cursor. A bundle can be read once. */
int cursor_open(struct run_cursor **out, struct bundle *b);
/* 1: *e is the next event, 0: the end. A log that cannot be read on has its error in bundle_logs;
 * the other logs go on. */
int cursor_next(struct run_cursor *c, struct run_event *e);
void cursor_close(struct run_cursor *c);

#endif
