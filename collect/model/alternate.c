/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "event/event.h"
#include "model/alternate.h"

enum {
    LEAST_PIXELS = 96 * 96, /* RED_STREAM_MIN_SIZE, spice's video-stream.h */
    LEAST_CHANGES_PERCENT = 10,
};

/* Less is what any video takes to become a stream. */
#define LEAST_LOST (2 * NS_PER_SECOND)

void alternates_init(struct model_alternates *a, const struct model_losses *losses)
{
    a->losses = losses;
}

void alternates_free(struct model_alternates *a)
{
    for (int i = 0; i < GROUPS; i++)
        histogram_free(&a->list[i].returns);
}

/* ---- rows ---- */

/* Adds one to the row. If it is 20 long, `least` becomes the largest of them if that is less. */
static void row_add(struct alternate_row *row, uint64_t value, uint64_t *least)
{
    uint64_t most = 0;

    row->last[row->count++ % MODEL_START_FRAMES] = value;
    if (row->count < MODEL_START_FRAMES)
        return;
    for (int i = 0; i < MODEL_START_FRAMES; i++)
        most = row->last[i] > most ? row->last[i] : most;
    *least = most < *least ? most : *least;
}

/* A stream's frame, or a loss: what comes next begins anew. */
static void begin_anew(struct model_alternate *p)
{
    for (int i = 0; i < GROUP_BOXES; i++)
        p->boxes[i] = (struct alternate_box){0};
    p->offs.count = p->recents = p->in_row = 0;
    p->before = false;
}

/* How many pixels the furthest edge is off. */
static uint64_t off(const int32_t *a, const int32_t *b)
{
    uint64_t most = 0;

    for (int i = 0; i < 4; i++) {
        int64_t d = (int64_t)a[i] - b[i];
        uint64_t far = (uint64_t)(d < 0 ? -d : d);

        most = far > most ? far : most;
    }
    return most;
}

/* Of the last redraws, 200 ms old at most, the one whose box is nearest. UINT64_MAX: none. */
static uint64_t nearest(const struct model_alternate *p, const int32_t *box, uint64_t created)
{
    unsigned count = p->recents < ALTERNATE_RECENT ? p->recents : ALTERNATE_RECENT;
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < count; i++) {
        uint64_t far = off(p->recent[i].box, box);

        if (created - p->recent[i].created <= MODEL_MAX_DELTA && far < best)
            best = far;
    }
    return best;
}

/* ---- one redraw ---- */

/* In a row of any boxes: what one box would have counted. */
static void any_box(struct model_alternate *p, const int32_t *box, uint64_t apart, uint64_t created)
{
    unsigned place = p->recents % ALTERNATE_RECENT;
    uint64_t far = nearest(p, box, created);

    if (!apart || apart > MODEL_MAX_DELTA || far == UINT64_MAX) {
        p->in_row = p->offs.count = 0;
    } else {
        p->in_row++;
        row_add(&p->offs, far, &p->need_pixels);
    }
    if (p->in_row > p->most_in_row)
        p->most_in_row = p->in_row;
    if (p->in_row > MODEL_START_FRAMES)
        p->lost_ns += apart;
    p->recent[place].created = created;
    memcpy(p->recent[place].box, box, sizeof(p->recent[place].box));
    p->recents++;
}

/* In a row of this very box. */
static void same_box(struct model_alternate *p, int box, uint64_t created, uint64_t now)
{
    struct alternate_box *b = &p->boxes[box];
    uint64_t since = b->created && created > b->created ? created - b->created : 0;

    if (since)
        row_add(&b->row, since, &p->need_delta);
    if (since && p->before && p->box != box) {
        histogram_add(&p->returns, since, now);
        p->late += since > MODEL_MAX_DELTA;
    }
    b->created = created;
}

static void decided(struct model_alternate *p, const struct model_candidate *c, enum outcome o)
{
    bool counted = o == OUT_COUNTED || o == OUT_NOT_NATURAL;

    p->counted += counted;
    /* RED_STREAM_GRADUAL_FRAMES_START_CONDITION is 0.2, a fifth */
    p->natural += counted && c->gradual >= c->frames / 5 + (c->frames % 5 > 0);
    if (counted && c->frames > 0 && (uint64_t)c->frames > p->longest) {
        p->longest = (uint64_t)c->frames;
        p->longest_at = c->time;
    }
    p->seen_late +=
        !counted && c->has_near && !c->near_off && c->near_verdict == MATCH_VERDICT_too_late;
    p->overwritten += o == OUT_EVICTED_OVER || o == OUT_OTHER_OVER;
}

static bool big_enough(const int32_t *box)
{
    int64_t width = (int64_t)box[2] - box[0], height = (int64_t)box[3] - box[1];

    return width > 0 && height > 0 &&
           (width >= LEAST_PIXELS || height >= LEAST_PIXELS || width * height >= LEAST_PIXELS);
}

uint32_t alternates_redraw(struct model_alternates *a, const struct model_candidate *c,
                           enum outcome o)
{
    struct group_draw d;
    struct model_alternate *p;
    uint64_t apart;

    if ((c->verdict && o != OUT_STREAMED) || !big_enough(c->box))
        return 0;
    d = groups_draw(&a->groups, c->display, c->box, c->time);
    if (d.group == GROUP_NONE)
        return 0;
    p = &a->list[d.group];
    if (d.new_group) {
        histogram_free(&p->returns);
        *p = (struct model_alternate){.need_delta = UINT64_MAX, .need_pixels = UINT64_MAX};
        p->first = c->time;
    }
    if (d.new_box)
        p->boxes[d.box] = (struct alternate_box){0};
    p->last = c->time;
    if (o == OUT_STREAMED) {
        p->streamed++;
        begin_anew(p);
        return (uint32_t)d.group + 1;
    }
    apart = p->before && c->created > p->created ? c->created - p->created : 0;
    p->redraws++;
    p->ns += apart <= NS_PER_SECOND ? apart : 0;
    p->changes += p->before && (p->box != d.box || d.new_box);
    any_box(p, c->box, apart, c->created);
    same_box(p, d.box, c->created, c->time);
    decided(p, c, o);
    p->before = true;
    p->box = d.box;
    p->created = c->created;
    a->groups.list[d.group].fixed |= p->lost_ns >= LEAST_LOST;
    return (uint32_t)d.group + 1;
}

/* As regions_loss: a place drawn in the last second may have been drawn in the loss, too. */
void alternates_loss(struct model_alternates *a, enum tap_source source, uint64_t count)
{
    uint64_t known = a->losses->last[SOURCE_SPICE];

    if (!losses_of_server(source))
        return;
    for (uint32_t i = 0; i < a->groups.places.count; i++) {
        struct model_alternate *p = &a->list[i];

        if (known > p->last && known - p->last > NS_PER_SECOND)
            continue;
        p->losses++;
        p->lost += count;
        begin_anew(p);
    }
}

/* ---- the end ---- */

/* Did only the boxes keep a stream from it? */
static bool alternates(const struct model_alternates *a, uint32_t i)
{
    const struct model_alternate *p = &a->list[i];

    return p->lost_ns >= LEAST_LOST && p->longest < MODEL_START_FRAMES &&
           p->need_delta > MODEL_MAX_DELTA && /* else the trace ring had lost its history */
           p->changes * 100 >= p->redraws * LEAST_CHANGES_PERCENT && p->natural * 2 >= p->counted &&
           groups_main_boxes(&a->groups.list[i]) > 1;
}

void alternates_end(struct model_alternates *a)
{
    for (uint32_t i = 0; i < a->groups.places.count; i++) {
        uint32_t at = a->kept;

        if (!alternates(a, i))
            continue;
        for (; at && a->list[a->by_id[at - 1]].lost_ns < a->list[i].lost_ns; at--)
            a->by_id[at] = a->by_id[at - 1];
        a->by_id[at] = (uint16_t)i;
        a->kept++;
    }
    for (uint32_t k = 0; k < a->kept; k++)
        a->list[a->by_id[k]].id = k + 1;
}

const struct model_alternate *alternates_kept(const struct model_alternates *a, uint32_t id)
{
    return id && id <= a->kept ? &a->list[a->by_id[id - 1]] : NULL;
}

const struct box_group *alternates_group(const struct model_alternates *a,
                                         const struct model_alternate *of)
{
    return &a->groups.list[of - a->list];
}
