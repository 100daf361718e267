/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verdicts on the hypotheses H1 to H6; docs/explain.md has their words. */
#include "explain/explain.h"
#include "explain/names.h"
#include "explain/presence.h"

static const char supported[] = "supported", refuted[] = "refuted", open[] = "inconclusive";

static bool tables_full(const struct model *x)
{
    return x->displays.places.over || x->streams.running.over || x->regions.kept.over ||
           x->regions.watched.places.over || x->streams.kept.over || x->regions.covered_over ||
           x->memory.kept.over || x->waits.guest.waiter.over || x->waits.guest.deleter.over;
}

/* A run with a missing part refutes nothing: what is missing could have been the counterexample. */
static bool in_doubt(const struct model *x)
{
    uint64_t host, guest;

    presence_lost(x, SOURCE_SPICE, &host);
    presence_lost(x, SOURCE_GUEST, &guest);
    return host || guest || tables_full(x);
}

static struct finding hypothesis(const struct model *x, int n, const char *verdict)
{
    static const char *const names[] = {"H1", "H2", "H3", "H4", "H5", "H6"};
    struct finding f =
        finding_new(x, RULE_H_EVICTION_KILLS + (enum rule)(n - 1), (uint32_t)n, 0, verdict);
    uint64_t lost, places;

    put_word(&f, "hypothesis", names[n - 1]);
    put_word(&f, "says", verdict);
    if (verdict != open)
        return f;
    lost = presence_lost(x, SOURCE_SPICE, &places);
    if (places)
        doubt_lost(&f, UNSURE_LOST, lost, places);
    else if (tables_full(x))
        f.unsure = UNSURE_TABLE;
    else
        f.unsure = UNSURE_NOT_SEEN;
    return f;
}

struct sums {
    uint64_t draws, out[OUTCOMES], refused;
};

static struct sums sums(const struct model *x)
{
    struct sums all = {0};

    for (uint32_t i = 1; i <= x->regions.kept.count; i++) {
        const struct model_region *r = model_kept(x, i);

        all.draws += r->draws;
        for (int o = 0; o < OUTCOMES; o++)
            all.out[o] += r->out[o];
    }
    all.refused = outcome_refusals(all.out);
    return all;
}

/* An eviction ended a stream if redraws of its place were refused because the evicted history was
 * missing. A redraw of another kind, size or place would have been refused anyway. */
static bool killed_by_eviction(const struct model_stream *t)
{
    return t->cause == CAUSE_REFUSED && (t->also & ALSO_FRAME_EVICTED) &&
           t->gap.refused[OUT_EVICTED_OVER] * 2 >= t->gap.all_refused;
}

static void h1(const struct model *x, struct finder *s)
{
    uint64_t evicted = 0, survived = 0, died = 0, killed = 0;
    struct finding f;

    for (uint32_t i = 1; i <= x->streams.kept.count; i++) {
        const struct model_stream *t = model_stream_at(x, i);

        evicted += t->own_evicted;
        survived += t->evicted_survived;
        died += t->ended && (t->also & ALSO_FRAME_EVICTED);
        killed += killed_by_eviction(t);
    }
    f = hypothesis(x, 1,
                   killed                    ? supported
                   : !evicted || in_doubt(x) ? open
                   : survived && !died       ? refuted
                                             : open);
    put_count(&f, "evicted", evicted);
    put_count(&f, "survived", survived);
    put_count(&f, "died", died);
    put_count(&f, "killed", killed);
    put_evidence(&f, (struct select){.kinds = {EV_evict}, .rule = SELECT_OF_STREAM});
    s->found(s, &f);
}

static void h2(const struct model *x, struct finder *s)
{
    const struct sums all = sums(x);
    const uint64_t over = all.out[OUT_EVICTED_OVER];
    struct finding f = hypothesis(x, 2,
                                  over && over * 5 >= all.refused ? supported
                                  : in_doubt(x) || !x->memory.traced_evicted || !all.draws ? open
                                  : over * 20 < all.refused + !all.refused                 ? refuted
                                                                                           : open);

    put_count(&f, "refused", all.refused);
    put_count(&f, "evicted_over", over);
    put_count(&f, "other_over", all.out[OUT_OTHER_OVER]);
    put_count(&f, "traced", x->memory.traced_evicted);
    put_count(&f, "overwrote_young", x->memory.usable_evicted);
    put_span(&f, "young_ns", MODEL_MAX_DELTA);
    put_evidence(&f, (struct select){.outcomes = 1u << OUT_EVICTED_OVER | 1u << OUT_OTHER_OVER});
    put_evidence(&f, (struct select){.kinds = {EV_trace_add},
                                     .field = "reason",
                                     .value = REMOVE_REASON_evicted});
    s->found(s, &f);
}

static void h3(const struct model *x, struct finder *s)
{
    const struct sums all = sums(x);
    uint64_t kind = 0, place = all.out[OUT_BOX_DIFFERS] + all.out[OUT_SIZE_DIFFERS];
    uint64_t overwritten = all.out[OUT_EVICTED_OVER] + all.out[OUT_OTHER_OVER];
    uint32_t which = 1u << OUT_TOO_LATE | 1u << OUT_BOX_DIFFERS | 1u << OUT_SIZE_DIFFERS;
    struct finding f;

    for (int o = 1; o < OUT_VERDICTS; o++) {
        kind += all.out[o];
        which |= 1u << o;
    }
    f = hypothesis(x, 3,
                   all.refused * 10 >= all.draws && all.refused &&
                           (kind + place + all.out[OUT_TOO_LATE]) * 2 >= all.refused
                       ? supported
                   : in_doubt(x) || !all.draws ? open
                                               : refuted);
    put_count(&f, "redraws", all.draws);
    put_count(&f, "refused", all.refused);
    put_count(&f, "kind", kind);
    put_count(&f, "place", place);
    put_count(&f, "late", all.out[OUT_TOO_LATE]);
    put_count(&f, "overwritten", overwritten);
    put_count(&f, "others", all.refused - kind - place - all.out[OUT_TOO_LATE] - overwritten);
    put_evidence(&f, (struct select){.outcomes = which});
    s->found(s, &f);
}

static void h4(const struct model *x, struct finder *s)
{
    bool asked = x->virtio && !x->qxl;
    struct finding f = hypothesis(x, 4,
                                  !asked                  ? open
                                  : x->streams.kept.count ? refuted
                                  : in_doubt(x)           ? open
                                  : x->regions.kept.count ? supported
                                                          : open);

    if (asked) {
        put_count(&f, "places", x->regions.kept.count);
        put_count(&f, "streams", bounded_all(&x->streams.kept));
        put_evidence(&f, (struct select){.kinds = {EV_stream_create}});
    }
    s->found(s, &f);
}

static void h5(const struct model *x, struct finder *s)
{
    const struct sums all = sums(x);
    struct finding f = hypothesis(x, 5, open);

    f.unsure = UNSURE_ONE_RUN;
    put_rate(&f, "per_minute", x->seconds > 0 ? bounded_all(&x->memory.kept) * 60 / x->seconds : 0);
    put_percent(&f, "streamed_percent", all.out[OUT_STREAMED], all.draws);
    s->found(s, &f);
}

/* Only where the probes that show a row of frames were on, with nothing lost. */
static bool shows_rows(const struct model *x)
{
    static const uint16_t kinds[] = {EV_draw, EV_match, EV_frame, EV_stream_create,
                                     EV_stream_attach};
    const struct groups *g = &x->alternates.groups;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!presence_of(x, kinds[i]))
            return false;
    return !in_doubt(x) && !g->places.over && !g->boxes_over;
}

static void h6(const struct model *x, struct finder *s)
{
    const struct model_alternate *worst = alternates_kept(&x->alternates, 1);
    const struct sums all = sums(x);
    bool sure = worst && !alternate_finding(x, worst, RULE_ALTERNATE_BOXES, "found").unsure;
    struct finding f = hypothesis(x, 6,
                                  sure                             ? supported
                                  : worst                          ? open
                                  : shows_rows(x) && all.draws > 0 ? refuted
                                                                   : open);

    put_count(&f, "places", x->alternates.kept);
    put_count(&f, "video_places", x->regions.kept.count);
    for (uint32_t i = 1; i <= x->alternates.kept && i < FINDING_EVIDENCE; i++)
        put_evidence(&f, (struct select){.alternate = i,
                                         .outcomes = 1u << OUT_COUNTED | 1u << OUT_TOO_LATE |
                                                     1u << OUT_NO_HISTORY | 1u << OUT_FIRST});
    if (worst) {
        put_id(&f, "alternate", UNIT_ALTERNATE, worst->id);
        put_span(&f, "lost_ns", worst->lost_ns);
        put_count(&f, "in_a_row", worst->longest);
        put_count(&f, "frames_to_start", MODEL_START_FRAMES);
    } else {
        put_evidence(&f, (struct select){.kinds = {EV_frame}});
    }
    s->found(s, &f);
}

void find_hypothesis(const struct model *x, int n, struct finder *s)
{
    static void (*const all[HYPOTHESES])(const struct model *, struct finder *) = {h1, h2, h3,
                                                                                   h4, h5, h6};

    all[n - 1](x, s);
}
