/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules over regions: places that are redrawn like a video. */
#include "explain/explain.h"
#include "explain/names.h"
#include "explain/presence.h"

enum {
    ALL_OUTCOMES = (1u << OUTCOMES) - 1,
    RARE = 50 /* a page leaves out what is below 1 in 50 */
};

static void count(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_draw, 0};
    uint32_t fast = x->regions.kept.count - (model_clip(x) && model_clip(x)->slow);
    struct finding f = finding_new(x, RULE_PLACES_COUNT, 0, 0, fast ? "found" : "none");

    if (fast)
        put_count(&f, "places", fast);
    put_count(&f, "per_second", 4);
    put_span(&f, "for_ns", 2 * NS_PER_SECOND);
    put_count(&f, "server_per_second", NS_PER_SECOND / MODEL_MAX_DELTA);
    presence_needed(&f, x, needs);
    s->found(s, &f);
}

/* The boxes that alternate where the region is, if they do. */
static void put_alternate(struct finding *f, const struct model *x, const struct model_region *r)
{
    for (uint32_t i = 1; i <= x->alternates.kept; i++) {
        const struct model_alternate *p = alternates_kept(&x->alternates, i);

        if (!alternate_is_at(x, p, r))
            continue;
        put_id(f, "alternate", UNIT_ALTERNATE, p->id);
        return;
    }
}

static void clip(const struct model *x, struct finder *s)
{
    static const char *const by[CLIP_BYS] = {"by_size", "by_client", "around"};
    const struct model_region *clip = model_clip(x);
    struct finding f;

    if (model_in_pieces(x)) {
        f = finding_new(x, RULE_PLACES_PIECES, 0, 0, "found");
        put_box(&f, "box", x->regions.client_box);
        put_percent(&f, "video_percent", x->regions.pieces[OUT_STREAMED], x->regions.pieces_all);
        s->found(s, &f);
    }
    if (!clip)
        return;
    f = finding_new(x, RULE_PLACES_CLIP, 0, 0, by[x->regions.clip_by]);
    put_id(&f, "region", UNIT_REGION, clip->id);
    put_box(&f, "box", clip->box);
    put_display(&f, x, clip->display);
    if (model_in_pieces(x))
        put_word(&f, "part", "the greatest piece of the clip");
    put_alternate(&f, x, clip);
    s->found(s, &f);
}

void find_places(const struct model *x, struct finder *s)
{
    count(x, s);
    clip(x, s);
    if (x->regions.kept.over || x->regions.watched.places.over) {
        struct finding f = finding_new(x, RULE_PLACES_TABLE, 0, 0, "inconclusive");

        f.unsure = UNSURE_TABLE;
        put_count(&f, "left_out", x->regions.kept.over);
        put_count(&f, "forgotten", x->regions.watched.places.over);
        s->found(s, &f);
    }
}

static struct finding of_place(const struct model *x, const struct model_region *r, enum rule rule,
                               unsigned offset, const char *verdict)
{
    struct finding f = finding_new(x, rule, r->id, offset, verdict);

    put_display(&f, x, r->display);
    return f;
}

static void redraws(const struct model *x, const struct model_region *r, struct finder *s)
{
    uint64_t median = histogram_quantile(&r->intervals, 0.5);
    bool clip = r == model_clip(x), too_slow = median > MODEL_MAX_DELTA;
    struct finding f = of_place(x, r, RULE_PLACE_REDRAWS, 0,
                                !clip      ? "place"
                                : !r->slow ? "clip"
                                : too_slow ? "slow_clip"
                                           : "brief_clip");

    put_id(&f, "region", UNIT_REGION, r->id);
    put_box(&f, "box", r->first_box);
    put_count(&f, "redraws", r->draws);
    put_rate(&f, "per_second", r->busy_ns ? (double)r->draws * 1e9 / (double)r->busy_ns : 0);
    put_span(&f, "median_interval_ns", median);
    if (!clip || r->slow)
        put_span(&f, "busy_ns", r->busy_ns);
    if (!clip)
        put_count(&f, "stretches", bounded_all(&r->listed));
    if (clip && model_in_pieces(x))
        put_word(&f, "part", "the greatest piece of the clip");
    if (clip && x->regions.clip_by == CLIP_AROUND)
        put_word(&f, "part", "part of a larger box");
    if (r->slow && too_slow)
        put_span(&f, "limit_ns", MODEL_MAX_DELTA);
    put_evidence(&f, (struct select){.region = r->id, .outcomes = ALL_OUTCOMES});
    if (r->losses) {
        doubt_lost(&f, UNSURE_LOST, r->lost, r->losses);
        put_evidence(&f, (struct select){.kinds = {EV_loss},
                                         .from = r->first,
                                         .to = r->last + 2 * NS_PER_SECOND,
                                         .rule = SELECT_HOST_LOSS});
    }
    s->found(s, &f);
}

static void outcomes(const struct model *x, const struct model_region *r, struct finder *s)
{
    struct finding f =
        of_place(x, r, RULE_PLACE_STREAMED, 0, r->out[OUT_STREAMED] ? "found" : "none");

    put_count(&f, "streamed", r->out[OUT_STREAMED]);
    put_percent(&f, "streamed_percent", r->out[OUT_STREAMED], r->draws);
    put_evidence(&f, (struct select){.region = r->id, .outcomes = 1u << OUT_STREAMED});
    s->found(s, &f);
    for (unsigned o = 0; o < OUTCOMES; o++) {
        if (!r->out[o] || o == OUT_STREAMED || (!s->deep && r->out[o] * RARE < r->draws))
            continue;
        f = of_place(x, r, RULE_PLACE_OUTCOME, o, outcome_names[o]);
        put_count(&f, "redraws", r->out[o]);
        put_percent(&f, "redraws_percent", r->out[o], r->draws);
        put_outcome(&f, "why", o);
        put_evidence(&f, (struct select){.region = r->id, .outcomes = 1u << o});
        s->found(s, &f);
    }
}

static struct select at(const struct model_region *r, uint32_t outcomes, uint64_t time)
{
    return (struct select){.region = r->id, .outcomes = outcomes, .from = time, .to = time};
}

static void misses(const struct model *x, const struct model_region *r, struct finder *s)
{
    struct finding f;

    if (r->out[OUT_TOO_LATE] && r->least_late < NS_PER_SECOND) {
        f = of_place(x, r, RULE_PLACE_MISS_TIME, 0, "found");
        put_span(&f, "late_ns", r->least_late);
        put_span(&f, "limit_ns", MODEL_MAX_DELTA);
        put_time(&f, "at_ns", r->least_late_at);
        put_evidence(&f, at(r, 1u << OUT_TOO_LATE, r->least_late_at));
        s->found(s, &f);
    }
    if (r->least_off != UINT32_MAX) {
        f = of_place(x, r, RULE_PLACE_MISS_BOX, 0, "found");
        put_count(&f, "off_pixels", r->least_off);
        put_time(&f, "at_ns", r->least_off_at);
        put_evidence(&f, at(r, 1u << OUT_BOX_DIFFERS, r->least_off_at));
        s->found(s, &f);
    }
    if (r->most_frames && r->most_frames < MODEL_START_FRAMES &&
        (!r->streams || r->out[OUT_STREAMED] * 2 < r->draws || s->deep)) {
        f = of_place(x, r, RULE_PLACE_MISS_FRAMES, 0, "found");
        put_count(&f, "in_a_row", r->most_frames);
        put_count(&f, "frames_to_start", MODEL_START_FRAMES);
        put_time(&f, "at_ns", r->most_frames_at);
        put_evidence(&f, at(r, 1u << OUT_COUNTED | 1u << OUT_NOT_NATURAL, r->most_frames_at));
        s->found(s, &f);
    }
}

void find_place(const struct model *x, const struct model_region *r, struct finder *s)
{
    redraws(x, r, s);
    outcomes(x, r, s);
    misses(x, r, s);
    if (r->listed.over) {
        struct finding f = of_place(x, r, RULE_PLACE_STRETCHES, 0, "inconclusive");

        f.unsure = UNSURE_TABLE;
        put_count(&f, "kept", MODEL_SPELLS);
        s->found(s, &f);
    }
}
