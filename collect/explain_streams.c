/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams: birth, life, and the one cause of death that the events prove. */
#include <string.h>

#include "explain.h"

enum { STOP_TIMEOUT, STOP_SURFACE, STOP_CODECS, STOP_CLIENT_CODECS, STOP_MIGRATE };
enum { DETACH_OVERLAP = 1 };

struct x_stream *streams_live(struct explain *x, uint64_t display, uint64_t number)
{
    for (size_t i = 0; i < x->live_count; i++)
        if (x->live[i].display == (uint32_t)display && x->live[i].number == (uint32_t)number)
            return &x->live[i];
    return NULL;
}

static void new_gap(struct explain *x, struct x_stream *t, uint64_t now)
{
    const struct x_display *d = x_display_of(x, t->display);

    memset(&t->gap, 0, sizeof(t->gap));
    t->gap.stalled = x_stalled(d, now);
    t->gap.waited = x_waited(d, now);
    t->gap.blocked = x_blocked(d, now);
    t->gap.oom = d->ooms;
    t->gap.empties = d->empties;
    t->gap.commands = d->commands;
    t->gap.guest_losses = d->guest_losses;
}

static enum cause timeout_cause(const struct x_stream *t, uint64_t gap, uint64_t waited,
                                uint64_t blocked)
{
    uint64_t expected = t->fps ? t->fps * gap / X_SECOND : 0;
    uint64_t enough = expected / 4 > 3 ? expected / 4 : 3;

    if (t->gap.losses)
        return CAUSE_INCONCLUSIVE;
    if (t->gap.all_refused >= enough)
        return CAUSE_REFUSED;
    if (blocked * 2 >= gap)
        return CAUSE_PIPE_BLOCKED;
    if (waited * 2 >= gap)
        return CAUSE_GUEST_WAITED;
    return t->gap.guest_losses ? CAUSE_INCONCLUSIVE : CAUSE_GUEST_IDLE;
}

/* Frames came for a second and more, and no client took one, nor anything else. */
static bool client_gone(const struct explain *x, const struct x_stream *t)
{
    const struct x_display *d = x_display_of((struct explain *)x, t->display);

    return t->client_at && t->unseen >= 5 && t->last_frame > t->client_at + X_SECOND &&
           d->last_sent < t->last_frame && t->last_frame - d->last_sent > X_SECOND / 2;
}

static void find_cause(struct explain *x, struct x_stream *t, uint64_t now)
{
    const struct x_display *d = x_display_of(x, t->display);
    uint64_t gap = now > t->last_frame ? now - t->last_frame : 0;
    uint64_t stalled = x_stalled(d, now) - t->gap.stalled,
             waited = x_waited(d, now) - t->gap.waited;
    uint64_t blocked = x_blocked(d, now) - t->gap.blocked;

    if (waited > stalled)
        stalled = waited;
    t->gap.guest_losses = d->guest_losses - t->gap.guest_losses;
    if (t->end_lost)
        t->cause = CAUSE_INCONCLUSIVE;
    else if (!t->ended)
        t->cause = CAUSE_RUNNING;
    else if (t->reason == STOP_SURFACE)
        t->cause = CAUSE_SURFACE_GONE;
    else if (t->reason == STOP_CODECS || t->reason == STOP_CLIENT_CODECS)
        t->cause = CAUSE_CODECS;
    else if (t->reason == STOP_MIGRATE)
        t->cause = CAUSE_MIGRATED;
    else if (!t->gap.losses && client_gone(x, t))
        t->cause = CAUSE_CLIENT_GONE;
    else
        t->cause = timeout_cause(t, gap, stalled, blocked);
    t->gap.stalled = stalled;
    t->gap.waited = waited;
    t->gap.blocked = blocked;
    t->gap.oom = d->ooms - t->gap.oom;
    t->gap.empties = d->empties - t->gap.empties;
    t->gap.commands = d->commands - t->gap.commands;
    t->also |= t->gap.evicted ? ALSO_FRAME_EVICTED : 0;
    t->also |= t->gap.overlaps ? ALSO_OVERLAP : 0;
    t->also |= t->gap.oom && t->cause != CAUSE_GUEST_WAITED ? ALSO_OOM : 0;
    t->also |= t->gap.all_refused && t->cause != CAUSE_REFUSED ? ALSO_REFUSED : 0;
    t->also |= t->gap.late ? ALSO_LATE : 0;
    t->also |= blocked && t->cause != CAUSE_PIPE_BLOCKED ? ALSO_BLOCKED : 0;
    t->also |= stalled > gap / 10 && t->cause != CAUSE_GUEST_WAITED ? ALSO_WAITED : 0;
    t->also |= t->drops[0] * 5 > t->frames ? ALSO_DROPS : 0;
}

static void retire(struct explain *x, struct x_stream *t, uint64_t now)
{
    t->died = now;
    find_cause(x, t, now);
    x->causes[t->cause]++;
    if (t->id <= X_STREAMS)
        x->streams[t->id - 1] = *t;
    *t = x->live[--x->live_count];
}

static struct x_stream *begin(struct explain *x, uint64_t display, uint64_t number, uint64_t now)
{
    struct x_stream *t = streams_live(x, display, number);

    if (t) { /* its stop was lost */
        t->end_lost = true;
        retire(x, t, t->last_frame);
    }
    if (x->live_count == X_LIVE) {
        x->live[0].end_lost = true;
        retire(x, &x->live[0], x->live[0].last_frame);
    }
    t = &x->live[x->live_count++];
    memset(t, 0, sizeof(*t));
    t->id = ++x->stream_count;
    t->display = (uint32_t)display;
    t->number = (uint32_t)number;
    t->last_frame = now;
    new_gap(x, t, now);
    return t;
}

static void create(struct explain *x, const struct tap_event *ev)
{
    const struct fields_stream_create *f = FIELDS(ev, stream_create);
    struct x_stream *t = begin(x, f->display, f->stream, ev->time);
    uint32_t r = regions_find(x, f->display, 0, (const int32_t *)&f->box);

    memcpy(t->box, &f->box, sizeof(t->box));
    t->has_box = t->began = true;
    t->born = ev->time;
    t->frames = 1;
    t->fps = (uint32_t)f->fps;
    t->frames_before = (uint32_t)f->frames;
    t->region = r;
    if (r)
        x->boxes[r - 1].streams++;
    x->attr.stream = t->id;
}

static void attach(struct explain *x, const struct tap_event *ev)
{
    const struct fields_stream_attach *f = FIELDS(ev, stream_attach);
    struct x_stream *t = streams_live(x, f->display, f->stream);

    if (!t)
        t = begin(x, f->display, f->stream, ev->time);
    if (!t->has_box)
        memcpy(t->box, &f->box, sizeof(t->box));
    t->has_box = true;
    t->frames++;
    t->unseen++;
    t->evicted_survived += t->gap.evicted;
    if (f->since > 0)
        x_interval(&t->intervals, (uint64_t)f->since, ev->time);
    t->last_frame = ev->time;
    new_gap(x, t, ev->time);
    x->attr.stream = t->id;
}

static void stop(struct explain *x, const struct tap_event *ev)
{
    const struct fields_stream_stop *f = FIELDS(ev, stream_stop);
    struct x_stream *t = streams_live(x, f->display, f->stream);

    if (!t) {
        t = begin(x, f->display, f->stream, ev->time);
        if (f->idle > 0 && (uint64_t)f->idle < ev->time)
            t->last_frame = ev->time - (uint64_t)f->idle;
        t->gap.losses = x->facts->all_losses != 0;
        t->gap.lost = x->facts->lost;
    }
    if (!t->born && f->age >= 0 && (uint64_t)f->age < ev->time)
        t->born = ev->time - (uint64_t)f->age;
    t->ended = true;
    t->reason = (unsigned)f->reason;
    t->idle = f->idle > 0 ? (uint64_t)f->idle : 0;
    t->frames = f->frames;
    x->attr.stream = t->id;
    retire(x, t, ev->time);
}

static void given(struct explain *x, const struct tap_event *ev)
{
    bool drop = ev->kind == EV_stream_drop;
    const struct fields_stream_encode *f = FIELDS(ev, stream_encode);
    struct x_stream *t =
        drop ? streams_live(x, FIELDS(ev, stream_drop)->display, FIELDS(ev, stream_drop)->stream)
             : streams_live(x, f->display, f->stream);

    if (!t)
        return;
    x->attr.stream = t->id;
    t->client_at = ev->time;
    t->unseen = 0;
    if (drop) {
        t->drops[FIELDS(ev, stream_drop)->reason & 7]++;
        return;
    }
    t->encoded++;
    t->raw += f->raw;
    t->sent += f->sent;
}

void streams_refused(struct explain *x, uint32_t live, enum outcome why, uint64_t time)
{
    struct x_stream *t = &x->live[live];

    t->refused[why]++;
    if (why == OUT_TOO_LATE || why == OUT_LOST) {
        t->gap.late++;
        return;
    }
    t->gap.refused[why]++;
    if (!t->gap.all_refused++)
        t->gap.first_refused = time;
}

void streams_add(struct explain *x, const struct tap_event *ev)
{
    struct x_stream *t;

    switch (ev->kind) {
    case EV_stream_create:
        create(x, ev);
        break;
    case EV_stream_attach:
        attach(x, ev);
        break;
    case EV_stream_stop:
        stop(x, ev);
        break;
    case EV_stream_encode:
    case EV_stream_drop:
        given(x, ev);
        break;
    case EV_stream_detach:
        t = streams_live(x, FIELDS(ev, stream_detach)->display, FIELDS(ev, stream_detach)->stream);
        if (t) {
            x->attr.stream = t->id;
            t->detached[FIELDS(ev, stream_detach)->reason & 7]++;
            t->gap.overlaps += FIELDS(ev, stream_detach)->reason == DETACH_OVERLAP;
        }
        break;
    case EV_evict:
        t = FIELDS(ev, evict)->stream < 0
                ? NULL
                : streams_live(x, FIELDS(ev, evict)->display, (uint64_t)FIELDS(ev, evict)->stream);
        if (t) {
            x->attr.stream = t->id;
            t->own_evicted++;
            t->gap.evicted++;
        }
        break;
    default:
        break;
    }
}

void streams_loss(struct explain *x, enum tap_source source, uint64_t count)
{
    for (int i = 0; i < X_DISPLAYS; i++)
        x->displays[i].guest_losses += source == SOURCE_GUEST || source == SOURCE_QEMU;
    if (source > SOURCE_SPICE)
        return;
    for (size_t i = 0; i < x->live_count; i++) {
        x->live[i].losses++;
        x->live[i].lost += count;
        x->live[i].gap.losses++;
        x->live[i].gap.lost += count;
    }
}

void streams_end(struct explain *x)
{
    while (x->live_count)
        retire(x, &x->live[x->live_count - 1], x->end);
}
