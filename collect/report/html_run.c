/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run as the report's page has it. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/progress.h"
#include "explain/explain.h"
#include "explain/presence.h"
#include "links/links.h"
#include "report/event_text.h"
#include "report/html.h"
#include "report/sentence.h"
#include "report/timeline.h"
#include "run/input.h"

enum {
    FINDINGS = 400,     /* of the page */
    LISTED = 100,       /* events of a sentence, */
    ALL_LISTED = 10000, /* and of all */
    JOURNEYS = 500,     /* rows */
};

static const char *const titles[128] = {['i'] = "In short",
                                        ['e'] = "Memory",
                                        ['s'] = "Streams",
                                        ['r'] = "Places redrawn like a video",
                                        ['b'] = "Boxes that alternate",
                                        ['t'] = "Throughput"};

struct page {
    const struct model *model;
    json_t *sections, *events, *journeys;
    struct select *selects; /* of all findings, and the sentence of each */
    uint32_t *sentence_of;
    size_t select_count;
    json_t *lists[FINDINGS]; /* of events, by sentence */
    uint64_t counts[FINDINGS];
    uint32_t findings, listed;
    char object;
    json_t *items;
};

/* ---- sentences ---- */

/* The lane that has the things that a sentence leaves out. */
static const char *lane_of(const struct finding *f)
{
    return f->rule == RULE_EPISODES_MORE  ? "Out of memory"
           : f->rule == RULE_STREAMS_MORE ? "Streams"
                                          : NULL;
}

static void on_finding(struct finder *s, const struct finding *f)
{
    struct page *p = s->arg;
    char text[SENTENCE_SIZE];

    if (p->findings == FINDINGS)
        return;
    if (f->object != p->object) {
        p->items = json_array();
        json_array_append_new(
            p->sections, json_pack("{ss so}", "title", titles[f->object & 127], "items", p->items));
        p->object = f->object;
    }
    sentence_page_text(f, text);
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    json_array_append_new(p->items, json_pack("{ss ss* sb ss*}", "ref", f->ref, "text", text,
                                              "doubt", f->unsure != SURE, "lane", lane_of(f)));
    for (size_t i = 0; i < f->evidence_count; i++) {
        p->selects[p->select_count] = f->evidence[i];
        p->sentence_of[p->select_count++] = p->findings;
    }
    p->lists[p->findings] = json_array();
    json_object_set_new(p->events, f->ref, json_pack("{sO}", "list", p->lists[p->findings]));
    json_decref(p->lists[p->findings]); /* the object holds it */
    p->findings++;
}

/* ---- the events behind them ---- */

static void on_event(void *arg, size_t which, const struct tap_event *ev,
                     const struct bundle_log *from)
{
    struct page *p = arg;
    uint32_t sentence = p->sentence_of[which];

    p->counts[sentence]++;
    if (json_array_size(p->lists[sentence]) >= LISTED || p->listed >= ALL_LISTED)
        return;
    p->listed++;
    json_array_append_new(p->lists[sentence], event_row(ev, from->source, p->model->start));
}

/* How many there are in all: the lists may hold fewer. */
static void count_events(struct page *p)
{
    const char *ref;
    json_t *o;
    uint32_t n = 0;

    json_object_foreach(p->events, ref, o)
    {
        json_object_set_new(o, "all", json_integer((json_int_t)p->counts[n++]));
    }
}

/* ---- journeys of the releases in these events ---- */

struct journey_rows {
    struct row_sink to; /* first: it is cast */
    struct page *page;
    json_t *wanted; /* times of the listed events, by release id */
};

static json_t *cell_json(const struct row *r, const struct column *c)
{
    uint64_t v = r->v[c->slot];
    char text[64];

    switch (c->kind) {
    case COLUMN_TEXT:
        return v ? json_string((const char *)(uintptr_t)v) : json_null();
    case COLUMN_FLAG:
        return json_boolean(v);
    case COLUMN_ENUM:
        return tap_enum_name(c->names, (int64_t)v)
                   ? json_string(tap_enum_name(c->names, (int64_t)v))
                   : json_integer((json_int_t)v);
    case COLUMN_HEX:
        snprintf(text, sizeof(text), "0x%" PRIx64, v);
        return json_string(text);
    case COLUMN_BOX:
        return NULL;
    default:
        return json_integer((json_int_t)v);
    }
}

/* A time of the host as seconds of the run: those are the columns in ns that are later than it
 * began. */
static json_t *journey_json(const struct model *x, const struct row *r)
{
    json_t *o = json_object();

    for (unsigned i = 0; i < r->schema->count; i++) {
        const struct column *c = &r->schema->columns[i];
        uint64_t v = r->v[c->slot];
        json_t *value;
        char text[64];

        if (row_null(r, i))
            continue;
        if (!strcmp(c->unit, "ns") && v >= x->start && v <= x->end) {
            value = json_real((double)(v - x->start) / 1e9);
        } else if (!strcmp(c->unit, "ns")) {
            snprintf(text, sizeof(text), "%.3f ms", (double)v / 1e6);
            value = json_string(text);
        } else
            value = cell_json(r, c);
        if (value)
            json_object_set_new(o, c->name, value);
    }
    return o;
}

static double cell_second(const struct model *x, const struct row *r, const char *name,
                          double unknown)
{
    for (unsigned i = 0; i < r->schema->count; i++)
        if (!strcmp(r->schema->columns[i].name, name) && !row_null(r, i))
            return ((double)r->v[r->schema->columns[i].slot] - (double)x->start) / 1e9;
    return unknown;
}

/* Is one of the listed events, whose times these are, in this life of the release? */
static bool is_of(const struct model *x, json_t *times, const struct row *r)
{
    double from = cell_second(x, r, "alloc", -1e18), to = cell_second(x, r, "free", 1e18);
    json_t *time;
    size_t i;

    json_array_foreach(times, i, time)
    {
        if (json_number_value(time) >= from - 0.001 && json_number_value(time) <= to + 0.001)
            return true;
    }
    return false;
}

static int put_journey(struct row_sink *to, const struct row *r)
{
    struct journey_rows *j = (struct journey_rows *)to;
    char id[32];

    snprintf(id, sizeof(id), "0x%" PRIx64, r->v[r->schema->columns[0].slot]);
    if (json_array_size(j->page->journeys) < JOURNEYS &&
        is_of(j->page->model, json_object_get(j->wanted, id), r))
        json_array_append_new(j->page->journeys, journey_json(j->page->model, r));
    return 0;
}

static json_t *wanted_releases(const struct page *p)
{
    json_t *wanted = json_object();

    for (uint32_t i = 0; i < p->findings; i++) {
        size_t at;
        json_t *ev;

        json_array_foreach(p->lists[i], at, ev)
        {
            const char *id = event_row_release(ev);

            if (!id)
                continue;
            if (!json_object_get(wanted, id))
                json_object_set_new(wanted, id, json_array());
            json_array_append(json_object_get(wanted, id), json_array_get(ev, 0));
        }
    }
    return wanted;
}

static int add_journeys(struct page *p)
{
    struct journey_rows rows = {.to.put = put_journey, .page = p, .wanted = wanted_releases(p)};
    struct bundle *b = NULL;
    void *state = NULL;
    int error = 0;

    if (json_object_size(rows.wanted)) {
        error = bundle_open(&b, p->model->run);
        state = error ? NULL : view_journeys.begin(&rows.to);
        if (!error && !state)
            error = -1;
        if (!error)
            error = links_walk(&(struct link_walk){&view_journeys, state, &rows.to}, 1, b, NULL);
    }
    if (state)
        view_journeys.free(state);
    bundle_close(b);
    json_decref(rows.wanted);
    return error;
}

/* ---- the run ---- */

/* What the reader must know before anything else; "": nothing. */
static const char *warning(const struct model *x)
{
    const char *text = input_warning(x->bundle);

    if (*text)
        return text;
    if (!x->counts.events)
        return "This run has no events.";
    return x->counts.lost_unknown || x->counts.lost ? "Events were lost: see the lane Lost." : "";
}

static void put_figure(json_t *o, const char *name, bool known, double value)
{
    json_object_set_new(o, name, known ? json_real(value) : json_null());
}

/* What was not recorded, or may have been lost, is null. */
static json_t *figures(const struct model *x)
{
    double minutes = x->seconds > 0 ? x->seconds / 60 : 1;
    bool server = !x->losses.places[SOURCE_SPICE] && !bundle_stock(x->bundle);
    bool client = x->has_client && !x->losses.places[SOURCE_CLIENT];
    json_t *o = json_object();

    put_figure(o, "streams, a minute", server, (double)bounded_all(&x->streams.kept) / minutes);
    put_figure(o, "out of memory, a minute", server,
               (double)bounded_all(&x->memory.kept) / minutes);
    put_figure(o, "evicted, a minute", server, (double)x->memory.all.evicted / minutes);
    put_figure(o, "guest waited, % of the time", presence_of_waits(x, x->start, x->end),
               (double)x->waits.guest.waited / 1e7 / (x->seconds > 0 ? x->seconds : 1));
    put_figure(o, "pictures of the clip, a second", client && x->client.numbered,
               (double)x->client.pictures / (minutes * 60));
    put_figure(o, "longest freeze, s", client && x->client.numbered,
               (double)x->client.longest_freeze / 1e9);
    return o;
}

/* A file's name can be any bytes: what is not UTF-8 becomes question marks. */
static json_t *plain(const char *text)
{
    json_t *o = json_string(text);
    char *copy = o ? NULL : strdup(text);

    for (char *p = copy; p && *p; p++)
        if (*p & 0x80)
            *p = '?';
    if (copy)
        o = json_string(copy);
    free(copy);
    return o;
}

static json_t *result(struct page *p, json_t *timeline)
{
    const struct model *x = p->model;
    const char *started = json_string_value(
        json_object_get(json_object_get(bundle_about(x->bundle), "started"), "wall"));
    const char *name = strrchr(x->run, '/');
    json_t *o = json_pack("{so so sf sI ss ss* sO sO sO so so so}", "name",
                          plain(name && name[1] ? name + 1 : x->run), "path", plain(x->run),
                          "seconds", x->seconds, "events", (json_int_t)x->counts.events, "warning",
                          warning(x), "started", started, "sections", p->sections, "evidence",
                          p->events, "journeys", p->journeys, "figures", figures(x), "timeline",
                          timeline, "fields", event_fields());

    if (o && !x->counts.lost_unknown)
        json_object_set_new(o, "lost", json_integer((json_int_t)x->counts.lost));
    return o;
}

json_t *html_run(const struct model *x)
{
    struct page p = {.model = x,
                     .sections = json_array(),
                     .events = json_object(),
                     .journeys = json_array(),
                     .selects = calloc((size_t)FINDINGS * FINDING_EVIDENCE, sizeof(struct select)),
                     .sentence_of = calloc((size_t)FINDINGS * FINDING_EVIDENCE, sizeof(uint32_t))};
    struct finder s = {.found = on_finding, .arg = &p};
    json_t *timeline = NULL, *o = NULL;

    if (p.selects && p.sentence_of) {
        find_page(x, &s);
        progress_label("looking for the events of each sentence");
        if (!evidence_find(x, p.selects, p.select_count, true, on_event, &p) && !add_journeys(&p)) {
            count_events(&p);
            progress_label("drawing the timeline");
            timeline = timeline_json(x);
            o = timeline ? result(&p, timeline) : NULL;
        }
    }
    json_decref(p.sections);
    json_decref(p.events);
    json_decref(p.journeys);
    free(p.selects);
    free(p.sentence_of);
    return o;
}
