/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "replay/learn.h"
#include "replay/regions.h"

/* ---- reading a group: which matches were calls of video_stream_maintenance? ---- */

bool group_is_match(const struct tap_event *ev, unsigned against)
{
    return ev->kind == EV_match && FIELDS(ev, match)->against == against;
}

/* The first of the unbroken row of matches before `end` that are against distinct streams. */
static size_t streams_before(const struct group *g, size_t end, size_t most)
{
    size_t from = end;

    while (from > 0 && end - from < most &&
           group_is_match(&g->items[from - 1], MATCH_AGAINST_stream)) {
        for (size_t i = from; i < end; i++)
            if (FIELDS(&g->items[i], match)->index == FIELDS(&g->items[from - 1], match)->index)
                return from;
        from--;
    }
    return from;
}

/* The match at `at` gave the frame to a stream. Did trace_update find it, or did it meet the
 * stream's frame in the tree? Other constants may make a difference between the two. */
static size_t tail_of_match(const struct replay_display *d, size_t at)
{
    const struct group *g = &d->group;
    const struct detector *det = &d->detectors[0];
    int stream = detector_stream_by_number(det, (uint64_t)FIELDS(&g->items[at], match)->index);
    const struct drawable *now = stream >= 0 ? det->streams[stream].current : NULL,
                          *c = g->candidate;
    size_t place = 0, from;

    if (stream < 0 || !d->streams_known)
        return g->count;            /* the streams' order is not known */
    for (size_t i = 0; i < at; i++) /* it may lose its frame before */
        if (g->items[i].kind == EV_stream_detach &&
            (int)FIELDS(&g->items[i], stream_detach)->stream == (int)det->streams[stream].number)
            now = NULL;
    while (place < det->running && det->order[place] != stream)
        place++;
    /* trace_update walks the list from its head. If the matches do not, the two met in the tree. */
    if (place > at)
        return g->count;
    from = at - place;
    for (size_t i = from; i < at; i++)
        if (!group_is_match(&g->items[i], MATCH_AGAINST_stream) ||
            FIELDS(&g->items[i], match)->index != det->streams[det->order[i - from]].number)
            return g->count;
    if (!now || !now->in_tree || !rect_meets(&c->box, &now->box))
        return from;
    for (size_t i = at + 1; i < g->count;
         i++) /* the frame left the tree later, so they met there */
        if (g->items[i].kind == EV_release &&
            FIELDS(&g->items[i], release)->drawable == now->address)
            return g->count;
    if (rect_same(&c->box, &now->box) ? !now->touched : !rect_holds(&c->box, &now->box))
        return place ? from : g->count;
    return from;
}

void group_find_tail(struct replay_display *d)
{
    struct group *g = &d->group;
    size_t last = g->count;

    g->tail = g->count;
    for (size_t i = 0; i < g->count; i++)
        if (group_is_match(&g->items[i], MATCH_AGAINST_trace)) {
            g->tail = streams_before(g, i, DETECTOR_STREAMS);
            return;
        }
    for (size_t i = 0; i < g->count; i++)
        if (g->items[i].kind == EV_match)
            last = i;
    if (last < g->count && group_is_match(&g->items[last], MATCH_AGAINST_stream) &&
        FIELDS(&g->items[last], match)->verdict == MATCH_VERDICT_match)
        g->tail = tail_of_match(d, last);
}

void group_read(struct replay_display *d)
{
    struct group *g = &d->group;
    const struct drawable *c = g->candidate;

    group_find_tail(d);
    g->equal = g->met = false;
    g->insert = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct tap_event *ev = &g->items[i];
        unsigned reason = ev->kind == EV_trace_add ? (unsigned)FIELDS(ev, trace_add)->reason : 99;

        bool seen = g->met;

        g->met |= ev->kind == EV_match && i < g->tail;
        if (ev->kind != EV_release && (reason == 99 || reason == REMOVE_REASON_obscured || !reason))
            g->insert = i + 1;
        if (ev->kind == EV_trace_add && reason == REMOVE_REASON_replaced)
            g->equal = true;
        /* spice-server looks for an equal drawable first. */
        if (group_is_match(ev, MATCH_AGAINST_stream) && i < g->tail && !seen &&
            FIELDS(ev, match)->verdict == MATCH_VERDICT_match &&
            rect_same(&FIELDS(ev, match)->other, &c->box))
            g->equal = true;
    }
    if (g->tail < g->count) {
        g->insert = g->tail;
        g->equal = false;
    }
}

/* ---- learning what was there before ---- */

static void learn_stream(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_match *m = FIELDS(ev, match);
    struct stream s = {.number = (uint32_t)m->index,
                       .box = m->other,
                       .last = d->group.candidate->created - (uint64_t)m->since,
                       .top_down = -1};

    if (d->streams_known || detector_stream_by_number(&d->detectors[0], (uint64_t)m->index) >= 0)
        return;
    for (unsigned k = 0; k < d->replay->detectors; k++)
        detector_adopt(&d->detectors[k], &s, true);
}

/* A stream's frame from before the recording is named when the next frame takes over. */
static void learn_current(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);
    int s = detector_stream_by_number(&d->detectors[0], e->stream);
    struct drawable *p;

    if (s < 0 || d->detectors[0].streams[s].known || d->detectors[0].streams[s].current ||
        display_find(d, e->drawable) == d->group.candidate)
        return;
    p = display_find(d, e->drawable);
    p = p ? p : display_add(d, e->drawable);
    if (!p) { /* no room: the frame stays unknown */
        d->replay->drawables_over++;
        return;
    }
    p->release_id = e->release_id;
    p->created = d->detectors[0].streams[s].last;
    p->box = d->detectors[0].streams[s].box;
    display_enter_tree(d, p);
    p->graduality = p->top_down = -1;
    for (unsigned k = 0; k < d->replay->detectors; k++) {
        int at = detector_stream_by_number(&d->detectors[k], e->stream);

        p->of[k] =
            (struct standing){.first = p->created, .stream = (int16_t)at, .streamable = true};
        if (at >= 0)
            d->detectors[k].streams[at].current = p;
    }
}

static void learn_slot(struct replay_display *d, const struct tap_event *ev,
                       const struct tap_event *then)
{
    const struct fields_match *m = FIELDS(ev, match);
    struct detector *det = &d->detectors[0];
    struct drawable *c = d->group.candidate;
    struct trace_item *t;

    if (m->index < 0 || m->index >= det->constants.trace_items)
        return;
    t = &det->ring[m->index];
    if (!(t->known & TRACE_WHERE)) {
        t->time = c->created - (uint64_t)m->since;
        t->box = m->other;
        t->known |= TRACE_WHERE;
    }
    if (!(t->known & TRACE_SIZE) &&
        (m->verdict == MATCH_VERDICT_match || m->verdict == MATCH_VERDICT_size_differs)) {
        t->width = m->verdict == MATCH_VERDICT_match ? c->width : -1;
        t->height = m->verdict == MATCH_VERDICT_match ? c->height : -1;
        t->known |= m->verdict == MATCH_VERDICT_match ? TRACE_SIZE : 0;
    }
    if (!(t->known & TRACE_COUNTS) && m->verdict == MATCH_VERDICT_match && then &&
        then->kind == EV_frame) {
        const struct fields_frame *f = FIELDS(then, frame);
        bool low = f->graduality == GRADUALITY_low;

        t->frames = (int32_t)f->frames - 1;
        t->gradual = (int32_t)f->gradual_frames - !low;
        t->last_gradual = low ? (int32_t)f->last_gradual : t->frames;
        t->known |= TRACE_COUNTS;
    }
}

/* Is every slot empty? Then the primary surface went away, which clears the ring. */
static bool ring_was_cleared(const struct replay_display *d)
{
    const struct group *g = &d->group;
    static const struct tap_rect none;
    unsigned seen = 0, full = 0;

    for (size_t i = g->tail; i < g->count; i++) {
        const struct fields_match *m = FIELDS(&g->items[i], match);
        struct trace_item *t;

        if (!group_is_match(&g->items[i], MATCH_AGAINST_trace))
            continue;
        if ((uint64_t)m->since != g->candidate->created || !rect_same(&m->other, &none))
            return false;
        if (m->index < 0 || m->index >= d->detectors[0].constants.trace_items)
            return false;
        t = &d->detectors[0].ring[m->index];
        full += t->known && t->time;
        seen++;
    }
    return seen == d->detectors[0].constants.trace_items && full;
}

void group_clear_rings(struct replay_display *d)
{
    for (unsigned k = 0; k < d->replay->detectors; k++)
        detector_clear_ring(&d->detectors[k]);
    d->replay->cleared++;
    d->next_known = true;
}

void group_learn_slots(struct replay_display *d)
{
    struct group *g = &d->group;

    if (ring_was_cleared(d))
        group_clear_rings(d);
    for (size_t i = g->tail; i < g->count; i++)
        if (group_is_match(&g->items[i], MATCH_AGAINST_trace))
            learn_slot(d, &g->items[i], i + 1 < g->count ? &g->items[i + 1] : NULL);
}

/* All running streams are compared in their order before the first slot. */
static void learn_order(struct replay_display *d)
{
    struct detector *det = &d->detectors[0];
    const struct group *g = &d->group;
    uint8_t order[DETECTOR_STREAMS];
    unsigned n = 0;

    for (size_t i = g->tail; i < g->count && group_is_match(&g->items[i], MATCH_AGAINST_stream);
         i++) {
        int at = detector_stream_by_number(det, (uint64_t)FIELDS(&g->items[i], match)->index);

        if (at >= 0 && n < DETECTOR_STREAMS)
            order[n++] = (uint8_t)at;
    }
    if (n == det->running)
        memcpy(det->order, order, n);
    d->streams_known = true;
}

void group_learn(struct replay_display *d)
{
    struct group *g = &d->group;
    size_t trace = 0;

    for (size_t i = 0; i < g->count; i++) {
        const struct tap_event *ev = &g->items[i];

        if (group_is_match(ev, MATCH_AGAINST_stream))
            learn_stream(d, ev);
        if (ev->kind == EV_stream_detach)
            learn_current(d, ev);
        trace += group_is_match(ev, MATCH_AGAINST_trace);
        if (ev->kind == EV_frame && !g->candidate->graduality_known) {
            g->candidate->graduality = (int16_t)FIELDS(ev, frame)->graduality;
            g->candidate->graduality_known = true;
        }
        if (ev->kind == EV_match && FIELDS(ev, match)->verdict == MATCH_VERDICT_orientation) {
            int s = detector_stream_by_number(&d->detectors[0], (uint64_t)FIELDS(ev, match)->index);

            if (s >= 0 && d->detectors[0].streams[s].top_down < 0)
                d->detectors[0].streams[s].top_down = 1;
            g->candidate->top_down = s >= 0 && d->detectors[0].streams[s].top_down == 0;
        }
    }
    if (trace && !d->streams_known)
        learn_order(d);
}

void group_guess_graduality(struct replay_display *d, struct drawable *c)
{
    const struct replay_region *g = region_of(d->replay, d->id, &c->box);

    if (!c->graduality_known)
        c->graduality = g ? g->graduality : -1;
    if (c->graduality < 0 && d->replay->assume_low)
        c->graduality = GRADUALITY_low;
}

/* Makes a drawable from the match: the candidate met it, but its draw was not recorded. */
static struct drawable *stranger(struct replay_display *d, size_t at)
{
    const struct tap_event *ev = &d->group.items[at];
    const struct fields_match *m = FIELDS(ev, match);
    struct drawable *p = &d->stranger, *c = d->group.candidate;
    struct standing s = {.stream = DETECTOR_NO_STREAM};

    p->created = c->created - (uint64_t)m->since;
    p->box = m->other;
    p->known = false;
    p->width = m->verdict == MATCH_VERDICT_match ? c->width : -1;
    p->height = m->verdict == MATCH_VERDICT_match ? c->height : -1;
    s.first = m->verdict == MATCH_VERDICT_match ? 0 : p->created; /* 0: not known */
    if (at + 1 < d->group.count && d->group.items[at + 1].kind == EV_frame) {
        const struct fields_frame *f = FIELDS(&d->group.items[at + 1], frame);
        bool low = f->graduality == GRADUALITY_low;

        s.frames = (int32_t)f->frames - 1;
        s.gradual = (int32_t)f->gradual_frames - !low;
        s.last_gradual = low ? (int32_t)f->last_gradual : s.frames;
    }
    for (unsigned k = 0; k < d->replay->detectors; k++)
        p->of[k] = s;
    return p;
}

struct drawable *group_met(struct replay_display *d, size_t at)
{
    const struct fields_match *m = FIELDS(&d->group.items[at], match);
    const struct detector *det = &d->detectors[0];
    struct drawable *p;
    int s;

    if (m->against == MATCH_AGAINST_stream) {
        s = detector_stream_by_number(det, (uint64_t)m->index);
        if (s < 0 || det->streams[s].current || (det->streams[s].known && d->streams_known))
            return s >= 0 ? det->streams[s].current : NULL;
        p = stranger(d, at); /* stands for its frame from before the recording */
        for (unsigned k = 0; k < d->replay->detectors; k++)
            p->of[k].stream =
                (int16_t)detector_stream_by_number(&d->detectors[k], (uint64_t)m->index);
        return p;
    }
    p = display_created_at(d, d->group.candidate->created - (uint64_t)m->since);
    /* Only a copy's source area is recorded. */
    return p && p->copy && rect_same(&p->box, &m->other) ? p : stranger(d, at);
}
