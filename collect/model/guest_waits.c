/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/guest_waits.h"

static bool is_silent(const struct guest_waits *g, uint64_t now)
{
    return now > g->seen && now - g->seen > MODEL_GUEST_SILENCE;
}

uint64_t guest_waited(const struct guest_waits *g, uint64_t now)
{
    uint64_t until = is_silent(g, now) ? g->seen : now;

    return g->waited + (g->waiter.count && until > g->waiting_from ? until - g->waiting_from : 0);
}

uint64_t guest_waits_unknown(const struct guest_waits *g, uint64_t now)
{
    return g->unknown + (g->waiter.count && is_silent(g, now));
}

bool guest_covers(const struct guest_waits *g, uint64_t from, uint64_t to)
{
    return g->probed && g->whole_since && g->whole_since <= from && !is_silent(g, to);
}

/* ---- threads ---- */

/* Index + 1; 0: it is not there. */
static uint32_t find(const uint32_t *list, const struct bounded *b, uint32_t tid)
{
    for (uint32_t i = 0; i < b->count; i++)
        if (list[i] == tid)
            return i + 1;
    return 0;
}

/* ---- the latest waits of one thread alone ---- */

static void settle(struct guest_waits *g, struct model_last_wait *l)
{
    if (l->to - l->from > g->longest) {
        g->longest = l->to - l->from;
        g->longest_at = l->to;
    }
    *l = (struct model_last_wait){0};
}

static void settle_all(struct guest_waits *g)
{
    for (unsigned i = 0; i < MODEL_LAST_WAITS; i++)
        settle(g, &g->last[(g->last_at + i) % MODEL_LAST_WAITS]);
}

static void remember(struct guest_waits *g, uint32_t tid, uint64_t to)
{
    struct model_last_wait *l = &g->last[g->last_at++ % MODEL_LAST_WAITS];

    settle(g, l);
    *l = (struct model_last_wait){tid, g->waiting_from, to};
}

/* The thread is a deleter after all: its waits in this call were not for memory. */
static uint64_t take_back(struct guest_waits *g, uint32_t tid, uint64_t began)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < MODEL_LAST_WAITS; i++) {
        struct model_last_wait *l = &g->last[i];

        if (!l->to || l->tid != tid || l->from < began)
            continue;
        sum += l->to - l->from;
        *l = (struct model_last_wait){0};
    }
    g->waited -= sum;
    return sum;
}

/* ---- waits ---- */

/* The span in which some thread waited ends; how long it was. */
static uint64_t close_span(struct guest_waits *g, uint32_t tid, uint64_t now)
{
    uint64_t took = now > g->waiting_from ? now - g->waiting_from : 0;

    g->waited += took;
    if (g->alone && took)
        remember(g, tid, now);
    else
        settle(g, &(struct model_last_wait){tid, now - took, now});
    return took;
}

static void wait_begin(struct guest_waits *g, uint32_t tid, uint64_t now)
{
    bool first = !g->waiter.count;

    if (find(g->waiters, &g->waiter, tid) || !bounded_take(&g->waiter, MODEL_WAITERS))
        return;
    g->waiters[g->waiter.count - 1] = tid;
    g->alone = first;
    if (first)
        g->waiting_from = now;
}

static uint64_t wait_end(struct guest_waits *g, uint32_t tid, uint64_t now)
{
    uint32_t at = find(g->waiters, &g->waiter, tid);

    if (!at) /* its begin is not in the recording, or was lost */
        return 0;
    g->waiters[at - 1] = g->waiters[--g->waiter.count];
    return g->waiter.count ? 0 : close_span(g, tid, now);
}

/* From `at` on nothing is known of the open waits. */
static void forget_open(struct guest_waits *g, uint64_t at)
{
    if (!g->waiter.count)
        return;
    g->alone = false;
    close_span(g, 0, at);
    g->waiter.count = 0;
    g->unknown++;
}

void guest_waits_session(struct guest_waits *g, bool probed, uint64_t now)
{
    forget_open(g, g->seen);
    settle_all(g);
    g->deleter.count = 0;
    g->probed = probed;
    g->whole_since = g->seen = now;
}

void guest_waits_loss(struct guest_waits *g, uint64_t from, uint64_t to)
{
    forget_open(g, g->seen < from ? g->seen : from);
    g->whole_since = to;
}

static uint64_t before(uint64_t time, int64_t by)
{
    return by > 0 && time > (uint64_t)by ? time - (uint64_t)by : time;
}

void guest_waits_add(struct guest_waits *g, const struct model_seen *e, struct guest_step *step)
{
    const struct tap_event *ev = e->ev;
    bool deletes = g->deleter.count && find(g->deleters, &g->deleter, ev->tid);

    *step = (struct guest_step){0};
    g->seen = ev->time;
    switch (ev->kind) {
    case EV_guest_wait_begin:
    case EV_guest_wait_end:
        if (deletes)
            break;
        step->counts = true;
        g->waits++;
        g->error = e->error;
        if (ev->kind == EV_guest_wait_begin)
            wait_begin(g, ev->tid, ev->time);
        else
            step->waited = wait_end(g, ev->tid, ev->time);
        break;
    case EV_guest_delete:
        if (deletes)
            break;
        step->taken_back = take_back(g, ev->tid, before(ev->time, FIELDS(ev, guest_delete)->took));
        if (bounded_take(&g->deleter, MODEL_DELETERS))
            g->deleters[g->deleter.count - 1] = ev->tid;
        break;
    default:
        break;
    }
}

void guest_waits_end(struct guest_waits *g, uint64_t end)
{
    if (is_silent(g, end))
        forget_open(g, g->seen);
    else if (g->waiter.count)
        close_span(g, 0, end);
    g->waiter.count = 0;
    settle_all(g);
}
