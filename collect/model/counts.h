/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many events there are, by source, by kind, and by the values of some fields; what was lost.
 */
#ifndef SPICETAP_COUNTS_H
#define SPICETAP_COUNTS_H

#include "base/bounded.h"
#include "run/cursor.h"

enum {
    COUNTS_KINDS = 1024,  /* those of larger numbers count as kind 0 */
    COUNTS_VALUES = 256,  /* of an enum; larger values count as the last one */
    COUNTS_LOSSES = 1024, /* that are listed; more are counted */
};

/* Where events were lost. */
struct counts_loss {
    uint64_t time;   /* ns, CLOCK_MONOTONIC: the end of the span in which they were lost */
    uint64_t count;  /* events, or RUN_UNKNOWN */
    unsigned reason; /* loss_reason */
    enum tap_source source;
};

struct model_counts {
    uint64_t events, first, last; /* times of the first and last event, ns; 0 without events */
    uint64_t of_source[SOURCES], of_kind[COUNTS_KINDS];
    const struct tap_kind_desc *kinds[COUNTS_KINDS]; /* as the logs describe them */
    uint64_t draws[COUNTS_VALUES];                   /* by draw_verdict */
    uint64_t matches[4][COUNTS_VALUES];              /* by match_against and match_verdict */
    uint64_t drops[COUNTS_VALUES];                   /* by drop_reason */
    uint64_t trace_adds[COUNTS_VALUES];              /* by remove_reason */

    struct counts_loss losses[COUNTS_LOSSES];
    struct bounded listed; /* of `losses` */
    /* Events lost in records with a number; records without a number. */
    uint64_t lost, lost_unknown;
};

void counts_add(struct model_counts *c, const struct run_event *e);

#endif
