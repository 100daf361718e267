/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules over places that are redrawn fast enough for a video, in boxes that alternate: the server
 * counts the frames of one box, and begins anew with the next.
 */
#include "explain/explain.h"
#include "explain/presence.h"

enum { NOT_STREAMED = ((1u << OUTCOMES) - 1) & ~(1u << OUT_STREAMED) };

static const struct box_group *boxes(const struct model *x, const struct model_alternate *p)
{
    return alternates_group(&x->alternates, p);
}

/* Without these probes neither a row nor its end is seen. */
static void needs(struct finding *f, const struct model *x)
{
    static const uint16_t kinds[] = {EV_draw, EV_match, EV_frame, EV_stream_create,
                                     EV_stream_attach};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        presence_of_probe(f, x, kinds[i]);
}

static struct select all_of(const struct model_alternate *p)
{
    return (struct select){.alternate = p->id, .outcomes = NOT_STREAMED};
}

static void doubts(struct finding *f, const struct model *x, const struct model_alternate *p)
{
    needs(f, x);
    if (f->unsure)
        return;
    if (p->losses) {
        doubt_lost(f, UNSURE_LOST, p->lost, p->losses);
        put_evidence(f, (struct select){.kinds = {EV_loss},
                                        .from = p->first,
                                        .to = p->last + 2 * NS_PER_SECOND,
                                        .rule = SELECT_HOST_LOSS});
    } else if (!p->counted) {
        f->unsure = UNSURE_NOT_SEEN; /* of no frame the server judged the picture */
    }
}

static double per_second(const struct model_alternate *p)
{
    return p->ns ? (double)(p->redraws - 1) * 1e9 / (double)p->ns : 0;
}

static void put_need(struct finding *f, const struct model_alternate *p)
{
    if (p->need_delta != UINT64_MAX) {
        put_span(f, "need_delta_ns", p->need_delta);
        put_rate(f, "need_per_second",
                 per_second(p) * (double)p->need_delta / (double)MODEL_MAX_DELTA);
    }
    if (p->need_pixels != UINT64_MAX)
        put_count(f, "need_pixels", p->need_pixels);
}

struct finding alternate_finding(const struct model *x, const struct model_alternate *p,
                                 enum rule rule, const char *verdict)
{
    const struct box_group *g = boxes(x, p);
    struct finding f = finding_new(x, rule, rule == RULE_ALTERNATE_BOXES ? p->id : 0, 0, verdict);

    f.cost = p->lost_ns;
    put_id(&f, "alternate", UNIT_ALTERNATE, p->id);
    put_box(&f, "box", g->boxes[g->core].box);
    put_display(&f, x, g->display);
    put_count(&f, "other_boxes", g->count - 1);
    put_count(&f, "redraws", p->redraws);
    put_rate(&f, "per_second", per_second(p));
    put_span(&f, "lost_ns", p->lost_ns);
    put_count(&f, "in_a_row", p->longest);
    put_count(&f, "frames_to_start", MODEL_START_FRAMES);
    put_span(&f, "limit_ns", MODEL_MAX_DELTA);
    if (p->returns.all)
        put_span(&f, "returns_ns", histogram_quantile(&p->returns, 0.5));
    put_count(&f, "changes", p->changes);
    put_need(&f, p);
    put_evidence(&f, all_of(p));
    doubts(&f, x, p);
    return f;
}

bool alternate_is_at(const struct model *x, const struct model_alternate *p,
                     const struct model_region *r)
{
    const struct box_group *g = boxes(x, p);

    return g->display == r->display && groups_share_half(g->boxes[g->core].box, r->box);
}

void find_alternates(const struct model *x, struct finder *s)
{
    uint64_t lost = 0;
    struct finding f =
        finding_new(x, RULE_ALTERNATE_COUNT, 0, 0, x->alternates.kept ? "found" : "none");

    for (uint32_t i = 1; i <= x->alternates.kept; i++)
        lost += alternates_kept(&x->alternates, i)->lost_ns;
    if (x->alternates.kept) {
        static const uint16_t kinds[] = {EV_draw, 0};

        put_count(&f, "places", x->alternates.kept);
        put_span(&f, "lost_ns", lost);
        presence_needed(&f, x, kinds);
    } else {
        static const uint16_t kinds[] = {EV_draw,          EV_match,         EV_frame,
                                         EV_stream_create, EV_stream_attach, 0};

        presence_needed(&f, x, kinds);
    }
    if (x->alternates.kept || s->deep) /* a page does not name what did not happen */
        s->found(s, &f);
    if (!x->alternates.groups.places.over && !x->alternates.groups.boxes_over)
        return;
    f = finding_new(x, RULE_ALTERNATE_TABLE, 0, 0, "inconclusive");
    f.unsure = UNSURE_TABLE;
    put_count(&f, "left_out", x->alternates.groups.places.over);
    put_count(&f, "forgotten", x->alternates.groups.boxes_over);
    s->found(s, &f);
}

static struct finding of_alternate(const struct model *x, const struct model_alternate *p,
                                   enum rule rule, const char *verdict)
{
    struct finding f = finding_new(x, rule, p->id, 0, verdict);

    put_display(&f, x, boxes(x, p)->display);
    put_evidence(&f, all_of(p));
    return f;
}

static void row(const struct model *x, const struct model_alternate *p, struct finder *s)
{
    struct finding f =
        of_alternate(x, p, RULE_ALTERNATE_RUN, p->longest ? "counted" : "none_counted");

    put_count(&f, "in_a_row", p->longest);
    put_count(&f, "frames_to_start", MODEL_START_FRAMES);
    put_count(&f, "counted", p->counted);
    put_count(&f, "any_box_in_a_row", p->most_in_row);
    put_span(&f, "limit_ns", MODEL_MAX_DELTA);
    if (p->longest)
        put_time(&f, "at_ns", p->longest_at);
    s->found(s, &f);
}

static void returns(const struct model *x, const struct model_alternate *p, struct finder *s)
{
    struct finding f = of_alternate(x, p, RULE_ALTERNATE_RETURN, p->returns.all ? "found" : "none");

    put_count(&f, "changes", p->changes);
    put_count(&f, "returns", p->returns.all);
    if (p->returns.all)
        put_span(&f, "returns_ns", histogram_quantile(&p->returns, 0.5));
    put_count(&f, "late", p->late);
    put_count(&f, "seen_late", p->seen_late);
    put_count(&f, "overwritten", p->overwritten);
    put_span(&f, "limit_ns", MODEL_MAX_DELTA);
    s->found(s, &f);
}

void find_alternate(const struct model *x, const struct model_alternate *p, struct finder *s)
{
    struct finding f = alternate_finding(x, p, RULE_ALTERNATE_BOXES, "found");

    put_count(&f, "streamed", p->streamed);
    s->found(s, &f);
    row(x, p, s);
    returns(x, p, s);
    f = of_alternate(x, p, RULE_ALTERNATE_NEED,
                     p->need_delta != UINT64_MAX    ? "delta"
                     : p->need_pixels != UINT64_MAX ? "tolerance"
                                                    : "none");
    put_need(&f, p);
    put_rate(&f, "per_second", per_second(p));
    put_span(&f, "limit_ns", MODEL_MAX_DELTA);
    s->found(s, &f);
}
