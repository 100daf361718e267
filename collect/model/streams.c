/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams: birth, life, and the one cause of death that the events prove. */
#include <string.h>

#include "model/model.h"

enum { STOP_TIMEOUT, STOP_SURFACE, STOP_CODECS, STOP_CLIENT_CODECS, STOP_MIGRATE };
enum { DETACH_OVERLAP = 1 };

struct model_stream *streams_live(struct model *x, uint64_t display, uint64_t number)
{
    for (size_t i = 0; i < x->live_count; i++)
        if (x->live[i].display == (uint32_t)display && x->live[i].number == (uint32_t)number)
            return &x->live[i];
    return NULL;
}

struct model_stream *streams_running(struct model *x, uint32_t id)
{
    for (size_t i = 0; i < x->live_count; i++)
        if (x->live[i].id == id)
            return &x->live[i];
    return NULL;
}

static void new_gap(struct model *x, struct model_stream *t, uint64_t now)
{
    const struct model_display *d = model_display_of(x, t->display);

    memset(&t->gap, 0, sizeof(t->gap));
    t->gap.stalled = model_stalled(d, now);
    t->gap.waited = model_waited(d, now);
    t->gap.blocked = model_blocked(d, now);
    t->gap.oom = d->ooms;
    t->gap.empties = d->empties;
    t->gap.commands = d->commands;
    t->gap.guest_losses = d->guest_losses;
    t->gap.guest_lost = d->guest_lost;
}

/* How long nothing came, and what is known to have been in the way of it. */
struct gap_facts {
    uint64_t gap, stalled, waited, blocked; /* waited: by the guest's own clock */
    uint64_t error;                         /* how far `waited` can be off */
};

static enum cause in_doubt(struct model_stream *t, enum doubt why, uint64_t lost)
{
    t->doubt = why;
    t->doubt_lost = lost;
    return CAUSE_INCONCLUSIVE;
}

/* At least half of the gap? A wait may reach over both its ends, each known only so well. */
static enum cause waited_cause(struct model_stream *t, const struct gap_facts *g)
{
    uint64_t least = g->waited > g->error ? g->waited - g->error : 0;

    if (g->stalled * 2 >= g->gap || (g->waited && least * 2 >= g->gap))
        return CAUSE_GUEST_WAITED;
    if ((g->waited + g->error) * 2 >= g->gap) {
        t->doubt_error = g->error / 2;
        return in_doubt(t, DOUBT_CLOCK, 0);
    }
    if (t->gap.guest_losses)
        return in_doubt(t, DOUBT_GUEST, t->gap.guest_lost);
    return CAUSE_GUEST_IDLE;
}

static enum cause timeout_cause(struct model_stream *t, const struct gap_facts *g)
{
    uint64_t expected = t->fps ? t->fps * g->gap / NS_PER_SECOND : 0;
    uint64_t enough = expected / 4 > 3 ? expected / 4 : 3;

    if (t->gap.losses)
        return in_doubt(t, DOUBT_GAP, t->gap.lost);
    if (t->only_its_end)
        return in_doubt(t, DOUBT_BEFORE, 0);
    if (t->gap.all_refused >= enough)
        return CAUSE_REFUSED;
    if (g->blocked * 2 >= g->gap)
        return CAUSE_PIPE_BLOCKED;
    return waited_cause(t, g);
}

/* Frames came for a second and more, and no client took one. */
static bool no_taker(const struct model_stream *t)
{
    return t->client_at && t->last_frame > t->client_at + NS_PER_SECOND;
}

/* ... nor anything else. */
static bool client_gone(const struct model *x, const struct model_stream *t)
{
    const struct model_display *d = model_display_of((struct model *)x, t->display);

    return no_taker(t) && t->unseen >= 5 && d->last_sent < t->last_frame &&
           t->last_frame - d->last_sent > NS_PER_SECOND / 2;
}

static enum cause cause_of(const struct model *x, struct model_stream *t, const struct gap_facts *g)
{
    if (t->end_lost)
        return in_doubt(t, DOUBT_END, t->gap.lost);
    if (!t->ended)
        return t->gap.losses ? in_doubt(t, DOUBT_END, t->gap.lost) : CAUSE_RUNNING;
    if (t->reason == STOP_SURFACE)
        return CAUSE_SURFACE_GONE;
    if (t->reason == STOP_CODECS || t->reason == STOP_CLIENT_CODECS)
        return CAUSE_CODECS;
    if (t->reason == STOP_MIGRATE)
        return CAUSE_MIGRATED;
    if (no_taker(t) && t->client_losses)
        return in_doubt(t, DOUBT_CLIENT, t->client_lost);
    return client_gone(x, t) ? CAUSE_CLIENT_GONE : timeout_cause(t, g);
}

static void find_cause(struct model *x, struct model_stream *t, uint64_t now)
{
    const struct model_display *d = model_display_of(x, t->display);
    uint64_t gap = now > t->last_frame ? now - t->last_frame : 0;
    uint64_t stalled = model_stalled(d, now) - t->gap.stalled,
             waited = model_waited(d, now) - t->gap.waited;
    uint64_t blocked = model_blocked(d, now) - t->gap.blocked;
    uint64_t error = d->waits ? 2 * (d->wait_error < gap ? d->wait_error : gap) : 0;

    t->gap.guest_losses = d->guest_losses - t->gap.guest_losses;
    t->gap.guest_lost = d->guest_lost - t->gap.guest_lost;
    t->cause = cause_of(x, t, &(struct gap_facts){gap, stalled, waited, blocked, error});
    if (waited > stalled)
        stalled = waited;
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

static void retire(struct model *x, struct model_stream *t, uint64_t now)
{
    t->died = now;
    find_cause(x, t, now);
    x->causes[t->cause]++;
    if (t->id <= MODEL_STREAMS)
        x->streams[t->id - 1] = *t;
    *t = x->live[--x->live_count];
}

static struct model_stream *begin(struct model *x, uint64_t display, uint64_t number, uint64_t now)
{
    struct model_stream *t = streams_live(x, display, number);

    if (t) { /* its stop was lost */
        t->end_lost = true;
        retire(x, t, t->last_frame);
    }
    if (x->live_count == MODEL_LIVE) {
        x->live_over++;
        x->live[0].end_lost = true;
        retire(x, &x->live[0], x->live[0].last_frame);
    }
    t = &x->live[x->live_count++];
    memset(t, 0, sizeof(*t));
    t->id = ++x->stream_count;
    t->display = (uint32_t)display;
    t->number = (uint32_t)number;
    t->last_frame = t->seen = now;
    new_gap(x, t, now);
    return t;
}

static void create(struct model *x, const struct tap_event *ev)
{
    const struct fields_stream_create *f = FIELDS(ev, stream_create);
    struct model_stream *t = begin(x, f->display, f->stream, ev->time);
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

static void attach(struct model *x, const struct tap_event *ev)
{
    const struct fields_stream_attach *f = FIELDS(ev, stream_attach);
    struct model_stream *t = streams_live(x, f->display, f->stream);

    if (!t)
        t = begin(x, f->display, f->stream, ev->time);
    if (!t->has_box)
        memcpy(t->box, &f->box, sizeof(t->box));
    t->has_box = true;
    t->frames++;
    t->unseen++;
    t->evicted_survived += t->gap.evicted;
    if (f->since > 0)
        model_interval(&t->intervals, (uint64_t)f->since, ev->time);
    t->last_frame = ev->time;
    new_gap(x, t, ev->time);
    x->attr.stream = t->id;
}

static void stop(struct model *x, const struct tap_event *ev)
{
    const struct fields_stream_stop *f = FIELDS(ev, stream_stop);
    struct model_stream *t = streams_live(x, f->display, f->stream);

    if (!t) {
        t = begin(x, f->display, f->stream, ev->time);
        t->only_its_end = true;
        if (f->idle > 0 && (uint64_t)f->idle < ev->time)
            t->last_frame = ev->time - (uint64_t)f->idle;
        t->gap.losses = x->losses_of[SOURCE_META] + x->losses_of[SOURCE_SPICE];
        t->gap.lost = x->lost_of[SOURCE_META] + x->lost_of[SOURCE_SPICE];
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

static void given(struct model *x, const struct tap_event *ev)
{
    bool drop = ev->kind == EV_stream_drop;
    const struct fields_stream_encode *f = FIELDS(ev, stream_encode);
    struct model_stream *t =
        drop ? streams_live(x, FIELDS(ev, stream_drop)->display, FIELDS(ev, stream_drop)->stream)
             : streams_live(x, f->display, f->stream);

    if (!t)
        return;
    x->attr.stream = t->id;
    t->client_at = ev->time;
    t->unseen = t->client_losses = t->client_lost = 0;
    if (drop) {
        t->drops[FIELDS(ev, stream_drop)->reason & 7]++;
        return;
    }
    t->encoded++;
    t->raw += f->raw;
    t->sent += f->sent;
}

void streams_refused(struct model *x, uint32_t id, enum outcome why, uint64_t time)
{
    struct model_stream *t = streams_running(x, id);

    if (!t)
        return;
    t->refused[why]++;
    if (why == OUT_TOO_LATE || why == OUT_LOST) {
        t->gap.late++;
        return;
    }
    t->gap.refused[why]++;
    if (!t->gap.all_refused++)
        t->gap.first_refused = time;
}

void streams_add(struct model *x, const struct tap_event *ev)
{
    struct model_stream *t;

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

void streams_loss(struct model *x, enum tap_source source, uint64_t count)
{
    bool guest = source == SOURCE_GUEST || source == SOURCE_QEMU;

    for (int i = 0; guest && i < MODEL_DISPLAYS; i++) {
        x->displays[i].guest_losses++;
        x->displays[i].guest_lost += count;
    }
    if (source > SOURCE_SPICE)
        return;
    for (size_t i = 0; i < x->live_count; i++) {
        struct model_stream *t = &x->live[i];

        t->losses++;
        t->lost += count;
        t->gap.losses++;
        t->gap.lost += count;
        t->client_losses++;
        t->client_lost += count;
    }
}

void streams_end(struct model *x)
{
    while (x->live_count)
        retire(x, &x->live[x->live_count - 1], x->end);
}
