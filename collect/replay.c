/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"

enum { CAN_STREAM = 0, TOO_SMALL = 7, EMPTY = 9 };
enum { EFFECT_OPAQUE = 1, TYPE_COPY = 3, TYPE_COPY_BITS = 4 };
enum { REASON_REPLACED, REASON_EVICTED, REASON_OBSCURED, REASON_POOL, REASON_FLUSH, REASON_DRAWN };
enum { STOP_TIMEOUT, STOP_SURFACE };
enum { DETACH_NEXT_FRAME, DETACH_OVERLAP, DETACH_GONE, DETACH_STOPPING };
enum { ON_STREAM, ON_TRACE, ON_PREVIOUS };
enum { BUCKETS = 4096, EXPECTED = 2 * DETECTOR_TRACE_ITEMS + 4 * DETECTOR_STREAMS };
enum { MATCH_YES = 0, MATCH_SIZE = 4, MATCH_ORIENTATION = 7, GRADUAL_LOW = 2 };

/* One draw and what was decided of it, from `draw` to whatever the worker did next. */
struct group {
    bool open;
    struct drawable *candidate;
    struct tap_event *items;
    size_t count, room;
    bool too_many;
    size_t tail;   /* of video_stream_trace_update: its first match; count: it was not called */
    size_t insert; /* where it is called, or would be */
    bool equal;    /* the draw took an equal one's place: it is not called */
    bool met;      /* the draw met something in the tree */
    bool opaque;
    bool may_stream; /* in one of the detectors */
};

struct replay_display {
    struct replay *replay;
    uint32_t id;
    struct drawable *table;
    struct standing *standings;
    int32_t buckets[BUCKETS], oldest, newest, free;
    struct drawable stranger;                /* one from before the recording */
    struct drawable *tree[REPLAY_DRAWABLES]; /* those in it that may be streamed, oldest first */
    size_t tree_count;
    struct detector *detectors;
    struct group group;
    struct tap_event *expected; /* of the recorded detector */
    int expected_stream[EXPECTED];
    size_t expected_count;
    bool filter_off;    /* the server streams everything: size and graduality do not count */
    bool next_known;    /* next_item_trace of the recorded detector */
    bool streams_known; /* all that run */
    bool unsure;        /* no conclusions now */
    bool sees_draws;    /* a draw came since all was forgotten */
    bool busy;          /* the worker takes commands */
    uint64_t forgot, before, created, caught_up;
    size_t span; /* number of its span without conclusions that is open; 0: none */
};

/* ---- drawables
 * ----------------------------------------------------------------------------------- */

static unsigned bucket(uint64_t address)
{
    return (unsigned)((address * 0x9e3779b97f4a7c15u) >> 52) % BUCKETS;
}

static struct drawable *find(struct replay_display *d, uint64_t address)
{
    for (int32_t i = d->buckets[bucket(address)]; i >= 0; i = d->table[i].chain)
        if (d->table[i].address == address)
            return &d->table[i];
    return NULL;
}

static void enter_tree(struct replay_display *d, struct drawable *p)
{
    if (!p->in_tree)
        d->tree[d->tree_count++] = p;
    p->in_tree = true;
}

static void leave_tree(struct replay_display *d, struct drawable *p)
{
    size_t i = d->tree_count;

    if (!p->in_tree)
        return;
    p->in_tree = false;
    while (i-- > 0)
        if (d->tree[i] == p) {
            memmove(&d->tree[i], &d->tree[i + 1], (--d->tree_count - i) * sizeof(p));
            return;
        }
}

static void forget_drawable(struct replay_display *d, struct drawable *p)
{
    int32_t at = (int32_t)(p - d->table), *link = &d->buckets[bucket(p->address)];

    for (unsigned k = 0; k < d->replay->detectors; k++)
        detector_gone(&d->detectors[k], p);
    leave_tree(d, p);
    while (*link != at)
        link = &d->table[*link].chain;
    *link = p->chain;
    *(p->older >= 0 ? &d->table[p->older].newer : &d->oldest) = p->newer;
    *(p->newer >= 0 ? &d->table[p->newer].older : &d->newest) = p->older;
    p->chain = d->free;
    d->free = at;
}

/* The oldest goes if there are too many: one that left the tree, if there is one near. */
static void make_room(struct replay_display *d)
{
    int32_t at = d->oldest;

    for (int tries = 0; tries < 2000 && at >= 0; tries++, at = d->table[at].newer)
        if (!d->table[at].in_tree) {
            forget_drawable(d, &d->table[at]);
            return;
        }
    forget_drawable(d, &d->table[d->oldest]);
}

static struct drawable *new_drawable(struct replay_display *d, uint64_t address)
{
    struct drawable *p = find(d, address);
    struct standing *of;
    int32_t at;

    if (p)
        forget_drawable(d, p); /* its release was lost */
    if (d->free < 0)
        make_room(d);
    at = d->free;
    p = &d->table[at];
    d->free = p->chain;
    of = p->of;
    *p = (struct drawable){.address = address, .of = of, .older = d->newest, .newer = -1};
    p->chain = d->buckets[bucket(address)];
    d->buckets[bucket(address)] = at;
    *(d->newest >= 0 ? &d->table[d->newest].newer : &d->oldest) = at;
    d->newest = at;
    return p;
}

static struct drawable *created_at(struct replay_display *d, uint64_t created)
{
    for (int32_t i = d->newest; i >= 0; i = d->table[i].older) {
        if (d->table[i].created == created)
            return &d->table[i];
        if (d->table[i].known && d->table[i].created < created)
            break;
    }
    return NULL;
}

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

static void forget_drawables(struct replay_display *d)
{
    memset(d->buckets, 0xff, sizeof(d->buckets));
    d->oldest = d->newest = -1;
    d->tree_count = 0;
    d->free = 0;
    for (int32_t i = 0; i < REPLAY_DRAWABLES; i++) {
        d->table[i].of = d->standings + (size_t)i * d->replay->detectors;
        d->table[i].chain = i + 1 < REPLAY_DRAWABLES ? i + 1 : -1;
    }
    d->stranger.of = d->standings + (size_t)REPLAY_DRAWABLES * d->replay->detectors;
}

static void forget(struct replay_display *d, uint64_t time)
{
    forget_drawables(d);
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

static struct replay_display *display_of(struct replay *r, uint64_t id, uint64_t time)
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

static bool has_place(const struct replay *r, uint64_t id)
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

/* ---- regions: what became of each box
 * ---------------------------------------------------------------- */

static struct replay_region *region_of(struct replay *r, uint32_t display,
                                       const struct tap_rect *box)
{
    for (int i = 0; i < REPLAY_REGIONS; i++)
        if (r->regions[i].used && r->regions[i].display == display &&
            rect_same(&r->regions[i].box, box))
            return &r->regions[i];
    return NULL;
}

/* Which of two is the lesser loss? What is no longer drawn goes first, then what was drawn least.
 */
static bool is_less(const struct replay_region *a, const struct replay_region *b, uint64_t now)
{
    bool still_a = a->last + 1000000000 > now, still_b = b->last + 1000000000 > now;

    return still_a == still_b ? a->pixels < b->pixels : still_b;
}

static struct replay_region *new_region(struct replay *r, const struct drawable *p,
                                        uint32_t display)
{
    struct replay_region *least = &r->regions[0];

    for (int i = 0; i < REPLAY_REGIONS && least->used; i++)
        if (!r->regions[i].used || is_less(&r->regions[i], least, p->created))
            least = &r->regions[i];
    r->regions_over += least->used && least->draws > 2 && least->last + 500000000 > p->created;
    memset(least, 0, sizeof(*least));
    least->used = true;
    least->display = display;
    least->box = p->box;
    least->first = p->created;
    least->graduality = -1;
    return least;
}

static void count_share(struct replay *r, struct replay_region *g, const struct drawable *p,
                        bool same)
{
    g->pixels += (uint64_t)rect_pixels(&p->box);
    g->draws += same;
    for (unsigned k = 0; k < r->detectors; k++)
        if (p->of[k].stream >= 0) {
            g->of[k].frames += same;
            g->of[k].pixels += (uint64_t)rect_pixels(&p->box);
        }
}

/* A streamable draw is done with: was it a stream's frame? */
static void count_draw(struct replay_display *d, const struct drawable *p)
{
    struct replay *r = d->replay;
    struct replay_region *own = region_of(r, d->id, &p->box);

    if (!own)
        own = new_region(r, p, d->id);
    own->last = p->created;
    steady_draw(&own->steady, p->created);
    if (p->graduality_known) {
        own->graduality = p->graduality;
        *(p->graduality == GRADUAL_LOW ? &own->steady.text : &own->steady.natural) += 1;
    }
    if (d->unsure)
        return;
    r->draws++;
    r->pixels += (uint64_t)rect_pixels(&p->box);
    for (unsigned k = 0; k < r->detectors; k++)
        if (p->of[k].stream >= 0) {
            r->results[k].frames++;
            r->results[k].pixels += (uint64_t)rect_pixels(&p->box);
        }
    for (int i = 0; i < REPLAY_REGIONS; i++) {
        struct replay_region *g = &r->regions[i];

        if (g->used && g->display == d->id && rect_holds(&g->box, &p->box))
            count_share(r, g, p, g == own);
    }
}

static double weight(const struct replay_region *g)
{
    return g->draws ? steady_weight(&g->steady, (int64_t)g->box.right - g->box.left,
                                    (int64_t)g->box.bottom - g->box.top)
                    : 0;
}

const struct replay_region *replay_clip(const struct replay *r)
{
    const struct replay_region *clip = NULL;

    for (int i = 0; i < REPLAY_REGIONS; i++) {
        const struct replay_region *g = &r->regions[i];

        if (g->used && weight(g) > (clip ? weight(clip) : 0))
            clip = g;
    }
    return clip;
}

const struct replay_region *replay_box(const struct replay *r, const struct tap_rect *box)
{
    const struct replay_region *found = NULL;

    for (int i = 0; i < REPLAY_REGIONS; i++) {
        const struct replay_region *g = &r->regions[i];

        if (g->used && rect_same(&g->box, box) && (!found || g->draws > found->draws))
            found = g;
    }
    return found;
}

/* ---- what the detectors decide
 * ------------------------------------------------------------------------ */

static void end_stream(struct replay_display *d, unsigned k, const struct stream *s, uint64_t until,
                       unsigned reason)
{
    struct replay_result *result = &d->replay->results[k];
    struct replay_region *g = region_of(d->replay, d->id, &s->box);
    uint64_t from = s->known && s->created > d->forgot ? s->created : d->forgot;

    if (until < from)
        until = from;
    if (g)
        g->of[k].time += until - from;
    if (result->stream_count < REPLAY_STREAMS)
        result->streams[result->stream_count++] = (struct replay_stream){
            d->id, s->box, s->known ? s->created : 0, until, s->frames, reason};
}

static void count_decision(struct replay_display *d, unsigned k, const struct tap_event *ev, int at)
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
        end_stream(d, k, &d->detectors[k].streams[at], ev->time,
                   (unsigned)FIELDS(ev, stream_stop)->reason);
    if (ev->kind != EV_stream_create)
        return;
    result->created++;
    g = region_of(d->replay, d->id, &d->detectors[k].streams[at].box);
    if (!g && p)
        g = new_region(d->replay, p, d->id);
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
        count_decision(d, l->number, ev, stream);
    if (d->replay->listen && l->number == d->replay->listed)
        d->replay->listen(d->replay->who, ev);
}

static void set_time(struct replay_display *d, uint64_t now)
{
    for (unsigned k = 0; k < d->replay->detectors; k++)
        d->detectors[k].now = now;
}

/* ---- no conclusions: the beginning, losses, differences
 * -------------------------------------------------- */

/* All is unknown from here on until it can be known again. */
static void lose_sight(struct replay_display *d, uint64_t from, uint64_t now, bool loss)
{
    struct replay *r = d->replay;

    for (unsigned k = 0; k < r->detectors; k++)
        for (unsigned i = 0; i < d->detectors[k].running; i++)
            end_stream(d, k, &d->detectors[k].streams[d->detectors[k].order[i]], from, REPLAY_CUT);
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

/* Once what was before is too old to be matched, and the running streams are known, conclusions can
 * be drawn again. */
static void regain_sight(struct replay_display *d, uint64_t now)
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

static void differ(struct replay_display *d, uint64_t time, const struct tap_event *expected,
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

/* ---- comparing
 * ------------------------------------------------------------------------------------------- */

/* Fields that a model cannot know: names of things, and clocks read a moment before the probe. */
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

static void reproduced(struct replay_display *d, uint16_t kind, bool known)
{
    (*(known ? &d->replay->reproduced[kind] : &d->replay->taken[kind]))++;
}

/* ---- reading a group: which matches were calls of video_stream_maintenance?
 * --------------------------------- */

static bool is_match(const struct tap_event *ev, unsigned against)
{
    return ev->kind == EV_match && FIELDS(ev, match)->against == against;
}

/* The first of the matches against distinct streams that stand directly before `end`. */
static size_t streams_before(const struct group *g, size_t end, size_t most)
{
    size_t from = end;

    while (from > 0 && end - from < most && is_match(&g->items[from - 1], ON_STREAM)) {
        for (size_t i = from; i < end; i++)
            if (FIELDS(&g->items[i], match)->index == FIELDS(&g->items[from - 1], match)->index)
                return from;
        from--;
    }
    return from;
}

/* A frame that was given to a stream: by a call of trace_update, or because it met the stream's
 * frame in the tree? The outcome is the same; for other constants it may not be. */
static size_t tail_of_match(const struct replay_display *d, size_t at)
{
    const struct group *g = &d->group;
    const struct detector *det = &d->detectors[0];
    int stream = detector_stream_by_number(det, (uint64_t)FIELDS(&g->items[at], match)->index);
    const struct drawable *now = stream >= 0 ? det->streams[stream].current : NULL,
                          *c = g->candidate;
    size_t place = 0, from;

    if (stream < 0 || !d->streams_known)
        return g->count;            /* their order is not known: one by one, then */
    for (size_t i = 0; i < at; i++) /* it lost its frame meanwhile */
        if (g->items[i].kind == EV_stream_detach &&
            (int)FIELDS(&g->items[i], stream_detach)->stream == (int)det->streams[stream].number)
            now = NULL;
    while (place < det->running && det->order[place] != stream)
        place++;
    /* Called, it goes through the list from its head on; else they met. */
    if (place > at)
        return g->count;
    from = at - place;
    for (size_t i = from; i < at; i++)
        if (!is_match(&g->items[i], ON_STREAM) ||
            FIELDS(&g->items[i], match)->index != det->streams[det->order[i - from]].number)
            return g->count;
    if (!now || !now->in_tree || !rect_meets(&c->box, &now->box))
        return from;
    for (size_t i = at + 1; i < g->count; i++) /* it left the tree after this: so they met there */
        if (g->items[i].kind == EV_release &&
            FIELDS(&g->items[i], release)->drawable == now->address)
            return g->count;
    if (rect_same(&c->box, &now->box) ? !now->touched : !rect_holds(&c->box, &now->box))
        return place ? from : g->count;
    return from;
}

static void find_tail(struct replay_display *d)
{
    struct group *g = &d->group;
    size_t last = g->count;

    g->tail = g->count;
    for (size_t i = 0; i < g->count; i++)
        if (is_match(&g->items[i], ON_TRACE)) {
            g->tail = streams_before(g, i, DETECTOR_STREAMS);
            return;
        }
    for (size_t i = 0; i < g->count; i++)
        if (g->items[i].kind == EV_match)
            last = i;
    if (last < g->count && is_match(&g->items[last], ON_STREAM) &&
        FIELDS(&g->items[last], match)->verdict == MATCH_YES)
        g->tail = tail_of_match(d, last);
}

/* Where video_stream_trace_update is, or would be, called: behind all that the draw covered. */
static void read_group(struct replay_display *d)
{
    struct group *g = &d->group;
    const struct drawable *c = g->candidate;

    find_tail(d);
    g->equal = g->met = false;
    g->insert = 0;
    for (size_t i = 0; i < g->count; i++) {
        const struct tap_event *ev = &g->items[i];
        unsigned reason = ev->kind == EV_trace_add ? (unsigned)FIELDS(ev, trace_add)->reason : 99;

        bool seen = g->met;

        g->met |= ev->kind == EV_match && i < g->tail;
        if (ev->kind != EV_release && (reason == 99 || reason == REASON_OBSCURED || !reason))
            g->insert = i + 1;
        if (ev->kind == EV_trace_add && reason == REASON_REPLACED)
            g->equal = true;
        /* An equal one is the first it meets. */
        if (is_match(ev, ON_STREAM) && i < g->tail && !seen &&
            FIELDS(ev, match)->verdict == MATCH_YES &&
            rect_same(&FIELDS(ev, match)->other, &c->box))
            g->equal = true;
    }
    if (g->tail < g->count) {
        g->insert = g->tail;
        g->equal = false;
    }
}

/* ---- learning what was there before
 * --------------------------------------------------------------------------- */

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

/* The frame a stream had before the recording: it shows when the next one takes over. */
static void learn_current(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);
    int s = detector_stream_by_number(&d->detectors[0], e->stream);
    struct drawable *p;

    if (s < 0 || d->detectors[0].streams[s].known || d->detectors[0].streams[s].current ||
        find(d, e->drawable) == d->group.candidate)
        return;
    p = find(d, e->drawable) ? find(d, e->drawable) : new_drawable(d, e->drawable);
    p->release_id = e->release_id;
    p->created = d->detectors[0].streams[s].last;
    p->box = d->detectors[0].streams[s].box;
    enter_tree(d, p);
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
    if (!(t->known & TRACE_SIZE) && (m->verdict == MATCH_YES || m->verdict == MATCH_SIZE)) {
        t->width = m->verdict == MATCH_YES ? c->width : -1;
        t->height = m->verdict == MATCH_YES ? c->height : -1;
        t->known |= m->verdict == MATCH_YES ? TRACE_SIZE : 0;
    }
    if (!(t->known & TRACE_COUNTS) && m->verdict == MATCH_YES && then && then->kind == EV_frame) {
        const struct fields_frame *f = FIELDS(then, frame);
        bool low = f->graduality == GRADUAL_LOW;

        t->frames = (int32_t)f->frames - 1;
        t->gradual = (int32_t)f->gradual_frames - !low;
        t->last_gradual = low ? (int32_t)f->last_gradual : t->frames;
        t->known |= TRACE_COUNTS;
    }
}

/* The screen went away and with it the ring: every slot is empty. */
static bool ring_was_cleared(const struct replay_display *d)
{
    const struct group *g = &d->group;
    static const struct tap_rect none;
    unsigned seen = 0, full = 0;

    for (size_t i = g->tail; i < g->count; i++) {
        const struct fields_match *m = FIELDS(&g->items[i], match);
        struct trace_item *t;

        if (!is_match(&g->items[i], ON_TRACE))
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

static void clear_rings(struct replay_display *d)
{
    for (unsigned k = 0; k < d->replay->detectors; k++)
        detector_clear_ring(&d->detectors[k]);
    d->replay->cleared++;
    d->next_known = true;
}

/* What the slots held, once this draw's own removals are in the ring. */
static void learn_slots(struct replay_display *d)
{
    struct group *g = &d->group;

    if (ring_was_cleared(d))
        clear_rings(d);
    for (size_t i = g->tail; i < g->count; i++)
        if (is_match(&g->items[i], ON_TRACE))
            learn_slot(d, &g->items[i], i + 1 < g->count ? &g->items[i + 1] : NULL);
}

/* All running streams, in their order, stand before the first slot. */
static void learn_order(struct replay_display *d)
{
    struct detector *det = &d->detectors[0];
    const struct group *g = &d->group;
    uint8_t order[DETECTOR_STREAMS];
    unsigned n = 0;

    for (size_t i = g->tail; i < g->count && is_match(&g->items[i], ON_STREAM); i++) {
        int at = detector_stream_by_number(det, (uint64_t)FIELDS(&g->items[i], match)->index);

        if (at >= 0 && n < DETECTOR_STREAMS)
            order[n++] = (uint8_t)at;
    }
    if (n == det->running)
        memcpy(det->order, order, n);
    d->streams_known = true;
}

static void learn(struct replay_display *d)
{
    struct group *g = &d->group;
    size_t trace = 0;

    for (size_t i = 0; i < g->count; i++) {
        const struct tap_event *ev = &g->items[i];

        if (is_match(ev, ON_STREAM))
            learn_stream(d, ev);
        if (ev->kind == EV_stream_detach)
            learn_current(d, ev);
        trace += is_match(ev, ON_TRACE);
        if (ev->kind == EV_frame && !g->candidate->graduality_known) {
            g->candidate->graduality = (int16_t)FIELDS(ev, frame)->graduality;
            g->candidate->graduality_known = true;
        }
        if (ev->kind == EV_match && FIELDS(ev, match)->verdict == MATCH_ORIENTATION) {
            int s = detector_stream_by_number(&d->detectors[0], (uint64_t)FIELDS(ev, match)->index);

            if (s >= 0 && d->detectors[0].streams[s].top_down < 0)
                d->detectors[0].streams[s].top_down = 1;
            g->candidate->top_down = s >= 0 && d->detectors[0].streams[s].top_down == 0;
        }
    }
    if (trace && !d->streams_known)
        learn_order(d);
}

/* Of a box that was counted before, the same graduality is taken. */
static void guess_graduality(struct replay_display *d, struct drawable *c)
{
    const struct replay_region *g = region_of(d->replay, d->id, &c->box);

    if (!c->graduality_known)
        c->graduality = g ? g->graduality : -1;
    if (c->graduality < 0 && d->replay->assume_low)
        c->graduality = GRADUAL_LOW;
}

/* A drawable that the candidate met in the tree and of which no draw is known: what the match says.
 */
static struct drawable *stranger(struct replay_display *d, size_t at)
{
    const struct tap_event *ev = &d->group.items[at];
    const struct fields_match *m = FIELDS(ev, match);
    struct drawable *p = &d->stranger, *c = d->group.candidate;
    struct standing s = {.stream = DETECTOR_NO_STREAM};

    p->created = c->created - (uint64_t)m->since;
    p->box = m->other;
    p->known = false;
    p->width = m->verdict == MATCH_YES ? c->width : -1;
    p->height = m->verdict == MATCH_YES ? c->height : -1;
    s.first = m->verdict == MATCH_YES ? 0 : p->created; /* 0: not known */
    if (at + 1 < d->group.count && d->group.items[at + 1].kind == EV_frame) {
        const struct fields_frame *f = FIELDS(&d->group.items[at + 1], frame);
        bool low = f->graduality == GRADUAL_LOW;

        s.frames = (int32_t)f->frames - 1;
        s.gradual = (int32_t)f->gradual_frames - !low;
        s.last_gradual = low ? (int32_t)f->last_gradual : s.frames;
    }
    for (unsigned k = 0; k < d->replay->detectors; k++)
        p->of[k] = s;
    return p;
}

/* Whom the candidate met. */
static struct drawable *met(struct replay_display *d, size_t at)
{
    const struct fields_match *m = FIELDS(&d->group.items[at], match);
    const struct detector *det = &d->detectors[0];
    struct drawable *p;
    int s;

    if (m->against == ON_STREAM) {
        s = detector_stream_by_number(det, (uint64_t)m->index);
        if (s < 0 || det->streams[s].current || (det->streams[s].known && d->streams_known))
            return s >= 0 ? det->streams[s].current : NULL;
        p = stranger(d, at); /* its frame from before the recording */
        for (unsigned k = 0; k < d->replay->detectors; k++)
            p->of[k].stream =
                (int16_t)detector_stream_by_number(&d->detectors[k], (uint64_t)m->index);
        return p;
    }
    p = created_at(d, d->group.candidate->created - (uint64_t)m->since);
    /* The source area of what is no copy is not recorded. */
    return p && p->copy && rect_same(&p->box, &m->other) ? p : stranger(d, at);
}

/* ---- the recorded detector: every decision against the recorded one
 * ------------------------------------------- */

static bool is_decision(const struct tap_event *ev)
{
    return ev->kind <= EV_stream_stop;
}

/* The label under which the recording knows a stream. */
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
        count_decision(d, 0, recorded, at);
    } else if (recorded->kind == EV_match || recorded->kind == EV_frame) {
        count_decision(d, 0, recorded, at);
    }
}

/* All fifty stream numbers may be held by pipes: then no stream comes of a frame that starts one.
 */
static bool none_was_free(struct replay_display *d, const struct tap_event *expected, int at)
{
    if (expected->kind != EV_stream_create || d->created < DETECTOR_STREAMS || at < 0)
        return false;
    detector_forget_stream(&d->detectors[0], at);
    return true;
}

static bool known_before(const struct replay_display *d, const struct tap_event *ev, bool known)
{
    if (is_match(ev, ON_TRACE)) {
        uint64_t i = (uint64_t)FIELDS(ev, match)->index;

        return i < d->detectors[0].constants.trace_items && known;
    }
    return known;
}

/* Compares what was decided since expected_count was 0 with the items from `at` on; gives the first
 * item not compared, or SIZE_MAX after a difference. */
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
            reproduced(d, ev->kind, known_before(d, ev, known));
            name_stream(d, e, ev);
            at++;
        } else if (!none_was_free(d, x, d->expected_stream[e])) {
            differ(d, ev ? ev->time : x->time, x, ev, NULL);
            return SIZE_MAX;
        }
    }
    return at;
}

/* old_age is the difference of the server's own clock, read after the event before. */
static bool plausible_age(const struct tap_event *ev, const struct trace_item *old)
{
    int64_t age = (int64_t)FIELDS(ev, trace_add)->old_age;

    return old->time ? age >= 0 && old->time + (uint64_t)age <= ev->time : age == -1;
}

static bool check_leave(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_trace_add *t = FIELDS(ev, trace_add);
    struct detector *det = &d->detectors[0];
    struct drawable *p = find(d, t->drawable);
    uint32_t mask = det->constants.trace_items - 1;
    struct trace_item old;

    if (d->next_known && t->slot == 0 && t->old_age == -1 && det->ring[det->next & mask].time)
        clear_rings(d);
    if (!d->next_known)
        det->next = (uint32_t)t->slot;
    d->next_known = true;
    old = det->ring[det->next & mask];
    d->expected_count = 0;
    if (!p || !p->known) { /* from before the recording: its counts are not known */
        det->next++;
        det->ring[t->slot & mask] =
            (struct trace_item){.time = 1, .frames = (int32_t)t->frames, .box = t->box, .known = 0};
        reproduced(d, ev->kind, false);
        return true;
    }
    det->now = ev->time;
    detector_leave(det, p, (unsigned)t->reason);
    if (!d->expected_count) {
        differ(d, ev->time, NULL, ev, "the model has it as a stream's frame, or not streamable");
        return false;
    }
    if (old.known != TRACE_ALL) { /* what stood there is from before */
        reproduced(d, ev->kind, false);
        return true;
    }
    if (!same_decision(&d->expected[0], ev, NULL) || !plausible_age(ev, &old)) {
        differ(d, ev->time, &d->expected[0], ev, NULL);
        return false;
    }
    reproduced(d, ev->kind, true);
    return true;
}

/* A stream lost its frame for a reason outside of the detector. */
static bool check_detach(struct replay_display *d, const struct tap_event *ev)
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
    differ(d, ev->time, NULL, ev, "the model has another frame, or none, in this stream");
    return false;
}

/* It leaves the tree, in the detectors from `from` on. */
static void leave(struct replay_display *d, struct drawable *p, unsigned reason, unsigned from)
{
    for (unsigned k = from; p->in_tree && k < d->replay->detectors; k++)
        detector_leave(&d->detectors[k], p, reason);
    leave_tree(d, p);
}

static void detach_recorded(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);
    struct drawable *p = find(d, e->drawable);

    if (p && e->reason == DETACH_GONE)
        leave(d, p, REASON_OBSCURED, 1); /* it left the tree before */
    for (unsigned k = 0; p && k < d->replay->detectors; k++)
        if (p->of[k].stream >= 0)
            detector_detach(&d->detectors[k], p->of[k].stream, (unsigned)e->reason);
}

/* The decisions of one group, in their order; false after a difference. */
static bool prove(struct replay_display *d)
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
            learn_slots(d);
            if (!detector_look(det, g->candidate)) {
                differ(d, ev->time, NULL, ev, "the model does not look for it in the trace ring");
                return false;
            }
            i = compare(d, i, known);
        } else if (ev->kind == EV_match) {
            struct drawable *p = met(d, i);

            if (p)
                detector_meet(det, g->candidate, p);
            if (!d->expected_count) {
                differ(d, ev->time, NULL, ev, "the model has no reason to compare the two");
                return false;
            }
            i = compare(d, i, known && p->known);
        } else if (ev->kind == EV_trace_add) {
            i = check_leave(d, ev) ? i + 1 : SIZE_MAX;
        } else if (ev->kind == EV_stream_detach) {
            if (!check_detach(d, ev))
                return false;
            if (find(d, FIELDS(ev, stream_detach)->drawable) &&
                find(d, FIELDS(ev, stream_detach)->drawable)->of[0].stream >= 0)
                detector_detach(det, find(d, FIELDS(ev, stream_detach)->drawable)->of[0].stream,
                                (unsigned)FIELDS(ev, stream_detach)->reason);
            i++;
        } else if (is_decision(ev)) {
            differ(d, ev->time, NULL, ev, "the model decides nothing here");
            return false;
        } else {
            i++;
        }
        if (i == SIZE_MAX)
            return false;
    }
    if (g->tail == g->count && g->opaque && detector_would_look(det, g->candidate)) {
        g->equal = true; /* it was not called although it could: the draw met its equal */
        if (g->met || !d->sees_draws)
            return true;
        differ(d, g->candidate->created, NULL, NULL,
               "the model looks for it in the trace ring, the server did not");
        return false;
    }
    return true;
}

/* ---- the alternatives
 * --------------------------------------------------------------------------------------- */

/* A stream's frame leaves the tree unseen: here, when a later draw covers its box. */
static void leave_unseen(struct replay_display *d, const struct drawable *cover)
{
    for (size_t i = 0; i < d->tree_count;) {
        struct drawable *p = d->tree[i];

        if (p == cover || detector_leaves_trace(&d->detectors[0], p) ||
            !rect_holds(&cover->box, &p->box)) {
            i++;
            continue;
        }
        d->replay->inferred++;
        leave(d, p, REASON_OBSCURED, 1);
    }
}

/* What is given up oldest first: all that is older has gone before. */
static void leave_older(struct replay_display *d, const struct drawable *than, unsigned reason)
{
    for (size_t i = 0; i < d->tree_count && d->tree[i] != than;) {
        if (detector_leaves_trace(&d->detectors[0], d->tree[i]))
            i++;
        else
            leave(d, d->tree[i], reason, 1);
    }
}

/* Streams that ran out of time, in the detectors of which no stop is recorded. */
static void time_out(struct replay_display *d, uint64_t now)
{
    const uint64_t dispatch = 10000000; /* red_process_display, server/red-worker.cpp */

    for (unsigned k = 1; k < d->replay->detectors; k++) {
        struct detector *det = &d->detectors[k];

        for (unsigned i = 0; i < det->running;) {
            int at = det->order[i];
            uint64_t due = det->streams[at].last + det->constants.timeout;

            if (now < due || (d->busy && now < due + dispatch)) {
                i++;
                continue;
            }
            det->now = due;
            detector_stop(det, at, STOP_TIMEOUT);
            det->now = now;
        }
    }
}

/* What is drawn over a stream without being opaque takes its frame from it:
 * video_stream_detach_behind. What the recorded detector had as streams is recorded. */
static void draw_over(struct replay_display *d, const struct drawable *c)
{
    for (unsigned k = 1; k < d->replay->detectors; k++)
        for (unsigned i = 0; i < d->detectors[k].running; i++) {
            int at = d->detectors[k].order[i];
            const struct drawable *p = d->detectors[k].streams[at].current;

            if (p && p->of[0].stream < 0 && rect_meets(&c->box, &p->box))
                detector_detach(&d->detectors[k], at, DETACH_OVERLAP);
        }
}

static void look_everywhere(struct replay_display *d)
{
    struct group *g = &d->group;

    if (g->opaque)
        leave_unseen(d, g->candidate);
    for (unsigned k = 1; !g->equal && g->opaque && k < d->replay->detectors; k++)
        detector_look(&d->detectors[k], g->candidate);
}

/* The same group again, in all alternatives at once. `before`: whom it met, in order. */
static void foretell(struct replay_display *d, struct drawable **before)
{
    struct group *g = &d->group;

    for (size_t i = 0; i <= g->count; i++) {
        const struct tap_event *ev = i < g->count ? &g->items[i] : NULL;
        struct drawable *p =
            ev && ev->kind == EV_trace_add ? find(d, FIELDS(ev, trace_add)->drawable) : NULL;

        if (i == g->insert)
            look_everywhere(d);
        if (ev)
            set_time(d, ev->time);
        if (before[i])
            for (unsigned k = 1; k < d->replay->detectors; k++)
                detector_meet(&d->detectors[k], g->candidate, before[i]);
        if (p) {
            if (FIELDS(ev, trace_add)->reason == REASON_DRAWN)
                leave_older(d, p, REASON_DRAWN);
            leave(d, p, (unsigned)FIELDS(ev, trace_add)->reason, 1);
        }
        if (ev && ev->kind == EV_stream_detach &&
            FIELDS(ev, stream_detach)->reason != DETACH_NEXT_FRAME &&
            FIELDS(ev, stream_detach)->reason != DETACH_STOPPING)
            detach_recorded(d, ev);
    }
}

/* ---- a draw and what came of it
 * ------------------------------------------------------------------------------- */

static void count_group(struct replay_display *d)
{
    for (size_t i = 0; i < d->group.count; i++)
        if (is_decision(&d->group.items[i]))
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
    struct drawable *p = find(d, FIELDS(ev, release)->drawable);

    if (!p)
        return;
    if (p->in_tree && p->known && detector_leaves_trace(&d->detectors[0], p) && !d->unsure) {
        differ(d, ev->time, NULL, ev, "the model expected it to leave the tree by way of the ring");
        lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (p->in_tree)
        leave(d, p, REASON_OBSCURED, 1);
    forget_drawable(d, p);
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
    find_tail(d);
    learn(d);
    guess_graduality(d, c);
    read_group(d);
    for (size_t i = 0; i < g->tail; i++)
        if (g->items[i].kind == EV_match)
            before[i] = met(d, i);
    if (g->too_many || !prove(d)) {
        if (g->too_many)
            differ(d, at, NULL, NULL, "more decisions on one draw than this version follows");
        free(before);
        lose_sight(d, at, at, false);
        return 0;
    }
    foretell(d, before);
    free(before);
    if (g->opaque)
        touch_others(d, c);
    if (!g->opaque)
        draw_over(d, c);
    if (g->may_stream)
        enter_tree(d, c);
    regain_sight(d, at);
    if (g->may_stream)
        count_draw(d, c);
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
        differ(d, ev->time, NULL, ev, "the model finds it big enough");
        lose_sight(d, ev->time, ev->time, false);
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
    p = new_drawable(d, e->drawable);
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
    if (find(d, e->drawable) != p) /* sight was lost */
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
    struct drawable *p = find(d, t->drawable);

    if (p && p->in_tree && t->reason != REASON_OBSCURED && t->reason != REASON_REPLACED &&
        t->reason <= REASON_DRAWN)
        leave_older(d, p, (unsigned)t->reason);
    d->replay->decisions[EV_trace_add]++;
    if (!check_leave(d, ev)) {
        lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (p)
        leave(d, p, (unsigned)t->reason, 1);
}

/* A stream's frame is given up: no trace_add will tell. */
static void evicted(struct replay_display *d, const struct tap_event *ev)
{
    struct drawable *p = find(d, FIELDS(ev, evict)->drawable);

    if (p && p->in_tree && !detector_leaves_trace(&d->detectors[0], p)) {
        leave_older(d, p, REASON_EVICTED);
        leave(d, p, REASON_EVICTED, 1);
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
        differ(d, ev->time, NULL, ev, why);
        lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (e->reason != STOP_TIMEOUT)
        stop_everything(d, (unsigned)e->reason);
    reproduced(d, ev->kind, at >= 0 && d->detectors[0].streams[at].known);
    if (at < 0)
        return;
    end_stream(d, 0, &d->detectors[0].streams[at], ev->time, (unsigned)e->reason);
    detector_forget_stream(&d->detectors[0], at);
}

static void detached(struct replay_display *d, const struct tap_event *ev)
{
    const struct fields_stream_detach *e = FIELDS(ev, stream_detach);

    d->replay->decisions[EV_stream_detach]++;
    if (!check_detach(d, ev)) {
        lose_sight(d, ev->time, ev->time, false);
        return;
    }
    if (e->reason != DETACH_STOPPING) {
        detach_recorded(d, ev);
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
        differ(d, ev->time, NULL, ev, "the model expected a stream to be stopped before this");
        lose_sight(d, ev->time, ev->time, false);
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
    differ(d, ev->time, NULL, ev, "it belongs to no draw");
    lose_sight(d, ev->time, ev->time, false);
}

static int loose(struct replay_display *d, const struct tap_event *ev)
{
    set_time(d, ev->time);
    time_out(d, ev->time);
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
        if (is_decision(&d->group.items[i]))
            d->replay->taken[d->group.items[i].kind]++;
    d->group.open = false;
}

static void lost(struct replay *r, uint64_t time)
{
    r->losses++;
    for (int i = 0; i < REPLAY_DISPLAYS && r->displays[i]; i++) {
        struct replay_display *d = r->displays[i];

        drop_group(d);
        lose_sight(d, r->last > d->forgot ? r->last : d->forgot, time, true);
    }
}

int replay_add(struct replay *r, const struct tap_event *raw, const struct bundle_log *from)
{
    struct replay_display *d;
    struct tap_event ev;
    int err = 0;

    if (from->source != SOURCE_SPICE || r->differs >= REPLAY_GIVE_UP)
        return 0;
    if (raw->kind == EV_loss) {
        lost(r, raw->time);
        return 0;
    }
    if (!r->events++)
        r->first = raw->time;
    if (raw->time > r->last)
        r->last = raw->time;
    if (passes_by(raw->kind) || !tap_reader_translate(from->reader, raw, &ev))
        return 0;
    if (!has_place(r, ev.v[0])) { /* the first field of all that are left */
        r->displays_over++;
        return 0;
    }
    d = display_of(r, ev.v[0], r->first);
    if (!d)
        return -ENOMEM;
    if (d->group.open && belongs(d, &ev))
        return append(d, &ev);
    if (d->group.open)
        err = close_group(d);
    return err ? err : loose(d, &ev);
}

void replay_end(struct replay *r)
{
    for (int i = 0; i < REPLAY_DISPLAYS && r->displays[i]; i++) {
        struct replay_display *d = r->displays[i];

        close_group(d);
        for (unsigned k = 0; k < r->detectors; k++)
            for (unsigned s = 0; s < d->detectors[k].running; s++)
                end_stream(d, k, &d->detectors[k].streams[d->detectors[k].order[s]], r->last,
                           REPLAY_RUNNING);
        if (d->unsure)
            r->inconclusive += r->last - (d->before ? d->before : d->forgot);
    }
}
