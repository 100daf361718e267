/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "replay/regions.h"
#include "replay/sight.h"

/* ---- what the detectors decide ---- */

void sight_end_stream(struct replay_display *d, unsigned k, const struct stream *s, uint64_t until,
                      unsigned reason)
{
    struct replay_result *result = &d->replay->results[k];
    struct replay_region *g = region_of(d->replay, d->id, &s->box);
    uint64_t from = s->known && s->created > d->forgot ? s->created : d->forgot;

    if (until < from)
        until = from;
    if (g)
        g->of[k].time += until - from;
    if (bounded_take(&result->listed, REPLAY_STREAMS))
        result->streams[result->listed.count - 1] = (struct replay_stream){
            d->id, s->box, s->known ? s->created : 0, until, s->frames, reason};
}

static void count_begun(struct replay_region *g, unsigned k, uint64_t time)
{
    if (!g)
        return;
    g->of[k].streams++;
    if (!g->of[k].first)
        g->of[k].first = time;
}

void sight_count(struct replay_display *d, unsigned k, const struct tap_event *ev, int at)
{
    struct replay_result *result = &d->replay->results[k];
    const struct drawable *p = d->group.candidate;
    struct replay_region *g;

    if (d->unsure)
        return;
    result->matches += ev->kind == EV_match && FIELDS(ev, match)->verdict == MATCH_VERDICT_match;
    if (ev->kind == EV_frame) {
        result->counted++;
        if (k && p && !p->graduality_known)
            (*(p->graduality >= 0 ? &result->guessed : &result->assumed))++;
    }
    if (ev->kind == EV_stream_stop)
        sight_end_stream(d, k, &d->detectors[k].streams[at], ev->time,
                         (unsigned)FIELDS(ev, stream_stop)->reason);
    if (ev->kind != EV_stream_create)
        return;
    result->created++;
    count_begun(region_group(d->replay, d->id, &d->detectors[k].streams[at].box), k, ev->time);
    g = region_of(d->replay, d->id, &d->detectors[k].streams[at].box);
    if (!g && p)
        g = region_new(d->replay, p, d->id);
    count_begun(g, k, ev->time);
}

void sight_decided(void *who, const struct tap_event *ev, int stream)
{
    struct listener *l = who;
    struct replay_display *d = l->display;

    if (l->number == 0 && d->expected_count < EXPECTED) {
        d->expected_stream[d->expected_count] = stream;
        memcpy(&d->expected[d->expected_count++], ev,
               offsetof(struct tap_event, v) + ev->slots * sizeof(*ev->v));
    }
    if (d->unsure)
        return;
    if (l->number)
        sight_count(d, l->number, ev, stream);
    if (d->replay->listen && l->number == d->replay->listed)
        d->replay->listen(d->replay->who, ev);
}

void sight_set_time(struct replay_display *d, uint64_t now)
{
    for (unsigned k = 0; k < d->replay->detectors; k++)
        d->detectors[k].now = now;
}

/* ---- no conclusions: the beginning, losses, differences, overflows ---- */

void sight_forget(struct replay_display *d, uint64_t time)
{
    display_drop_all(d);
    for (unsigned k = 0; k < d->replay->detectors; k++) {
        detector_forget(&d->detectors[k]);
        if (k)
            detector_clear_ring(&d->detectors[k]);
    }
    d->group.open = false;
    d->next_known = d->streams_known = d->sees_draws = false;
    d->created = 0;
    d->unsure = true;
    d->forgot = time;
}

void sight_lose(struct replay_display *d, uint64_t from, uint64_t now, enum replay_blind why)
{
    struct replay *r = d->replay;
    uint64_t blind = d->before ? d->before : d->forgot;

    if (d->unsure && from > blind) /* the unknown span before stays inconclusive */
        r->inconclusive += from - blind;
    for (unsigned k = 0; k < r->detectors; k++)
        for (unsigned i = 0; i < d->detectors[k].running; i++)
            sight_end_stream(d, k, &d->detectors[k].streams[d->detectors[k].order[i]], from,
                             REPLAY_CUT);
    d->span = 0;
    if (bounded_take(&r->unsure, REPLAY_SPANS)) {
        r->spans[r->unsure.count - 1] = (struct replay_span){from, now, why};
        d->span = r->unsure.count;
    }
    sight_forget(d, now);
    d->before = from;
}

/* An alternative begins with what the recorded detector has now. */
static void seed(struct replay_display *d, struct detector *to)
{
    const struct detector *from = &d->detectors[0];
    uint32_t items = from->constants.trace_items;

    memset(to->streams, 0, sizeof(to->streams));
    to->running = 0;
    for (struct drawable *p = display_oldest(d); p; p = display_younger(p)) {
        p->of[to->number] = p->of[0];
        p->of[to->number].streamable =
            p->of[0].streamable && detector_big_enough(&to->constants, p, !d->filter_off);
    }
    for (unsigned i = 0; i < from->running; i++) {
        const struct stream *s = &from->streams[from->order[i]];
        int at = detector_adopt(to, s, true);

        if (s->current && at >= 0)
            s->current->of[to->number].stream = (int16_t)at;
    }
    detector_clear_ring(to);
    for (uint32_t i = 0; i < items; i++) { /* oldest first */
        const struct trace_item *t = &from->ring[(from->next + i) & (items - 1)];

        if (t->known == TRACE_ALL && t->time)
            to->ring[to->next++ & (to->constants.trace_items - 1)] = *t;
    }
    if (items == to->constants.trace_items) { /* in the same slots too */
        memcpy(to->ring, from->ring, items * sizeof(*to->ring));
        to->next = from->next;
    }
}

void sight_regain(struct replay_display *d, uint64_t now)
{
    struct replay *r = d->replay;
    uint64_t longest = 0;

    if (!d->unsure || !d->streams_known)
        return;
    for (unsigned k = 0; k < r->detectors; k++)
        if (r->results[k].constants.detection_delta > longest)
            longest = r->results[k].constants.detection_delta;
    if (now < d->forgot + longest)
        return;
    d->unsure = false;
    for (unsigned k = 1; k < r->detectors; k++)
        seed(d, &d->detectors[k]);
    r->inconclusive += now - (d->before ? d->before : d->forgot);
    if (d->span)
        r->spans[d->span - 1].to = now;
    d->span = 0;
}

void sight_differ(struct replay_display *d, uint64_t time, const struct tap_event *expected,
                  const struct tap_event *recorded, const char *why)
{
    struct replay *r = d->replay;

    if (r->differs < REPLAY_DIFFERENCES) {
        struct replay_difference *x = &r->differences[r->differs];

        x->time = time;
        x->why = why;
        if (expected)
            x->expected = *expected;
        if (recorded)
            x->recorded = *recorded;
    }
    r->differs++;
}
