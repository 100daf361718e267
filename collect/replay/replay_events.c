/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events in their order: a draw with all that belongs to it, and what comes by itself. */
#include <errno.h>
#include <stdlib.h>

#include "replay/replay_state.h"

/* ---- a draw and what came of it
 * ------------------------------------------------------------------------------- */

static void count_group(struct replay_display *d)
{
    for (size_t i = 0; i < d->group.count; i++)
        if (replay_is_decision(&d->group.items[i]))
            d->replay->decisions[d->group.items[i].kind]++;
}

static void touch_others(struct replay_display *d, const struct drawable *c)
{
    for (size_t i = 0; i < d->tree_count; i++)
        if (d->tree[i] != c && !d->tree[i]->touched)
            d->tree[i]->touched = rect_meets(&d->tree[i]->box, &c->box);
}

static void released(struct replay_display *d, const struct tap_event *ev)
{
    struct drawable *p = display_find(d, FIELDS(ev, release)->drawable);

    if (!p)
        return;
    if (p->in_tree && p->known && detector_leaves_trace(&d->detectors[0], p) && !d->unsure) {
        replay_differ(d, ev->time, NULL, ev,
                      "the model expected it to leave the tree by way of the ring");
        replay_lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (p->in_tree)
        replay_leave(d, p, REASON_OBSCURED, 1);
    display_drop(d, p);
}

static int close_group(struct replay_display *d)
{
    struct group *g = &d->group;
    struct drawable *c = g->candidate, **before;
    uint64_t at;

    if (!g->open)
        return 0;
    at = g->count ? g->items[g->count - 1].time : c->created;
    g->open = false;
    before = calloc(g->count + 1, sizeof(*before)); /* whom the candidate meets */
    if (!before)
        return -ENOMEM;
    count_group(d);
    group_find_tail(d);
    group_learn(d);
    group_guess_graduality(d, c);
    group_read(d);
    for (size_t i = 0; i < g->tail; i++)
        if (g->items[i].kind == EV_match)
            before[i] = group_met(d, i);
    if (g->too_many || !group_prove(d)) {
        if (g->too_many)
            replay_differ(d, at, NULL, NULL,
                          "more decisions on one draw than this version follows");
        free(before);
        replay_lose_sight(d, at, at, false);
        return 0;
    }
    group_foretell(d, before);
    free(before);
    if (g->opaque)
        touch_others(d, c);
    if (!g->opaque)
        replay_draw_over(d, c);
    if (g->may_stream)
        display_enter_tree(d, c);
    replay_regain_sight(d, at);
    if (g->may_stream)
        replay_count_draw(d, c);
    d->sees_draws = true;
    for (size_t i = 0; i < g->count; i++)
        if (g->items[i].kind == EV_release)
            released(d, &g->items[i]);
    return 0;
}

static int append(struct replay_display *d, const struct tap_event *ev)
{
    struct group *g = &d->group;

    if (g->count == REPLAY_GROUP) {
        g->too_many = true;
        return 0;
    }
    if (g->count == g->room) {
        size_t room = g->room ? g->room * 2 : 64;
        struct tap_event *items = realloc(g->items, room * sizeof(*items));

        if (!items)
            return -ENOMEM;
        g->items = items;
        g->room = room;
    }
    g->items[g->count++] = *ev;
    return 0;
}

static void check_verdict(struct replay_display *d, const struct tap_event *ev,
                          const struct drawable *p)
{
    struct replay *r = d->replay;
    unsigned verdict = (unsigned)FIELDS(ev, draw)->verdict;
    bool big = detector_big_enough(&r->results[0].constants, p, true);

    r->decisions[EV_draw]++;
    if (verdict == CAN_STREAM && !big)
        d->filter_off = true; /* only in mode filter are small ones turned away */
    if (verdict != CAN_STREAM && verdict != TOO_SMALL) {
        r->given[EV_draw]++;
    } else if (verdict == TOO_SMALL && big) {
        replay_differ(d, ev->time, NULL, ev, "the model finds it big enough");
        replay_lose_sight(d, ev->time, ev->time, false);
    } else {
        r->reproduced[EV_draw]++;
    }
}

static void draw(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_draw *e = FIELDS(ev, draw);
    struct drawable *p;
    bool ours = e->verdict == CAN_STREAM || e->verdict == TOO_SMALL;

    d->group.count = 0;
    d->group.too_many = false;
    if (e->verdict >= EMPTY || e->surface) {
        d->replay->decisions[EV_draw]++;
        d->replay->given[EV_draw]++;
        return; /* it does not enter the tree, or not the primary surface's */
    }
    p = display_add(d, e->drawable);
    p->release_id = e->release_id;
    p->created = e->created;
    p->box = e->box;
    p->width = (int32_t)e->src_width;
    p->height = (int32_t)e->src_height;
    p->graduality = p->top_down = -1;
    p->known = true;
    p->copy = e->type == TYPE_COPY;
    p->opaque = e->effect == EFFECT_OPAQUE;
    p->could_stream = ours;
    check_verdict(d, ev, p);
    if (display_find(d, e->drawable) != p) /* sight was lost */
        return;
    d->group.may_stream = false;
    for (unsigned k = 0; k < d->replay->detectors; k++) {
        bool can = k ? ours && detector_big_enough(&d->detectors[k].constants, p, !d->filter_off)
                     : e->verdict == CAN_STREAM;

        detector_draw(&d->detectors[k], p, can);
        d->group.may_stream |= can;
    }
    d->group.open = true;
    d->group.candidate = p;
    /* A copy within the screen is its own way into the tree: no frame of a video is looked for. */
    d->group.opaque = p->opaque && e->type != TYPE_COPY_BITS;
}

/* ---- what is not part of a draw
 * ----------------------------------------------------------------------------------- */

static void left(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_trace_add *t = FIELDS(ev, trace_add);
    struct drawable *p = display_find(d, t->drawable);

    if (p && p->in_tree && t->reason != REASON_OBSCURED && t->reason != REASON_REPLACED &&
        t->reason <= REASON_DRAWN)
        replay_leave_older(d, p, (unsigned)t->reason);
    d->replay->decisions[EV_trace_add]++;
    if (!replay_check_leave(d, ev)) {
        replay_lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (p)
        replay_leave(d, p, (unsigned)t->reason, 1);
}

/* A stream's frame is given up: no trace_add will tell. */
static void evicted(struct replay_display *d, const struct tap_event *ev)
{
    struct drawable *p = display_find(d, FIELDS(ev, evict)->drawable);

    if (p && p->in_tree && !detector_leaves_trace(&d->detectors[0], p)) {
        replay_leave_older(d, p, REASON_EVICTED);
        replay_leave(d, p, REASON_EVICTED, 1);
    }
}

static void stop_everything(struct replay_display *d, unsigned reason)
{
    for (unsigned k = 1; k < d->replay->detectors; k++)
        while (d->detectors[k].running)
            detector_stop(&d->detectors[k], d->detectors[k].order[0], reason);
    if (reason == STOP_SURFACE)
        for (unsigned k = 0; k < d->replay->detectors; k++)
            detector_clear_ring(&d->detectors[k]);
    d->next_known |= reason == STOP_SURFACE;
}

static const char *odd_stop(const struct replay_display *d, const struct fields_stream_stop *e,
                            const struct stream *s, uint64_t time)
{
    if (s->current)
        return "the model has a frame in this stream";
    if (e->reason == STOP_TIMEOUT && e->idle < (int64_t)d->detectors[0].constants.timeout)
        return "the model's stream has not been idle for so long";
    if (s->last + (uint64_t)e->idle > time)
        return "the model has another last frame in this stream";
    if (s->known && s->last - s->created != (uint64_t)(e->age - e->idle))
        return "the model has another life of this stream";
    if (s->known && s->frames != e->frames)
        return "the model has another number of frames in this stream";
    return NULL;
}

static void stopped(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_stop *e = FIELDS(ev, stream_stop);
    int at = detector_stream_by_number(&d->detectors[0], e->stream);
    const char *why = NULL;

    d->replay->decisions[EV_stream_stop]++;
    if (at < 0 && d->streams_known)
        why = "the model has no such stream";
    else if (at >= 0)
        why = odd_stop(d, e, &d->detectors[0].streams[at], ev->time);
    if (why) {
        replay_differ(d, ev->time, NULL, ev, why);
        replay_lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (e->reason != STOP_TIMEOUT)
        stop_everything(d, (unsigned)e->reason);
    replay_reproduced(d, ev->kind, at >= 0 && d->detectors[0].streams[at].known);
    if (at < 0)
        return;
    replay_end_stream(d, 0, &d->detectors[0].streams[at], ev->time, (unsigned)e->reason);
    detector_forget_stream(&d->detectors[0], at);
}

static void detached(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);

    d->replay->decisions[EV_stream_detach]++;
    if (!replay_check_detach(d, ev)) {
        replay_lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (e->reason != DETACH_STOPPING) {
        replay_detach_recorded(d, ev);
    } else {
        int at = detector_stream_by_number(&d->detectors[0], e->stream);

        if (at >= 0)
            detector_detach(&d->detectors[0], at, DETACH_STOPPING);
    }
}

/* A stream that outlived its time although the worker had caught up after it: the server would have
 * stopped it before it took the next command. */
static void check_overdue(struct replay_display *d, const struct tap_event *ev)
{
    const struct detector *det = &d->detectors[0];

    for (unsigned i = 0; i < det->running; i++) {
        const struct stream *s = &det->streams[det->order[i]];

        if (d->caught_up < s->last + 2 * det->constants.timeout)
            continue;
        replay_differ(d, ev->time, NULL, ev,
                      "the model expected a stream to be stopped before this");
        replay_lose_sight(d, ev->time, ev->time, false);
        return;
    }
}

/* Decisions that belong to a draw, without it. */
static void orphan(struct replay_display *d, const struct tap_event *ev)
{
    d->replay->decisions[ev->kind]++;
    if (!d->sees_draws) {
        d->replay->taken[ev->kind]++; /* the recording begins in the middle of a draw */
        return;
    }
    replay_differ(d, ev->time, NULL, ev, "it belongs to no draw");
    replay_lose_sight(d, ev->time, ev->time, false);
}

static int loose(struct replay_display *d, const struct tap_event *ev)
{
    replay_set_time(d, ev->time);
    replay_time_out(d, ev->time);
    switch (ev->kind) {
    case EV_cmd:
        d->busy = true;
        check_overdue(d, ev);
        break;
    case EV_ring_empty:
        if (FIELDS(ev, ring_empty)->ring == 0) {
            d->busy = false;
            d->caught_up = ev->time;
        }
        break;
    case EV_draw:
        draw(d, ev);
        break;
    case EV_trace_add:
        left(d, ev);
        break;
    case EV_evict:
        evicted(d, ev);
        break;
    case EV_stream_detach:
        detached(d, ev);
        break;
    case EV_stream_stop:
        stopped(d, ev);
        break;
    case EV_release:
        released(d, ev);
        break;
    case EV_match:
    case EV_frame:
    case EV_stream_create:
    case EV_stream_attach:
        orphan(d, ev);
        break;
    default:
        break;
    }
    return 0;
}

/* Is it a part of what becomes of the open draw? */
static bool belongs(const struct replay_display *d, const struct tap_event *ev)
{
    uint64_t reason;

    switch (ev->kind) {
    case EV_match: /* the fields `drawable` of all these stand in the same place */
        return FIELDS(ev, match)->drawable == d->group.candidate->address;
    case EV_frame:
        return FIELDS(ev, frame)->drawable == d->group.candidate->address;
    case EV_stream_create:
        return FIELDS(ev, stream_create)->drawable == d->group.candidate->address;
    case EV_stream_attach:
        return FIELDS(ev, stream_attach)->drawable == d->group.candidate->address;
    case EV_stream_detach:
        return FIELDS(ev, stream_detach)->reason != DETACH_STOPPING;
    case EV_release:
        return true;
    case EV_trace_add:
        reason = FIELDS(ev, trace_add)->reason;
        return reason == REASON_REPLACED || reason == REASON_OBSCURED || reason == REASON_DRAWN;
    default:
        return false;
    }
}

/* Events of other threads, and those that come at any time. */
static bool passes_by(uint16_t kind)
{
    return kind == EV_sent || kind == EV_wakeup || kind == EV_stream_drop ||
           kind == EV_stream_report || kind == EV_notify_request || kind > EV_blocked;
}

/* A draw that was being followed may have lost some of its decisions: nothing is said of it. */
static void drop_group(struct replay_display *d)
{
    if (!d->group.open)
        return;
    count_group(d);
    for (size_t i = 0; i < d->group.count; i++)
        if (replay_is_decision(&d->group.items[i]))
            d->replay->taken[d->group.items[i].kind]++;
    d->group.open = false;
}

static void lost(struct replay *r, uint64_t time)
{
    r->losses++;
    for (int i = 0; i < REPLAY_DISPLAYS && r->displays[i]; i++) {
        struct replay_display *d = r->displays[i];

        drop_group(d);
        replay_lose_sight(d, r->last > d->forgot ? r->last : d->forgot, time, true);
    }
}

int replay_add(struct replay *r, const struct run_event *e)
{
    const struct tap_event *raw = e->raw, *ev = e->event;
    struct replay_display *d;
    int err = 0;

    if (e->source != SOURCE_SPICE || r->differs >= REPLAY_GIVE_UP)
        return 0;
    if (raw->kind == EV_loss) {
        lost(r, raw->time);
        return 0;
    }
    if (!r->events++)
        r->first = raw->time;
    if (raw->time > r->last)
        r->last = raw->time;
    if (passes_by(raw->kind) || !ev)
        return 0;
    if (!replay_has_place(r, ev->v[0])) { /* the first field of all that are left */
        r->displays_over++;
        return 0;
    }
    d = replay_display_of(r, ev->v[0], r->first);
    if (!d)
        return -ENOMEM;
    if (d->group.open && belongs(d, ev))
        return append(d, ev);
    if (d->group.open)
        err = close_group(d);
    return err ? err : loose(d, ev);
}

void replay_end(struct replay *r)
{
    for (int i = 0; i < REPLAY_DISPLAYS && r->displays[i]; i++) {
        struct replay_display *d = r->displays[i];

        close_group(d);
        for (unsigned k = 0; k < r->detectors; k++)
            for (unsigned s = 0; s < d->detectors[k].running; s++)
                replay_end_stream(d, k, &d->detectors[k].streams[d->detectors[k].order[s]], r->last,
                                  REPLAY_RUNNING);
        if (d->unsure)
            r->inconclusive += r->last - (d->before ? d->before : d->forgot);
    }
}
