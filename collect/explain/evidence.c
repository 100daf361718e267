/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The events behind a sentence: a second pass over the run, in which every event is found to belong
 * to the same things as in the first.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "explain/explain.h"
#include "run/input.h"

enum { HELD = 1024, SELECTS = 6 };

struct listing {
    struct sayer sayer;
    const struct model *first; /* what the first pass found */
    const char *wanted;
    bool found, json, holds; /* holds: redraws are asked for by what became of them */
    char text[768];
    struct select selects[SELECTS];
    size_t count;
    struct { /* of the drawable whose fate is not decided yet */
        struct tap_event ev;
        const struct bundle_log *from;
        uint32_t display;
    } held[HELD];
    size_t held_count;
    uint64_t listed;
};

static void on_sentence(struct sayer *s, const struct sentence *what)
{
    struct listing *l = s->arg;

    if (l->found || strcmp(what->ref, l->wanted))
        return;
    l->found = true;
    memcpy(l->text, what->text, sizeof(l->text));
    l->count = what->count < SELECTS ? what->count : SELECTS;
    if (l->count)
        memcpy(l->selects, what->selects, l->count * sizeof(*l->selects));
    for (size_t i = 0; i < l->count; i++)
        l->holds |= l->selects[i].outcomes || l->selects[i].refused;
}

/* The id that the first pass gave the region, if the time is in one of its stretches. */
static uint32_t region_id(const struct model *first, uint32_t index, uint64_t time)
{
    const struct model_region *r = index ? &first->regions.boxes[index - 1] : NULL;

    if (!r || !r->kept)
        return 0;
    for (unsigned i = 0; i < r->spell_count; i++)
        if (time >= r->spells[i].from && time <= r->spells[i].to)
            return r->id;
    return 0;
}

static void print_value(const struct tap_field *f, const struct tap_event *ev)
{
    uint64_t v = ev->v[f->slot];
    const char *name = f->names ? tap_enum_name(f->names, (int64_t)v) : NULL;
    int32_t box[4];

    if (f->type == TYPE_RECT) {
        memcpy(box, &ev->v[f->slot], sizeof(box));
        printf(" %s=%d,%d,%d,%d", f->name, box[0], box[1], box[2], box[3]);
    } else if (name)
        printf(" %s=%s", f->name, name);
    else if (!strcmp(f->meaning, "hex"))
        printf(" %s=0x%" PRIx64, f->name, v);
    else if (f->type == TYPE_S64 || f->type == TYPE_S32)
        printf(" %s=%" PRId64, f->name, (int64_t)v);
    else
        printf(" %s=%" PRIu64, f->name, v);
}

static json_t *value_json(const struct tap_field *f, const struct tap_event *ev)
{
    uint64_t v = ev->v[f->slot];
    const char *name = f->names ? tap_enum_name(f->names, (int64_t)v) : NULL;
    int32_t box[4];
    char hex[32];

    if (f->type == TYPE_RECT) {
        memcpy(box, &ev->v[f->slot], sizeof(box));
        return json_pack("[iiii]", box[0], box[1], box[2], box[3]);
    }
    snprintf(hex, sizeof(hex), "0x%" PRIx64, v);
    if (name || !strcmp(f->meaning, "hex"))
        return json_string(name ? name : hex);
    return json_integer((json_int_t)v);
}

static void list(struct listing *l, const struct tap_event *ev, const struct bundle_log *from)
{
    const struct tap_kind_desc *k = tap_kind_find(ev->kind);
    uint64_t start = l->first->start;

    l->listed++;
    if (l->json) {
        json_t *o = json_pack("{ss sI ss}", "log", from->name, "t", (json_int_t)ev->time, "event",
                              k ? k->name : "?");

        for (unsigned i = 0; k && o && i < k->count; i++)
            json_object_set_new(o, k->fields[i].name, value_json(&k->fields[i], ev));
        json_dumpf(o, stdout, JSON_COMPACT);
        json_decref(o);
        putchar('\n');
        return;
    }
    printf("%12.6f s  %-10s %s", ev->time > start ? (double)(ev->time - start) / 1e9 : 0.0,
           from->name, k ? k->name : "?");
    for (unsigned i = 0; k && i < k->count; i++)
        print_value(&k->fields[i], ev);
    putchar('\n');
}

static bool has_kind(const struct select *q, uint16_t kind)
{
    if (!q->kinds[0])
        return true;
    for (unsigned i = 0; i < 8 && q->kinds[i]; i++)
        if (q->kinds[i] == kind)
            return true;
    return false;
}

static bool has_value(const struct select *q, const struct tap_event *ev)
{
    const struct tap_kind_desc *k = q->field ? tap_kind_find(ev->kind) : NULL;

    for (unsigned i = 0; k && i < k->count; i++)
        if (!strcmp(k->fields[i].name, q->field))
            return ev->v[k->fields[i].slot] == q->value;
    return !q->field;
}

static bool is_ask(const struct model_episode *e, const struct select *q,
                   const struct tap_event *ev)
{
    return e && e->asked && e->asked_at == ev->time && e->asked_tid == ev->tid &&
           (!q->value || e->domain == q->value);
}

/* One event can be what was asked for in several episodes. */
static bool is_ask_of_any(const struct model *first, const struct select *q,
                          const struct tap_event *ev, const struct model_attr *a)
{
    uint32_t from = a->first_episode ? a->first_episode : a->episode;

    for (uint32_t id = from; id && id <= a->episode; id++)
        if (is_ask(model_episode(first, id), q, ev))
            return true;
    return false;
}

static bool follows_rule(const struct model *first, const struct select *q,
                         const struct tap_event *ev, const struct model_attr *a,
                         enum tap_source source)
{
    const struct model_stream *t = model_stream(first, a->stream);
    const struct model_episode *e = model_episode(first, a->episode);
    const struct model_domain *m = &first->memory.domains[q->value & 7];

    switch (q->rule) {
    case RULE_CAUSE:
        return t && t->cause == q->value;
    case RULE_DELETES:
        return e && e->deletes && !e->asked;
    case RULE_ASK:
        return is_ask_of_any(first, q, ev, a);
    case RULE_FULLEST:
        return FIELDS(ev, guest_memory)->domain == q->value &&
               (m->most_at == ev->time || m->least_at == ev->time);
    case RULE_OF_STREAM:
        return FIELDS(ev, evict)->stream >= 0;
    case RULE_HOST_LOSS:
        return source <= SOURCE_SPICE;
    case RULE_GUEST_LOSS:
        return source == SOURCE_GUEST || source == SOURCE_QEMU;
    case RULE_CLIP_PLACE:
        return client_in_clip_place(&first->client, FIELDS(ev, client_picture));
    case RULE_COUNTS:
        return a->counts;
    default:
        return true;
    }
}

static bool in_episode(const struct select *q, const struct model_attr *a)
{
    return a->first_episode ? q->episode >= a->first_episode && q->episode <= a->episode
                            : q->episode == a->episode;
}

/* All of spice-server's kinds that a display filter is used for have it first, as QEMU's qid is. */
static bool on_display(const struct select *q, const struct tap_event *ev)
{
    return (uint32_t)ev->v[0] == q->display - 1;
}

static bool selected(const struct listing *l, const struct select *q, const struct tap_event *ev,
                     const struct model_attr *a, enum tap_source source)
{
    if (q->outcomes || q->refused || ev->time < q->from || (q->to && ev->time > q->to) ||
        !has_kind(q, ev->kind))
        return false;
    if ((q->stream && q->stream != a->stream) || (q->episode && !in_episode(q, a)) ||
        (q->display && !on_display(q, ev)))
        return false;
    if (q->region && q->region != region_id(l->first, a->region, ev->time))
        return false;
    if (q->other_region && q->other_region != region_id(l->first, a->other_region, ev->time))
        return false;
    return has_value(q, ev) && follows_rule(l->first, q, ev, a, source);
}

static bool is_refused(const struct select *q, const struct model_candidate *c, enum outcome o)
{
    for (int i = 0; q->refused && !c->streamed && i < MODEL_COVERED; i++) {
        enum outcome why = fate_refusal(c, i, o);

        if (c->covered[i] == q->refused)
            return q->late || (why != OUT_TOO_LATE && why != OUT_LOST);
    }
    return false;
}

static bool is_wanted(const struct select *q, const struct model_candidate *c, uint32_t id,
                      enum outcome o)
{
    if (c->time < q->from || (q->to && c->time > q->to))
        return false;
    if (q->refused)
        return is_refused(q, c, o);
    return q->outcomes >> o & 1 && id && (!q->region || q->region == id);
}

static void on_decided(struct model *x, const struct model_candidate *c, enum outcome o)
{
    struct listing *l = x->arg;
    uint32_t id = region_id(l->first, c->region, c->time);
    bool yes = false;
    size_t kept = 0;

    for (size_t i = 0; i < l->count; i++)
        yes |= is_wanted(&l->selects[i], c, id, o);
    for (size_t i = 0; i < l->held_count; i++) {
        if (l->held[i].display != c->display)
            l->held[kept++] = l->held[i];
        else if (yes)
            list(l, &l->held[i].ev, l->held[i].from);
    }
    l->held_count = kept;
}

/* Of one drawable: held until its fate is known. */
static void hold(struct listing *l, const struct tap_event *known, const struct bundle_log *from)
{
    if (known->kind != EV_draw && known->kind != EV_match && known->kind != EV_frame &&
        known->kind != EV_stream_attach && known->kind != EV_stream_create)
        return;
    if (l->held_count == HELD)
        return;
    l->held[l->held_count].ev = *known;
    l->held[l->held_count].from = from;
    l->held[l->held_count++].display = (uint32_t)known->v[0];
}

static void one(struct model *x, struct listing *l, const struct run_event *e)
{
    model_add(x, e);
    if (!e->event)
        return;
    for (size_t i = 0; i < l->count; i++)
        if (selected(l, &l->selects[i], e->event, &x->attr, e->source)) {
            list(l, e->event, e->log);
            return;
        }
    if (x->attr.region && l->holds)
        hold(l, e->event, e->log);
}

static int again(struct listing *l)
{
    struct model *x = NULL;
    struct run_cursor *c = NULL;
    struct run_event e;
    int code = model_new(&x) ? EXIT_ENV : input_open(&x->bundle, "explain", l->first->run);

    if (code) {
        model_free(x);
        return code;
    }
    x->run = l->first->run;
    x->decided = on_decided;
    x->arg = l;
    if (cursor_open(&c, x->bundle))
        code = EXIT_ENV;
    while (!code && cursor_next(c, &e) == 1)
        one(x, l, &e);
    model_end(x);
    cursor_close(c);
    bundle_close(x->bundle);
    model_free(x);
    return code;
}

int explain_events(const struct model *x, const struct explain_options *o)
{
    struct listing *l = calloc(1, sizeof(*l));
    int code = EXIT_USAGE;

    if (!l)
        return EXIT_ENV;
    l->first = x;
    l->json = o->json;
    l->sayer = (struct sayer){.say = on_sentence, .deep = true, .arg = l};
    if (o->events) {
        l->wanted = o->events;
        say_all(x, &l->sayer);
    } else {
        uint64_t t = x->start + (uint64_t)(o->at * 1e9);

        l->found = true;
        l->count = 1;
        l->selects[0] = (struct select){.from = t > 50 * NS_PER_MS ? t - 50 * NS_PER_MS : 0,
                                        .to = t + 50 * NS_PER_MS};
    }
    if (!l->found)
        fprintf(stderr, "spicetap explain: %s: this run has no such sentence\n", o->events);
    else {
        if (!o->json && o->events)
            printf("[%s] %s\n\n", o->events, l->text);
        code = l->count ? again(l) : EXIT_DONE;
        if (!o->json)
            printf("%" PRIu64 " event%s\n", l->listed, l->listed == 1 ? "" : "s");
    }
    free(l);
    return code;
}
