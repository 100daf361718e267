/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/replay_state.h"

/* ---- life
 * ----------------------------------------------------------------------------------------- */

static void display_free(struct replay_display *d)
{
    if (!d)
        return;
    for (unsigned k = 0; d->detectors && k < d->replay->detectors; k++)
        detector_free(&d->detectors[k]);
    free(d->detectors);
    free(d->table);
    free(d->standings);
    free(d->group.items);
    free(d->expected);
    free(d);
}

static void forget(struct replay_display *d, uint64_t time)
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

static detector_decided decided;

struct listener {
    struct replay_display *display;
    unsigned number;
};

static int make_detectors(struct replay_display *d)
{
    struct replay *r = d->replay;
    struct listener *l = (struct listener *)(d->detectors + r->detectors);
    int err = 0;

    for (unsigned k = 0; k < r->detectors && !err; k++) {
        err = detector_init(&d->detectors[k], &r->results[k].constants, k, d->id);
        l[k] = (struct listener){d, k};
        d->detectors[k].decided = decided;
        d->detectors[k].who = &l[k];
    }
    return err;
}

static struct replay_display *make_display(struct replay *r, uint32_t id, uint64_t time)
{
    struct replay_display *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->replay = r;
    d->id = id;
    d->table = calloc(REPLAY_DRAWABLES, sizeof(*d->table));
    d->standings = calloc((size_t)(REPLAY_DRAWABLES + 1) * r->detectors, sizeof(*d->standings));
    d->detectors = calloc(r->detectors, sizeof(*d->detectors) + sizeof(struct listener));
    d->expected = calloc(EXPECTED, sizeof(*d->expected));
    if (!d->table || !d->standings || !d->detectors || !d->expected || make_detectors(d)) {
        display_free(d);
        return NULL;
    }
    forget(d, time);
    return d;
}

struct replay_display *replay_display_of(struct replay *r, uint64_t id, uint64_t time)
{
    for (int i = 0; i < REPLAY_DISPLAYS; i++) {
        if (!r->displays[i]) {
            r->display_count++;
            return r->displays[i] = make_display(r, (uint32_t)id, time);
        }
        if (r->displays[i]->id == id)
            return r->displays[i];
    }
    return NULL;
}

bool replay_has_place(const struct replay *r, uint64_t id)
{
    for (int i = 0; i < REPLAY_DISPLAYS; i++)
        if (!r->displays[i] || r->displays[i]->id == id)
            return true;
    return false;
}

int replay_init(struct replay *r, const struct constants *constants, unsigned detectors)
{
    *r = (struct replay){.detectors = detectors};
    r->results = calloc(detectors, sizeof(*r->results));
    r->regions = calloc(REPLAY_REGIONS, sizeof(*r->regions));
    if (!r->results || !r->regions) {
        replay_free(r);
        return -ENOMEM;
    }
    for (unsigned k = 0; k < detectors; k++)
        r->results[k].constants = constants[k];
    return 0;
}

void replay_free(struct replay *r)
{
    for (int i = 0; i < REPLAY_DISPLAYS; i++)
        display_free(r->displays[i]);
    free(r->results);
    free(r->regions);
    memset(r, 0, sizeof(*r));
}

/* ---- what the detectors decide
 * ------------------------------------------------------------------------ */

void replay_end_stream(struct replay_display *d, unsigned k, const struct stream *s, uint64_t until,
                       unsigned reason)
{
    struct replay_result *result = &d->replay->results[k];
    struct replay_region *g = replay_region_of(d->replay, d->id, &s->box);
    uint64_t from = s->known && s->created > d->forgot ? s->created : d->forgot;

    if (until < from)
        until = from;
    if (g)
        g->of[k].time += until - from;
    if (result->stream_count < REPLAY_STREAMS)
        result->streams[result->stream_count++] = (struct replay_stream){
            d->id, s->box, s->known ? s->created : 0, until, s->frames, reason};
}

void replay_count_decision(struct replay_display *d, unsigned k, const struct tap_event *ev, int at)
{
    struct replay_result *result = &d->replay->results[k];
    const struct drawable *p = d->group.candidate;
    struct replay_region *g;

    if (d->unsure)
        return;
    result->matches += ev->kind == EV_match && FIELDS(ev, match)->verdict == MATCH_YES;
    if (ev->kind == EV_frame) {
        result->counted++;
        if (k && p && !p->graduality_known)
            (*(p->graduality >= 0 ? &result->guessed : &result->assumed))++;
    }
    if (ev->kind == EV_stream_stop)
        replay_end_stream(d, k, &d->detectors[k].streams[at], ev->time,
                          (unsigned)FIELDS(ev, stream_stop)->reason);
    if (ev->kind != EV_stream_create)
        return;
    result->created++;
    g = replay_region_of(d->replay, d->id, &d->detectors[k].streams[at].box);
    if (!g && p)
        g = replay_new_region(d->replay, p, d->id);
    if (!g)
        return;
    g->of[k].streams++;
    if (!g->of[k].first)
        g->of[k].first = ev->time;
}

static void decided(void *who, const struct tap_event *ev, int stream)
{
    struct listener *l = who;
    struct replay_display *d = l->display;

    if (l->number == 0 && d->expected_count < EXPECTED) {
        d->expected_stream[d->expected_count] = stream;
        d->expected[d->expected_count++] = *ev;
    }
    if (d->unsure)
        return;
    if (l->number)
        replay_count_decision(d, l->number, ev, stream);
    if (d->replay->listen && l->number == d->replay->listed)
        d->replay->listen(d->replay->who, ev);
}

void replay_set_time(struct replay_display *d, uint64_t now)
{
    for (unsigned k = 0; k < d->replay->detectors; k++)
        d->detectors[k].now = now;
}

/* ---- no conclusions: the beginning, losses, differences
 * -------------------------------------------------- */

void replay_lose_sight(struct replay_display *d, uint64_t from, uint64_t now, bool loss)
{
    struct replay *r = d->replay;

    for (unsigned k = 0; k < r->detectors; k++)
        for (unsigned i = 0; i < d->detectors[k].running; i++)
            replay_end_stream(d, k, &d->detectors[k].streams[d->detectors[k].order[i]], from,
                              REPLAY_CUT);
    d->span = 0;
    if (r->span_count < REPLAY_SPANS) {
        r->spans[r->span_count++] = (struct replay_span){from, now, loss};
        d->span = r->span_count;
    } else {
        r->spans_over++;
    }
    forget(d, now);
    d->before = from;
}

/* The alternatives begin with what the recorded detector has now. */
static void seed(struct replay_display *d, struct detector *to)
{
    const struct detector *from = &d->detectors[0];
    uint32_t items = from->constants.trace_items;

    memset(to->streams, 0, sizeof(to->streams));
    to->running = 0;
    for (int32_t i = d->newest; i >= 0; i = d->table[i].older) {
        bool can = d->table[i].of[0].streamable;

        can &= detector_big_enough(&to->constants, &d->table[i], !d->filter_off);
        d->table[i].of[to->number] = d->table[i].of[0];
        d->table[i].of[to->number].streamable = can;
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
    if (items == to->constants.trace_items) { /* the same slots too */
        memcpy(to->ring, from->ring, items * sizeof(*to->ring));
        to->next = from->next;
    }
}

void replay_regain_sight(struct replay_display *d, uint64_t now)
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

void replay_differ(struct replay_display *d, uint64_t time, const struct tap_event *expected,
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
