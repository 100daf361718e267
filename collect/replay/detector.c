/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/detector.h"

const struct constants constants_built = {.trace_items = 8,
                                          .detection_delta = 200000000,
                                          .continuous_delta = 1000000000,
                                          .timeout = 1000000000,
                                          .frames_start = 20,
                                          .gradual = 0.2,
                                          .min_size = 96 * 96,
                                          .box_tolerance = 0};

/* ---- rectangles ---- */

bool rect_same(const struct tap_rect *a, const struct tap_rect *b)
{
    return !memcmp(a, b, sizeof(*a));
}

bool rect_holds(const struct tap_rect *outer, const struct tap_rect *inner)
{
    return outer->left <= inner->left && outer->right >= inner->right && outer->top <= inner->top &&
           outer->bottom >= inner->bottom;
}

bool rect_meets(const struct tap_rect *a, const struct tap_rect *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

int64_t rect_pixels(const struct tap_rect *r)
{
    return ((int64_t)r->right - r->left) * ((int64_t)r->bottom - r->top);
}

static bool near(int64_t a, int64_t b, int64_t tolerance)
{
    return a - b <= tolerance && b - a <= tolerance;
}

static bool rect_near(const struct tap_rect *a, const struct tap_rect *b, int32_t t)
{
    return near(a->left, b->left, t) && near(a->right, b->right, t) && near(a->top, b->top, t) &&
           near(a->bottom, b->bottom, t);
}

static bool rect_nearly_holds(const struct tap_rect *outer, const struct tap_rect *inner, int64_t t)
{
    return outer->left - t <= inner->left && outer->right + t >= inner->right &&
           outer->top - t <= inner->top && outer->bottom + t >= inner->bottom;
}

/* As rect_get_area of spice-common, which overflows for a hostile box. */
static int32_t area(const struct tap_rect *r)
{
    return (int32_t)(((uint32_t)r->right - (uint32_t)r->left) *
                     ((uint32_t)r->bottom - (uint32_t)r->top));
}

/* ---- life ---- */

int detector_init(struct detector *d, const struct constants *c, unsigned number, uint32_t display)
{
    *d = (struct detector){.constants = *c, .number = number, .display = display};
    d->ring = calloc(c->trace_items, sizeof(*d->ring));
    if (!d->ring)
        return -ENOMEM;
    detector_clear_ring(d);
    return 0;
}

void detector_free(struct detector *d)
{
    free(d->ring);
    d->ring = NULL;
}

void detector_clear_ring(struct detector *d)
{
    memset(d->ring, 0, d->constants.trace_items * sizeof(*d->ring));
    for (uint32_t i = 0; i < d->constants.trace_items; i++)
        d->ring[i].known = TRACE_ALL;
    d->next = 0;
}

void detector_forget(struct detector *d)
{
    detector_clear_ring(d);
    for (uint32_t i = 0; i < d->constants.trace_items; i++)
        d->ring[i].known = 0;
    memset(d->streams, 0, sizeof(d->streams));
    d->running = 0;
}

static struct standing *of(const struct detector *d, const struct drawable *drawable)
{
    return &drawable->of[d->number];
}

static void decide(struct detector *d, uint16_t kind, const void *fields, size_t size, int stream)
{
    struct tap_event ev; /* not cleared: this is the hottest place of whatif */

    if (!d->decided)
        return;
    ev.time = d->now;
    ev.kind = kind;
    ev.slots = (uint16_t)(size / 8);
    ev.tid = 0;
    memcpy(ev.v, fields, size);
    d->decided(d->who, &ev, stream);
}

#define DECIDE(d, name, stream, ...)                                                               \
    decide(d, EV_##name, &(struct fields_##name){.display = (d)->display, ##__VA_ARGS__},          \
           sizeof(struct fields_##name), stream)

/* ---- is_next_stream_frame ---- */

/* What a candidate is compared with. */
struct other {
    unsigned against;
    int64_t index;
    int32_t width, height;
    struct tap_rect box;
    uint64_t time;
    const struct stream *stream;
};

/* match_stream_frame's tests of the box, for a trace slot or the drawable before. */
static unsigned compare_exactly(const struct constants *c, const struct drawable *d,
                                const struct other *o)
{
    int64_t size = 2 * (int64_t)c->box_tolerance;

    if (!rect_near(&d->box, &o->box, c->box_tolerance))
        return MATCH_VERDICT_box_differs;
    if (!near(d->width, o->width, size) || !near(d->height, o->height, size))
        return MATCH_VERDICT_size_differs;
    return MATCH_VERDICT_match;
}

/* The same for a stream; a frame may be bigger than its stream. */
static unsigned compare_container(const struct constants *c, const struct drawable *d,
                                  const struct other *o)
{
    if (!rect_nearly_holds(&d->box, &o->box, c->box_tolerance))
        return MATCH_VERDICT_not_contained;
    if (area(&d->box) > (int32_t)(2 * (uint32_t)area(&o->box)))
        return MATCH_VERDICT_too_big;
    if (d->top_down >= 0 && o->stream->top_down >= 0 && d->top_down != o->stream->top_down)
        return MATCH_VERDICT_orientation;
    return MATCH_VERDICT_match;
}

static bool matches(struct detector *d, const struct drawable *candidate, const struct other *o)
{
    const struct constants *c = &d->constants;
    uint64_t since = candidate->created - o->time;
    unsigned verdict;

    if (!of(d, candidate)->streamable)
        verdict = MATCH_VERDICT_not_streamable;
    else if (since > (o->stream ? c->continuous_delta : c->detection_delta))
        verdict = MATCH_VERDICT_too_late;
    else
        verdict = o->stream ? compare_container(c, candidate, o) : compare_exactly(c, candidate, o);
    if (verdict == MATCH_VERDICT_match || !d->terse)
        DECIDE(d, match, DETECTOR_NO_STREAM, .drawable = candidate->address,
               .release_id = candidate->release_id, .against = o->against, .index = o->index,
               .verdict = verdict, .since = (int64_t)since, .other = o->box);
    return verdict == MATCH_VERDICT_match;
}

static bool matches_stream(struct detector *d, const struct drawable *candidate, int at)
{
    const struct stream *s = &d->streams[at];

    return matches(d, candidate,
                   &(struct other){.against = MATCH_AGAINST_stream,
                                   .index = s->number,
                                   .box = s->box,
                                   .time = s->last,
                                   .stream = s});
}

static bool matches_slot(struct detector *d, const struct drawable *candidate, uint32_t slot)
{
    const struct trace_item *t = &d->ring[slot];

    return matches(d, candidate,
                   &(struct other){.against = MATCH_AGAINST_trace,
                                   .index = slot,
                                   .width = t->width,
                                   .height = t->height,
                                   .box = t->box,
                                   .time = t->time});
}

static bool matches_previous(struct detector *d, const struct drawable *candidate,
                             const struct drawable *prev)
{
    return matches(d, candidate,
                   &(struct other){.against = MATCH_AGAINST_previous,
                                   .index = -1,
                                   .width = prev->width,
                                   .height = prev->height,
                                   .box = prev->box,
                                   .time = prev->created});
}

/* ---- streams ---- */

static int free_stream(const struct detector *d)
{
    for (int i = 0; i < DETECTOR_STREAMS; i++)
        if (!d->streams[i].running)
            return i;
    return -1;
}

int detector_adopt(struct detector *d, const struct stream *s, bool last_in_order)
{
    int at = free_stream(d);

    if (at < 0)
        return -1;
    d->streams[at] = *s;
    d->streams[at].running = true;
    if (last_in_order) {
        d->order[d->running++] = (uint8_t)at;
        return at;
    }
    memmove(d->order + 1, d->order, d->running++);
    d->order[0] = (uint8_t)at;
    return at;
}

int detector_stream_by_number(const struct detector *d, uint64_t number)
{
    for (unsigned i = 0; i < d->running; i++)
        if (d->streams[d->order[i]].number == number)
            return d->order[i];
    return -1;
}

/* The estimate in display_channel_create_stream. */
static uint64_t estimated_fps(const struct drawable *drawable, const struct standing *s)
{
    const uint64_t second = 1000000000;
    uint64_t duration = drawable->created - s->first, frames = (uint64_t)s->frames;

    if (duration > second * frames / DETECTOR_MAX_FPS)
        return (uint32_t)((second * frames + duration / 2) / duration);
    return DETECTOR_MAX_FPS;
}

static void create_stream(struct detector *d, struct drawable *drawable)
{
    struct standing *s = of(d, drawable);
    struct stream begun = {.known = true,
                           .frames = 1,
                           .created = drawable->created,
                           .last = drawable->created,
                           .width = drawable->width,
                           .height = drawable->height,
                           .box = drawable->box,
                           .top_down = drawable->top_down,
                           .current = drawable};
    int at = detector_adopt(d, &begun, false);

    if (at < 0)
        return;
    d->streams[at].number = (uint32_t)at;
    s->stream = (int16_t)at;
    DECIDE(d, stream_create, at, .stream = (uint32_t)at, .drawable = drawable->address,
           .release_id = drawable->release_id, .box = begun.box, .width = begun.width,
           .height = begun.height, .fps = estimated_fps(drawable, s), .frames = s->frames,
           .top_down = begun.top_down > 0);
}

void detector_detach(struct detector *d, int stream, unsigned reason)
{
    struct stream *s = &d->streams[stream];

    if (!s->current)
        return;
    DECIDE(d, stream_detach, stream, .stream = s->number, .drawable = s->current->address,
           .release_id = s->current->release_id, .reason = reason);
    of(d, s->current)->stream = DETECTOR_NO_STREAM;
    s->current = NULL;
}

/* The stream's frame gives way to the next one. */
static void attach(struct detector *d, struct drawable *drawable, int stream)
{
    struct stream *s = &d->streams[stream];
    uint64_t before = s->last;

    if (s->current) {
        of(d, s->current)->streamable = false; /* it leaves no trace */
        detector_detach(d, stream, DETACH_REASON_next_frame);
    }
    s->current = drawable;
    s->frames++;
    s->last = drawable->created;
    of(d, drawable)->stream = (int16_t)stream;
    DECIDE(d, stream_attach, stream, .stream = s->number, .drawable = drawable->address,
           .release_id = drawable->release_id, .since = (int64_t)(drawable->created - before),
           .box = drawable->box);
}

void detector_forget_stream(struct detector *d, int stream)
{
    struct stream *s = &d->streams[stream];
    unsigned at = 0;

    if (s->current)
        of(d, s->current)->stream = DETECTOR_NO_STREAM;
    while (at < d->running && d->order[at] != stream)
        at++;
    if (at < d->running)
        memmove(d->order + at, d->order + at + 1, --d->running - at);
    memset(s, 0, sizeof(*s));
}

void detector_stop(struct detector *d, int stream, unsigned reason)
{
    struct stream *s = &d->streams[stream];

    detector_detach(d, stream, DETACH_REASON_stopping);
    DECIDE(d, stream_stop, stream, .stream = s->number, .reason = reason,
           .age = (int64_t)(d->now - s->created), .idle = (int64_t)(d->now - s->last),
           .frames = s->frames);
    detector_forget_stream(d, stream);
}

void detector_gone(struct detector *d, struct drawable *drawable)
{
    int at = of(d, drawable)->stream;

    if (at >= 0 && d->streams[at].current == drawable)
        d->streams[at].current = NULL;
}

/* ---- counting ---- */

/* is_stream_start; in doubles, as spice-server computes it. */
static bool starts(const struct constants *c, const struct standing *s)
{
    return s->frames >= c->frames_start && s->gradual >= c->gradual * s->frames;
}

/* video_stream_add_frame. True: the frame is enough for a stream. */
static bool add_frame(struct detector *d, struct drawable *drawable, uint64_t first, int32_t frames,
                      int32_t gradual, int32_t last_gradual)
{
    struct standing *s = of(d, drawable);
    bool start;

    s->first = first;
    s->frames = (int32_t)((uint32_t)frames + 1);
    s->gradual = gradual;
    if (drawable->graduality != GRADUALITY_low) {
        if ((int32_t)((uint32_t)s->frames - (uint32_t)last_gradual) > DETECTOR_FRAMES_RESET) {
            s->frames = 1;
            s->gradual = 1;
        } else {
            s->gradual = (int32_t)((uint32_t)s->gradual + 1);
        }
        s->last_gradual = s->frames;
    } else {
        s->last_gradual = last_gradual;
    }
    start = starts(&d->constants, s);
    DECIDE(d, frame, DETECTOR_NO_STREAM, .drawable = drawable->address,
           .release_id = drawable->release_id, .frames = s->frames, .gradual_frames = s->gradual,
           .last_gradual = s->last_gradual, .graduality = (uint64_t)drawable->graduality,
           .starts = start);
    if (start)
        create_stream(d, drawable);
    return start;
}

/* ---- what happens in the tree ---- */

bool detector_big_enough(const struct constants *c, const struct drawable *d, bool filter)
{
    int32_t size = (int32_t)((uint32_t)d->width * (uint32_t)d->height);

    return !filter || size >= c->min_size;
}

void detector_draw(struct detector *d, struct drawable *drawable, bool streamable)
{
    *of(d, drawable) = (struct standing){
        .first = drawable->created, .stream = DETECTOR_NO_STREAM, .streamable = streamable};
}

void detector_meet(struct detector *d, struct drawable *candidate, struct drawable *prev)
{
    const struct standing *c = of(d, candidate), *p = of(d, prev);

    if (c->stream >= 0)
        return;
    if (p->stream >= 0) {
        if (matches_stream(d, candidate, p->stream))
            attach(d, candidate, p->stream);
    } else if (c->streamable && matches_previous(d, candidate, prev)) {
        add_frame(d, candidate, p->first, p->frames, p->gradual, p->last_gradual);
    }
}

bool detector_would_look(const struct detector *d, const struct drawable *candidate)
{
    const struct standing *c = of(d, candidate);

    return c->stream < 0 && c->streamable && !c->frames;
}

bool detector_look(struct detector *d, struct drawable *candidate)
{
    if (!detector_would_look(d, candidate))
        return false;
    for (unsigned i = 0; i < d->running; i++)
        if (matches_stream(d, candidate, d->order[i])) {
            attach(d, candidate, d->order[i]);
            return true;
        }
    for (uint32_t i = 0; i < d->constants.trace_items; i++) {
        const struct trace_item *t = &d->ring[i];

        if (matches_slot(d, candidate, i) &&
            add_frame(d, candidate, t->first, t->frames, t->gradual, t->last_gradual))
            return true;
    }
    return true;
}

bool detector_leaves_trace(const struct detector *d, const struct drawable *drawable)
{
    return of(d, drawable)->stream < 0 && of(d, drawable)->streamable;
}

void detector_leave(struct detector *d, struct drawable *drawable, unsigned reason)
{
    const struct standing *s = of(d, drawable);
    uint32_t slot = d->next & (d->constants.trace_items - 1);
    struct trace_item *t = &d->ring[slot];

    if (!detector_leaves_trace(d, drawable))
        return;
    d->next++;
    DECIDE(d, trace_add, DETECTOR_NO_STREAM, .drawable = drawable->address,
           .release_id = drawable->release_id, .slot = slot, .reason = reason, .frames = s->frames,
           .old = t->box, .old_age = t->time ? (int64_t)(d->now - t->time) : -1,
           .old_frames = t->frames, .box = drawable->box);
    *t = (struct trace_item){.time = drawable->created,
                             .first = s->first,
                             .frames = s->frames,
                             .gradual = s->gradual,
                             .last_gradual = s->last_gradual,
                             .width = drawable->width,
                             .height = drawable->height,
                             .box = drawable->box,
                             .known = TRACE_ALL};
}
