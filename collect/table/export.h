/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of `spicetap export`: the events of a run, and views of linked events. */
#ifndef SPICETAP_EXPORT_H
#define SPICETAP_EXPORT_H

#include "links/links.h"
#include "run/bundle.h"
#include "table/sink.h"

/* Which events. Sources and kinds by name; count 0: all. */
struct event_choice {
    const char *const *sources, *const *kinds;
    size_t source_count, kind_count;
    uint64_t from, to; /* ns of CLOCK_MONOTONIC, from <= time < to */
};

struct event_counts {
    uint64_t rows;
    uint64_t losses; /* loss events in the chosen time, also where they are no rows */
};

/* Does a log of the run describe a kind of this name? */
bool export_describes(struct bundle *b, const char *name);

/*
 * The chosen events of `b`, in order of time, into an open sink: a table for each kind of each log,
 * named as the kind. Losses are always chosen. A sink of one table gets the first of
 * choice->kinds alone. 0 or -errno. Only sink_close() may follow.
 */
int export_events(struct sink *s, struct bundle *b, const struct event_choice *choice,
                  struct event_counts *counts);

enum { EXPORT_VIEWS = 4 }; /* at a time, at most */

/*
 * Runs the views over `b` together, the rows into an open sink, NULL: dropped. *summary, if not
 * NULL, is the first one's; the caller owns it. What did not fit the views' tables is printed on
 * stderr. *losses counts the loss events: rows beside them may not be whole. 0 or -errno.
 */
int export_links(struct sink *s, struct bundle *b, const struct link_view *const *views,
                 size_t count, json_t **summary, uint64_t *losses);

#endif
