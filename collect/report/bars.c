/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/fields.h"
#include "report/bars.h"
#include "report/event_text.h"

enum {
    WAITS = 1000,
    LEAST_EVENTS = 2, /* of a bar: its first and its last */
    MOST_EVENTS = 60,
    ALL_EVENTS = 12000, /* of all bars, as long as each has the least */
};

struct bar {
    uint64_t from, to;
    uint32_t display, number; /* number: the server's, of a stream */
    uint32_t id;              /* of the thing in the model */
    uint64_t reach;           /* the latest end of this bar and of those before it */
    uint64_t all;
    json_t *events;
};

struct lane {
    struct bar *bars;
    uint32_t count;
    bool by_display, by_number; /* an event of another display or stream is not a bar's */
    uint16_t kinds[16];         /* of its events; ends with 0 */
};

enum lanes { FREEZES, STREAMS, EPISODES, WAITED, LOST, LANES };

/* FREEZES: what came in the meantime. */
static const struct lane templates[LANES] = {
    [FREEZES] = {.kinds = {EV_client_clip, EV_oom_begin, EV_oom_end, EV_blocked, EV_guest_wait_end,
                           EV_stream_create, EV_stream_stop, EV_delay_order, EV_loss}},
    [STREAMS] = {.by_display = true,
                 .by_number = true,
                 .kinds = {EV_stream_create, EV_stream_attach, EV_stream_stop}},
    [EPISODES] = {.by_display = true,
                  .kinds = {EV_oom_begin, EV_oom_end, EV_free_some_begin, EV_free_some_end,
                            EV_evict, EV_flush_resources}},
};

struct bars {
    const struct model *model;
    struct lane lanes[LANES];
    size_t most; /* events of one bar */
    uint64_t all_waits, all_losses;
};

static int by_from(const void *a, const void *b)
{
    const struct bar *x = a, *y = b;

    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : (x->id > y->id) - (x->id < y->id);
}

static void sort(struct lane *l)
{
    uint64_t reach = 0;

    if (l->count)
        qsort(l->bars, l->count, sizeof(*l->bars), by_from);
    for (uint32_t i = 0; i < l->count; i++) {
        reach = l->bars[i].to > reach ? l->bars[i].to : reach;
        l->bars[i].reach = reach;
    }
}

static bool make_room(struct lane *l, size_t count)
{
    l->bars = calloc(count + 1, sizeof(*l->bars));
    return l->bars != NULL;
}

static void fill(struct bars *b)
{
    const struct model *x = b->model;
    struct lane *l = b->lanes;

    for (uint32_t i = 0; i < x->client.kept.count; i++)
        l[FREEZES].bars[l[FREEZES].count++] =
            (struct bar){.from = x->client.freezes[i].from, .to = x->client.freezes[i].to, .id = i};
    for (uint32_t i = 1; i <= x->streams.kept.count; i++) {
        const struct model_stream *s = model_stream_at(x, i);

        l[STREAMS].bars[l[STREAMS].count++] = (struct bar){
            .from = s->born, .to = s->died, .display = s->display, .number = s->number, .id = i};
    }
    for (uint32_t i = 1; i <= model_episodes(x); i++) {
        const struct model_episode *e = model_episode_at(x, i);

        l[EPISODES].bars[l[EPISODES].count++] = (struct bar){
            .from = e->from, .to = e->resumed ? e->resumed : e->to, .display = e->display, .id = i};
    }
    for (int i = 0; i < LANES; i++)
        sort(&l[i]);
}

struct bars *bars_new(const struct model *x)
{
    struct bars *b = calloc(1, sizeof(*b));
    size_t rooms[LANES] = {x->client.kept.count, x->streams.kept.count, model_episodes(x), WAITS,
                           WAITS};
    size_t known = rooms[FREEZES] + rooms[STREAMS] + rooms[EPISODES];

    if (!b)
        return NULL;
    b->model = x;
    b->most = known ? ALL_EVENTS / known : MOST_EVENTS;
    b->most = b->most < LEAST_EVENTS ? LEAST_EVENTS : b->most > MOST_EVENTS ? MOST_EVENTS : b->most;
    for (int i = 0; i < LANES; i++) {
        b->lanes[i] = templates[i];
        if (!make_room(&b->lanes[i], rooms[i])) {
            bars_free(b);
            return NULL;
        }
    }
    fill(b);
    return b;
}

void bars_free(struct bars *b)
{
    for (int i = 0; b && i < LANES; i++) {
        for (uint32_t n = 0; b->lanes[i].bars && n < b->lanes[i].count; n++)
            json_decref(b->lanes[i].bars[n].events);
        free(b->lanes[i].bars);
    }
    free(b);
}

/* ---- events ---- */

/* The first ones, and the last. */
static void keep(const struct bars *b, struct bar *to, const struct tap_event *ev,
                 enum tap_source source)
{
    json_t *row = event_row(ev, source, b->model->start);

    to->all++;
    if (!to->events)
        to->events = json_array();
    if (json_array_size(to->events) >= b->most)
        json_array_set_new(to->events, b->most - 1, row);
    else
        json_array_append_new(to->events, row);
}

/* The display and the stream's number are the first fields of each kind that is filtered by them.
 */
static bool has(const struct lane *l, const struct bar *b, const struct tap_event *ev)
{
    return b->to >= ev->time && (!l->by_display || b->display == (uint32_t)ev->v[0]) &&
           (!l->by_number || b->number == (uint32_t)ev->v[1]);
}

/* How many bars began before the time, or at it. */
static uint32_t begun(const struct lane *l, uint64_t time)
{
    uint32_t low = 0, high = l->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (l->bars[middle].from <= time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* To each bar: what ends one freeze begins the next. */
static void add_to_bars(struct bars *b, const struct lane *l, const struct run_event *e)
{
    const struct tap_event *ev = e->event;

    for (uint32_t i = begun(l, ev->time); i && l->bars[i - 1].reach >= ev->time; i--)
        if (has(l, &l->bars[i - 1], ev))
            keep(b, &l->bars[i - 1], ev, e->source);
}

static bool is_of(const struct lane *l, uint16_t kind)
{
    for (unsigned i = 0; l->kinds[i]; i++)
        if (l->kinds[i] == kind)
            return true;
    return false;
}

/* Keeps the longest. */
static void add_wait(struct bars *b, const struct tap_event *ev, enum tap_source source)
{
    struct lane *l = &b->lanes[WAITED];
    int64_t took = FIELDS(ev, guest_wait_end)->took;
    struct bar *place = l->bars;

    if (took <= 0 || (uint64_t)took >= ev->time)
        return;
    b->all_waits++;
    if (l->count < WAITS) {
        place = &l->bars[l->count++];
    } else {
        for (uint32_t i = 1; i < WAITS; i++)
            if (l->bars[i].to - l->bars[i].from < place->to - place->from)
                place = &l->bars[i];
        if (place->to - place->from >= (uint64_t)took)
            return;
        json_decref(place->events);
    }
    *place = (struct bar){.from = ev->time - (uint64_t)took, .to = ev->time};
    keep(b, place, ev, source);
}

/* `id`: how many events were lost; 0: unknown, or more than it holds. */
static void add_loss(struct bars *b, const struct run_event *e)
{
    struct lane *l = &b->lanes[LOST];

    b->all_losses++;
    if (l->count == WAITS)
        return;
    l->bars[l->count] =
        (struct bar){.from = e->loss.from,
                     .to = e->loss.to,
                     .id = e->loss.count > UINT32_MAX ? 0 : (uint32_t)e->loss.count};
    keep(b, &l->bars[l->count++], e->event ? e->event : e->raw, e->source);
}

void bars_add(struct bars *b, const struct run_event *e)
{
    if (e->raw->kind == EV_loss)
        add_loss(b, e);
    if (!e->event)
        return;
    if (e->event->kind == EV_guest_wait_end)
        add_wait(b, e->event, e->source);
    for (int i = 0; i < LANES; i++)
        if (is_of(&b->lanes[i], e->event->kind))
            add_to_bars(b, &b->lanes[i], e);
}

/* ---- as JSON ---- */

struct bar_text {
    char name[160], ref[32];
    const char *lane, *means;
};

static void freeze_text(const struct model *x, const struct bar *b, struct bar_text *t)
{
    bool still = client_stood_still(&x->client, &x->client.freezes[b->id]);

    t->lane = "Picture stood still";
    t->means = still ? "still" : "unread";
    snprintf(t->name, sizeof(t->name), "%s",
             still                ? "the picture stood still"
             : x->client.numbered ? "the clip's number stood still, but the client drew there"
                                  : "nothing new in the clip's place; no number was read there");
    snprintf(t->ref, sizeof(t->ref), "t0.%u", 10 + b->id);
}

static void stream_text(const struct model *x, const struct bar *b, struct bar_text *t)
{
    const struct model_stream *s = model_stream_at(x, b->id);

    t->lane = "Streams";
    t->means = "video";
    snprintf(t->name, sizeof(t->name),
             "stream s%u (the server's %u:%u): %dx%d, %" PRIu64 " frame%s", s->id, s->display,
             s->number, s->box[2] - s->box[0], s->box[3] - s->box[1], s->frames,
             s->frames == 1 ? "" : "s");
    snprintf(t->ref, sizeof(t->ref), "s%u", s->id);
}

static void episode_text(const struct model *x, const struct bar *b, struct bar_text *t)
{
    const struct model_episode *e = model_episode_at(x, b->id);

    t->lane = "Out of memory";
    t->means = "memory";
    snprintf(t->name, sizeof(t->name),
             "out of memory, e%u: %" PRIu64 " call%s, %" PRIu64 " evicted", e->id, e->notifies,
             e->notifies == 1 ? "" : "s", e->evicted);
    snprintf(t->ref, sizeof(t->ref), "e%u", e->id);
}

static void wait_text(const struct model *x, const struct bar *b, struct bar_text *t)
{
    (void)x;
    (void)b;
    t->lane = "Guest waited";
    t->means = "memory";
    snprintf(t->name, sizeof(t->name), "the guest waited for memory");
}

static void loss_text(const struct model *x, const struct bar *b, struct bar_text *t)
{
    (void)x;
    t->lane = "Lost";
    t->means = "lost";
    if (b->id)
        snprintf(t->name, sizeof(t->name), "%u event%s lost", b->id, b->id == 1 ? "" : "s");
    else
        snprintf(t->name, sizeof(t->name), "an unknown number of events lost");
}

static void (*const texts[LANES])(const struct model *, const struct bar *, struct bar_text *) = {
    [FREEZES] = freeze_text, [STREAMS] = stream_text, [EPISODES] = episode_text,
    [WAITED] = wait_text,    [LOST] = loss_text,
};

static double second(const struct model *x, uint64_t time)
{
    return time > x->start ? (double)(time - x->start) / 1e9 : 0;
}

static json_t *bar_json(const struct model *x, const struct bar *b, enum lanes lane)
{
    struct bar_text t = {.ref = ""};
    json_t *o;

    texts[lane](x, b, &t);
    o = json_pack("{ss ss ss sf sf ss sI}", "lane", t.lane, "name", t.name, "means", t.means,
                  "from", second(x, b->from), "to", second(x, b->to > b->from ? b->to : b->from),
                  "ref", t.ref, "all", (json_int_t)b->all);
    if (o)
        json_object_set_new(o, "events", b->events ? json_incref(b->events) : json_array());
    return o;
}

json_t *bars_json(const struct bars *b)
{
    json_t *list = json_array();

    for (enum lanes i = 0; i < LANES; i++)
        for (uint32_t n = 0; n < b->lanes[i].count; n++)
            json_array_append_new(list, bar_json(b->model, &b->lanes[i].bars[n], i));
    return list;
}

static void note(json_t *o, const char *lane, const char *which, uint64_t shown, uint64_t all)
{
    char text[96];

    if (shown == all)
        return;
    snprintf(text, sizeof(text), "Only the %s %" PRIu64 " of %" PRIu64 " are shown.", which, shown,
             all);
    json_object_set_new(o, lane, json_string(text));
}

/* An empty place in a lane must not look like nothing happened. */
json_t *bars_notes(const struct bars *b)
{
    const struct model *x = b->model;
    const struct lane *l = b->lanes;
    json_t *o = json_object();

    note(o, "Streams", "first", l[STREAMS].count, bounded_all(&x->streams.kept));
    note(o, "Out of memory", "first", l[EPISODES].count, bounded_all(&x->memory.kept));
    note(o, "Picture stood still", "longest", l[FREEZES].count, bounded_all(&x->client.kept));
    note(o, "Guest waited", "longest", l[WAITED].count, b->all_waits);
    note(o, "Lost", "first", l[LOST].count, b->all_losses);
    return o;
}
