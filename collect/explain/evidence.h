/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which events a finding rests on, and the second pass over the run that finds them. */
#ifndef SPICETAP_EVIDENCE_H
#define SPICETAP_EVIDENCE_H

#include "model/model.h"

/* What an event must be besides, by what the first pass found. */
enum select_rule {
    SELECT_ANY,
    SELECT_CAUSE,       /* of a stream that ended by cause `value` */
    SELECT_DELETES,     /* in an episode in which nobody asked for memory */
    SELECT_ASK,         /* what was asked for in its episode, in domain `value` */
    SELECT_FULLEST,     /* the memory of domain `value` was never fuller, or never emptier */
    SELECT_OF_STREAM,   /* an eviction of a running stream's frame */
    SELECT_HOST_LOSS,   /* lost of spice-server's events */
    SELECT_GUEST_LOSS,  /* lost of the guest's or QEMU's */
    SELECT_CLIENT_LOSS, /* lost of the client's */
    SELECT_CLIP_PLACE,  /* in the place where the client read its numbers */
    SELECT_COUNTS,      /* a wait that held the guest up, a block's begin and end, a dropped call */
    SELECT_RULES,
};

/* 0 in a field: any. */
struct select {
    uint64_t from, to;
    uint16_t kinds[8]; /* ends with 0 */
    uint32_t stream, region, episode, other_region;
    uint32_t alternate; /* redraws of that place, with `outcomes` */
    uint32_t display;   /* its id + 1 */
    uint32_t outcomes;  /* of a region's redraws: bits of enum outcome */
    uint32_t refused;   /* redraws of this stream's place that it did not get */
    bool late;          /* ... those too late as well */
    const char *field;  /* NULL, or it must have this value */
    uint64_t value;
    enum select_rule rule;
};

extern const char *const select_names[SELECT_RULES];

/* `which`: the number of the selection. */
typedef void evidence_found(void *arg, size_t which, const struct tap_event *ev,
                            const struct bundle_log *from);

/* Reads the run again and calls back for each event that a selection wants, in order: for the first
 * that wants it, or for `each`. `first` is the model of the first pass. An exit code. */
int evidence_find(const struct model *first, const struct select *selects, size_t count, bool each,
                  evidence_found *found, void *arg);

#endif
