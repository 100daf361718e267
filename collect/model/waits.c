/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/waits.h"

uint64_t waits_stalled(const struct model_waits *w, unsigned slot, uint64_t now)
{
    const struct model_wait *d = &w->displays[slot];

    /* The guest called for memory and nothing was given since: it waits still. */
    if (d->chain && !d->given && now > d->chain_at)
        return d->stalled + (now - d->chain_at);
    return d->stalled;
}

uint64_t waits_blocked(const struct model_waits *w, unsigned slot, uint64_t now)
{
    const struct model_wait *d = &w->displays[slot];

    return d->blocked + (d->blocked_from && now > d->blocked_from ? now - d->blocked_from : 0);
}

uint64_t waits_waited(const struct model_waits *w, unsigned slot, uint64_t now)
{
    const struct model_wait *d = &w->displays[slot];

    return d->waited + (d->waiting && now > d->waiting_from ? now - d->waiting_from : 0);
}

/* ---- stalls: what the host sees of a call for memory ---- */

/* A sign that the guest has waited since the sign before. */
static void sign(struct model_waits *w, struct model_wait *d, uint64_t now, struct wait_step *step)
{
    if (d->chain && now > d->chain_at && (!d->given || now - d->chain_at <= MODEL_CHAIN)) {
        step->stalled = now - d->chain_at;
        w->still_ns += step->stalled;
        d->stalled += step->stalled;
    }
    d->chain = true;
    d->chain_at = now;
}

static void call(struct model_waits *w, struct model_wait *d, uint64_t now, struct wait_step *step)
{
    step->anew = !d->open || (d->given && now - d->chain_at > MODEL_CHAIN);
    if (step->anew)
        d->chain = false;
    d->open = true;
    sign(w, d, now, step);
}

static void oom_end(struct model_waits *w, struct model_wait *d, uint64_t now,
                    struct wait_step *step)
{
    bool given = d->given;

    d->in_oom = false;
    if (!d->open)
        return;
    d->given = false; /* the guest did wait until now */
    sign(w, d, now, step);
    d->given = given;
}

/* ---- blocks ---- */

static void unblock(struct model_waits *w, struct model_wait *d, uint64_t now,
                    struct model_attr *attr)
{
    uint64_t took = now > d->blocked_from ? now - d->blocked_from : 0;

    if (!d->blocked_from)
        return;
    attr->counts = true;
    d->blocked += took;
    w->blocked_ns += took;
    d->blocked_from = 0;
}

static void command(struct model_waits *w, struct model_wait *d, uint64_t now,
                    struct model_attr *attr)
{
    d->commands++;
    unblock(w, d, now, attr);
    if (!d->in_oom) /* commands taken within it were queued already */
        d->open = d->chain = false;
}

/* ---- waits by the guest's own events ---- */

static bool is_deleter(const struct model_waits *w, uint32_t tid)
{
    for (uint32_t i = 0; i < w->deleter_count && i < MODEL_DELETERS; i++)
        if (w->deleters[i] == tid)
            return true;
    return false;
}

static void guest_wait(struct model_waits *w, const struct model_seen *e, struct wait_step *step,
                       struct model_attr *attr)
{
    struct model_wait *d = &w->displays[e->slot];
    uint64_t now = e->ev->time;

    if (is_deleter(w, e->ev->tid))
        return;
    attr->counts = true;
    d->waits = true;
    d->wait_error = e->error;
    if (e->ev->kind == EV_guest_wait_begin) {
        if (!d->waiting++)
            d->waiting_from = now;
    } else if (d->waiting && !--d->waiting && now > d->waiting_from) {
        step->waited = now - d->waiting_from;
        d->waited += step->waited;
        if (step->waited > w->longest_wait) {
            w->longest_wait = step->waited;
            w->longest_wait_at = now;
        }
    }
}

void waits_add(struct model_waits *w, const struct model_seen *e, struct wait_step *step,
               struct model_attr *attr)
{
    struct model_wait *d = &w->displays[e->slot];
    const struct tap_event *ev = e->ev;

    *step = (struct wait_step){0};
    switch (ev->kind) {
    case EV_qxl_io_write:
        if (FIELDS(ev, qxl_io_write)->port != QXL_IO_notify_oom)
            break;
        call(w, d, ev->time, step);
        d->given &= d->in_oom;
        break;
    case EV_oom_begin:
        call(w, d, ev->time, step);
        d->in_oom = true;
        d->given = false;
        d->ooms++;
        break;
    case EV_oom_end:
        oom_end(w, d, ev->time, step);
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
        command(w, d, ev->time, attr);
        break;
    case EV_blocked:
        w->blocked_count++;
        if (!d->blocked_from)
            d->blocked_from = ev->time;
        break;
    case EV_ring_empty:
        d->empties += FIELDS(ev, ring_empty)->ring == RING_command;
        break;
    case EV_guest_wait_begin:
    case EV_guest_wait_end:
        guest_wait(w, e, step, attr);
        break;
    case EV_guest_delete:
        if (!is_deleter(w, ev->tid))
            w->deleters[w->deleter_count++ % MODEL_DELETERS] = ev->tid;
        break;
    default:
        break;
    }
}

void waits_loss(struct model_waits *w, enum tap_source source)
{
    for (int i = 0; i < MODEL_DISPLAYS; i++) {
        struct model_wait *d = &w->displays[i];

        if (source == SOURCE_GUEST)
            d->waiting = 0;
        if (source == SOURCE_SPICE)
            d->in_oom = d->chain = false;
    }
}

void waits_end(struct model_waits *w, uint64_t end)
{
    for (unsigned i = 0; i < MODEL_DISPLAYS; i++)
        w->blocked_ns += waits_blocked(w, i, end) - w->displays[i].blocked;
}
