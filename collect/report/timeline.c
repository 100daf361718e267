/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/bars.h"
#include "report/timeline.h"

enum { BINS = 1500 };
#define LEAST_BIN 0.25 /* s: in a shorter one a rate jumps between none and many */

/* A curve is the sum of a field, or the number of events, a second; or the part of a memory that is
 * in use. */
enum sums { EVENTS, FIELD, PART_USED };

static const struct kind_of_curve {
    const char *lane, *name, *unit;
    const char *means; /* names a colour: the same in all lanes */
    uint16_t kind;
    enum sums sums;
    const char *field; /* FIELD: summed */
    const char *only;  /* NULL, or this field must have the value `is` */
    uint64_t is;
} kinds[] = {
    {"Sent to clients", "all messages", "B/s", "all", EV_sent, FIELD, "size", NULL, 0},
    {"Sent to clients", "video", "B/s", "video", EV_stream_encode, FIELD, "sent", NULL, 0},
    {"Sent to clients", "pictures", "B/s", "picture", EV_image, FIELD, "sent", NULL, 0},
    {"Drawings", "all", "/s", "all", EV_draw, EVENTS, NULL, NULL, 0},
    {"Drawings", "could be video", "/s", "candidate", EV_draw, EVENTS, NULL, "verdict",
     DRAW_VERDICT_can_stream},
    {"Drawings", "joined a stream", "/s", "video", EV_stream_attach, EVENTS, NULL, NULL, 0},
    {"Client's picture", "pictures of the clip", "/s", "seen", EV_client_clip, EVENTS, NULL, NULL,
     0},
    {"Client's picture", "frames that came", "/s", "video", EV_client_frame, EVENTS, NULL, NULL, 0},
    {"Guest's memory", "ram in use", "%", "memory", EV_guest_memory, PART_USED, "used", "domain",
     GUEST_DOMAIN_vram},
    {"Guest's memory", "vram in use", "%", "vram", EV_guest_memory, PART_USED, "used", "domain",
     GUEST_DOMAIN_surface},
    {"Calls for memory", "calls", "/s", "memory", EV_oom_begin, EVENTS, NULL, NULL, 0},
    {"Calls for memory", "calls (no probes)", "/s", "memory", EV_spice_qxl_oom, EVENTS, NULL, NULL,
     0},
    {"Calls for memory", "evictions", "/s", "evicted", EV_evict, EVENTS, NULL, NULL, 0},
};
enum { CURVES = sizeof(kinds) / sizeof(*kinds) };

struct timeline {
    const struct model *model;
    unsigned bin_count;
    double bins[CURVES][BINS];
    bool any[CURVES];
    bool lost[SOURCES][BINS]; /* events of that source were lost there */
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

static void add(struct timeline *t, const struct run_event *e)
{
    const struct tap_event *ev = e->event;

    if (e->raw->kind == EV_loss)
        for (unsigned i = bin_of(t, e->loss.from); i <= bin_of(t, e->loss.to); i++)
            t->lost[e->source][i] = true;
    for (unsigned c = 0; ev && c < CURVES; c++)
        if (kinds[c].kind == ev->kind)
            add_to_curve(t, c, ev);
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
            json_array_append_new(list, json_pack("{ss ss ss ss so}", "lane", kinds[c].lane, "name",
                                                  kinds[c].name, "unit", kinds[c].unit, "means",
                                                  kinds[c].means, "values", values));
    }
    return list;
}

json_t *timeline_json(const struct model *x)
{
    struct timeline *t = calloc(1, sizeof(*t));
    struct bars *bars = bars_new(x);
    struct run_cursor *c = NULL;
    struct bundle *b = NULL;
    json_t *o = NULL;
    struct run_event e;

    if (t && bars && !bundle_open(&b, x->run) && !cursor_open(&c, b)) {
        t->model = x;
        t->bin_count =
            x->seconds / LEAST_BIN >= BINS ? BINS : (unsigned)(x->seconds / LEAST_BIN) + 1;
        while (cursor_next(c, &e) == 1) {
            add(t, &e);
            bars_add(bars, &e);
        }
        o = json_pack("{si sf so so so}", "bins", (int)t->bin_count, "bin",
                      x->seconds / t->bin_count, "curves", curves(t), "spans", bars_json(bars),
                      "notes", bars_notes(bars));
    }
    cursor_close(c);
    bundle_close(b);
    bars_free(bars);
    free(t);
    return o;
}
