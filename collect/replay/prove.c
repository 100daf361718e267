/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "replay/learn.h"
#include "replay/prove.h"
#include "replay/sight.h"

/* ---- comparing ---- */

/* False for what a model cannot know: stream numbers, and clocks read just before the probe. */
static bool comparable(uint16_t kind, const char *field, const struct stream *s)
{
    if (kind == EV_stream_create && !strcmp(field, "fps"))
        return s && s->current && s->current->of[0].first;
    if (kind == EV_stream_create)
        return strcmp(field, "stream") && (strcmp(field, "top_down") || (s && s->top_down >= 0));
    if (kind == EV_trace_add)
        return strcmp(field, "old_age") != 0;
    if (kind == EV_stream_stop && !strcmp(field, "frames"))
        return s && s->known;
    return !(kind == EV_stream_stop && (!strcmp(field, "age") || !strcmp(field, "idle")));
}

static bool same_decision(const struct tap_event *expected, const struct tap_event *recorded,
                          const struct stream *s)
{
    const struct tap_kind_desc *kind = tap_kind_find(recorded->kind);

    if (expected->kind != recorded->kind)
        return false;
    for (unsigned i = 0; i < kind->count; i++) {
        const struct tap_field *f = &kind->fields[i];
        size_t slots = f->type == TYPE_RECT ? 2 : 1;

        if (comparable(recorded->kind, f->name, s) &&
            memcmp(&expected->v[f->slot], &recorded->v[f->slot], slots * sizeof(*expected->v)))
            return false;
    }
    return true;
}

void prove_count(struct replay_display *d, uint16_t kind, bool known)
{
    (*(known ? &d->replay->reproduced[kind] : &d->replay->taken[kind]))++;
}

/* ---- the recorded detector: every decision against the recorded one ---- */

bool prove_is_decision(const struct tap_event *ev)
{
    return ev->kind <= EV_stream_stop;
}

/* Takes over the recording's number of a stream. */
static void name_stream(struct replay_display *d, size_t e, const struct tap_event *recorded)
{
    int at = d->expected_stream[e];

    if (recorded->kind == EV_stream_create && at >= 0) {
        const struct fields_stream_create *c = FIELDS(recorded, stream_create);

        d->detectors[0].streams[at].number = (uint32_t)c->stream;
        if (d->detectors[0].streams[at].top_down < 0) {
            d->detectors[0].streams[at].top_down = c->top_down != 0;
            d->group.candidate->top_down = c->top_down != 0;
        }
        d->created++;
        sight_count(d, 0, recorded, at);
    } else if (recorded->kind == EV_match || recorded->kind == EV_frame) {
        sight_count(d, 0, recorded, at);
    }
}

/* Pipes can hold all stream numbers. Then a frame that should start a stream starts none. */
static bool none_was_free(struct replay_display *d, const struct tap_event *expected, int at)
{
    if (expected->kind != EV_stream_create || d->created < DETECTOR_STREAMS || at < 0)
        return false;
    detector_forget_stream(&d->detectors[0], at);
    return true;
}

static bool known_before(const struct replay_display *d, const struct tap_event *ev, bool known)
{
    if (group_is_match(ev, MATCH_AGAINST_trace)) {
        uint64_t i = (uint64_t)FIELDS(ev, match)->index;

        return i < d->detectors[0].constants.trace_items && known;
    }
    return known;
}

/* Compares the decisions since expected_count was 0 with the items from `at` on. Returns the first
 * item not compared; SIZE_MAX: they differ. */
static size_t compare(struct replay_display *d, size_t at, bool known)
{
    struct group *g = &d->group;

    for (size_t e = 0; e < d->expected_count; e++) {
        const struct tap_event *x = &d->expected[e];
        const struct tap_event *ev = at < g->count ? &g->items[at] : NULL;

        if (ev && same_decision(x, ev,
                                d->expected_stream[e] >= 0 && x->kind == EV_stream_create
                                    ? &d->detectors[0].streams[d->expected_stream[e]]
                                    : NULL)) {
            prove_count(d, ev->kind, known_before(d, ev, known));
            name_stream(d, e, ev);
            at++;
        } else if (!none_was_free(d, x, d->expected_stream[e])) {
            sight_differ(d, ev ? ev->time : x->time, x, ev, NULL);
            return SIZE_MAX;
        }
    }
    return at;
}

/* spice-server reads its clock for old_age before the probe, so it cannot be compared exactly. */
static bool plausible_age(const struct tap_event *ev, const struct trace_item *old)
{
    int64_t age = (int64_t)FIELDS(ev, trace_add)->old_age;

    return old->time ? age >= 0 && old->time + (uint64_t)age <= ev->time : age == -1;
}

bool prove_leave(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_trace_add *t = FIELDS(ev, trace_add);
    struct detector *det = &d->detectors[0];
    struct drawable *p = display_find(d, t->drawable);
    uint32_t mask = det->constants.trace_items - 1;
    struct trace_item old;

    if (d->next_known && t->slot == 0 && t->old_age == -1 && det->ring[det->next & mask].time)
        group_clear_rings(d);
    if (!d->next_known)
        det->next = (uint32_t)t->slot;
    d->next_known = true;
    old = det->ring[det->next & mask];
    d->expected_count = 0;
    if (!p || !p->known) { /* it is from before the recording, with unknown counts */
        det->next++;
        det->ring[t->slot & mask] =
            (struct trace_item){.time = 1, .frames = (int32_t)t->frames, .box = t->box, .known = 0};
        prove_count(d, ev->kind, false);
        return true;
    }
    det->now = ev->time;
    detector_leave(det, p, (unsigned)t->reason);
    if (!d->expected_count) {
        sight_differ(d, ev->time, NULL, ev,
                     "the model has it as a stream's frame, or not streamable");
        return false;
    }
    if (old.known != TRACE_ALL) { /* the slot's old content is from before the recording */
        prove_count(d, ev->kind, false);
        return true;
    }
    if (!same_decision(&d->expected[0], ev, NULL) || !plausible_age(ev, &old)) {
        sight_differ(d, ev->time, &d->expected[0], ev, NULL);
        return false;
    }
    prove_count(d, ev->kind, true);
    return true;
}

bool prove_detach(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);
    int s = detector_stream_by_number(&d->detectors[0], e->stream);
    const struct drawable *now = s >= 0 ? d->detectors[0].streams[s].current : NULL;

    d->replay->given[EV_stream_detach]++;
    if (s < 0 || (now && now->address == e->drawable) ||
        (!now && !d->detectors[0].streams[s].known))
        return true;
    if (!d->streams_known)
        return true;
    sight_differ(d, ev->time, NULL, ev, "the model has another frame, or none, in this stream");
    return false;
}

void replay_leave(struct replay_display *d, struct drawable *p, unsigned reason, unsigned from)
{
    for (unsigned k = from; p->in_tree && k < d->replay->detectors; k++)
        detector_leave(&d->detectors[k], p, reason);
    display_leave_tree(d, p);
}

void replay_detach(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);
    struct drawable *p = display_find(d, e->drawable);

    if (p && e->reason == DETACH_REASON_drawable_gone)
        replay_leave(d, p, REMOVE_REASON_obscured, 1); /* it has left the tree already */
    for (unsigned k = 0; p && k < d->replay->detectors; k++)
        if (p->of[k].stream >= 0)
            detector_detach(&d->detectors[k], p->of[k].stream, (unsigned)e->reason);
}

bool prove_group(struct replay_display *d)
{
    struct group *g = &d->group;
    struct detector *det = &d->detectors[0];
    bool known = !d->unsure;
    size_t i = 0;

    while (i < g->count) {
        const struct tap_event *ev = &g->items[i];

        det->now = ev->time;
        d->expected_count = 0;
        if (i == g->tail) {
            group_learn_slots(d);
            if (!detector_look(det, g->candidate)) {
                sight_differ(d, ev->time, NULL, ev,
                             "the model does not look for it in the trace ring");
                return false;
            }
            i = compare(d, i, known);
        } else if (ev->kind == EV_match) {
            struct drawable *p = group_met(d, i);

            if (p)
                detector_meet(det, g->candidate, p);
            if (!d->expected_count) {
                sight_differ(d, ev->time, NULL, ev, "the model has no reason to compare the two");
                return false;
            }
            i = compare(d, i, known && p && p->known);
        } else if (ev->kind == EV_trace_add) {
            i = prove_leave(d, ev) ? i + 1 : SIZE_MAX;
        } else if (ev->kind == EV_stream_detach) {
            if (!prove_detach(d, ev))
                return false;
            if (display_find(d, FIELDS(ev, stream_detach)->drawable) &&
                display_find(d, FIELDS(ev, stream_detach)->drawable)->of[0].stream >= 0)
                detector_detach(det,
                                display_find(d, FIELDS(ev, stream_detach)->drawable)->of[0].stream,
                                (unsigned)FIELDS(ev, stream_detach)->reason);
            i++;
        } else if (prove_is_decision(ev)) {
            sight_differ(d, ev->time, NULL, ev, "the model decides nothing here");
            return false;
        } else {
            i++;
        }
        if (i == SIZE_MAX)
            return false;
    }
    if (g->tail == g->count && g->opaque && detector_would_look(det, g->candidate)) {
        g->equal = true; /* trace_update was not called, so the draw met its equal */
        if (g->met || !d->sees_draws)
            return true;
        sight_differ(d, g->candidate->created, NULL, NULL,
                     "the model looks for it in the trace ring; the server did not");
        return false;
    }
    return true;
}
