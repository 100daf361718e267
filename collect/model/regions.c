/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/regions.h"

void regions_init(struct model_regions *r, const struct model_streams *streams,
                  const struct model_losses *losses)
{
    r->streams = streams;
    r->losses = losses;
}

void regions_free(struct model_regions *x)
{
    for (int i = 0; i < MODEL_BOXES; i++)
        histogram_free(&x->boxes[i].intervals);
}

static struct watched_box watched(uint64_t display, uint64_t surface, const int32_t *box)
{
    struct watched_box w = {.display = (uint32_t)display, .surface = (uint32_t)surface};

    memcpy(w.box, box, sizeof(w.box));
    return w;
}

uint32_t regions_find(const struct model_regions *x, uint64_t display, uint64_t surface,
                      const int32_t *box)
{
    struct watched_box like = watched(display, surface, box);

    return (uint32_t)(boxes_find(&x->watched, &like) + 1);
}

/* A box that moved a little since it was last drawn is the same region. */
static void move(struct model_regions *x, int i, const int32_t *box)
{
    x->boxes[i].moves++;
    memcpy(x->boxes[i].box, box, sizeof(x->boxes[i].box));
    memcpy(x->watched.list[i].box, box, sizeof(x->watched.list[i].box));
}

/* A new box, in place of another if need be; -1: all are fixed. */
static int make(struct model_regions *x, const struct watched_box *w, uint64_t now)
{
    int i = boxes_place(&x->watched);
    struct model_region *r = &x->boxes[i < 0 ? 0 : i];

    if (i < 0)
        return -1;
    x->watched.places.over += r->used && r->count > 2 && now - r->last < NS_PER_SECOND / 2;
    histogram_free(&r->intervals);
    memset(r, 0, sizeof(*r));
    x->watched.list[i] = *w;
    x->watched.places.count += i == (int)x->watched.places.count;
    r->used = true;
    r->doubt_last = x->losses->places[SOURCE_META] + x->losses->places[SOURCE_SPICE] > 0;
    r->display = w->display;
    r->surface = w->surface;
    memcpy(r->box, w->box, sizeof(r->box));
    memcpy(r->first_box, w->box, sizeof(r->first_box));
    r->least_late = UINT64_MAX;
    r->least_off = UINT32_MAX;
    return i;
}

static int find_or_make(struct model_regions *x, const struct fields_draw *f, uint64_t now)
{
    struct watched_box w = watched(f->display, f->surface, (const int32_t *)&f->box);
    int i = boxes_find(&x->watched, &w);

    if (i >= 0)
        return i;
    i = boxes_near(&x->watched, &w, now);
    if (i < 0)
        return make(x, &w, now);
    move(x, i, w.box);
    return i;
}

static void keep(struct model_regions *x, struct model_region *r)
{
    if (!r->kept && !r->over) {
        r->kept = bounded_take(&x->kept, MODEL_REGIONS);
        r->over = !r->kept;
        if (r->kept) {
            x->by_id[x->kept.count - 1] = (uint16_t)(r - x->boxes);
            r->id = x->kept.count;
        }
    }
    r->qualified = r->kept;
}

/* ---- one drawable ---- */

static enum outcome outcome_of(const struct model_regions *x, const struct model_candidate *c)
{
    const struct model_region *r = &x->boxes[c->region - 1];
    bool late = c->interval > MODEL_MAX_DELTA;

    if (c->lost)
        return OUT_LOST;
    if (c->streamed)
        return OUT_STREAMED;
    if (c->verdict)
        return c->verdict < OUT_VERDICTS ? (enum outcome)c->verdict : OUT_LOST;
    if (c->starts)
        return OUT_NO_ROOM;
    if (c->counted)
        return c->frames >= MODEL_START_FRAMES ? OUT_NOT_NATURAL : OUT_COUNTED;
    if (!r->last_created)
        return OUT_FIRST;
    if (r->doubt_last) /* a redraw between the two, or its history, may have been lost */
        return OUT_LOST;
    if (c->has_near && fate_of_match(c->near_verdict) != OUT_TOO_LATE)
        return fate_of_match(c->near_verdict);
    if (late || (c->has_near && c->near_since <= (int64_t)(c->interval + NS_PER_MS)))
        return OUT_TOO_LATE;
    if (r->history_lost >= r->last)
        return r->history_lost_evicted ? OUT_EVICTED_OVER : OUT_OTHER_OVER;
    return OUT_NO_HISTORY;
}

static void piece(struct model_regions *x, const int32_t *box, enum outcome o)
{
    int64_t width = (int64_t)box[2] - box[0], height = (int64_t)box[3] - box[1];

    if (!x->has_client_box || width <= 0 || height <= 0 || !box_is_inside(box, x->client_box))
        return;
    x->pieces[o] += (uint64_t)width * (uint64_t)height;
    x->pieces_all += (uint64_t)width * (uint64_t)height;
}

bool regions_decides(const struct tap_event *ev)
{
    /* A stream's end needs the fate of every redraw before it. */
    return ev->kind == EV_draw || ev->kind == EV_stream_stop;
}

const struct model_candidate *regions_settle(struct model_regions *x, unsigned slot,
                                             enum outcome *out)
{
    struct model_candidate *c = &x->now[slot];
    struct model_region *r;
    enum outcome o;

    if (!c->open)
        return NULL;
    c->open = false;
    r = &x->boxes[c->region - 1];
    o = *out = outcome_of(x, c);
    piece(x, c->box, o);
    if (region_redraw(r, c, o))
        keep(x, r);
    x->watched.list[c->region - 1].last = r->last;
    x->watched.list[c->region - 1].fixed = r->kept;
    return c;
}

/* Is `box` at least half of the stream's box, from edge to edge? A display that is not QXL draws
 * what changed of a column of 32 pixels: qemu_spice_create_update in QEMU's ui/spice-display.c. */
static bool is_piece(const int32_t *stream, const int32_t *box)
{
    bool columns = box[0] == stream[0] && box[2] == stream[2];
    bool rows = box[1] == stream[1] && box[3] == stream[3];
    int along = columns ? 1 : 0; /* the side that may differ: its first edge */
    int64_t length = (int64_t)box[along + 2] - box[along];

    return (columns || rows) && box[along] >= stream[along] &&
           box[along + 2] <= stream[along + 2] &&
           length * 2 >= (int64_t)stream[along + 2] - stream[along];
}

/* Finds the running streams whose box, or most of it, the drawing has: it is their frame, or
 * replaces one. Other drawings over a stream's place, such as a terminal, are no frames that the
 * server could refuse. */
static void cover(struct model_regions *x, struct model_candidate *c)
{
    uint32_t off;

    for (uint32_t i = 0; i < x->streams->running.count; i++) {
        const struct model_stream *t = &x->streams->live[i];

        if (t->display != c->display || !t->has_box ||
            (!boxes_alike(t->box, c->box, &off) && !is_piece(t->box, c->box)))
            continue;
        if (c->covered_count == MODEL_COVERED)
            x->covered_over++;
        else
            c->covered[c->covered_count++] = t->id;
    }
}

static void draw(struct model_regions *x, const struct model_seen *e, struct model_attr *attr)
{
    const struct fields_draw *f = FIELDS(e->ev, draw);
    struct model_candidate *c = &x->now[e->slot];
    uint64_t now = e->ev->time, last;
    int at = find_or_make(x, f, now);

    if (at < 0)
        return;
    x->watched.list[at].fixed = true;
    last = x->boxes[at].last_created;
    memset(c, 0, sizeof(*c));
    c->open = true;
    c->display = e->display;
    c->drawable = f->drawable;
    c->release_id = f->release_id;
    c->time = now;
    c->created = f->created ? f->created : now;
    c->region = (uint32_t)at + 1;
    c->verdict = (uint8_t)f->verdict;
    c->interval = last && c->created > last ? c->created - last : 0;
    memcpy(c->box, &f->box, sizeof(c->box));
    if (f->verdict < DRAW_VERDICT_empty) /* it entered the tree */
        cover(x, c);
    attr->region = c->region;
}

static struct model_candidate *candidate(struct model_regions *x, const struct model_seen *e,
                                         uint64_t drawable, struct model_attr *attr)
{
    struct model_candidate *c = &x->now[e->slot];

    if (!c->open || c->drawable != drawable)
        return NULL;
    attr->region = c->region;
    return c;
}

static void match(struct model_regions *x, struct model_candidate *c, const struct fields_match *f)
{
    uint32_t off = 0;

    for (int i = 0; f->against == MATCH_AGAINST_stream && i < c->covered_count; i++) {
        const struct model_stream *t = streams_running(x->streams, c->covered[i]);

        if (t && t->number == (uint32_t)f->index) {
            c->covered_asked[i] = true;
            c->covered_verdict[i] = (uint8_t)f->verdict;
        }
    }
    if (f->verdict == MATCH_VERDICT_match || !boxes_alike(c->box, (const int32_t *)&f->other, &off))
        return;
    if (c->has_near && f->since >= c->near_since)
        return;
    c->has_near = true;
    c->near_verdict = (uint8_t)f->verdict;
    c->near_against = (uint8_t)f->against;
    c->near_since = f->since > 0 ? f->since : 0;
    c->near_off = off;
}

static void frame(struct model_regions *x, struct model_candidate *c, const struct fields_frame *f)
{
    struct steady *s = &x->boxes[c->region - 1].steady;

    c->counted = true;
    c->frames = f->frames;
    c->gradual = f->gradual_frames;
    c->starts = f->starts != 0;
    *(f->graduality == GRADUALITY_low ? &s->text : &s->natural) += 1;
}

static void traced(struct model_regions *x, const struct tap_event *ev, struct model_attr *attr)
{
    const struct fields_trace_add *f = FIELDS(ev, trace_add);
    uint32_t from = regions_find(x, f->display, 0, (const int32_t *)&f->box);
    uint32_t old = f->old_age >= 0 ? regions_find(x, f->display, 0, (const int32_t *)&f->old) : 0;
    struct model_region *r = old ? &x->boxes[old - 1] : NULL;
    uint64_t then =
        f->old_age >= 0 && (uint64_t)f->old_age < ev->time ? ev->time - (uint64_t)f->old_age : 0;

    attr->region = from;
    if (!r || old == from)
        return;
    attr->other_region = old;
    /* An older frame of the region, or one that can no longer be matched, costs nothing. */
    if (then + NS_PER_MS < r->last_created || (uint64_t)f->old_age > MODEL_MAX_DELTA)
        return;
    r->history_lost = ev->time;
    r->history_lost_evicted = f->reason == REMOVE_REASON_evicted;
}

static void create(struct model_regions *x, const struct fields_stream_create *f)
{
    uint32_t at = regions_find(x, f->display, 0, (const int32_t *)&f->box);

    if (at)
        x->boxes[at - 1].streams++;
}

void regions_add(struct model_regions *x, const struct model_seen *e, struct model_attr *attr)
{
    const struct tap_event *ev = e->ev;
    struct model_candidate *c;

    switch (ev->kind) {
    case EV_draw:
        draw(x, e, attr);
        break;
    case EV_match:
        c = candidate(x, e, FIELDS(ev, match)->drawable, attr);
        if (c)
            match(x, c, FIELDS(ev, match));
        break;
    case EV_frame:
        c = candidate(x, e, FIELDS(ev, frame)->drawable, attr);
        if (c)
            frame(x, c, FIELDS(ev, frame));
        break;
    case EV_stream_create:
        create(x, FIELDS(ev, stream_create));
        c = candidate(x, e, FIELDS(ev, stream_create)->drawable, attr);
        if (c)
            c->streamed = true;
        break;
    case EV_stream_attach:
        c = candidate(x, e, FIELDS(ev, stream_attach)->drawable, attr);
        if (c)
            c->streamed = true;
        break;
    case EV_trace_add:
        traced(x, ev, attr);
        break;
    default:
        break;
    }
}

/* A region that was drawn in the last second before the loss may have been drawn in it, too. Others
 * are not in doubt. */
void regions_loss(struct model_regions *x, enum tap_source source, uint64_t count)
{
    uint64_t known = x->losses->last[SOURCE_SPICE];

    if (!losses_of_server(source))
        return;
    for (int i = 0; i < MODEL_DISPLAYS; i++)
        x->now[i].lost = true;
    for (int i = 0; i < MODEL_BOXES; i++) {
        struct model_region *r = &x->boxes[i];

        r->doubt_last = true;
        if (!r->used || (known > r->last && known - r->last > NS_PER_SECOND))
            continue;
        r->losses++;
        r->lost += count;
    }
}

/* ---- the clip ---- */

static double weight(const struct model_region *r)
{
    return steady_weight(&r->steady, (int64_t)r->box[2] - r->box[0],
                         (int64_t)r->box[3] - r->box[1]);
}

static struct model_region *find_clip(struct model_regions *x)
{
    struct model_region *largest = NULL, *around = NULL;

    x->clip_by = CLIP_BY_CLIENT;
    for (int i = 0; i < MODEL_BOXES; i++) {
        struct model_region *r = &x->boxes[i];

        if (!r->used)
            continue;
        if (x->has_client_box && !memcmp(r->box, x->client_box, sizeof(r->box)))
            return r;
        if (x->has_client_box && !x->pieces_all &&
            clip_is_inside(&r->steady, r->box, x->client_box) &&
            (!around || r->steady.draws > around->steady.draws))
            around = r;
        if (weight(r) > 0 && (!largest || weight(r) > weight(largest)))
            largest = r;
    }
    x->clip_by = around ? CLIP_AROUND : CLIP_BY_SIZE;
    return around ? around : largest;
}

/* All redraws of the clip count, in a spell or not. */
static void keep_whole(struct model_regions *x, struct model_region *r)
{
    r->slow = !r->kept;
    keep(x, r);
    if (!r->kept)
        return;
    r->draws = r->all_draws;
    memcpy(r->out, r->all_out, sizeof(r->out));
    r->spells[0] = (struct model_spell){r->first, r->last};
    r->listed = (struct bounded){.count = 1};
    r->busy_ns = r->steady.ns;
}

const struct model_region *regions_kept(const struct model_regions *x, uint32_t id)
{
    return id && id <= x->kept.count ? &x->boxes[x->by_id[id - 1]] : NULL;
}

const struct model_region *regions_clip(const struct model_regions *x)
{
    return regions_kept(x, x->clip);
}

void regions_end(struct model_regions *x)
{
    struct model_region *clip;

    for (int i = 0; i < MODEL_BOXES; i++)
        if (x->boxes[i].used)
            region_end_spell(&x->boxes[i]);
    clip = find_clip(x);
    if (clip)
        keep_whole(x, clip);
    x->clip = clip ? clip->id : 0;
}
