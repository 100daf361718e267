/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What held a display up: stalls (the server answers a call for memory), waits (by the guest's own
 * events) and blocks (the worker stops reading because a client's pipe is too long). Spans are ns.
 */
#ifndef SPICETAP_WAITS_H
#define SPICETAP_WAITS_H

#include "model/displays.h"
#include "model/losses.h"
#include "model/seen.h"

enum { MODEL_DELETERS = 16 }; /* threads; the kernel has few workers for it */

#define MODEL_CHAIN (100 * NS_PER_MS) /* calls for memory nearer than this are one wait */

struct model_wait {
    /* A call for memory is open until the next command; `chain`: its last sign, at chain_at, counts
     * as the begin of a stall; `given`: the server gave something back since. */
    bool open, in_oom, chain, given;
    uint64_t chain_at;
    uint64_t stalled, waited;         /* so far, without what is open now */
    uint64_t blocked, blocked_from;   /* blocked_from: 0 if it is not blocked now */
    uint64_t waiting_from, waiting;   /* guest waits now open */
    bool waits;                       /* the guest's own events tell of its waits */
    uint64_t wait_error;              /* ns by which the time of the last wait can be wrong */
    uint64_t ooms, commands, empties; /* oom_begin, cmd, ring_empty of the command ring, so far */
};

struct model_waits {
    struct model_wait displays[MODEL_DISPLAYS];       /* by slot */
    uint32_t deleters[MODEL_DELETERS], deleter_count; /* threads of the guest that only delete */
    uint64_t still_ns;                                /* stalls of all displays */
    uint64_t longest_wait, longest_wait_at;           /* of the guest; its end */
    uint64_t blocked_count, blocked_ns;
};

/* What one event added. */
struct wait_step {
    uint64_t stalled, waited;
    bool anew; /* a call for memory that does not continue the one before */
};

void waits_add(struct model_waits *w, const struct model_seen *e, struct wait_step *step,
               struct model_attr *attr);
void waits_loss(struct model_waits *w, enum tap_source source);
void waits_end(struct model_waits *w, uint64_t end);

/* What a display was held up so far, what is open included. */
uint64_t waits_stalled(const struct model_waits *w, unsigned slot, uint64_t now);
uint64_t waits_blocked(const struct model_waits *w, unsigned slot, uint64_t now);
uint64_t waits_waited(const struct model_waits *w, unsigned slot, uint64_t now);

#endif
