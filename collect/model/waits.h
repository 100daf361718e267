/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What held a display up: stalls (the guest called for memory and has not gone on), waits (by the
 * guest's own events) and blocks (the worker stopped reading commands because a client's pipe is
 * too long). Times and spans are ns of CLOCK_MONOTONIC.
 *
 * A stall is the host's guess. Where the guest's own events of the span are all there, they decide:
 * then a stall is no longer than what the guest waited in it.
 */
#ifndef SPICETAP_WAITS_H
#define SPICETAP_WAITS_H

#include "model/displays.h"
#include "model/guest_waits.h"
#include "model/losses.h"
#include "model/seen.h"

#define MODEL_CHAIN (100 * NS_PER_MS) /* calls for memory nearer than this are one wait */

struct model_wait {
    /* A call for memory is open until the next command. `chain`: its last sign, at chain_at, may
     * begin a stall. `given`: the server gave something back since. */
    bool open, in_oom, chain, given;
    uint64_t chain_at, chain_waited;  /* chain_waited: what the guest had waited by then */
    uint64_t stalled;                 /* so far, without what is open now */
    uint64_t blocked, blocked_from;   /* blocked_from: 0 if it is not blocked now */
    uint64_t blocks;                  /* blocked events of the command ring */
    uint64_t ooms, commands, empties; /* oom_begin, cmd, ring_empty of the command ring, so far */
    /* handle_dev_oom in spice's red-worker.cpp: from oom_begin to oom_end */
    uint64_t oom_began;
};

struct model_waits {
    struct model_wait displays[MODEL_DISPLAYS]; /* by slot */
    struct guest_waits guest;
    /* Slot of the display that the guest's waits are about; -1: not known, as with several qxl
     * devices, since the guest's events do not name the device. */
    int guest_slot;
    bool several; /* qxl devices */
    /* Blocks of the display that was blocked longest, after the run: displays can be blocked at the
     * same time, so their spans do not add up. */
    unsigned blocked_slot;
    uint64_t blocked_count, blocked_ns;
    uint64_t oom_ns, oom_longest; /* from oom_begin to oom_end */
    uint64_t oom_cut;             /* one of the two is outside the recording, or beside a loss */
};

/* What one event added to its display. */
struct wait_step {
    uint64_t stalled;
    bool anew; /* a call for memory that does not continue the one before */
    struct guest_step guest;
};

void waits_init(struct model_waits *w);
/* `source` of the event's log. */
void waits_add(struct model_waits *w, const struct model_seen *e, enum tap_source source,
               struct wait_step *step, struct model_attr *attr);
void waits_loss(struct model_waits *w, enum tap_source source, uint64_t from, uint64_t to);
void waits_end(struct model_waits *w, uint64_t end);

/* How long a display was held up so far, with what is still open. The guest's events can lower it:
 * subtract with waits_since(). */
uint64_t waits_stalled(const struct model_waits *w, unsigned slot, uint64_t now);
uint64_t waits_blocked(const struct model_waits *w, unsigned slot, uint64_t now);
uint64_t waits_waited(const struct model_waits *w, unsigned slot, uint64_t now);
/* What the guest waited so far for a display that is not known. */
uint64_t waits_unplaced(const struct model_waits *w, uint64_t now);
/* Stalls of the display that stalled most: with several displays, at least so long. */
uint64_t waits_still(const struct model_waits *w);

static inline uint64_t waits_since(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

#endif
