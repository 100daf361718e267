/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of places that are redrawn. */
#include <inttypes.h>
#include <stdio.h>

#include "explain/explain.h"

static void say_clip(const struct model *x, struct sayer *s)
{
    const struct model_region *clip = model_clip(x);
    char a[TEXT_SIZE], b[TEXT_SIZE];

    if (model_in_pieces(x))
        say(s, 'r', 0, 5, NULL, 0,
            "The client read the clip's frame numbers in %s, but nothing was drawn in just this "
            "place: the display draws the clip in pieces. Of their pixels %.0f%% were sent as "
            "video.",
            text_box(x->regions.client_box, a),
            percent(x->regions.pieces[OUT_STREAMED], x->regions.pieces_all));
    if (!clip)
        return;
    say(s, 'r', 0, 3, NULL, 0, "The %s is taken to be r%u, %s%s: %s.",
        model_in_pieces(x) ? "clip's greatest piece" : "clip", clip->id, text_box(clip->box, a),
        text_display(x, clip->display, b), clip_why[x->regions.clip_told]);
}

void say_regions(const struct model *x, struct sayer *s)
{
    static const struct select losses[] = {{.kinds = {EV_loss}, .rule = RULE_HOST_LOSS}};
    uint64_t places = x->losses.places[SOURCE_META] + x->losses.places[SOURCE_SPICE];
    uint32_t fast = x->regions.count - (model_clip(x) && model_clip(x)->slow);

    say(s, 'r', 0, 1, NULL, 0,
        "%u place%s on the screen %s redrawn like a video (more than 4 times a second for more "
        "than 2 s; the server wants 5).",
        fast, text_s(fast), text_were(fast));
    say_clip(x, s);
    if (x->regions.over || x->regions.dropped)
        say(s, 'r', 0, 2, NULL, 0,
            "Inconclusive beyond what could be followed: %u such places did not fit the table, "
            "and %u boxes were forgotten for newer ones while they were still redrawn.",
            x->regions.over, x->regions.dropped);
    if (places)
        say(s, 'r', 0, 4, losses, 1,
            "Inconclusive where events were lost (%" PRIu64 " in %" PRIu64
            " place%s): other places may have been redrawn there.",
            x->losses.events[SOURCE_META] + x->losses.events[SOURCE_SPICE], places, text_s(places));
}

static void say_misses(const struct model *x, const struct model_region *r, struct sayer *s)
{
    const struct select late[] = {{.region = r->id,
                                   .outcomes = 1u << OUT_TOO_LATE,
                                   .from = r->least_late_at,
                                   .to = r->least_late_at}};
    const struct select off[] = {{.region = r->id,
                                  .outcomes = 1u << OUT_BOX_DIFFERS,
                                  .from = r->least_off_at,
                                  .to = r->least_off_at}};
    const struct select few[] = {{.region = r->id,
                                  .outcomes = 1u << OUT_COUNTED | 1u << OUT_NOT_NATURAL,
                                  .from = r->most_frames_at,
                                  .to = r->most_frames_at}};
    char a[TEXT_SIZE], b[TEXT_SIZE];

    if (r->out[OUT_TOO_LATE] && r->least_late < NS_PER_SECOND)
        say(s, 'r', r->id, 20, late, 1, "Nearest miss in time: %s beyond the 200 ms, at %s.",
            text_span(r->least_late, a), text_at(x, r->least_late_at, b));
    if (r->least_off != UINT32_MAX)
        say(s, 'r', r->id, 21, off, 1, "Nearest miss in place: %u pixel%s off, at %s.",
            r->least_off, text_s(r->least_off), text_at(x, r->least_off_at, b));
    if (r->most_frames && r->most_frames < MODEL_START_FRAMES &&
        (!r->streams || r->out[OUT_STREAMED] * 2 < r->draws || s->deep))
        say(s, 'r', r->id, 22, few, 1,
            "Without becoming a stream it came to %u frame%s in a row: %u short of 20.",
            r->most_frames, text_s(r->most_frames), MODEL_START_FRAMES - r->most_frames);
}

static void say_redraws(const struct model *x, const struct model_region *r, struct sayer *s)
{
    const struct select draws[] = {{.region = r->id, .outcomes = (1u << OUTCOMES) - 1}};
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE];
    double rate = r->busy_ns ? (double)r->draws * 1e9 / (double)r->busy_ns : 0;

    text_box(r->first_box, a);
    text_display(x, r->display, d);
    text_span(histogram_quantile(&r->intervals, 0.5), c);
    if (r == model_clip(x))
        say(s, 'r', r->id, 1, draws, 1,
            "Region r%u, the %s, %s%s: redrawn %" PRIu64 " times in all, %.1f a second; half of "
            "the redraws within %s of the one before.%s",
            r->id, model_in_pieces(x) ? "clip's greatest piece" : "clip", a, d, r->draws, rate, c,
            r->slow ? " That is too slow for the server, which takes for video what comes within "
                      "200 ms."
                    : "");
    else
        say(s, 'r', r->id, 1, draws, 1,
            "Region r%u, %s%s: redrawn %" PRIu64 " times, %.1f a second, over %s in %" PRIu64
            " stretch%s; half of the redraws within %s of the one before.",
            r->id, a, d, r->draws, rate, text_span(r->busy_ns, b), r->spells_all,
            r->spells_all == 1 ? "" : "es", c);
}

void say_region(const struct model *x, const struct model_region *r, struct sayer *s)
{
    const struct select sent[] = {{.region = r->id, .outcomes = 1u << OUT_STREAMED}};
    const struct select losses[] = {{.kinds = {EV_loss},
                                     .from = r->first,
                                     .to = r->last + 2 * NS_PER_SECOND,
                                     .rule = RULE_HOST_LOSS}};

    say_redraws(x, r, s);
    say(s, 'r', r->id, 2, sent, 1, "%.0f%% of these redraws were sent as video (%" PRIu64 ").",
        percent(r->out[OUT_STREAMED], r->draws), r->out[OUT_STREAMED]);
    for (unsigned o = 0; o < OUTCOMES; o++) {
        const struct select why[] = {{.region = r->id, .outcomes = 1u << o}};

        if (!r->out[o] || o == OUT_STREAMED || (!s->deep && r->out[o] * 50 < r->draws))
            continue;
        say(s, 'r', r->id, 30 + o, why, 1, "%" PRIu64 " (%.0f%%) %s not: %s.", r->out[o],
            percent(r->out[o], r->draws), text_were(r->out[o]), outcome_words[o]);
    }
    say_misses(x, r, s);
    if (r->losses)
        say(s, 'r', r->id, 3, losses, 1,
            "Inconclusive: %" PRIu64 " events lost here, while it was redrawn. What became of the "
            "redraws among them is not known.",
            r->lost);
    if (r->spells_all > MODEL_SPELLS)
        say(s, 'r', r->id, 4, NULL, 0,
            "It had more stretches than are kept: from the %uth on they are taken as one when "
            "events are listed.",
            MODEL_SPELLS);
}
