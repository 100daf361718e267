/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/timeline.h"
#include "run/cursor.h"

enum { BINS = 1500, WAITS = 1000 };
#define LEAST_BIN 0.25 /* s: in a shorter one a rate jumps between none and many */

/* A curve is the sum of a field, or the number of events, a second; or the part of a memory that is
 * in use. */
enum sums { EVENTS, FIELD, PART_USED };

static const struct kind_of_curve {
    const char *lane, *name, *unit;
    uint16_t kind;
    enum sums sums;
    const char *field; /* FIELD: summed */
    const char *only;  /* NULL, or this field must have the value `is` */
    uint64_t is;
} kinds[] = {
    {"Sent to clients", "all messages", "B/s", EV_sent, FIELD, "size", NULL, 0},
    {"Sent to clients", "video", "B/s", EV_stream_encode, FIELD, "sent", NULL, 0},
    {"Sent to clients", "pictures", "B/s", EV_image, FIELD, "sent", NULL, 0},
    {"Drawings", "all", "/s", EV_draw, EVENTS, NULL, NULL, 0},
    {"Drawings", "could be video", "/s", EV_draw, EVENTS, NULL, "verdict", DRAW_VERDICT_can_stream},
    {"Drawings", "joined a stream", "/s", EV_stream_attach, EVENTS, NULL, NULL, 0},
    {"Client's picture", "pictures of the clip", "/s", EV_client_clip, EVENTS, NULL, NULL, 0},
    {"Client's picture", "frames that came", "/s", EV_client_frame, EVENTS, NULL, NULL, 0},
    {"Guest's memory", "ram in use", "%", EV_guest_memory, PART_USED, "used", "domain",
     GUEST_DOMAIN_vram},
    {"Guest's memory", "vram in use", "%", EV_guest_memory, PART_USED, "used", "domain",
     GUEST_DOMAIN_surface},
    {"Calls for memory", "calls", "/s", EV_oom_begin, EVENTS, NULL, NULL, 0},
    {"Calls for memory", "calls (no probes)", "/s", EV_spice_qxl_oom, EVENTS, NULL, NULL, 0},
    {"Calls for memory", "evictions", "/s", EV_evict, EVENTS, NULL, NULL, 0},
};
enum { CURVES = sizeof(kinds) / sizeof(*kinds) };

struct wait {
    uint64_t from, to;
};

struct timeline {
    const struct model *model;
    unsigned bin_count;
    double bins[CURVES][BINS];
    bool any[CURVES];
    bool lost[SOURCES][BINS]; /* events of that source were lost there */
    struct wait waits[WAITS]; /* of the guest: the longest, in no order */
    uint32_t wait_count;
    uint64_t all_waits, all_losses;
    json_t *losses;
};

static unsigned bin_of(const struct timeline *t, uint64_t time)
{
    uint64_t start = t->model->start, end = t->model->end;

    if (time <= start || end <= start)
        return 0;
    return time >= end ? t->bin_count - 1
                       : (unsigned)((double)(time - start) / (double)(end - start) * t->bin_count);
}

static const struct tap_field *field_of(const struct tap_kind_desc *kind, const char *name)
{
    for (unsigned i = 0; name && i < kind->count; i++)
        if (!strcmp(kind->fields[i].name, name))
            return &kind->fields[i];
    return NULL;
}

static void add_to_curve(struct timeline *t, unsigned c, const struct tap_event *ev)
{
    const struct kind_of_curve *k = &kinds[c];
    const struct tap_kind_desc *kind = tap_kind_find(ev->kind);
    const struct tap_field *f = field_of(kind, k->field), *only = field_of(kind, k->only);
    double *bin = &t->bins[c][bin_of(t, ev->time)];

    if (only && ev->v[only->slot] != k->is)
        return;
    t->any[c] = true;
    if (k->sums == EVENTS)
        *bin += 1;
    else if (k->sums == FIELD)
        *bin += (double)ev->v[f->slot];
    else if (ev->v[field_of(kind, "total")->slot])
        *bin = 100 * (double)ev->v[f->slot] / (double)ev->v[field_of(kind, "total")->slot];
}

/* Keeps the longest. */
static void add_wait(struct timeline *t, uint64_t from, uint64_t to)
{
    struct wait *place = &t->waits[t->wait_count];

    t->all_waits++;
    if (t->wait_count < WAITS) {
        t->wait_count++;
    } else {
        place = &t->waits[0];
        for (uint32_t i = 1; i < WAITS; i++)
            if (t->waits[i].to - t->waits[i].from < place->to - place->from)
                place = &t->waits[i];
        if (place->to - place->from >= to - from)
            return;
    }
    *place = (struct wait){from, to};
}

static double second(const struct timeline *t, uint64_t time)
{
    return time > t->model->start ? (double)(time - t->model->start) / 1e9 : 0;
}

static void add_span(struct timeline *t, json_t *list, const char *lane, const char *name,
                     uint64_t from, uint64_t to, const char *ref)
{
    json_array_append_new(list, json_pack("{ss ss sf sf ss}", "lane", lane, "name", name, "from",
                                          second(t, from), "to", second(t, to > from ? to : from),
                                          "ref", ref));
}

static void add_loss(struct timeline *t, const struct run_event *e)
{
    char name[96];

    for (unsigned i = bin_of(t, e->loss.from); i <= bin_of(t, e->loss.to); i++)
        t->lost[e->source][i] = true;
    t->all_losses++;
    if (json_array_size(t->losses) >= WAITS)
        return;
    if (e->loss.count == RUN_UNKNOWN)
        snprintf(name, sizeof(name), "an unknown number of events lost");
    else
        snprintf(name, sizeof(name), "%llu events lost", (unsigned long long)e->loss.count);
    add_span(t, t->losses, "Lost", name, e->loss.from, e->loss.to, "");
}

static void add(struct timeline *t, const struct run_event *e)
{
    const struct tap_event *ev = e->event;

    if (e->raw->kind == EV_loss)
        add_loss(t, e);
    if (!ev)
        return;
    for (unsigned c = 0; c < CURVES; c++)
        if (kinds[c].kind == ev->kind)
            add_to_curve(t, c, ev);
    if (ev->kind == EV_guest_wait_end) {
        int64_t took = FIELDS(ev, guest_wait_end)->took;

        if (took > 0 && (uint64_t)took < ev->time)
            add_wait(t, ev->time - (uint64_t)took, ev->time);
    }
}

static json_t *curves(const struct timeline *t)
{
    double bin = t->model->seconds / t->bin_count;
    json_t *list = json_array();

    for (unsigned c = 0; c < CURVES; c++) {
        json_t *values = t->any[c] ? json_array() : NULL;
        double last = NAN;

        for (unsigned i = 0; values && i < t->bin_count; i++) {
            double v = t->bins[c][i];

            if (kinds[c].sums == PART_USED) /* a sample now and then: it holds until the next */
                last = v > 0 ? v : last;
            else
                last = t->lost[tap_kind_find(kinds[c].kind)->source][i] || bin <= 0 ? NAN : v / bin;
            json_array_append_new(values,
                                  isnan(last) ? json_null() : json_real(round(last * 10) / 10));
        }
        if (values)
            json_array_append_new(list, json_pack("{ss ss ss so}", "lane", kinds[c].lane, "name",
                                                  kinds[c].name, "unit", kinds[c].unit, "values",
                                                  values));
    }
    return list;
}

static void add_streams(struct timeline *t, json_t *list)
{
    const struct model *x = t->model;
    char name[160], ref[32];

    for (uint32_t i = 1; i <= x->streams.kept.count; i++) {
        const struct model_stream *s = model_stream_at(x, i);

        snprintf(name, sizeof(name), "stream s%u (the server's %u:%u): %dx%d, %llu frames", s->id,
                 s->display, s->number, s->box[2] - s->box[0], s->box[3] - s->box[1],
                 (unsigned long long)s->frames);
        snprintf(ref, sizeof(ref), "s%u", s->id);
        add_span(t, list, "Streams", name, s->born, s->died, ref);
    }
}

static void add_episodes(struct timeline *t, json_t *list)
{
    const struct model *x = t->model;
    char name[160], ref[32];

    for (uint32_t i = 1; i <= model_episodes(x); i++) {
        const struct model_episode *e = model_episode_at(x, i);

        snprintf(name, sizeof(name), "out of memory: %llu calls, %llu evicted",
                 (unsigned long long)e->notifies, (unsigned long long)e->evicted);
        snprintf(ref, sizeof(ref), "e%u", e->id);
        add_span(t, list, "Out of memory", name, e->from, e->resumed ? e->resumed : e->to, ref);
    }
}

static json_t *spans(struct timeline *t)
{
    const struct model *x = t->model;
    json_t *list = json_array();
    char name[96];

    for (uint32_t i = 0; i < x->client.kept.count; i++) {
        const struct model_freeze *z = &x->client.freezes[i];

        snprintf(name, sizeof(name), "the picture stood still for %.2f s",
                 (double)(z->to - z->from) / 1e9);
        add_span(t, list, "Picture stood still", name, z->from, z->to, "");
    }
    add_streams(t, list);
    add_episodes(t, list);
    for (uint32_t i = 0; i < t->wait_count; i++) {
        const struct wait *w = &t->waits[i];

        snprintf(name, sizeof(name), "the guest waited for %.1f ms",
                 (double)(w->to - w->from) / 1e6);
        add_span(t, list, "Guest waited", name, w->from, w->to, "");
    }
    json_array_extend(list, t->losses);
    return list;
}

static void note(json_t *o, const char *lane, const char *which, uint64_t shown, uint64_t all)
{
    char text[96];

    if (shown == all)
        return;
    snprintf(text, sizeof(text), "Only the %s %llu of %llu are shown.", which,
             (unsigned long long)shown, (unsigned long long)all);
    json_object_set_new(o, lane, json_string(text));
}

/* An empty place in a lane must not look like nothing happened. */
static json_t *notes(const struct timeline *t)
{
    const struct model *x = t->model;
    json_t *o = json_object();

    note(o, "Streams", "first", x->streams.kept.count, bounded_all(&x->streams.kept));
    note(o, "Out of memory", "first", model_episodes(x), bounded_all(&x->memory.kept));
    note(o, "Picture stood still", "longest", x->client.kept.count, bounded_all(&x->client.kept));
    note(o, "Guest waited", "longest", t->wait_count, t->all_waits);
    note(o, "Lost", "first", json_array_size(t->losses), t->all_losses);
    return o;
}

json_t *timeline_json(const struct model *x)
{
    struct timeline *t = calloc(1, sizeof(*t));
    struct run_cursor *c = NULL;
    struct bundle *b = NULL;
    json_t *o = NULL;
    struct run_event e;

    if (!t)
        return NULL;
    t->model = x;
    t->bin_count = x->seconds / LEAST_BIN >= BINS ? BINS : (unsigned)(x->seconds / LEAST_BIN) + 1;
    t->losses = json_array();
    if (t->losses && !bundle_open(&b, x->run) && !cursor_open(&c, b)) {
        while (cursor_next(c, &e) == 1)
            add(t, &e);
        o = json_pack("{si sf so so so}", "bins", (int)t->bin_count, "bin",
                      x->seconds / t->bin_count, "curves", curves(t), "spans", spans(t), "notes",
                      notes(t));
    }
    cursor_close(c);
    bundle_close(b);
    json_decref(t->losses);
    free(t);
    return o;
}
