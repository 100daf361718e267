/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second pass over a run: each event is attributed to the same things as in the first, and
 * compared with the selections. What became of a redraw is decided later than its events come, so
 * those are held until then.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded.h"
#include "base/exit.h"
#include "explain/evidence.h"

enum { HELD = 1024 };

const char *const select_names[SELECT_RULES] = {
    [SELECT_ANY] = "",
    [SELECT_CAUSE] = "cause",
    [SELECT_DELETES] = "deletes",
    [SELECT_ASK] = "ask",
    [SELECT_FULLEST] = "fullest",
    [SELECT_OF_STREAM] = "of_stream",
    [SELECT_HOST_LOSS] = "host_loss",
    [SELECT_GUEST_LOSS] = "guest_loss",
    [SELECT_CLIENT_LOSS] = "client_loss",
    [SELECT_CLIP_PLACE] = "clip_place",
    [SELECT_COUNTS] = "counts",
};

struct search {
    const struct model *first; /* what the first pass found */
    const struct select *selects;
    size_t count;
    bool holds; /* a selection asks what became of redraws */
    bool each;
    evidence_found *found;
    void *arg;
    struct { /* of drawables whose fate is not decided yet */
        struct tap_event ev;
        const struct bundle_log *from;
        uint32_t display;
    } held[HELD];
    struct bounded places; /* of `held` */
};

/* The id that the first pass gave the region, if the time is in one of its stretches. */
static uint32_t region_id(const struct model *first, uint32_t index, uint64_t time)
{
    const struct model_region *r = index ? &first->regions.boxes[index - 1] : NULL;

    if (!r || !r->kept)
        return 0;
    for (unsigned i = 0; i < r->listed.count; i++)
        if (time >= r->spells[i].from && time <= r->spells[i].to)
            return r->id;
    return 0;
}

/* The id that the first pass gave the group of boxes, if the redraw is one of its own. */
static uint32_t alternate_id(const struct model *first, uint32_t index, uint64_t time)
{
    const struct model_alternate *p = index ? &first->alternates.list[index - 1] : NULL;

    return p && p->id && time >= p->first ? p->id : 0;
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
        if (is_ask(model_episode_at(first, id), q, ev))
            return true;
    return false;
}

static bool follows_rule(const struct model *first, const struct select *q,
                         const struct tap_event *ev, const struct model_attr *a,
                         enum tap_source source)
{
    const struct model_stream *t = model_stream_at(first, a->stream);
    const struct model_episode *e = model_episode_at(first, a->episode);
    const struct model_domain *m = &first->memory.domains[q->value & 7];

    switch (q->rule) {
    case SELECT_CAUSE:
        return t && t->cause == q->value;
    case SELECT_DELETES:
        return e && e->deletes && !e->asked;
    case SELECT_ASK:
        return is_ask_of_any(first, q, ev, a);
    case SELECT_FULLEST:
        return FIELDS(ev, guest_memory)->domain == q->value &&
               (m->most_at == ev->time || m->least_at == ev->time);
    case SELECT_OF_STREAM:
        return FIELDS(ev, evict)->stream >= 0;
    case SELECT_HOST_LOSS:
        return source <= SOURCE_SPICE;
    case SELECT_GUEST_LOSS:
        return source == SOURCE_GUEST || source == SOURCE_QEMU;
    case SELECT_CLIENT_LOSS:
        return source == SOURCE_CLIENT;
    case SELECT_CLIP_PLACE:
        return client_in_clip_place(&first->client, FIELDS(ev, client_picture));
    case SELECT_COUNTS:
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

/* The display is the first field of every kind that is filtered by display. QEMU's qid counts as
 * one. */
static bool on_display(const struct select *q, const struct tap_event *ev)
{
    return (uint32_t)ev->v[0] == q->display - 1;
}

static bool selected(const struct search *s, const struct select *q, const struct tap_event *ev,
                     const struct model_attr *a, enum tap_source source)
{
    if (q->outcomes || q->refused || ev->time < q->from || (q->to && ev->time > q->to) ||
        !has_kind(q, ev->kind))
        return false;
    if ((q->stream && q->stream != a->stream) || (q->episode && !in_episode(q, a)) ||
        (q->display && !on_display(q, ev)))
        return false;
    if (q->region && q->region != region_id(s->first, a->region, ev->time))
        return false;
    if (q->other_region && q->other_region != region_id(s->first, a->other_region, ev->time))
        return false;
    return has_value(q, ev) && follows_rule(s->first, q, ev, a, source);
}

static bool is_refused(const struct select *q, const struct model_candidate *c, enum outcome o)
{
    for (int i = 0; q->refused && !c->streamed && i < c->covered_count; i++) {
        enum outcome why = fate_refusal(c, i, o);

        if (c->covered[i] == q->refused)
            return q->late || (why != OUT_TOO_LATE && why != OUT_LOST);
    }
    return false;
}

static bool is_wanted(const struct select *q, const struct model_candidate *c, uint32_t id,
                      uint32_t alternate, enum outcome o)
{
    if (c->time < q->from || (q->to && c->time > q->to))
        return false;
    if (q->refused)
        return is_refused(q, c, o);
    if (q->alternate)
        return q->outcomes >> o & 1 && q->alternate == alternate;
    return q->outcomes >> o & 1 && id && (!q->region || q->region == id);
}

static void on_decided(struct model *x, const struct model_candidate *c, enum outcome o)
{
    struct search *s = x->arg;
    uint32_t id = region_id(s->first, c->region, c->time);
    uint32_t alternate = alternate_id(s->first, x->attr.group, c->time);
    uint32_t kept = 0;

    for (size_t i = 0, found = 0; i < s->count && (s->each || !found); i++) {
        found = is_wanted(&s->selects[i], c, id, alternate, o);
        for (size_t k = 0; found && k < s->places.count; k++)
            if (s->held[k].display == c->display)
                s->found(s->arg, i, &s->held[k].ev, s->held[k].from);
    }
    for (size_t i = 0; i < s->places.count; i++)
        if (s->held[i].display != c->display)
            s->held[kept++] = s->held[i];
    s->places.count = kept;
}

/* An event of one drawable. */
static void hold(struct search *s, const struct tap_event *ev, const struct bundle_log *from)
{
    if (ev->kind != EV_draw && ev->kind != EV_match && ev->kind != EV_frame &&
        ev->kind != EV_stream_attach && ev->kind != EV_stream_create)
        return;
    if (!bounded_take(&s->places, HELD))
        return;
    s->held[s->places.count - 1].ev = *ev;
    s->held[s->places.count - 1].from = from;
    s->held[s->places.count - 1].display = (uint32_t)ev->v[0];
}

static void one(struct model *x, struct search *s, const struct run_event *e)
{
    model_add(x, e);
    if (!e->event)
        return;
    for (size_t i = 0; i < s->count; i++)
        if (selected(s, &s->selects[i], e->event, &x->attr, e->source)) {
            s->found(s->arg, i, e->event, e->log);
            if (!s->each)
                return;
        }
    if (x->attr.region && s->holds)
        hold(s, e->event, e->log);
}

static int again(struct search *s)
{
    struct model *x = NULL;
    struct run_cursor *c = NULL;
    struct run_event e;
    int code = EXIT_DONE;

    if (model_new(&x))
        return EXIT_ENV;
    /* What is wrong with the run was printed when it was opened first. */
    if (bundle_open(&x->bundle, s->first->run)) {
        model_free(x);
        return EXIT_INPUT;
    }
    x->run = s->first->run;
    x->decided = on_decided;
    x->arg = s;
    if (cursor_open(&c, x->bundle))
        code = EXIT_ENV;
    while (!code && cursor_next(c, &e) == 1)
        one(x, s, &e);
    model_end(x);
    cursor_close(c);
    bundle_close(x->bundle);
    model_free(x);
    return code;
}

int evidence_find(const struct model *first, const struct select *selects, size_t count, bool each,
                  evidence_found *found, void *arg)
{
    struct search *s = count ? calloc(1, sizeof(*s)) : NULL;
    int code;

    if (!count)
        return EXIT_DONE;
    if (!s)
        return EXIT_ENV;
    s->first = first;
    s->selects = selects;
    s->count = count;
    s->each = each;
    s->found = found;
    s->arg = arg;
    for (size_t i = 0; i < count; i++)
        s->holds |= selects[i].outcomes || selects[i].refused;
    code = again(s);
    if (s->places.over)
        fprintf(stderr,
                "spicetap explain: more than %d events came before the fate of their redraw was "
                "decided; %" PRIu64 " are missing here\n",
                HELD, s->places.over);
    free(s);
    return code;
}
