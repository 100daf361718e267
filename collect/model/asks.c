/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/memory.h"

static uint64_t before(uint64_t time, uint64_t by)
{
    return time > by ? time - by : 0;
}

/* All events of the thread have the guest's times, so only the call itself is matched with the
 * host's events. */
static void guest_oom(struct model_memory *m, const struct model_seen *e)
{
    const struct tap_event *ev = e->ev;
    int64_t took = FIELDS(ev, guest_oom)->took;

    m->calls[m->call_count++ % MODEL_CALLS] =
        (struct model_call){.began = took > 0 ? before(ev->time, (uint64_t)took) : ev->time,
                            .time = ev->time,
                            .error = e->error,
                            .tid = ev->tid};
}

/* The episodes that a call of the guest can be part of, by id, latest first. */
static unsigned episodes_at(struct model_memory *m, uint64_t from, uint64_t to, uint32_t *ids,
                            unsigned most)
{
    unsigned n = 0;

    for (uint32_t i = m->kept.count; i; i--) {
        const struct model_episode *e = &m->episodes[i - 1];

        if (e->display != MODEL_GUEST_DISPLAY && !m->waits->several)
            continue;
        if (e->to < from) {
            if (m->waits->several) /* another display's may have lasted longer */
                continue;
            break;
        }
        if (e->from <= to && n == most)
            m->calls_over++;
        else if (e->from <= to)
            ids[n++] = i;
    }
    return n;
}

static void doubt(struct model_memory *m, const uint32_t *ids, unsigned n, uint64_t error)
{
    for (unsigned i = 0; i < n; i++) {
        struct model_episode *e = &m->episodes[ids[i] - 1];

        m->unsure += !e->unsure++;
        e->unsure_error = error > e->unsure_error ? error : e->unsure_error;
    }
}

/* The episodes in which this thread called for memory since `began`. If the clock is too coarse to
 * choose between two episodes, the call names none, and both are in doubt. */
static unsigned episodes_of(struct model_memory *m, uint32_t tid, uint64_t began, uint32_t *ids,
                            unsigned most)
{
    uint64_t kept = m->call_count < MODEL_CALLS ? m->call_count : MODEL_CALLS;
    unsigned n = 0;

    if (m->call_count > MODEL_CALLS && m->calls[m->call_count % MODEL_CALLS].time > began)
        m->calls_over++;
    for (uint64_t i = 1; i <= kept; i++) {
        const struct model_call *c = &m->calls[(m->call_count - i) % MODEL_CALLS];
        uint32_t near[8];
        unsigned found;

        if (c->tid != tid || c->time < began)
            continue;
        found = episodes_at(m, before(c->began, c->error), c->time + c->error, near, 8);
        if (found > 1)
            doubt(m, near, found, c->error);
        if (found == 1 && n < most && (!n || ids[n - 1] != near[0]))
            ids[n++] = near[0];
    }
    return n;
}

/* For a log without guest_oom events: the episodes that lie in [began, now] by more than the
 * clock's error. */
static unsigned episodes_within(struct model_memory *m, uint64_t began,
                                const struct model_seen *seen, uint32_t *ids, unsigned most)
{
    uint64_t error = seen->error, now = seen->ev->time;
    uint32_t near[64];
    unsigned found = episodes_at(m, before(began, error), now + error, near, 64), n = 0;

    for (unsigned i = 0; i < found; i++) {
        const struct model_episode *e = &m->episodes[near[i] - 1];

        if (e->to >= began + error && e->from + error <= now) {
            if (n < most)
                ids[n++] = near[i];
        } else {
            doubt(m, &near[i], 1, error);
        }
    }
    return n;
}

static unsigned episodes_for(struct model_memory *m, const struct model_seen *seen, int64_t took,
                             uint32_t *ids, unsigned most)
{
    const struct tap_event *ev = seen->ev;
    uint64_t began = took > 0 ? before(ev->time, (uint64_t)took) : ev->time;

    return m->call_count ? episodes_of(m, ev->tid, began, ids, most)
                         : episodes_within(m, began, seen, ids, most);
}

static void belongs(const struct model_memory *m, const uint32_t *ids, unsigned n,
                    struct model_attr *attr)
{
    if (!n)
        return;
    attr->episode = m->episodes[ids[0] - 1].id;
    attr->first_episode = m->episodes[ids[n - 1] - 1].id;
}

/* A kernel thread waits to free old buffers. The threads that draw go on meanwhile. */
static void guest_delete(struct model_memory *m, const struct model_seen *e,
                         struct model_attr *attr)
{
    uint32_t ids[MODEL_CALLS];
    unsigned n = episodes_for(m, e, FIELDS(e->ev, guest_delete)->took, ids, MODEL_CALLS);

    for (unsigned i = 0; i < n; i++)
        m->episodes[ids[i] - 1].deletes++;
    belongs(m, ids, n, attr);
}

static void name_domain(struct model_memory *m, struct model_episode *e, unsigned domain)
{
    if (e->asked)
        m->named[e->domain]--;
    m->named[domain]++;
    e->domain = domain;
    e->asked = true;
}

/* The thread called for memory while it made this buffer, so this is what it asked for. Of several
 * buffers the one that took longest counts. */
static void guest_bo(struct model_memory *m, const struct model_seen *seen, struct model_attr *attr)
{
    const struct fields_guest_bo *f = FIELDS(seen->ev, guest_bo);
    uint64_t took = f->took > 0 ? (uint64_t)f->took : 0;
    uint32_t ids[MODEL_CALLS];
    unsigned n;

    if (took < NS_PER_MS && f->result >= 0)
        return;
    n = episodes_for(m, seen, f->took, ids, MODEL_CALLS);
    for (unsigned i = 0; i < n; i++) {
        struct model_episode *e = &m->episodes[ids[i] - 1];

        e->asks++;
        e->failed += f->result < 0;
        if (e->asked && took <= e->asked_took)
            continue;
        name_domain(m, e, f->domain & 7);
        e->asked_bytes = f->size;
        e->asked_took = took;
        e->asked_at = seen->ev->time;
        e->asked_tid = seen->ev->tid;
    }
    belongs(m, ids, n, attr);
}

static void guest_memory(struct model_memory *m, const struct tap_event *ev)
{
    const struct fields_guest_memory *f = FIELDS(ev, guest_memory);
    struct model_domain *d = &m->domains[f->domain & 7];

    if (!d->known || f->used < d->least) {
        d->least = f->used;
        d->least_at = ev->time;
    }
    d->known = true;
    d->total = f->total;
    d->used = f->used;
    if (f->used >= d->most) {
        d->most = f->used;
        d->most_at = ev->time;
    }
}

void asks_add(struct model_memory *m, const struct model_seen *e, struct model_attr *attr)
{
    switch (e->ev->kind) {
    case EV_guest_oom:
        guest_oom(m, e);
        break;
    case EV_guest_delete:
        guest_delete(m, e, attr);
        break;
    case EV_guest_bo:
        guest_bo(m, e, attr);
        break;
    case EV_guest_memory:
        guest_memory(m, e->ev);
        break;
    default:
        break;
    }
}
