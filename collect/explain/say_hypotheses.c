/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of the hypotheses H1 to H5. */
#include <inttypes.h>
#include <stdio.h>

#include "explain/explain.h"

/* Nothing is refuted by a run of which a part is missing. */
static bool in_doubt(const struct model *x)
{
    uint64_t lost = x->losses.places[SOURCE_META] + x->losses.places[SOURCE_SPICE] +
                    x->losses.places[SOURCE_QEMU] + x->losses.places[SOURCE_GUEST];

    return lost || x->displays.over || x->streams.live_over || x->regions.over ||
           x->regions.dropped || x->streams.count > MODEL_STREAMS;
}

static void sums(const struct model *x, uint64_t *draws, uint64_t *out)
{
    for (uint32_t i = 1; i <= x->regions.count; i++) {
        const struct model_region *r = model_kept(x, i);

        *draws += r->draws;
        for (int o = 0; o < OUTCOMES; o++)
            out[o] += r->out[o];
    }
}

static enum verdict_of h1(const struct model *x, struct sayer *s)
{
    static const struct select gone[] = {{.kinds = {EV_evict}, .rule = RULE_OF_STREAM}};
    uint64_t evicted = 0, survived = 0, died = 0, blamed = 0;
    enum verdict_of v;

    for (uint32_t i = 1; i <= x->streams.count && i <= MODEL_STREAMS; i++) {
        const struct model_stream *t = model_stream(x, i);

        evicted += t->own_evicted;
        survived += t->evicted_survived;
        died += t->ended && (t->also & ALSO_FRAME_EVICTED);
        blamed += (t->also & ALSO_FRAME_EVICTED) && t->cause == CAUSE_REFUSED;
    }
    v = blamed                    ? VERDICT_SUPPORTED
        : !evicted || in_doubt(x) ? VERDICT_INCONCLUSIVE
        : survived && !died       ? VERDICT_REFUTED
                                  : VERDICT_INCONCLUSIVE;
    say(s, 'h', 1, 1, gone, 1,
        "H1, %s: %s. A running stream's frame was evicted %" PRIu64 " times; %" PRIu64
        " times the stream went on, %" PRIu64 " streams died with no frame after it, %" PRIu64
        " of these because their next frames were refused.",
        hypothesis_words[0], verdict_of_names[v], evicted, survived, died, blamed);
    return v;
}

static enum verdict_of h2(const struct model *x, struct sayer *s)
{
    const struct select over[] = {{.outcomes = 1u << OUT_EVICTED_OVER | 1u << OUT_OTHER_OVER},
                                  {.kinds = {EV_trace_add}, .field = "reason", .value = 1}};
    uint64_t draws = 0, out[OUTCOMES] = {0}, refused;
    enum verdict_of v;

    sums(x, &draws, out);
    refused = model_refusals(out);
    v = out[OUT_EVICTED_OVER] && out[OUT_EVICTED_OVER] * 5 >= refused ? VERDICT_SUPPORTED
        : in_doubt(x) || !x->memory.traced_evicted || !draws          ? VERDICT_INCONCLUSIVE
        : out[OUT_EVICTED_OVER] * 20 < refused + !refused             ? VERDICT_REFUTED
                                                                      : VERDICT_INCONCLUSIVE;
    say(s, 'h', 2, 1, over, 2,
        "H2, %s: %s. Of %" PRIu64 " refused redraws of video-like places %" PRIu64
        " were refused since evictions had overwritten their history, %" PRIu64
        " since other drawings had. Evictions wrote %" PRIu64 " entries, and pushed out %" PRIu64
        " that were still of use.",
        hypothesis_words[1], verdict_of_names[v], refused, out[OUT_EVICTED_OVER],
        out[OUT_OTHER_OVER], x->memory.traced_evicted, x->memory.usable_evicted);
    return v;
}

static enum verdict_of h3(const struct model *x, struct sayer *s)
{
    const struct select why[] = {
        {.outcomes = 0xffeu | 1u << OUT_TOO_LATE | 1u << OUT_BOX_DIFFERS | 1u << OUT_SIZE_DIFFERS}};
    uint64_t draws = 0, out[OUTCOMES] = {0}, kind = 0, place, refused;
    enum verdict_of v;

    sums(x, &draws, out);
    refused = model_refusals(out);
    for (int o = 1; o < OUT_VERDICTS; o++)
        kind += out[o];
    place = out[OUT_BOX_DIFFERS] + out[OUT_SIZE_DIFFERS];
    v = refused * 10 >= draws && refused && (kind + place + out[OUT_TOO_LATE]) * 2 >= refused
            ? VERDICT_SUPPORTED
        : in_doubt(x) || !draws ? VERDICT_INCONCLUSIVE
                                : VERDICT_REFUTED;
    say(s, 'h', 3, 1, why, 1,
        "H3, %s: %s. Of %" PRIu64 " redraws of video-like places %" PRIu64 " were refused: %" PRIu64
        " for their kind, %" PRIu64 " for their place or size, %" PRIu64
        " because they came too late.",
        hypothesis_words[2], verdict_of_names[v], draws, refused, kind, place, out[OUT_TOO_LATE]);
    return v;
}

static enum verdict_of h4(const struct model *x, struct sayer *s)
{
    static const struct select made[] = {{.kinds = {EV_stream_create}}};
    enum verdict_of v = !x->virtio || x->qxl ? VERDICT_INCONCLUSIVE
                        : x->streams.count   ? VERDICT_REFUTED
                        : in_doubt(x)        ? VERDICT_INCONCLUSIVE
                        : x->regions.count   ? VERDICT_SUPPORTED
                                             : VERDICT_INCONCLUSIVE;

    if (!x->virtio || x->qxl)
        say(s, 'h', 4, 1, NULL, 0, "H4, %s: inconclusive. This run's display is not virtio alone.",
            hypothesis_words[3]);
    else
        say(s, 'h', 4, 1, made, 1,
            "H4, %s: %s. %u places were redrawn like a video, %u streams were created.",
            hypothesis_words[3], verdict_of_names[v], x->regions.count, x->streams.count);
    return v;
}

static enum verdict_of h5(const struct model *x, struct sayer *s)
{
    uint64_t draws = 0, out[OUTCOMES] = {0};

    sums(x, &draws, out);
    say(s, 'h', 5, 1, NULL, 0,
        "H5, %s: inconclusive. One run cannot tell; compare runs that differ in memory alone. "
        "Here: "
        "%.1f episodes a minute, %.0f%% of the redraws of video-like places streamed.",
        hypothesis_words[4], x->seconds > 0 ? x->memory.count * 60 / x->seconds : 0,
        percent(out[OUT_STREAMED], draws));
    return VERDICT_INCONCLUSIVE;
}

enum verdict_of say_hypothesis(const struct model *x, int n, struct sayer *s)
{
    static enum verdict_of (*const all[])(const struct model *, struct sayer *) = {h1, h2, h3, h4,
                                                                                   h5};

    return all[n - 1](x, s);
}
