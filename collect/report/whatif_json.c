/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/whatif.h"

static void put(json_t *o, const char *key, uint64_t value)
{
    json_object_set_new(o, key, json_integer((json_int_t)value));
}

static void put_share(json_t *o, const char *key, uint64_t part, uint64_t whole)
{
    json_object_set_new(o, key, whole ? json_real((double)part / (double)whole) : json_null());
}

static json_t *box(const struct tap_rect *b)
{
    return json_pack("[iiii]", b->left, b->top, b->right, b->bottom);
}

static json_t *constants(const struct constants *c)
{
    json_t *o = json_object();

    for (unsigned i = 0; i < WHATIF_CONSTANTS; i++)
        json_object_set_new(o, whatif_constants[i].key,
                            whatif_constants[i].whole ? json_integer((json_int_t)whatif_get(c, i))
                                                      : json_real(whatif_get(c, i)));
    return o;
}

static json_t *by_kind(const uint64_t *counts)
{
    json_t *o = json_object();

    for (int k = EV_draw; k <= EV_stream_stop; k++)
        put(o, tap_kind_find((uint16_t)k)->name, counts[k]);
    return o;
}

static uint64_t sum(const uint64_t *counts)
{
    uint64_t all = 0;

    for (int k = EV_draw; k <= EV_stream_stop; k++)
        all += counts[k];
    return all;
}

/* As text, which is shorter than a tree of all fields. */
static json_t *event(const struct tap_event *ev)
{
    char *text = NULL;
    size_t size;
    FILE *f = ev->kind ? open_memstream(&text, &size) : NULL;
    json_t *o;

    if (!f)
        return json_null();
    whatif_event(f, ev);
    fclose(f);
    o = json_string(text);
    free(text);
    return o;
}

static json_t *differences(const struct whatif *w)
{
    json_t *list = json_array();

    for (size_t i = 0; i < w->replay.differs && i < REPLAY_DIFFERENCES; i++) {
        const struct replay_difference *x = &w->replay.differences[i];
        json_t *o = json_object();

        put(o, "t", x->time);
        json_object_set_new(o, "why", x->why ? json_string(x->why) : json_null());
        json_object_set_new(o, "expected", event(&x->expected));
        json_object_set_new(o, "recorded", event(&x->recorded));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *spans(const struct whatif *w)
{
    static const char *const blind[] = {
        [BLIND_DIFFERENCE] = "difference", [BLIND_LOSS] = "loss", [BLIND_OVERFLOW] = "overflow"};
    json_t *list = json_array();

    for (size_t i = 0; i < w->replay.unsure.count; i++) {
        json_t *o = json_object();

        put(o, "from", w->replay.spans[i].from);
        put(o, "to", w->replay.spans[i].to);
        json_object_set_new(o, "loss", json_boolean(w->replay.spans[i].why == BLIND_LOSS));
        json_object_set_new(o, "why", json_string(blind[w->replay.spans[i].why]));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *proof(const struct whatif *w)
{
    const struct replay *r = &w->replay;
    json_t *o = json_object();

    json_object_set_new(o, "sound", json_boolean(w->sound));
    put(o, "decisions", sum(r->decisions) - sum(r->taken) - sum(r->given));
    put(o, "reproduced", sum(r->reproduced));
    put(o, "taken", sum(r->taken));
    put(o, "given", sum(r->given));
    put(o, "differ", r->differs);
    json_object_set_new(o, "recorded_by_kind", by_kind(r->decisions));
    json_object_set_new(o, "reproduced_by_kind", by_kind(r->reproduced));
    json_object_set_new(o, "taken_by_kind", by_kind(r->taken));
    json_object_set_new(o, "given_by_kind", by_kind(r->given));
    json_object_set_new(o, "differences", differences(w));
    put(o, "losses", r->losses);
    json_object_set_new(o, "inconclusive_seconds", json_real((double)r->inconclusive / 1e9));
    json_object_set_new(o, "inconclusive", spans(w));
    return o;
}

static json_t *streams(const struct whatif *w, const struct replay_result *x)
{
    json_t *list = json_array();

    for (size_t i = 0; i < x->listed.count; i++) {
        const struct replay_stream *s = &x->streams[i];
        json_t *o = json_object();

        put(o, "display", s->display);
        json_object_set_new(o, "box", box(&s->box));
        json_object_set_new(o, "created",
                            s->created ? json_real(whatif_seconds(w, s->created)) : json_null());
        json_object_set_new(o, "until", json_real(whatif_seconds(w, s->until)));
        put(o, "frames", s->frames);
        json_object_set_new(o, "end", json_string(whatif_stop(s->reason)));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *clip(const struct whatif *w)
{
    const struct box_group *g = replay_boxes(&w->replay, w->clip);
    json_t *boxes = json_array(), *o;

    if (!w->clip) {
        json_decref(boxes);
        return json_null();
    }
    o = json_pack("{s:I, s:o, s:I, s:s}", "display", (json_int_t)w->clip->display, "box",
                  box(&w->clip->box), "draws", (json_int_t)w->clip->draws, "why", w->clip_why);
    if (!g)
        json_array_append_new(boxes, box(&w->clip->box));
    for (uint32_t i = 0; g && i < g->count; i++)
        json_array_append_new(boxes, box((const struct tap_rect *)g->boxes[i].box));
    json_object_set_new(o, "boxes", boxes);
    return o;
}

static json_t *clip_share(const struct whatif *w, unsigned k)
{
    const struct replay_share *s;
    json_t *o;

    if (!w->clip)
        return json_null();
    s = &w->clip->of[k];
    o = json_object();
    put(o, "streams", s->streams);
    put(o, "frames", s->frames);
    put_share(o, "frames_share", s->frames, w->clip->draws);
    put_share(o, "area_share", s->pixels, w->clip->pixels);
    json_object_set_new(o, "streamed_seconds", json_real((double)s->time / 1e9));
    json_object_set_new(o, "first",
                        s->first ? json_real(whatif_seconds(w, s->first)) : json_null());
    return o;
}

static json_t *result(const struct whatif *w, unsigned k)
{
    const struct replay_result *x = &w->replay.results[k];
    json_t *o = json_object();

    json_object_set_new(o, "constants", constants(&x->constants));
    put(o, "streams_created", x->created);
    put(o, "matches", x->matches);
    put(o, "frames_counted", x->counted);
    put(o, "frames_streamed", x->frames);
    put_share(o, "area_share", x->pixels, w->replay.pixels);
    json_object_set_new(o, "clip", clip_share(w, k));
    put(o, "graduality_guessed", x->guessed);
    put(o, "graduality_assumed", x->assumed);
    json_object_set_new(o, "streams", streams(w, x));
    return o;
}

static json_t *overflow(const struct replay *r)
{
    json_t *o = json_object();
    uint64_t unlisted = 0;

    for (unsigned k = 0; k < r->detectors; k++)
        unlisted += r->results[k].listed.over;
    put(o, "display_events", r->known.over);
    put(o, "boxes", r->boxes.over);
    put(o, "groups", r->groups.places.over);
    put(o, "group_boxes", r->groups.boxes_over);
    put(o, "spans", r->unsure.over);
    put(o, "drawables", r->drawables_over);
    put(o, "streams", unlisted);
    return o;
}

int whatif_json(const struct whatif *w)
{
    json_t *o = json_object(), *list = json_array();

    json_object_set_new(o, "run", json_string(w->run));
    json_object_set_new(o, "proof", proof(w));
    put(o, "draws", w->replay.draws);
    put(o, "removals_inferred", w->replay.inferred);
    json_object_set_new(o, "clip", clip(w));
    put(o, "displays", w->replay.known.count);
    json_object_set_new(o, "overflow", overflow(&w->replay));
    if (w->sound)
        json_object_set_new(o, "recorded", result(w, 0));
    for (unsigned k = 1; w->sound && k < w->replay.detectors; k++)
        json_array_append_new(list, result(w, k));
    json_object_set_new(o, "alternatives", list);
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(o);
    return 0;
}
