/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "model/memory.h"

int memory_init(struct model_memory *m, const struct model_waits *waits,
                const struct model_streams *streams, const struct model_regions *regions)
{
    m->waits = waits;
    m->streams = streams;
    m->regions = regions;
    m->episodes = calloc(MODEL_EPISODES + MODEL_DISPLAYS, sizeof(*m->episodes));
    return m->episodes ? held_init(&m->held) : -ENOMEM;
}

void memory_free(struct model_memory *m)
{
    held_free(&m->held);
    free(m->episodes);
}

static struct model_episode *open_episode(struct model_memory *m, unsigned slot)
{
    return m->open[slot] ? &m->episodes[m->open[slot] - 1] : NULL;
}

static void close_episode(struct model_memory *m, unsigned slot, uint64_t resumed)
{
    struct model_episode *e = open_episode(m, slot);

    m->open[slot] = 0;
    if (!e)
        return;
    e->closed = true;
    e->resumed = resumed;
    e->until = resumed ? resumed : e->to;
    if (e->stalled > m->longest_stall)
        m->longest_stall = e->stalled;
}

/* A call for memory: of the open episode, or of a new one. */
static struct model_episode *call(struct model_memory *m, const struct model_seen *seen,
                                  const struct wait_step *step)
{
    uint64_t now = seen->ev->time;
    struct model_episode *e;

    if (step->anew) {
        uint32_t at;

        close_episode(m, seen->slot, 0);
        at = bounded_take(&m->kept, MODEL_EPISODES) ? m->kept.count - 1
                                                    : MODEL_EPISODES + seen->slot;
        m->episodes[at] = (struct model_episode){
            .id = (uint32_t)bounded_all(&m->kept), .display = seen->display, .from = now};
        m->open[seen->slot] = at + 1;
    }
    e = open_episode(m, seen->slot);
    e->to = now;
    e->stalled += step->stalled;
    return e;
}

static struct model_episode *notify(struct model_memory *m, const struct model_seen *seen,
                                    const struct wait_step *step)
{
    struct model_episode *e;

    if (FIELDS(seen->ev, qxl_io_write)->port != QXL_IO_notify_oom)
        return NULL;
    e = call(m, seen, step);
    e->notifies++;
    m->all.notifies++;
    return e;
}

/* What the server held at the first call: of this episode, of all, and at the worst. */
static void size(struct model_memory *m, struct model_episode *e, uint64_t bytes,
                 const struct fields_oom_begin *f)
{
    const struct model_episode *most = &m->most_held;

    e->sized = true;
    e->drawables = f->drawables;
    e->glz = f->glz_drawables;
    e->current = f->current;
    e->pipes = f->pipes;
    e->held_bytes = bytes;
    m->sized++;
    m->all.drawables += e->drawables;
    m->all.held_bytes += bytes;
    if (!most->sized || bytes > most->held_bytes ||
        (bytes == most->held_bytes && e->drawables > most->drawables))
        m->most_held = *e;
}

static struct model_episode *oom_begin(struct model_memory *m, const struct model_seen *seen,
                                       const struct wait_step *step)
{
    struct model_episode *e = call(m, seen, step);

    e->ooms++;
    m->all.ooms++;
    if (!e->sized)
        size(m, e, m->held.bytes[seen->slot], FIELDS(seen->ev, oom_begin));
    return e;
}

static struct model_episode *oom_end(struct model_memory *m, const struct model_seen *seen,
                                     const struct wait_step *step)
{
    const struct fields_oom_end *f = FIELDS(seen->ev, oom_end);
    struct model_episode *e = open_episode(m, seen->slot);

    if (!e)
        return NULL;
    e->to = seen->ev->time;
    e->stalled += step->stalled;
    e->drawables_after = f->drawables;
    e->current_after = f->current;
    return e;
}

static void victim_stream(struct model_memory *m, struct model_episode *e, uint32_t id)
{
    for (int i = 0; i < MODEL_VICTIMS; i++)
        if (!e->streams[i] || e->streams[i] == id) {
            e->streams[i] = id;
            return;
        }
    m->streams_over++;
}

static struct model_episode *evict(struct model_memory *m, const struct model_seen *seen)
{
    const struct fields_evict *f = FIELDS(seen->ev, evict);
    struct model_episode *e = open_episode(m, seen->slot);
    const struct model_stream *t =
        f->stream >= 0 ? streams_live(m->streams, seen->display, (uint64_t)f->stream) : NULL;

    m->all.evicted++;
    m->evicted_in_oom += m->waits->displays[seen->slot].in_oom;
    m->all.streamable += f->streamable != 0;
    m->all.of_streams += f->stream >= 0;
    if (!e)
        return NULL;
    e->evicted++;
    e->streamable += f->streamable != 0;
    e->of_streams += f->stream >= 0;
    if (t)
        victim_stream(m, e, t->id);
    return e;
}

/* The region whose history stood in an overwritten slot of the trace ring lost it. */
static void victim(struct model_memory *m, struct model_episode *e, uint64_t display,
                   const struct fields_trace_add *f)
{
    uint32_t at = regions_find(m->regions, display, 0, (const int32_t *)&f->old);
    const struct model_region *r = at ? &m->regions->boxes[at - 1] : NULL;

    if (!r || !r->kept)
        return;
    for (int i = 0; i < MODEL_VICTIMS; i++)
        if (!e->victims[i] || e->victims[i] == r->id) {
            e->victims[i] = r->id;
            e->victim_slots[i]++;
            return;
        }
    m->victims_over++;
}

static struct model_episode *trace(struct model_memory *m, const struct model_seen *seen)
{
    const struct fields_trace_add *f = FIELDS(seen->ev, trace_add);
    struct model_episode *e = open_episode(m, seen->slot);
    bool evicted = f->reason == REMOVE_REASON_evicted;
    bool usable = f->old_age >= 0 && (uint64_t)f->old_age <= MODEL_MAX_DELTA;

    m->all.traced++;
    m->traced_evicted += evicted;
    *(evicted ? &m->usable_evicted : &m->usable_other) += usable;
    if (!e || !evicted)
        return NULL;
    e->traced++;
    e->overwritten += f->old_age >= 0;
    e->usable += usable;
    e->counted_lost += usable && f->old_frames > 0;
    if (usable)
        victim(m, e, seen->display, f);
    return e;
}

static struct model_episode *command(struct model_memory *m, const struct model_seen *seen)
{
    struct model_episode *e = open_episode(m, seen->slot);

    if (m->waits->displays[seen->slot].in_oom) /* it was queued already */
        return NULL;
    close_episode(m, seen->slot, seen->ev->time);
    return e;
}

static struct model_episode *flush(struct model_memory *m, const struct model_seen *seen)
{
    int64_t flushed = FIELDS(seen->ev, flush_resources)->flushed;
    struct model_episode *e = open_episode(m, seen->slot);

    if (e) {
        e->flushes++;
        e->flushed += flushed > 0 ? (uint64_t)flushed : 0;
    }
    return e;
}

static struct model_episode *free_some(struct model_memory *m, const struct model_seen *seen)
{
    struct model_episode *e = open_episode(m, seen->slot);
    bool begins = seen->ev->kind == EV_free_some_begin;

    m->passes += begins;
    if (e && begins)
        e->free_some++;
    else if (e)
        e->glz_freed += FIELDS(seen->ev, free_some_end)->glz_freed;
    return e;
}

static struct model_episode *release(struct model_memory *m, const struct model_seen *seen)
{
    struct model_episode *e = open_episode(m, seen->slot);

    if (!e || !m->waits->displays[seen->slot].in_oom)
        return NULL;
    e->releases++;
    return e;
}

/* The episode that the guest's waits are part of: with several qxl devices the only open one. */
static struct model_episode *guest_episode(struct model_memory *m)
{
    unsigned found = MODEL_DISPLAYS;

    if (!m->waits->several)
        return m->waits->guest_slot < 0 ? NULL : open_episode(m, (unsigned)m->waits->guest_slot);
    for (unsigned i = 0; i < MODEL_DISPLAYS; i++) {
        if (m->open[i] && found < MODEL_DISPLAYS)
            return NULL;
        if (m->open[i])
            found = i;
    }
    return found < MODEL_DISPLAYS ? open_episode(m, found) : NULL;
}

static struct model_episode *guest_wait(struct model_memory *m, const struct guest_step *step)
{
    struct model_episode *e = guest_episode(m);

    if (!e)
        return NULL;
    e->waited += step->waited;
    e->waited = waits_since(e->waited, step->taken_back);
    return e;
}

/* spice_qxl_oom (spice's red-qxl.cpp) drops a call while the bit RED_DISPATCHER_PENDING_OOM is
 * set. handle_dev_oom (red-worker.cpp) clears it last, so a call in between gets no answer. */
static void call_again(struct model_memory *m, const struct model_seen *seen,
                       struct model_attr *attr)
{
    if (!m->waits->displays[seen->slot].in_oom)
        return;
    m->dropped++;
    attr->counts = true;
}

static struct model_episode *of_server(struct model_memory *m, const struct model_seen *e,
                                       const struct wait_step *step)
{
    switch (e->ev->kind) {
    case EV_qxl_io_write:
        return notify(m, e, step);
    case EV_oom_begin:
        return oom_begin(m, e, step);
    case EV_oom_end:
        return oom_end(m, e, step);
    case EV_evict:
        return evict(m, e);
    case EV_trace_add:
        return trace(m, e);
    case EV_cmd:
        return command(m, e);
    case EV_flush_resources:
        return flush(m, e);
    case EV_free_some_begin:
    case EV_free_some_end:
        return free_some(m, e);
    case EV_release:
        return release(m, e);
    case EV_guest_wait_begin:
    case EV_guest_wait_end:
        return guest_wait(m, &step->guest);
    case EV_guest_delete:
        guest_wait(m, &step->guest);
        return NULL; /* asks.c finds the episodes in which it called */
    default:
        return NULL;
    }
}

void memory_add(struct model_memory *m, const struct model_seen *e, const struct wait_step *step,
                struct model_attr *attr)
{
    const struct model_episode *belongs;

    held_add(&m->held, e);
    if (e->ev->kind == EV_qxl_spice_oom)
        call_again(m, e, attr);
    belongs = of_server(m, e, step);
    if (belongs)
        attr->episode = belongs->id;
    asks_add(m, e, attr);
}

void memory_loss(struct model_memory *m, enum tap_source source, uint64_t count,
                 struct model_attr *attr)
{
    if (losses_of_server(source))
        held_loss(&m->held);
    for (unsigned i = 0; i < MODEL_DISPLAYS && source != SOURCE_CLIENT; i++) {
        struct model_episode *e = open_episode(m, i);

        if (!e)
            continue;
        e->losses++;
        e->lost += count;
        attr->episode = e->id;
    }
}

void memory_end(struct model_memory *m)
{
    for (unsigned i = 0; i < MODEL_DISPLAYS; i++)
        close_episode(m, i, 0);
    for (uint32_t i = 0; i < m->kept.count; i++)
        m->only_deleting += m->episodes[i].deletes && !m->episodes[i].asked;
}
