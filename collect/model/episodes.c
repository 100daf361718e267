/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OOM episodes: from the guest's first notify to its next command. QEMU's qxl id is taken as the
 * display's; so is a guest's first display where only its kernel speaks.
 */
#include "model/model.h"

enum { NOTIFY_OOM = 4, DOMAIN_VRAM = 2 };

static struct model_episode *open_episode(struct model *x, const struct model_display *d)
{
    return d->episode ? &x->episodes[d->episode - 1] : NULL;
}

static void close_episode(struct model *x, struct model_display *d, uint64_t resumed)
{
    struct model_episode *e = open_episode(x, d);

    d->episode = 0;
    if (!e)
        return;
    e->closed = true;
    e->resumed = resumed;
    e->until = resumed ? resumed : e->to;
    if (e->stalled > x->longest_stall)
        x->longest_stall = e->stalled;
}

static struct model_episode *begin(struct model *x, struct model_display *d, uint64_t now)
{
    struct model_episode *e = open_episode(x, d);

    if (e && now - e->to > MODEL_CHAIN && d->given) {
        close_episode(x, d, 0);
        e = NULL;
    }
    if (!e) {
        uint32_t at = x->episode_count++;

        if (at >= MODEL_EPISODES) /* counted; the last place serves them all */
            at = MODEL_EPISODES - 1;
        e = &x->episodes[at];
        *e = (struct model_episode){.id = x->episode_count, .display = d->id, .from = now};
        d->episode = at + 1;
        d->chain = false;
    }
    e->to = now;
    x->attr.episode = e->id;
    return e;
}

/* The guest is known to have waited from the sign before to this one. */
static void still(struct model *x, struct model_display *d, struct model_episode *e, uint64_t now)
{
    if (d->chain && now > d->chain_at && (!d->given || now - d->chain_at <= MODEL_CHAIN)) {
        e->stalled += now - d->chain_at;
        x->still_ns += now - d->chain_at;
        d->stalled += now - d->chain_at;
    }
    d->chain = true;
    d->chain_at = now;
    e->to = now;
}

static void notify(struct model *x, struct model_display *d, uint64_t now)
{
    struct model_episode *e = begin(x, d, now);

    still(x, d, e, now);
    if (!d->in_oom)
        d->given = false;
    e->notifies++;
    x->all.notifies++;
}

/* What the server held when it was first told: of this episode, of all, and at the worst. */
static void held(struct model *x, struct model_episode *e, uint64_t bytes,
                 const struct fields_oom_begin *f)
{
    const struct model_episode *most = &x->most_held;

    e->sized = true;
    e->drawables = f->drawables;
    e->glz = f->glz_drawables;
    e->current = f->current;
    e->pipes = f->pipes;
    e->held_bytes = bytes;
    x->sized++;
    x->all.drawables += e->drawables;
    x->all.held_bytes += bytes;
    if (!most->sized || bytes > most->held_bytes ||
        (bytes == most->held_bytes && e->drawables > most->drawables))
        x->most_held = *e;
}

static void oom_begin(struct model *x, const struct tap_event *ev)
{
    const struct fields_oom_begin *f = FIELDS(ev, oom_begin);
    struct model_display *d = model_display_of(x, f->display);
    struct model_episode *e = begin(x, d, ev->time);

    still(x, d, e, ev->time);
    d->in_oom = true;
    d->given = false;
    d->ooms++;
    e->ooms++;
    x->all.ooms++;
    if (!e->sized)
        held(x, e, d->held_bytes, f);
}

/* spice_qxl_oom (red-qxl.cpp) drops a call while the bit RED_DISPATCHER_PENDING_OOM stands, which
 * handle_dev_oom (red-worker.cpp) clears last: one that comes meanwhile is answered by nobody. */
static void told_again(struct model *x, const struct tap_event *ev)
{
    if (!model_display_of(x, (uint32_t)FIELDS(ev, qxl_spice_oom)->qid)->in_oom)
        return;
    x->dropped++;
    x->attr.counts = true;
}

static void oom_end(struct model *x, const struct tap_event *ev)
{
    const struct fields_oom_end *f = FIELDS(ev, oom_end);
    struct model_display *d = model_display_of(x, f->display);
    struct model_episode *e = open_episode(x, d);

    d->in_oom = false;
    if (!e)
        return;
    x->attr.episode = e->id;
    bool given = d->given;
    d->given = false; /* it did wait until now */
    still(x, d, e, ev->time);
    d->given = given;
    e->drawables_after = f->drawables;
    e->current_after = f->current;
}

static void evict(struct model *x, const struct tap_event *ev)
{
    const struct fields_evict *f = FIELDS(ev, evict);
    struct model_display *d = model_display_of(x, f->display);
    struct model_episode *e = open_episode(x, d);
    const struct model_stream *t = f->stream >= 0 ? streams_live(x, f->display, f->stream) : NULL;

    x->all.evicted++;
    x->all.streamable += f->streamable != 0;
    x->all.of_streams += f->stream >= 0;
    d->given = true;
    if (!e)
        return;
    x->attr.episode = e->id;
    e->evicted++;
    e->streamable += f->streamable != 0;
    e->of_streams += f->stream >= 0;
    for (int i = 0; t && i < 4; i++)
        if (!e->streams[i] || e->streams[i] == t->id) {
            e->streams[i] = t->id;
            break;
        }
}

/* A slot of the trace ring, overwritten by what was evicted: whose history stood there? */
static void trace(struct model *x, const struct tap_event *ev)
{
    const struct fields_trace_add *f = FIELDS(ev, trace_add);
    struct model_display *d = model_display_of(x, f->display);
    struct model_episode *e = open_episode(x, d);
    bool evicted = f->reason == 1;
    bool usable = f->old_age >= 0 && (uint64_t)f->old_age <= MODEL_MAX_DELTA;

    x->all.traced++;
    x->traced_evicted += evicted;
    *(evicted ? &x->usable_evicted : &x->usable_other) += usable;
    if (!e || !evicted)
        return;
    x->attr.episode = e->id;
    e->traced++;
    e->overwritten += f->old_age >= 0;
    e->usable += usable;
    e->counted_lost += usable && f->old_frames > 0;
    const struct model_region *r = NULL;
    uint32_t at = usable ? regions_find(x, f->display, 0, (const int32_t *)&f->old) : 0;
    if (at)
        r = &x->boxes[at - 1];
    for (int i = 0; r && r->kept && i < 4; i++)
        if (!e->victims[i] || e->victims[i] == r->id) {
            e->victims[i] = r->id;
            e->victim_slots[i]++;
            break;
        }
}

static void command(struct model *x, const struct tap_event *ev)
{
    struct model_display *d = model_display_of(x, FIELDS(ev, cmd)->display);

    d->commands++;
    if (d->blocked_from) {
        x->attr.counts = true;
        uint64_t took = ev->time > d->blocked_from ? ev->time - d->blocked_from : 0;

        d->blocked += took;
        x->blocked_ns += took;
        d->blocked_from = 0;
    }
    if (d->in_oom) /* of those that were queued already */
        return;
    if (d->episode) {
        x->attr.episode = x->episodes[d->episode - 1].id;
        close_episode(x, d, ev->time);
    }
    d->chain = false;
}

/* ---- what the guest says itself ---------------------------------------------------------------
 */

static bool is_deleter(const struct model *x, uint32_t tid)
{
    for (uint32_t i = 0; i < x->deleter_count && i < MODEL_DELETERS; i++)
        if (x->deleters[i] == tid)
            return true;
    return false;
}

static uint64_t before(uint64_t time, uint64_t by)
{
    return time > by ? time - by : 0;
}

/* The guest's own call, in its own thread: what the guest did meanwhile is known by its own clock
 * alone, and only the call needs a place among the host's events. */
static void guest_oom(struct model *x, const struct tap_event *ev)
{
    int64_t took = FIELDS(ev, guest_oom)->took;

    x->calls[x->call_count++ % MODEL_CALLS] =
        (struct model_call){.began = took > 0 ? before(ev->time, (uint64_t)took) : ev->time,
                            .time = ev->time,
                            .error = model_error(x, ev->time),
                            .tid = ev->tid};
}

/* The episodes of the guest's display that a call can be part of, latest first; by id. */
static unsigned episodes_at(const struct model *x, uint64_t from, uint64_t to, uint32_t *ids,
                            unsigned most)
{
    unsigned n = 0;

    for (uint32_t i = x->episode_count < MODEL_EPISODES ? x->episode_count : MODEL_EPISODES; i;
         i--) {
        const struct model_episode *e = &x->episodes[i - 1];

        if (e->display)
            continue;
        if (e->to < from)
            break;
        if (e->from <= to && n < most)
            ids[n++] = i;
    }
    return n;
}

static void doubt(struct model *x, const uint32_t *ids, unsigned n, uint64_t error)
{
    for (unsigned i = 0; i < n; i++) {
        struct model_episode *e = &x->episodes[ids[i] - 1];

        x->unsure += !e->unsure++;
        e->unsure_error = error > e->unsure_error ? error : e->unsure_error;
    }
}

/* The episodes in which this thread called for memory since `began`. Where two are nearer to a call
 * than the clock is known, none is named, and both are in doubt. */
static unsigned episodes_of(struct model *x, uint32_t tid, uint64_t began, uint32_t *ids,
                            unsigned most)
{
    uint64_t kept = x->call_count < MODEL_CALLS ? x->call_count : MODEL_CALLS;
    unsigned n = 0;

    for (uint64_t i = 1; i <= kept; i++) {
        const struct model_call *c = &x->calls[(x->call_count - i) % MODEL_CALLS];
        uint32_t near[8];
        unsigned found;

        if (c->tid != tid || c->time < began)
            continue;
        found = episodes_at(x, before(c->began, c->error), c->time + c->error, near, 8);
        if (found > 1)
            doubt(x, near, found, c->error);
        if (found == 1 && n < most && (!n || ids[n - 1] != near[0]))
            ids[n++] = near[0];
    }
    return n;
}

/* Without such calls in the log: what lies within [began, now] by more than the clock's error. */
static unsigned episodes_within(struct model *x, uint64_t began, uint64_t now, uint32_t *ids,
                                unsigned most)
{
    uint64_t error = model_error(x, now);
    uint32_t near[64];
    unsigned found = episodes_at(x, before(began, error), now + error, near, 64), n = 0;

    for (unsigned i = 0; i < found; i++) {
        const struct model_episode *e = &x->episodes[near[i] - 1];

        if (e->to >= began + error && e->from + error <= now) {
            if (n < most)
                ids[n++] = near[i];
        } else {
            doubt(x, &near[i], 1, error);
        }
    }
    return n;
}

static unsigned episodes_for(struct model *x, const struct tap_event *ev, int64_t took,
                             uint32_t *ids, unsigned most)
{
    uint64_t began = took > 0 ? before(ev->time, (uint64_t)took) : ev->time;

    return x->call_count ? episodes_of(x, ev->tid, began, ids, most)
                         : episodes_within(x, began, ev->time, ids, most);
}

/* A kernel thread waits for what was thrown away: whoever draws goes on meanwhile. */
static void guest_delete(struct model *x, const struct tap_event *ev)
{
    uint32_t ids[MODEL_CALLS];
    unsigned n = episodes_for(x, ev, FIELDS(ev, guest_delete)->took, ids, MODEL_CALLS);

    if (!is_deleter(x, ev->tid))
        x->deleters[x->deleter_count++ % MODEL_DELETERS] = ev->tid;
    for (unsigned i = 0; i < n; i++)
        x->episodes[ids[i] - 1].deletes++;
    if (n) {
        x->attr.episode = x->episodes[ids[0] - 1].id;
        x->attr.first_episode = x->episodes[ids[n - 1] - 1].id;
    }
}

static void guest_wait(struct model *x, const struct tap_event *ev)
{
    struct model_display *d = model_display_of(x, 0);
    struct model_episode *e = open_episode(x, d);
    uint64_t now = ev->time;

    if (e)
        x->attr.episode = e->id;
    if (is_deleter(x, ev->tid))
        return;
    x->attr.counts = true;
    d->waits = true;
    d->wait_error = model_error(x, now);
    if (ev->kind == EV_guest_wait_begin) {
        if (!d->waiting++)
            d->waiting_from = now;
    } else if (d->waiting && !--d->waiting && now > d->waiting_from) {
        d->waited += now - d->waiting_from;
        x->all.waited += now - d->waiting_from;
        if (e)
            e->waited += now - d->waiting_from;
        if (now - d->waiting_from > x->longest_wait) {
            x->longest_wait = now - d->waiting_from;
            x->longest_wait_at = now;
        }
    }
}

static void name_domain(struct model *x, struct model_episode *e, unsigned domain)
{
    if (e->asked)
        x->named[e->domain]--;
    x->named[domain]++;
    e->domain = domain;
    e->asked = true;
}

/* In its thread the guest called for memory while it made this: it asked for it then. Of several
 * the one that took longest counts. */
static void guest_bo(struct model *x, const struct tap_event *ev)
{
    const struct fields_guest_bo *f = FIELDS(ev, guest_bo);
    uint64_t took = f->took > 0 ? (uint64_t)f->took : 0;
    uint32_t ids[MODEL_CALLS];
    unsigned n;

    if (took < NS_PER_MS && f->result >= 0)
        return;
    n = episodes_for(x, ev, f->took, ids, MODEL_CALLS);
    for (unsigned i = 0; i < n; i++) {
        struct model_episode *e = &x->episodes[ids[i] - 1];

        e->asks++;
        e->failed += f->result < 0;
        if (e->asked && took <= e->asked_took)
            continue;
        name_domain(x, e, f->domain & 7);
        e->asked_bytes = f->size;
        e->asked_took = took;
        e->asked_at = ev->time;
        e->asked_tid = ev->tid;
    }
    if (n) {
        x->attr.episode = x->episodes[ids[0] - 1].id;
        x->attr.first_episode = x->episodes[ids[n - 1] - 1].id;
    }
}

static void guest_memory(struct model *x, const struct tap_event *ev)
{
    const struct fields_guest_memory *f = FIELDS(ev, guest_memory);
    struct model_memory *m = &x->memory[f->domain & 7];

    if (!m->known || f->used < m->least) {
        m->least = f->used;
        m->least_at = ev->time;
    }
    m->known = true;
    m->total = f->total;
    m->used = f->used;
    if (f->used >= m->most) {
        m->most = f->used;
        m->most_at = ev->time;
    }
}

static void blocked(struct model *x, const struct tap_event *ev)
{
    struct model_display *d = model_display_of(x, FIELDS(ev, blocked)->display);

    x->blocked_count++;
    if (!d->blocked_from)
        d->blocked_from = ev->time;
}

static void flush(struct model *x, const struct tap_event *ev)
{
    int64_t flushed = FIELDS(ev, flush_resources)->flushed;
    struct model_display *d = model_display_of(x, FIELDS(ev, flush_resources)->display);
    struct model_episode *e = open_episode(x, d);

    d->given |= flushed > 0;
    if (e) {
        x->attr.episode = e->id;
        e->flushes++;
        e->flushed += flushed > 0 ? (uint64_t)flushed : 0;
    }
}

static void free_some(struct model *x, const struct tap_event *ev)
{
    struct model_episode *e =
        open_episode(x, model_display_of(x, FIELDS(ev, free_some_begin)->display));

    if (!e)
        return;
    x->attr.episode = e->id;
    if (ev->kind == EV_free_some_begin)
        e->free_some++;
    else
        e->glz_freed += FIELDS(ev, free_some_end)->glz_freed;
}

static void release(struct model *x, const struct tap_event *ev)
{
    struct model_display *d = model_display_of(x, FIELDS(ev, release)->display);
    struct model_episode *e;

    d->given |= d->in_oom;
    e = open_episode(x, d);
    if (e && d->in_oom) {
        e->releases++;
        x->attr.episode = e->id;
    }
}

void episodes_add(struct model *x, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_qxl_io_write:
        if (FIELDS(ev, qxl_io_write)->port == NOTIFY_OOM)
            notify(x, model_display_of(x, (uint32_t)FIELDS(ev, qxl_io_write)->qid), ev->time);
        break;
    case EV_oom_begin:
        oom_begin(x, ev);
        break;
    case EV_oom_end:
        oom_end(x, ev);
        break;
    case EV_qxl_spice_oom:
        told_again(x, ev);
        break;
    case EV_evict:
        evict(x, ev);
        break;
    case EV_trace_add:
        trace(x, ev);
        break;
    case EV_cmd:
        command(x, ev);
        break;
    case EV_blocked:
        blocked(x, ev);
        break;
    case EV_ring_empty:
        if (!FIELDS(ev, ring_empty)->ring)
            model_display_of(x, FIELDS(ev, ring_empty)->display)->empties++;
        break;
    case EV_flush_resources:
        flush(x, ev);
        break;
    case EV_free_some_begin:
    case EV_free_some_end:
        free_some(x, ev);
        break;
    case EV_release:
        release(x, ev);
        break;
    case EV_guest_wait_begin:
    case EV_guest_wait_end:
        guest_wait(x, ev);
        break;
    case EV_guest_oom:
        guest_oom(x, ev);
        break;
    case EV_guest_delete:
        guest_delete(x, ev);
        break;
    case EV_guest_bo:
        guest_bo(x, ev);
        break;
    case EV_guest_memory:
        guest_memory(x, ev);
        break;
    default:
        break;
    }
}

void episodes_loss(struct model *x, enum tap_source source, uint64_t count)
{
    for (int i = 0; i < MODEL_DISPLAYS; i++) {
        struct model_display *d = &x->displays[i];
        struct model_episode *e = open_episode(x, d);

        if (source == SOURCE_GUEST)
            d->waiting = 0;
        if (source == SOURCE_SPICE)
            d->in_oom = d->chain = false;
        if (e && source != SOURCE_CLIENT) {
            e->losses++;
            e->lost += count;
            x->attr.episode = e->id;
        }
    }
}

void episodes_end(struct model *x)
{
    for (int i = 0; i < MODEL_DISPLAYS; i++) {
        struct model_display *d = &x->displays[i];

        x->blocked_ns += model_blocked(d, x->end) - d->blocked;
        if (d->used)
            close_episode(x, d, 0);
    }
    for (uint32_t i = 0; i < model_episodes(x); i++)
        x->only_deleting += x->episodes[i].deletes && !x->episodes[i].asked;
}
