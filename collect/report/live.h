/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The figures of watched VMs for eyes (rates), programs (JSON) and Prometheus. Nothing here
 * decides: `spicetap info` has the same counts of a run of the same span.
 */
#ifndef SPICETAP_LIVE_H
#define SPICETAP_LIVE_H

#include <jansson.h>
#include <stdio.h>

#include "record/board.h"

/* A copy of the places that are in use, in order of name and pid. */
struct live {
    unsigned count, beyond; /* beyond: VMs that are not watched, for want of a place */
    struct board_vm vms[BOARD_VMS];
};

void live_take(struct live *l, const struct board *board);
/* The VM of that process in an earlier copy; NULL: it was not there, or began anew since. */
const struct board_vm *live_before(const struct live *earlier, const struct board_vm *vm);

/* Of the span between two states of one VM; without an earlier one, since it is watched. */
struct live_rates {
    double seconds;   /* run time; 0: no time has passed, and all others are 0 */
    double frames;    /* a second, of all streams */
    double ooms;      /* a minute */
    double oom_share; /* of the time, 0 to 1: spice-server works on the guest's out-of-memory */
    double evictions, blocked; /* a minute */
    double bytes;              /* a second */
    double lost;               /* events a second */
};

void live_rates(struct live_rates *r, const struct board_vm *now, const struct board_vm *before);

/* {vms: [...], not_watched}. The caller owns it; NULL: no memory. */
json_t *live_json(const struct live *l);

/* The text format that Prometheus reads. `open`: OpenMetrics 1.0, else the older one, 0.0.4, that
 * node_exporter reads from files. Labels hold a VM's name, and words of events.def. */
void live_metrics(FILE *out, const struct live *l, bool open);

#endif
