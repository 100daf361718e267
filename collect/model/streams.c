/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/streams.h"

int streams_init(struct model_streams *s, const struct model_waits *waits,
                 const struct model_bytes *bytes, const struct model_losses *losses)
{
    s->waits = waits;
    s->bytes = bytes;
    s->losses = losses;
    s->list = calloc(MODEL_STREAMS, sizeof(*s->list));
    return s->list ? 0 : -ENOMEM;
}

void streams_free(struct model_streams *s)
{
    for (uint32_t i = 0; i < s->running.count; i++)
        histogram_free(&s->live[i].intervals);
    free(s->list);
}

static struct model_stream *live(struct model_streams *s, uint64_t display, uint64_t number)
{
    for (uint32_t i = 0; i < s->running.count; i++)
        if (s->live[i].display == (uint32_t)display && s->live[i].number == (uint32_t)number)
            return &s->live[i];
    return NULL;
}

static struct model_stream *running(struct model_streams *s, uint32_t id)
{
    for (uint32_t i = 0; i < s->running.count; i++)
        if (s->live[i].id == id)
            return &s->live[i];
    return NULL;
}

const struct model_stream *streams_live(const struct model_streams *s, uint64_t display,
                                        uint64_t number)
{
    return live((struct model_streams *)s, display, number);
}

const struct model_stream *streams_running(const struct model_streams *s, uint32_t id)
{
    return running((struct model_streams *)s, id);
}

/* ---- the gap since its last frame ---- */

static struct model_gap counters(const struct model_streams *s, unsigned slot, uint64_t now)
{
    const struct model_wait *d = &s->waits->displays[slot];

    return (struct model_gap){
        .stalled = waits_stalled(s->waits, slot, now),
        .waited = waits_waited(s->waits, slot, now),
        .blocked = waits_blocked(s->waits, slot, now),
        .unplaced = waits_unplaced(s->waits, now),
        .unknown = guest_waits_unknown(&s->waits->guest, now),
        .oom = d->ooms,
        .empties = d->empties,
        .commands = d->commands,
        .guest_losses = s->guest_losses,
        .guest_lost = s->guest_lost,
    };
}

static void close_gap(struct model_gap *gap, const struct model_gap *now)
{
    gap->stalled = waits_since(now->stalled, gap->stalled);
    gap->waited = waits_since(now->waited, gap->waited);
    gap->blocked = waits_since(now->blocked, gap->blocked);
    gap->unplaced = waits_since(now->unplaced, gap->unplaced);
    gap->unknown = now->unknown - gap->unknown;
    gap->oom = now->oom - gap->oom;
    gap->empties = now->empties - gap->empties;
    gap->commands = now->commands - gap->commands;
    gap->guest_losses = now->guest_losses - gap->guest_losses;
    gap->guest_lost = now->guest_lost - gap->guest_lost;
}

/* ---- the cause of its end ---- */

static enum cause in_doubt(struct model_stream *t, enum doubt why, uint64_t lost)
{
    t->doubt = why;
    t->doubt_lost = lost;
    return CAUSE_INCONCLUSIVE;
}

/* Did the guest wait for at least half of the gap? `error`: ns by which its waits can be off; a
 * wait may reach over both ends of the gap. */
static enum cause waited_cause(struct model_stream *t, uint64_t span, uint64_t error)
{
    uint64_t waited = t->gap.waited, least = waited > error ? waited - error : 0;

    if (t->gap.stalled * 2 >= span || (waited && least * 2 >= span))
        return CAUSE_GUEST_WAITED;
    if ((waited + error) * 2 >= span) {
        t->doubt_error = error / 2;
        return in_doubt(t, DOUBT_CLOCK, 0);
    }
    if (t->gap.unplaced * 2 >= span)
        return in_doubt(t, DOUBT_DISPLAY, 0);
    if (t->gap.guest_losses)
        return in_doubt(t, DOUBT_GUEST, t->gap.guest_lost);
    if (t->gap.unknown)
        return in_doubt(t, DOUBT_SILENT, 0);
    /* Only an empty ring shows that no frame of the guest waits there unread. */
    return t->gap.empties ? CAUSE_GUEST_IDLE : in_doubt(t, DOUBT_UNSEEN, 0);
}

static enum cause timeout_cause(struct model_stream *t, uint64_t span, uint64_t error)
{
    uint64_t expected = t->fps ? t->fps * span / NS_PER_SECOND : 0;
    uint64_t enough = expected / 4 > 3 ? expected / 4 : 3;

    if (t->gap.losses)
        return in_doubt(t, DOUBT_GAP, t->gap.lost);
    if (t->only_its_end)
        return in_doubt(t, DOUBT_BEFORE, 0);
    if (t->gap.all_refused >= enough)
        return CAUSE_REFUSED;
    if (t->gap.blocked * 2 >= span)
        return CAUSE_PIPE_BLOCKED;
    return waited_cause(t, span, error);
}

/* Frames came for a second and more, and no client took one. */
static bool no_taker(const struct model_stream *t)
{
    return t->client_at && t->last_frame > t->client_at + NS_PER_SECOND;
}

/* ... nor anything else. */
static bool client_gone(const struct model_streams *s, const struct model_stream *t)
{
    uint64_t sent = s->bytes->last_sent[t->slot];

    return no_taker(t) && t->unseen >= 5 && sent < t->last_frame &&
           t->last_frame - sent > NS_PER_SECOND / 2;
}

static enum cause cause_of(const struct model_streams *s, struct model_stream *t, uint64_t span,
                           uint64_t error)
{
    if (t->end_lost)
        return in_doubt(t, DOUBT_END, t->gap.lost);
    if (!t->ended)
        return t->gap.losses ? in_doubt(t, DOUBT_END, t->gap.lost) : CAUSE_RUNNING;
    if (t->reason == STOP_REASON_surface)
        return CAUSE_SURFACE_GONE;
    if (t->reason == STOP_REASON_codecs || t->reason == STOP_REASON_client_codecs)
        return CAUSE_CODECS;
    if (t->reason == STOP_REASON_migrate)
        return CAUSE_MIGRATED;
    if (no_taker(t) && t->client_losses)
        return in_doubt(t, DOUBT_CLIENT, t->client_lost);
    return client_gone(s, t) ? CAUSE_CLIENT_GONE : timeout_cause(t, span, error);
}

static void find_cause(const struct model_streams *s, struct model_stream *t, uint64_t now)
{
    const struct guest_waits *g = &s->waits->guest;
    struct model_gap *gap = &t->gap, then = counters(s, t->slot, now);
    uint64_t span = now > t->last_frame ? now - t->last_frame : 0;
    bool waits = g->waits && s->waits->guest_slot == (int)t->slot;
    uint64_t error = waits ? 2 * (g->error < span ? g->error : span) : 0;

    close_gap(gap, &then);
    t->cause = cause_of(s, t, span, error);
    if (gap->waited > gap->stalled)
        gap->stalled = gap->waited;
    t->also |= gap->evicted ? ALSO_FRAME_EVICTED : 0;
    t->also |= gap->overlaps ? ALSO_OVERLAP : 0;
    t->also |= gap->oom && t->cause != CAUSE_GUEST_WAITED ? ALSO_OOM : 0;
    t->also |= gap->all_refused && t->cause != CAUSE_REFUSED ? ALSO_REFUSED : 0;
    t->also |= gap->late ? ALSO_LATE : 0;
    t->also |= gap->blocked && t->cause != CAUSE_PIPE_BLOCKED ? ALSO_BLOCKED : 0;
    t->also |= gap->stalled > span / 10 && t->cause != CAUSE_GUEST_WAITED ? ALSO_WAITED : 0;
    t->also |= t->drops[DROP_REASON_encoder] * 5 > t->frames ? ALSO_DROPS : 0;
}

/* ---- its life ---- */

/* It runs no more, or the run ended. */
static void judge(struct model_streams *s, struct model_stream *t, uint64_t now)
{
    t->died = now;
    find_cause(s, t, now);
    s->causes[t->cause]++;
    t->median_interval = histogram_quantile(&t->intervals, 0.5);
    t->longest_interval = t->intervals.longest;
    t->longest_interval_end = t->intervals.longest_at;
    histogram_free(&t->intervals);
    if (t->id <= MODEL_STREAMS)
        s->list[t->id - 1] = *t;
}

static void retire(struct model_streams *s, struct model_stream *t, uint64_t now)
{
    judge(s, t, now);
    *t = s->live[--s->running.count];
}

static struct model_stream *begin(struct model_streams *s, const struct model_seen *e,
                                  uint64_t number)
{
    struct model_stream *t = live(s, e->display, number);

    if (t) { /* its stop was lost */
        t->end_lost = true;
        retire(s, t, t->last_frame);
    }
    if (bounded_overflows(&s->running, MODEL_LIVE)) {
        s->live[0].end_lost = true;
        retire(s, &s->live[0], s->live[0].last_frame);
    }
    t = &s->live[s->running.count++];
    memset(t, 0, sizeof(*t));
    bounded_take(&s->kept, MODEL_STREAMS);
    t->id = (uint32_t)bounded_all(&s->kept);
    t->display = e->display;
    t->slot = e->slot;
    t->number = (uint32_t)number;
    t->last_frame = t->seen = e->ev->time;
    t->gap = counters(s, t->slot, e->ev->time);
    return t;
}

static struct model_stream *create(struct model_streams *s, const struct model_seen *e)
{
    const struct fields_stream_create *f = FIELDS(e->ev, stream_create);
    struct model_stream *t = begin(s, e, f->stream);

    memcpy(t->box, &f->box, sizeof(t->box));
    t->has_box = t->began = true;
    t->born = e->ev->time;
    t->frames = 1;
    t->fps = (uint32_t)f->fps;
    t->frames_before = (uint32_t)f->frames;
    return t;
}

static struct model_stream *attach(struct model_streams *s, const struct model_seen *e)
{
    const struct fields_stream_attach *f = FIELDS(e->ev, stream_attach);
    struct model_stream *t = live(s, e->display, f->stream);

    if (!t)
        t = begin(s, e, f->stream);
    if (!t->has_box)
        memcpy(t->box, &f->box, sizeof(t->box));
    t->has_box = true;
    t->frames++;
    t->unseen++;
    t->evicted_survived += t->gap.evicted;
    if (f->since > 0)
        histogram_add(&t->intervals, (uint64_t)f->since, e->ev->time);
    t->last_frame = e->ev->time;
    t->gap = counters(s, t->slot, e->ev->time);
    return t;
}

static void stop(struct model_streams *s, const struct model_seen *e, struct model_attr *attr)
{
    const struct fields_stream_stop *f = FIELDS(e->ev, stream_stop);
    const struct model_losses *l = s->losses;
    struct model_stream *t = live(s, e->display, f->stream);
    uint64_t now = e->ev->time;

    if (!t) {
        t = begin(s, e, f->stream);
        t->only_its_end = true;
        if (f->idle > 0 && (uint64_t)f->idle < now)
            t->last_frame = now - (uint64_t)f->idle;
        t->gap.losses = l->places[SOURCE_META] + l->places[SOURCE_SPICE];
        t->gap.lost = l->events[SOURCE_META] + l->events[SOURCE_SPICE];
    }
    if (!t->born && f->age >= 0 && (uint64_t)f->age < now)
        t->born = now - (uint64_t)f->age;
    t->ended = true;
    t->reason = (unsigned)f->reason;
    t->idle = f->idle > 0 ? (uint64_t)f->idle : 0;
    t->frames = f->frames;
    attr->stream = t->id;
    retire(s, t, now);
}

static void client_took(struct model_stream *t, uint64_t now)
{
    if (!t)
        return;
    t->client_at = now;
    t->unseen = t->client_losses = t->client_lost = 0;
}

static struct model_stream *encode(struct model_streams *s, const struct tap_event *ev)
{
    const struct fields_stream_encode *f = FIELDS(ev, stream_encode);
    struct model_stream *t = live(s, f->display, f->stream);

    client_took(t, ev->time);
    if (t) {
        t->encoded++;
        t->raw += f->raw;
        t->sent += f->sent;
    }
    return t;
}

static struct model_stream *drop(struct model_streams *s, const struct tap_event *ev)
{
    const struct fields_stream_drop *f = FIELDS(ev, stream_drop);
    struct model_stream *t = live(s, f->display, f->stream);

    client_took(t, ev->time);
    if (t)
        t->drops[f->reason & 7]++;
    return t;
}

static struct model_stream *detach(struct model_streams *s, const struct tap_event *ev)
{
    const struct fields_stream_detach *f = FIELDS(ev, stream_detach);
    struct model_stream *t = live(s, f->display, f->stream);

    if (t) {
        t->detached[f->reason & 7]++;
        t->gap.overlaps += f->reason == DETACH_REASON_overlap;
    }
    return t;
}

static struct model_stream *evict(struct model_streams *s, const struct tap_event *ev)
{
    const struct fields_evict *f = FIELDS(ev, evict);
    struct model_stream *t = f->stream < 0 ? NULL : live(s, f->display, (uint64_t)f->stream);

    if (t) {
        t->own_evicted++;
        t->gap.evicted++;
    }
    return t;
}

static void refused(struct model_streams *s, uint32_t id, enum outcome why, uint64_t time)
{
    struct model_stream *t = running(s, id);

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

void streams_refused(struct model_streams *s, const struct model_candidate *c, enum outcome o)
{
    for (int i = 0; i < c->covered_count && !c->streamed; i++)
        refused(s, c->covered[i], fate_refusal(c, i, o), c->time);
}

void streams_add(struct model_streams *s, const struct model_seen *e, struct model_attr *attr)
{
    struct model_stream *t = NULL;

    switch (e->ev->kind) {
    case EV_stream_create:
        t = create(s, e);
        break;
    case EV_stream_attach:
        t = attach(s, e);
        break;
    case EV_stream_stop:
        stop(s, e, attr);
        break;
    case EV_stream_encode:
        t = encode(s, e->ev);
        break;
    case EV_stream_drop:
        t = drop(s, e->ev);
        break;
    case EV_stream_detach:
        t = detach(s, e->ev);
        break;
    case EV_evict:
        t = evict(s, e->ev);
        break;
    case EV_stream_first_rate: /* a client that comes later; else the stream's create follows */
        t = live(s, e->display, FIELDS(e->ev, stream_first_rate)->stream);
        break;
    case EV_stream_rate:
        t = live(s, e->display, FIELDS(e->ev, stream_rate)->stream);
        break;
    case EV_delay_ask:
        t = live(s, e->display, FIELDS(e->ev, delay_ask)->stream);
        break;
    default:
        break;
    }
    if (t)
        attr->stream = t->id;
}

void streams_loss(struct model_streams *s, enum tap_source source, uint64_t count)
{
    if (losses_of_guest(source)) {
        s->guest_losses++;
        s->guest_lost += count;
    }
    if (!losses_of_server(source))
        return;
    for (uint32_t i = 0; i < s->running.count; i++) {
        struct model_stream *t = &s->live[i];

        t->losses++;
        t->lost += count;
        t->gap.losses++;
        t->gap.lost += count;
        t->client_losses++;
        t->client_lost += count;
    }
}

void streams_end(struct model_streams *s, uint64_t end)
{
    for (uint32_t i = 0; i < s->running.count; i++)
        judge(s, &s->live[i], end);
    s->running.count = 0;
}
