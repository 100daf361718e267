/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page as JSON, schema 2: docs/dev/explain-json.md, docs/dev/explain.schema.json. Long lists
 * are written element by element, so that memory does not grow with the run.
 */
#include <stdio.h>

#include "base/exit.h"
#include "explain/names.h"
#include "report/clients_json.h"
#include "report/explain.h"
#include "report/finding_json.h"

#define NUMBER(v) ((json_int_t)(v))

/* ---- writing the one object, a member a line ---- */

struct page {
    bool failed, first;
};

static void write_json(struct page *p, json_t *what)
{
    p->failed |= !what || json_dumpf(what, stdout, JSON_COMPACT | JSON_ENCODE_ANY) != 0;
    json_decref(what);
}

static void member(struct page *p, const char *name, json_t *value)
{
    printf("%s\n  \"%s\": ", p->first ? "{" : ",", name);
    p->first = false;
    if (value)
        write_json(p, value);
}

/* A list: its name, then its elements. */
static void list_begin(struct page *p, const char *name)
{
    member(p, name, NULL);
    putchar('[');
}

static void element(struct page *p, uint32_t place, json_t *value)
{
    printf("%s\n    ", place ? "," : "");
    write_json(p, value);
}

/* ---- findings ---- */

static void to_array(struct finder *s, const struct finding *f)
{
    json_array_append_new(s->arg, finding_json(f));
}

struct stream_of_findings {
    struct page *page;
    uint32_t count;
};

static void to_list(struct finder *s, const struct finding *f)
{
    struct stream_of_findings *l = s->arg;

    element(l->page, l->count++, finding_json(f));
}

static struct finder into(json_t *array)
{
    return (struct finder){.found = to_array, .deep = true, .arg = array};
}

/* ---- facts ---- */

static json_t *outcomes(const uint64_t *out)
{
    json_t *o = json_object();

    for (int i = 1; i < OUTCOMES; i++)
        if (out[i])
            json_object_set_new(o, outcome_names[i], json_integer(NUMBER(out[i])));
    return o;
}

static const char *const doubts[] = {[DOUBT_NONE] = "",
                                     [DOUBT_GAP] = "lost",
                                     [DOUBT_CLIENT] = "lost",
                                     [DOUBT_END] = "lost",
                                     [DOUBT_GUEST] = "lost_of_guest",
                                     [DOUBT_CLOCK] = "clock",
                                     [DOUBT_BEFORE] = "before",
                                     [DOUBT_UNSEEN] = "not_seen",

                                     [DOUBT_SILENT] = "guest_gone",
                                     [DOUBT_DISPLAY] = "display"};

/* Where a loss of the run has no count, the number of lost events is unknown, and absent. */
static void set_losses(const struct model *x, json_t *o, uint64_t places, uint64_t events)
{
    if (!places || !x->counts.lost_unknown)
        json_object_set_new(o, "losses", json_integer(NUMBER(events)));
}

static json_t *stream(const struct model *x, const struct model_stream *t)
{
    json_t *o =
        json_pack("{sI sI sI so ss sI sI sI sI sI sI sI sI so sb sb}", "id", NUMBER(t->id),
                  "display", NUMBER(t->display), "number", NUMBER(t->number), "box",
                  box_json(t->box), "cause", cause_names[t->cause], "also", NUMBER(t->also), "born",
                  NUMBER(t->born), "died", NUMBER(t->died), "frames", NUMBER(t->frames),
                  "last_frame", NUMBER(t->last_frame), "own_evicted", NUMBER(t->own_evicted),
                  "waited_ns", NUMBER(t->gap.stalled), "blocked_ns", NUMBER(t->gap.blocked),
                  "refused", outcomes(t->refused), "began", t->began, "ended", t->ended);
    struct finder s = into(json_array());

    if (t->doubt)
        json_object_set_new(o, "doubt", json_string(doubts[t->doubt]));
    set_losses(x, o, t->losses, t->lost);
    json_object_set_new(o, "findings", s.arg);
    find_stream(x, t, &s);
    return o;
}

static json_t *region(const struct model *x, const struct model_region *r)
{
    json_t *o =
        json_pack("{sI sI so sI sI sI so sI}", "id", NUMBER(r->id), "display", NUMBER(r->display),
                  "box", box_json(r->first_box), "draws", NUMBER(r->draws), "stretches",
                  NUMBER(bounded_all(&r->listed)), "busy_ns", NUMBER(r->busy_ns), "outcomes",
                  outcomes(r->out), "frames_in_a_row", NUMBER(r->most_frames));
    struct finder s = into(json_array());

    if (r->least_late != UINT64_MAX)
        json_object_set_new(o, "late_ns", json_integer(NUMBER(r->least_late)));
    if (r->least_off != UINT32_MAX)
        json_object_set_new(o, "pixels_off", json_integer(NUMBER(r->least_off)));
    json_object_set_new(o, "slow", json_boolean(r->slow));
    set_losses(x, o, r->losses, r->lost);
    json_object_set_new(o, "inconclusive", json_boolean(r->losses != 0));
    json_object_set_new(o, "findings", s.arg);
    find_place(x, r, &s);
    return o;
}

static json_t *alternate(const struct model *x, const struct model_alternate *p)
{
    const struct box_group *g = alternates_group(&x->alternates, p);
    json_t *boxes = json_array(), *o;
    struct finder s = into(json_array());

    for (uint32_t i = 0; i < g->count; i++)
        json_array_append_new(boxes, json_pack("{so sI}", "box", box_json(g->boxes[i].box), "draws",
                                               NUMBER(g->boxes[i].draws)));
    o = json_pack("{sI sI so sI sI sI sI sI sI}", "id", NUMBER(p->id), "display",
                  NUMBER(g->display), "boxes", boxes, "redraws", NUMBER(p->redraws), "changes",
                  NUMBER(p->changes), "streamed", NUMBER(p->streamed), "lost_ns",
                  NUMBER(p->lost_ns), "in_a_row", NUMBER(p->longest), "any_box_in_a_row",
                  NUMBER(p->most_in_row));
    if (p->need_delta != UINT64_MAX)
        json_object_set_new(o, "need_delta_ns", json_integer(NUMBER(p->need_delta)));
    if (p->need_pixels != UINT64_MAX)
        json_object_set_new(o, "need_pixels", json_integer(NUMBER(p->need_pixels)));
    set_losses(x, o, p->losses, p->lost);
    json_object_set_new(o, "inconclusive", json_boolean(p->losses != 0 || !p->counted));
    json_object_set_new(o, "findings", s.arg);
    find_alternate(x, p, &s);
    return o;
}

static json_t *episode(const struct model *x, const struct model_episode *e)
{
    json_t *o = json_pack(
        "{sI sI sI sI sI sI sI sI sI sI sI sI}", "id", NUMBER(e->id), "display", NUMBER(e->display),
        "from", NUMBER(e->from), "resumed", NUMBER(e->resumed), "stalled_ns", NUMBER(e->stalled),
        "notifies", NUMBER(e->notifies), "ooms", NUMBER(e->ooms), "evicted", NUMBER(e->evicted),
        "streamable", NUMBER(e->streamable), "of_streams", NUMBER(e->of_streams),
        "slots_overwritten", NUMBER(e->overwritten), "still_of_use", NUMBER(e->usable));
    struct finder s = into(json_array());

    if (e->sized) {
        json_object_set_new(o, "drawables", json_integer(NUMBER(e->drawables)));
        json_object_set_new(o, "held_bytes", json_integer(NUMBER(e->held_bytes)));
    }
    json_object_set_new(o, "deletes", json_integer(NUMBER(e->deletes)));
    json_object_set_new(o, "inconclusive", json_boolean(e->losses || e->unsure));
    set_losses(x, o, e->losses, e->lost);
    json_object_set_new(o, "findings", s.arg);
    find_episode(x, e, &s);
    return o;
}

/* What did not fit: a conclusion that rests on it is inconclusive. */
static json_t *overflow(const struct model *x)
{
    struct model_overflow tables[MODEL_TABLES];
    unsigned count = model_overflows(x, tables);
    json_t *o = json_object();

    for (unsigned i = 0; i < count; i++)
        json_object_set_new(o, tables[i].table, json_integer(NUMBER(tables[i].count)));
    return o;
}

static json_t *freeze(const struct model *x, const struct model_freeze *z)
{
    json_t *o =
        json_pack("{sI sI sI sI sI sI sb}", "from", NUMBER(z->from), "to", NUMBER(z->to),
                  "waited_ns", NUMBER(z->stalled), "blocked_ns", NUMBER(z->blocked), "put_off_ns",
                  NUMBER(client_put_off(z)), "drawn", NUMBER(z->drawn), "inconclusive", z->lost);

    if (x->client.numbered)
        json_object_set_new(o, "redraws", json_integer(NUMBER(model_freeze_draws(x, z))));
    return o;
}

static json_t *clip(const struct model *x)
{
    const struct model_region *r = model_clip(x);

    return r ? json_pack("{sI sI so sb ss}", "region", NUMBER(r->id), "display", NUMBER(r->display),
                         "box", box_json(r->box), "told_by_client",
                         x->regions.clip_by == CLIP_BY_CLIENT, "why", clip_why[x->regions.clip_by])
             : json_null();
}

static json_t *hypothesis(const struct model *x, int h)
{
    struct finder s = into(json_array());
    char name[16];
    const char *verdict;

    find_hypothesis(x, h, &s);
    snprintf(name, sizeof(name), "H%d", h);
    verdict = json_string_value(json_object_get(json_array_get(s.arg, 0), "verdict"));
    return json_pack("{ss ss so}", "name", name, "verdict", verdict ? verdict : "", "findings",
                     (json_t *)s.arg);
}

/* ---- the object ---- */

static void write_head(const struct model *x, struct page *p)
{
    member(p, "schema", json_integer(EXPLAIN_SCHEMA));
    member(p, "run", json_string(x->run));
    member(p, "start", json_integer(NUMBER(x->start)));
    member(p, "seconds", json_real(x->seconds));
    member(p, "events", json_integer(NUMBER(x->counts.events)));
    if (!x->counts.lost_unknown)
        member(p, "lost", json_integer(NUMBER(x->counts.lost)));
    member(p, "displays", json_integer(NUMBER(x->displays.places.count)));
    member(p, "overflow", overflow(x));
    member(p, "clip", clip(x));
}

static void write_findings(const struct model *x, struct page *p)
{
    struct stream_of_findings l = {.page = p};
    struct finder s = {.found = to_list, .deep = true, .arg = &l};

    list_begin(p, "short");
    find_short(x, &s);
    putchar(']');
    l.count = 0;
    list_begin(p, "findings");
    find_memory(x, &s);
    find_streams(x, &s);
    find_places(x, &s);
    find_alternates(x, &s);
    find_throughput(x, &s);
    putchar(']');
}

static void write_lists(const struct model *x, struct page *p)
{
    list_begin(p, "episodes");
    for (uint32_t i = 0; i < model_episodes(x); i++)
        element(p, i, episode(x, model_episode_at(x, i + 1)));
    printf("]");
    list_begin(p, "streams");
    for (uint32_t i = 0; i < x->streams.kept.count; i++)
        element(p, i, stream(x, model_stream_at(x, i + 1)));
    printf("]");
    list_begin(p, "regions");
    for (uint32_t i = 0; i < x->regions.kept.count; i++)
        element(p, i, region(x, model_kept(x, i + 1)));
    printf("]");
    list_begin(p, "alternates");
    for (uint32_t i = 1; i <= x->alternates.kept; i++)
        element(p, i - 1, alternate(x, alternates_kept(&x->alternates, i)));
    printf("]");
    list_begin(p, "freezes");
    for (uint32_t i = 0; i < x->client.kept.count; i++)
        element(p, i, freeze(x, &x->client.freezes[i]));
    printf("]");
    list_begin(p, "clients");
    for (uint32_t i = 0; i < x->pacing.kept.count; i++)
        element(p, i, client_json(&x->pacing.clients[i]));
    printf("]");
    list_begin(p, "hypotheses");
    for (int h = 1; h <= HYPOTHESES; h++)
        element(p, (uint32_t)h - 1, hypothesis(x, h));
    printf("]\n}\n");
}

int explain_json(const struct model *x, const struct explain_options *o)
{
    struct page p = {.first = true};

    (void)o;
    write_head(x, &p);
    write_findings(x, &p);
    write_lists(x, &p);
    return p.failed || ferror(stdout) ? EXIT_PART : EXIT_DONE;
}
