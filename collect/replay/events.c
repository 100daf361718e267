/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "replay/events.h"
#include "replay/foretell.h"
#include "replay/learn.h"
#include "replay/prove.h"
#include "replay/regions.h"
#include "replay/sight.h"

/* ---- a draw and what came of it ---- */

static void count_group(struct replay_display *d)
{
    for (size_t i = 0; i < d->group.count; i++)
        if (prove_is_decision(&d->group.items[i]))
            d->replay->decisions[d->group.items[i].kind]++;
}

/* Only of a stream's frame does anyone ask whether it was touched (learn.c). */
static void touch_frames(struct replay_display *d, const struct drawable *c)
{
    const struct detector *det = &d->detectors[0];

    for (unsigned i = 0; i < det->running; i++) {
        struct drawable *frame = det->streams[det->order[i]].current;

        if (frame && frame != c && frame->in_tree && rect_meets(&frame->box, &c->box))
            frame->touched = true;
    }
}

static void released(struct replay_display *d, const struct tap_event *ev)
{
    struct drawable *p = display_find(d, FIELDS(ev, release)->drawable);

    if (!p)
        return;
    if (p->in_tree && p->known && detector_leaves_trace(&d->detectors[0], p) && !d->unsure) {
        sight_differ(d, ev->time, NULL, ev,
                     "the model expected it to leave the tree through the ring");
        sight_lose(d, ev->time, ev->time, BLIND_DIFFERENCE);
        return;
    }
    if (p->in_tree)
        replay_leave(d, p, REMOVE_REASON_obscured, 1);
    display_drop(d, p);
}

void events_close_group(struct replay_display *d)
{
    struct group *g = &d->group;
    struct drawable *c = g->candidate;
    uint64_t at;

    if (!g->open)
        return;
    at = g->count ? g->items[g->count - 1].time : c->created;
    g->open = false;
    count_group(d);
    group_find_tail(d);
    group_learn(d);
    group_guess_graduality(d, c);
    group_read(d);
    for (size_t i = 0; i < g->count; i++)
        g->met_at[i] = i < g->tail && g->items[i].kind == EV_match ? group_met(d, i) : NULL;
    if (g->too_many || !prove_group(d)) {
        if (g->too_many)
            sight_differ(d, at, NULL, NULL, "more decisions on one draw than this version follows");
        sight_lose(d, at, at, BLIND_DIFFERENCE);
        return;
    }
    foretell_group(d);
    if (g->opaque)
        touch_frames(d, c);
    if (!g->opaque)
        foretell_draw_over(d, c);
    if (g->may_stream)
        display_enter_tree(d, c);
    sight_regain(d, at);
    if (g->may_stream)
        region_count_draw(d->replay, d->id, c, !d->unsure);
    d->sees_draws = true;
    for (size_t i = 0; i < g->count; i++)
        if (g->items[i].kind == EV_release)
            released(d, &g->items[i]);
}

static int make_room(struct group *g)
{
    size_t room = g->room ? g->room * 2 : 64;
    struct tap_event *items = reallocarray(g->items, room, sizeof(*items));
    struct drawable **met_at;

    if (!items)
        return -ENOMEM;
    g->items = items;
    met_at = reallocarray(g->met_at, room, sizeof(struct drawable *));
    if (!met_at)
        return -ENOMEM;
    g->met_at = met_at;
    g->room = room;
    return 0;
}

static int append(struct replay_display *d, const struct tap_event *ev)
{
    struct group *g = &d->group;

    if (g->count == REPLAY_GROUP) {
        g->too_many = true;
        return 0;
    }
    if (g->count == g->room && make_room(g))
        return -ENOMEM;
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
    if (verdict == DRAW_VERDICT_can_stream && !big)
        d->filter_off = true; /* only mode filter refuses small ones */
    if (verdict != DRAW_VERDICT_can_stream && verdict != DRAW_VERDICT_too_small) {
        r->given[EV_draw]++;
    } else if (verdict == DRAW_VERDICT_too_small && big) {
        sight_differ(d, ev->time, NULL, ev, "the model finds it big enough");
        sight_lose(d, ev->time, ev->time, BLIND_DIFFERENCE);
    } else {
        r->reproduced[EV_draw]++;
    }
}

static int draw(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_draw *e = FIELDS(ev, draw);
    struct drawable *p;
    bool ours = e->verdict == DRAW_VERDICT_can_stream || e->verdict == DRAW_VERDICT_too_small;

    d->group.count = 0;
    d->group.too_many = false;
    if (e->verdict >= DRAW_VERDICT_empty || e->surface) {
        d->replay->decisions[EV_draw]++;
        d->replay->given[EV_draw]++;
        return 0; /* it does not enter the tree, or not the primary surface's */
    }
    if (!display_has_room(d)) {
        d->replay->drawables_over++;
        sight_lose(d, ev->time, ev->time, BLIND_OVERFLOW);
    }
    p = display_add(d, e->drawable);
    if (!p)
        return -ENOMEM;
    p->release_id = e->release_id;
    p->created = e->created;
    p->box = e->box;
    p->width = (int32_t)e->src_width;
    p->height = (int32_t)e->src_height;
    p->graduality = p->top_down = -1;
    p->known = true;
    p->copy = e->type == DRAW_TYPE_copy;
    p->opaque = e->effect == DRAW_EFFECT_opaque;
    p->could_stream = ours;
    check_verdict(d, ev, p);
    if (display_find(d, e->drawable) != p) /* sight was lost */
        return 0;
    d->group.may_stream = false;
    for (unsigned k = 0; k < d->replay->detectors; k++) {
        bool can = k ? ours && detector_big_enough(&d->detectors[k].constants, p, !d->filter_off)
                     : e->verdict == DRAW_VERDICT_can_stream;

        detector_draw(&d->detectors[k], p, can);
        d->group.may_stream |= can;
    }
    d->group.open = true;
    d->group.candidate = p;
    /* A copy within the screen enters the tree on a path of its own, which looks for no video. */
    d->group.opaque = p->opaque && e->type != DRAW_TYPE_copy_bits;
    return 0;
}

/* ---- what is not part of a draw ---- */

static void left(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_trace_add *t = FIELDS(ev, trace_add);
    struct drawable *p = display_find(d, t->drawable);

    if (p && p->in_tree && t->reason != REMOVE_REASON_obscured &&
        t->reason != REMOVE_REASON_replaced && t->reason <= REMOVE_REASON_drawn)
        foretell_leave_older(d, p, (unsigned)t->reason);
    d->replay->decisions[EV_trace_add]++;
    if (!prove_leave(d, ev)) {
        sight_lose(d, ev->time, ev->time, BLIND_DIFFERENCE);
        return;
    }
    if (p)
        replay_leave(d, p, (unsigned)t->reason, 1);
}

/* A stream's frame is evicted: it leaves no trace_add. */
static void evicted(struct replay_display *d, const struct tap_event *ev)
{
    struct drawable *p = display_find(d, FIELDS(ev, evict)->drawable);

    if (p && p->in_tree && !detector_leaves_trace(&d->detectors[0], p)) {
        foretell_leave_older(d, p, REMOVE_REASON_evicted);
        replay_leave(d, p, REMOVE_REASON_evicted, 1);
    }
}

static void stop_everything(struct replay_display *d, unsigned reason)
{
    for (unsigned k = 1; k < d->replay->detectors; k++)
        while (d->detectors[k].running)
            detector_stop(&d->detectors[k], d->detectors[k].order[0], reason);
    if (reason == STOP_REASON_surface)
        for (unsigned k = 0; k < d->replay->detectors; k++)
            detector_clear_ring(&d->detectors[k]);
    d->next_known |= reason == STOP_REASON_surface;
}

static const char *odd_stop(const struct replay_display *d, const struct fields_stream_stop *e,
                            const struct stream *s, uint64_t time)
{
    if (s->current)
        return "the model has a frame in this stream";
    if (e->reason == STOP_REASON_timeout && e->idle < (int64_t)d->detectors[0].constants.timeout)
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
        sight_differ(d, ev->time, NULL, ev, why);
        sight_lose(d, ev->time, ev->time, BLIND_DIFFERENCE);
        return;
    }
    if (e->reason != STOP_REASON_timeout)
        stop_everything(d, (unsigned)e->reason);
    prove_count(d, ev->kind, at >= 0 && d->detectors[0].streams[at].known);
    if (at < 0)
        return;
    sight_end_stream(d, 0, &d->detectors[0].streams[at], ev->time, (unsigned)e->reason);
    detector_forget_stream(&d->detectors[0], at);
}

static void detached(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);

    d->replay->decisions[EV_stream_detach]++;
    if (!prove_detach(d, ev)) {
        sight_lose(d, ev->time, ev->time, BLIND_DIFFERENCE);
        return;
    }
    if (e->reason != DETACH_REASON_stopping) {
        replay_detach(d, ev);
    } else {
        int at = detector_stream_by_number(&d->detectors[0], e->stream);

        if (at >= 0)
            detector_detach(&d->detectors[0], at, DETACH_REASON_stopping);
    }
}

/* Is a stream overdue although the worker was idle after its time? spice-server stops such a stream
 * before it takes the next command. */
static void check_overdue(struct replay_display *d, const struct tap_event *ev)
{
    const struct detector *det = &d->detectors[0];

    for (unsigned i = 0; i < det->running; i++) {
        const struct stream *s = &det->streams[det->order[i]];

        if (d->caught_up < s->last + 2 * det->constants.timeout)
            continue;
        sight_differ(d, ev->time, NULL, ev,
                     "the model expected a stream to be stopped before this");
        sight_lose(d, ev->time, ev->time, BLIND_DIFFERENCE);
        return;
    }
}

/* A decision on a draw that is not open. */
static void orphan(struct replay_display *d, const struct tap_event *ev)
{
    d->replay->decisions[ev->kind]++;
    if (!d->sees_draws) {
        d->replay->taken[ev->kind]++; /* the recording begins in the middle of a draw */
        return;
    }
    sight_differ(d, ev->time, NULL, ev, "it belongs to no draw");
    sight_lose(d, ev->time, ev->time, BLIND_DIFFERENCE);
}

static int loose(struct replay_display *d, const struct tap_event *ev)
{
    sight_set_time(d, ev->time);
    foretell_time_out(d, ev->time);
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
        return draw(d, ev);
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

/* Does the event belong to the open draw? */
static bool belongs(const struct replay_display *d, const struct tap_event *ev)
{
    uint64_t reason;

    switch (ev->kind) {
    case EV_match:
        return FIELDS(ev, match)->drawable == d->group.candidate->address;
    case EV_frame:
        return FIELDS(ev, frame)->drawable == d->group.candidate->address;
    case EV_stream_create:
        return FIELDS(ev, stream_create)->drawable == d->group.candidate->address;
    case EV_stream_attach:
        return FIELDS(ev, stream_attach)->drawable == d->group.candidate->address;
    case EV_stream_detach:
        return FIELDS(ev, stream_detach)->reason != DETACH_REASON_stopping;
    case EV_release:
        return true;
    case EV_trace_add:
        reason = FIELDS(ev, trace_add)->reason;
        return reason == REMOVE_REASON_replaced || reason == REMOVE_REASON_obscured ||
               reason == REMOVE_REASON_drawn;
    default:
        return false;
    }
}

int events_take(struct replay_display *d, const struct tap_event *ev)
{
    if (d->group.open && belongs(d, ev))
        return append(d, ev);
    events_close_group(d);
    return loose(d, ev);
}

void events_drop_group(struct replay_display *d)
{
    if (!d->group.open)
        return;
    count_group(d);
    for (size_t i = 0; i < d->group.count; i++)
        if (prove_is_decision(&d->group.items[i]))
            d->replay->taken[d->group.items[i].kind]++;
    d->group.open = false;
}
