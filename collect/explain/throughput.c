/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules over what was sent, what the client showed, and what was lost. */
#include "explain/explain.h"
#include "explain/pacing.h"
#include "explain/presence.h"

enum { ON_PAGE = 3, ALL_OUTCOMES = (1u << OUTCOMES) - 1 };

static void sent(const struct model *x, struct finder *s)
{
    struct finding f = finding_new(x, RULE_SENT, 0, 0, "found");
    uint64_t other = 0;

    if (bundle_stock(x->bundle))
        return; /* 0 bytes would be none of its figures */
    for (int i = 0; i < BYTES_CHANNELS; i++)
        other += x->bytes.channels[i].sent;
    put_bytes(&f, "video_bytes", x->bytes.stream_data.sent);
    put_bytes(&f, "drawing_bytes", x->bytes.drawing.sent);
    put_bytes(&f, "other_bytes", other);
    put_evidence(&f, (struct select){.kinds = {EV_sent}});
    presence_of_probe(&f, x, EV_sent);
    s->found(s, &f);
}

static void blocked(const struct model *x, struct finder *s)
{
    struct finding f = finding_new(x, RULE_BLOCKED, 0, 0, "found");
    uint32_t display = x->displays.ids[x->waits.blocked_slot];

    if (!x->waits.blocked_count)
        return;
    put_count(&f, "times", x->waits.blocked_count);
    put_span(&f, "blocked_ns", x->waits.blocked_ns);
    put_change(&f, x, CHANGE_LINK);
    put_display(&f, x, display);
    put_evidence(&f, (struct select){.kinds = {EV_blocked, EV_cmd, EV_ring_empty},
                                     .display = display + 1,
                                     .rule = SELECT_COUNTS});
    s->found(s, &f);
}

static void put_screen(struct finding *f, const struct client_screen *s)
{
    if (s->ages.all && !s->age.full) {
        put_span(f, "behind_ns", histogram_quantile(&s->ages, 0.5));
        put_span(f, "behind_long_ns", histogram_quantile(&s->ages, 0.95));
    }
    if (!s->bars.read)
        return;
    put_span(f, "torn_ns", s->bars.torn);
    put_span(f, "read_ns", s->bars.read);
    put_evidence(f, (struct select){.kinds = {EV_client_bar}});
}

/* Without frame numbers, what stands in the clip's place need not be a clip. */
static void shown(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_client_clip, 0};
    uint64_t longest =
        x->client.kept.count ? x->client.freezes[0].to - x->client.freezes[0].from : 0;
    struct finding f = finding_new(x, RULE_SHOWN, 0, 0,
                                   !x->has_client        ? "inconclusive"
                                   : !x->client.numbered ? "no_numbers"
                                                         : "clip");

    if (!x->has_client) {
        f.unsure = UNSURE_NO_CLIENT;
        s->found(s, &f);
        return;
    }
    put_count(&f, "pictures", x->client.pictures);
    put_count(&f, "freezes", bounded_all(&x->client.kept));
    put_span(&f, "freeze_ns", MODEL_FREEZE);
    if (longest)
        put_span(&f, "longest_ns", longest);
    if (x->client.numbered && x->client.moved_count)
        put_count(&f, "drawn_meanwhile", x->client.moved_count);
    if (x->client.numbered && x->client.same_count)
        put_count(&f, "same_frame", x->client.same_count);
    if (x->client.went_back)
        put_count(&f, "went_back", x->client.went_back);
    put_screen(&f, &x->client.screen);
    put_evidence(&f, (struct select){.kinds = {EV_client_clip}});
    presence_needed(&f, x, needs);
    s->found(s, &f);
}

static void keys(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_client_key, EV_client_answer, 0};
    const struct client_keys *k = &x->client.keys;
    struct finding f = finding_new(x, RULE_KEYS, 0, 0, k->answered ? "answered" : "unanswered");

    if (!k->pressed)
        return;
    put_count(&f, "pressed", k->pressed);
    put_count(&f, "answered", k->answered);
    if (k->unanswered)
        put_count(&f, "unanswered", k->unanswered);
    if (k->answered) {
        put_span(&f, "median_ns", histogram_quantile(&k->took, 0.5));
        put_span(&f, "one_in_twenty_ns", histogram_quantile(&k->took, 0.95));
        put_span(&f, "longest_ns", k->took.longest);
    }
    put_evidence(&f, (struct select){.kinds = {EV_client_key, EV_client_answer}});
    presence_needed(&f, x, needs);
    s->found(s, &f);
}

static void put_freeze_evidence(struct finding *f, const struct model *x,
                                const struct model_freeze *z)
{
    const struct model_region *clip = model_clip(x);

    put_evidence(f, (struct select){.kinds = {EV_client_clip}, .from = z->to, .to = z->to});
    if (clip && x->client.numbered)
        put_evidence(
            f, (struct select){
                   .region = clip->id, .outcomes = ALL_OUTCOMES, .from = z->from, .to = z->to});
    put_evidence(f, (struct select){.kinds = {EV_oom_begin, EV_oom_end, EV_blocked},
                                    .from = z->from,
                                    .to = z->to});
    put_evidence(f, (struct select){.kinds = {EV_guest_wait_begin, EV_guest_wait_end},
                                    .from = z->from,
                                    .to = z->to,
                                    .rule = SELECT_COUNTS});
    put_evidence(f, (struct select){.kinds = {EV_client_picture},
                                    .from = z->from,
                                    .to = z->to,
                                    .rule = SELECT_CLIP_PLACE});
    if (client_put_off(z) >= (int64_t)MODEL_FREEZE)
        put_evidence(f, (struct select){.kinds = {EV_client_frame, EV_delay_order},
                                        .from = z->from,
                                        .to = z->to});
    if (z->lost)
        put_evidence(f, (struct select){.kinds = {EV_loss}, .from = z->from, .to = z->to});
}

static void freeze(const struct model *x, const struct model_freeze *z, unsigned place,
                   struct finder *s)
{
    struct finding f = finding_new(x, RULE_FREEZE, 0, place,
                                   !x->client.numbered ? "no_numbers"
                                   : z->same_frame     ? "same_frame"
                                   : z->drawn          ? "number"
                                                       : "picture");

    put_time(&f, "to_ns", z->to);
    put_span(&f, "froze_ns", z->to - z->from);
    if (x->client.numbered && model_clip(x))
        put_count(&f, "redraws", model_freeze_draws(x, z));
    if (presence_of_waits(x, z->from, z->to))
        put_span(&f, "waited_ns", z->stalled);
    else if (z->stalled)
        put_span(&f, "stalled_ns", z->stalled);
    if (z->blocked)
        put_span(&f, "blocked_ns", z->blocked);
    if (x->client.numbered && z->drawn)
        put_count(&f, "drawn", z->drawn);
    if (client_put_off(z) >= (int64_t)MODEL_FREEZE) {
        put_span(&f, "delay_before_ns", (uint64_t)z->delay_before);
        put_span(&f, "delay_ns", (uint64_t)z->delay);
        put_span(&f, "put_off_ns", (uint64_t)client_put_off(z));
    }
    put_freeze_evidence(&f, x, z);
    if (z->lost)
        f.unsure = UNSURE_LOST;
    s->found(s, &f);
}

void find_freezes(const struct model *x, struct finder *s)
{
    uint32_t kept = x->client.kept.count;

    for (uint32_t i = 0; i < kept && (s->deep || i < ON_PAGE); i++)
        freeze(x, &x->client.freezes[i], i, s);
    if (x->client.kept.over) {
        struct finding f = finding_new(x, RULE_FREEZES_MORE, 0, 0, "inconclusive");

        f.unsure = UNSURE_TABLE;
        put_count(&f, "left_out", x->client.kept.over);
        s->found(s, &f);
    }
}

static void losses(const struct model *x, struct finder *s)
{
    struct finding f = finding_new(x, RULE_LOSSES, 0, 0, "found");

    if (!x->counts.listed.count)
        return;
    put_count(&f, "places", bounded_all(&x->counts.listed));
    if (x->counts.lost_unknown && !x->counts.lost)
        put_unknown(&f, "lost_events");
    else
        put_count(&f, "lost_events", x->counts.lost);
    if (x->counts.lost_unknown)
        put_count(&f, "unknown_places", x->counts.lost_unknown);
    put_evidence(&f, (struct select){.kinds = {EV_loss}});
    s->found(s, &f);
}

void find_throughput(const struct model *x, struct finder *s)
{
    sent(x, s);
    blocked(x, s);
    shown(x, s);
    find_pacing(x, s);
    keys(x, s);
    find_freezes(x, s);
    losses(x, s);
}
