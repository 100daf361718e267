/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's own record of its waits for memory: the spans in which at least one thread is in
 * qxl_fence_wait (drivers/gpu/drm/qxl/qxl_release.c of Linux) because it wants memory. A thread
 * that only deletes buffers (ttm_bo_delayed_delete) waits there too, but holds up nobody. Times
 * and spans are ns of the host's clock.
 */
#ifndef SPICETAP_GUEST_WAITS_H
#define SPICETAP_GUEST_WAITS_H

#include "base/bounded.h"
#include "model/seen.h"

enum {
    MODEL_DELETERS = 256, /* threads: the kernel's workers */
    MODEL_WAITERS = 64,   /* threads that wait at one time */
    MODEL_LAST_WAITS = 8, /* that can still turn out to be a deleter's */
};

/* The recorder pings the agent each 250 ms (PING_EVERY, record/guest_port.c). With two pings not
 * answered the agent counts as gone, until it answers again. */
#define MODEL_GUEST_SILENCE (600 * NS_PER_MS)

struct model_last_wait {
    uint32_t tid;
    uint64_t from, to;
};

struct guest_waits {
    bool probed;          /* the probes of the wait are attached in this session */
    uint64_t seen;        /* time of the guest's last event */
    uint64_t whole_since; /* since then none of its events is missing; 0: no session yet */
    uint64_t error;       /* by which its last wait's times can be wrong */
    uint64_t waited;      /* so far, without the wait that is open now */
    uint64_t waiting_from;
    uint64_t waits;               /* wait events, ever */
    uint64_t unknown;             /* waits whose end is not known */
    uint64_t longest, longest_at; /* longest_at: its end */
    struct bounded waiter, deleter;
    uint32_t waiters[MODEL_WAITERS], deleters[MODEL_DELETERS]; /* threads */
    bool alone; /* the open wait has had one thread only */
    /* the latest waits of one thread alone, a ring: not yet in `longest` */
    struct model_last_wait last[MODEL_LAST_WAITS];
    unsigned last_at;
};

/* What one event added to the waits. */
struct guest_step {
    bool counts;         /* it is about a wait that holds the guest up */
    uint64_t waited;     /* a wait ended that was so long */
    uint64_t taken_back; /* an earlier wait of this length was a deleter's: it no longer counts */
};

/* Another log of a guest begins: the guest was started again. */
void guest_waits_session(struct guest_waits *g, bool probed, uint64_t now);
/* An event of the guest's log, as the built-in table has it. */
void guest_waits_add(struct guest_waits *g, const struct model_seen *e, struct guest_step *step);
/* Events of the guest are missing in this span. */
void guest_waits_loss(struct guest_waits *g, uint64_t from, uint64_t to);
void guest_waits_end(struct guest_waits *g, uint64_t end);

/* What the guest waited so far, an open wait included. It can become less: see `taken_back`. */
uint64_t guest_waited(const struct guest_waits *g, uint64_t now);
/* Waits so far whose end is unknown. The open wait of a silent guest is one of them. */
uint64_t guest_waits_unknown(const struct guest_waits *g, uint64_t now);
/* Whether the guest's events of the span are all there. */
bool guest_covers(const struct guest_waits *g, uint64_t from, uint64_t to);

#endif
