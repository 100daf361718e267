/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same facts as JSON: docs/explain.md is the schema. */
#include <stdio.h>

#include "base/exit.h"
#include "report/explain.h"

#define NUMBER(v) ((json_int_t)(v))

static void on_sentence(struct sayer *s, const struct sentence *what)
{
    json_array_append_new(s->arg, json_pack("{ss ss}", "ref", what->ref, "text", what->text));
}

static json_t *outcomes(const uint64_t *out)
{
    json_t *o = json_object();

    for (int i = 1; i < OUTCOMES; i++)
        if (out[i])
            json_object_set_new(o, outcome_names[i], json_integer(NUMBER(out[i])));
    return o;
}

static json_t *box(const int32_t *b)
{
    return json_pack("[iiii]", b[0], b[1], b[2], b[3]);
}

static const char *const doubts[] = {[DOUBT_NONE] = "",
                                     [DOUBT_GAP] = "lost",
                                     [DOUBT_CLIENT] = "lost",
                                     [DOUBT_END] = "lost",
                                     [DOUBT_GUEST] = "lost_of_guest",
                                     [DOUBT_CLOCK] = "clock",
                                     [DOUBT_BEFORE] = "before"};

static json_t *stream(const struct model *x, const struct model_stream *t, struct sayer *s)
{
    json_t *o =
        json_pack("{sI sI sI so ss sI sI sI sI sI sI sI sI so sb sb}", "id", NUMBER(t->id),
                  "display", NUMBER(t->display), "number", NUMBER(t->number), "box", box(t->box),
                  "cause", cause_names[t->cause], "also", NUMBER(t->also), "born", NUMBER(t->born),
                  "died", NUMBER(t->died), "frames", NUMBER(t->frames), "last_frame",
                  NUMBER(t->last_frame), "own_evicted", NUMBER(t->own_evicted), "waited_ns",
                  NUMBER(t->gap.stalled), "blocked_ns", NUMBER(t->gap.blocked), "refused",
                  outcomes(t->refused), "began", t->began, "ended", t->ended);

    if (t->doubt)
        json_object_set_new(o, "doubt", json_string(doubts[t->doubt]));
    json_object_set_new(o, "losses", json_integer(NUMBER(t->lost)));
    json_object_set_new(o, "sentences", s->arg = json_array());
    say_stream(x, t, s);
    return o;
}

static json_t *region(const struct model *x, const struct model_region *r, struct sayer *s)
{
    json_t *o = json_pack("{sI sI so sI sI sI so sI}", "id", NUMBER(r->id), "display",
                          NUMBER(r->display), "box", box(r->first_box), "draws", NUMBER(r->draws),
                          "stretches", NUMBER(r->spells_all), "busy_ns", NUMBER(r->busy_ns),
                          "outcomes", outcomes(r->out), "frames_in_a_row", NUMBER(r->most_frames));

    if (r->least_late != UINT64_MAX)
        json_object_set_new(o, "late_ns", json_integer(NUMBER(r->least_late)));
    if (r->least_off != UINT32_MAX)
        json_object_set_new(o, "pixels_off", json_integer(NUMBER(r->least_off)));
    json_object_set_new(o, "slow", json_boolean(r->slow));
    json_object_set_new(o, "losses", json_integer(NUMBER(r->lost)));
    json_object_set_new(o, "inconclusive", json_boolean(r->losses != 0));
    json_object_set_new(o, "sentences", s->arg = json_array());
    say_region(x, r, s);
    return o;
}

static json_t *episode(const struct model *x, const struct model_episode *e, struct sayer *s)
{
    json_t *o = json_pack(
        "{sI sI sI sI sI sI sI sI sI sI sI sI}", "id", NUMBER(e->id), "display", NUMBER(e->display),
        "from", NUMBER(e->from), "resumed", NUMBER(e->resumed), "stalled_ns", NUMBER(e->stalled),
        "notifies", NUMBER(e->notifies), "ooms", NUMBER(e->ooms), "evicted", NUMBER(e->evicted),
        "streamable", NUMBER(e->streamable), "of_streams", NUMBER(e->of_streams),
        "slots_overwritten", NUMBER(e->overwritten), "still_of_use", NUMBER(e->usable));

    if (e->sized) {
        json_object_set_new(o, "drawables", json_integer(NUMBER(e->drawables)));
        json_object_set_new(o, "held_bytes", json_integer(NUMBER(e->held_bytes)));
    }
    json_object_set_new(o, "deletes", json_integer(NUMBER(e->deletes)));
    json_object_set_new(o, "inconclusive", json_boolean(e->losses || e->unsure));
    json_object_set_new(o, "losses", json_integer(NUMBER(e->lost)));
    json_object_set_new(o, "sentences", s->arg = json_array());
    say_episode(x, e, s);
    return o;
}

/* What did not fit: a conclusion that rests on it is inconclusive. */
static json_t *overflow(const struct model *x)
{
    uint32_t streams = x->streams.count > MODEL_STREAMS ? x->streams.count - MODEL_STREAMS : 0;
    uint32_t episodes = x->memory.count - model_episodes(x);
    uint32_t freezes =
        x->client.freeze_count > MODEL_FREEZES ? x->client.freeze_count - MODEL_FREEZES : 0;

    return json_pack("{sI sI sI sI sI sI sI}", "display_events", NUMBER(x->displays.over),
                     "streams", NUMBER(streams), "running_streams", NUMBER(x->streams.live_over),
                     "episodes", NUMBER(episodes), "regions", NUMBER(x->regions.over), "boxes",
                     NUMBER(x->regions.dropped), "freezes", NUMBER(freezes));
}

static json_t *freezes(const struct model *x)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < x->client.freeze_count && i < MODEL_FREEZES; i++) {
        const struct model_freeze *z = &x->client.freezes[i];

        json_t *o = json_pack("{sI sI sI sI sI sI sb}", "from", NUMBER(z->from), "to",
                              NUMBER(z->to), "waited_ns", NUMBER(z->stalled), "blocked_ns",
                              NUMBER(z->blocked), "put_off_ns", NUMBER(client_put_off(z)), "drawn",
                              NUMBER(z->drawn), "inconclusive", z->lost);

        if (model_numbered(x))
            json_object_set_new(o, "redraws", json_integer(model_freeze_draws(x, z)));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *clip(const struct model *x)
{
    const struct model_region *r = model_clip(x);

    return r ? json_pack("{sI sI so sb ss}", "region", NUMBER(r->id), "display", NUMBER(r->display),
                         "box", box(r->box), "told_by_client", x->regions.clip_told, "why",
                         clip_why[x->regions.clip_told])
             : json_null();
}

static json_t *hypotheses(const struct model *x, struct sayer *s)
{
    json_t *all = json_array();
    char name[16];

    for (int h = 1; h <= HYPOTHESES; h++) {
        json_t *said = json_array();

        snprintf(name, sizeof(name), "H%d", h);
        s->arg = said;
        const char *verdict = verdict_of_names[say_hypothesis(x, h, s)];
        json_array_append_new(
            all, json_pack("{ss ss so}", "name", name, "verdict", verdict, "sentences", said));
    }
    return all;
}

int explain_json(const struct model *x, const struct explain_options *o)
{
    struct sayer s = {.say = on_sentence, .deep = true};
    json_t *all = json_object(), *said = json_array(), *list = json_array();
    int bad;

    (void)o;
    json_object_set_new(all, "schema", json_integer(1));
    json_object_set_new(all, "run", json_string(x->run));
    json_object_set_new(all, "start", json_integer(NUMBER(x->start)));
    json_object_set_new(all, "seconds", json_real(x->seconds));
    json_object_set_new(all, "events", json_integer(NUMBER(x->facts->events)));
    json_object_set_new(all, "lost", json_integer(NUMBER(x->facts->lost)));
    json_object_set_new(all, "displays", json_integer(NUMBER(x->displays.count)));
    json_object_set_new(all, "overflow", overflow(x));
    json_object_set_new(all, "clip", clip(x));
    s.arg = said;
    say_episodes(x, &s);
    say_streams(x, &s);
    say_regions(x, &s);
    say_traffic(x, &s);
    json_object_set_new(all, "sentences", said);
    for (uint32_t i = 1; i <= model_episodes(x); i++)
        json_array_append_new(list, episode(x, model_episode(x, i), &s));
    json_object_set_new(all, "episodes", list);
    list = json_array();
    for (uint32_t i = 1; i <= x->streams.count && i <= MODEL_STREAMS; i++)
        json_array_append_new(list, stream(x, model_stream(x, i), &s));
    json_object_set_new(all, "streams", list);
    list = json_array();
    for (uint32_t i = 1; i <= x->regions.count; i++)
        json_array_append_new(list, region(x, model_kept(x, i), &s));
    json_object_set_new(all, "regions", list);
    json_object_set_new(all, "freezes", freezes(x));
    json_object_set_new(all, "hypotheses", hypotheses(x, &s));
    bad = json_dumpf(all, stdout, JSON_INDENT(2));
    json_decref(all);
    putchar('\n');
    return bad ? EXIT_PART : EXIT_DONE;
}
