/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/waits.h"

void waits_init(struct model_waits *w)
{
    w->guest_slot = -1;
}

/* ---- stalls: what the host sees of a call for memory ---- */

/* How much of the time since the last sign was a stall. */
static uint64_t stall(const struct model_waits *w, unsigned slot, uint64_t now)
{
    const struct model_wait *d = &w->displays[slot];
    uint64_t span = waits_since(now, d->chain_at), waited;

    if (!(w->several || w->guest_slot == (int)slot) || !guest_covers(&w->guest, d->chain_at, now))
        return span;
    waited = waits_since(guest_waited(&w->guest, now), d->chain_waited);
    return waited < span ? waited : span;
}

uint64_t waits_stalled(const struct model_waits *w, unsigned slot, uint64_t now)
{
    const struct model_wait *d = &w->displays[slot];

    /* The guest called for memory and got nothing since: it still waits. */
    return d->stalled + (d->chain && !d->given ? stall(w, slot, now) : 0);
}

uint64_t waits_still(const struct model_waits *w)
{
    uint64_t most = 0;

    for (int i = 0; i < MODEL_DISPLAYS; i++)
        most = w->displays[i].stalled > most ? w->displays[i].stalled : most;
    return most;
}

/* A sign that the guest has waited since the sign before. */
static void sign(struct model_waits *w, unsigned slot, uint64_t now, struct wait_step *step)
{
    struct model_wait *d = &w->displays[slot];

    if (d->chain && (!d->given || waits_since(now, d->chain_at) <= MODEL_CHAIN))
        step->stalled = stall(w, slot, now);
    d->stalled += step->stalled;
    d->chain = true;
    d->chain_at = now;
    d->chain_waited = guest_waited(&w->guest, now);
}

static void call(struct model_waits *w, unsigned slot, uint64_t now, struct wait_step *step)
{
    struct model_wait *d = &w->displays[slot];

    step->anew = !d->open || (d->given && waits_since(now, d->chain_at) > MODEL_CHAIN);
    if (step->anew)
        d->chain = false;
    d->open = true;
    sign(w, slot, now, step);
}

static void notify(struct model_waits *w, unsigned slot, uint64_t now, struct wait_step *step)
{
    call(w, slot, now, step);
    w->displays[slot].given &= w->displays[slot].in_oom;
}

static void oom_begin(struct model_waits *w, unsigned slot, uint64_t now, struct wait_step *step)
{
    struct model_wait *d = &w->displays[slot];

    call(w, slot, now, step);
    w->oom_cut += d->in_oom; /* the end of the one before is missing */
    d->in_oom = true;
    d->given = false;
    d->oom_began = now;
    d->ooms++;
}

static void oom_end(struct model_waits *w, unsigned slot, uint64_t now, struct wait_step *step)
{
    struct model_wait *d = &w->displays[slot];
    uint64_t took = waits_since(now, d->oom_began);
    bool given = d->given;

    if (d->in_oom) {
        w->oom_ns += took;
        w->oom_longest = took > w->oom_longest ? took : w->oom_longest;
    } else {
        w->oom_cut++;
    }
    d->in_oom = false;
    if (!d->open)
        return;
    d->given = false; /* the guest did wait until now */
    sign(w, slot, now, step);
    d->given = given;
}

/* ---- blocks of the command ring ---- */

uint64_t waits_blocked(const struct model_waits *w, unsigned slot, uint64_t now)
{
    const struct model_wait *d = &w->displays[slot];

    return d->blocked + (d->blocked_from ? waits_since(now, d->blocked_from) : 0);
}

static void blocked(struct model_wait *d, const struct tap_event *ev, struct model_attr *attr)
{
    if (FIELDS(ev, blocked)->ring != RING_command)
        return;
    attr->counts = true;
    d->blocks++;
    if (!d->blocked_from)
        d->blocked_from = ev->time;
}

static void unblock(struct model_wait *d, uint64_t now, struct model_attr *attr)
{
    if (!d->blocked_from)
        return;
    attr->counts = true;
    d->blocked += waits_since(now, d->blocked_from);
    d->blocked_from = 0;
}

static void command(struct model_wait *d, const struct tap_event *ev, struct model_attr *attr)
{
    d->commands++;
    if (FIELDS(ev, cmd)->type != QXL_CMD_cursor) /* it comes from the other ring */
        unblock(d, ev->time, attr);
    if (!d->in_oom) /* commands taken within it were queued already */
        d->open = d->chain = false;
}

static void ring_empty(struct model_wait *d, const struct tap_event *ev, struct model_attr *attr)
{
    if (FIELDS(ev, ring_empty)->ring != RING_command)
        return;
    d->empties++;
    unblock(d, ev->time, attr); /* the worker read the ring again */
}

/* ---- waits by the guest's own events ---- */

uint64_t waits_waited(const struct model_waits *w, unsigned slot, uint64_t now)
{
    return w->guest_slot == (int)slot && !w->several ? guest_waited(&w->guest, now) : 0;
}

uint64_t waits_unplaced(const struct model_waits *w, uint64_t now)
{
    return w->several ? guest_waited(&w->guest, now) : 0;
}

static void of_server(struct model_waits *w, const struct model_seen *e, struct wait_step *step,
                      struct model_attr *attr)
{
    struct model_wait *d = &w->displays[e->slot];
    const struct tap_event *ev = e->ev;

    switch (ev->kind) {
    case EV_qxl_io_write:
        if (FIELDS(ev, qxl_io_write)->port == QXL_IO_notify_oom)
            notify(w, e->slot, ev->time, step);
        break;
    case EV_oom_begin:
        oom_begin(w, e->slot, ev->time, step);
        break;
    case EV_oom_end:
        oom_end(w, e->slot, ev->time, step);
        break;
    case EV_evict:
        d->given = true;
        break;
    case EV_flush_resources:
        d->given |= FIELDS(ev, flush_resources)->flushed > 0;
        break;
    case EV_release:
        d->given |= d->in_oom;
        break;
    case EV_cmd:
        command(d, ev, attr);
        break;
    case EV_blocked:
        blocked(d, ev, attr);
        break;
    case EV_ring_empty:
        ring_empty(d, ev, attr);
        break;
    default:
        break;
    }
}

void waits_add(struct model_waits *w, const struct model_seen *e, enum tap_source source,
               struct wait_step *step, struct model_attr *attr)
{
    *step = (struct wait_step){0};
    if (source == SOURCE_GUEST) {
        guest_waits_add(&w->guest, e, &step->guest);
        attr->counts |= step->guest.counts;
        return;
    }
    if (e->display == MODEL_GUEST_DISPLAY)
        w->guest_slot = (int)e->slot;
    of_server(w, e, step, attr);
}

void waits_loss(struct model_waits *w, enum tap_source source, uint64_t from, uint64_t to)
{
    if (source == SOURCE_GUEST)
        guest_waits_loss(&w->guest, from, to);
    for (int i = 0; losses_of_server(source) && i < MODEL_DISPLAYS; i++) {
        struct model_wait *d = &w->displays[i];

        w->oom_cut += d->in_oom;
        d->in_oom = d->chain = false;
        if (d->blocked_from) /* what ended the block may be among the lost */
            d->blocked += waits_since(from, d->blocked_from);
        d->blocked_from = 0;
    }
}

void waits_end(struct model_waits *w, uint64_t end)
{
    for (unsigned i = 0; i < MODEL_DISPLAYS; i++) {
        uint64_t blocked = waits_blocked(w, i, end);

        if (w->displays[i].blocks && (!w->blocked_count || blocked > w->blocked_ns)) {
            w->blocked_slot = i;
            w->blocked_count = w->displays[i].blocks;
            w->blocked_ns = blocked;
        }
        w->oom_cut += w->displays[i].in_oom;
    }
    guest_waits_end(&w->guest, end);
}
