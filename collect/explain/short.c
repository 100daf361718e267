/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In short: what cost the viewer most, in ns of the viewer's time, and what to change. Its findings
 * sum up the others and use no event that those do not use.
 */
#include <string.h>

#include "explain/explain.h"
#include "explain/names.h"
#include "explain/pacing.h"
#include "explain/presence.h"

/* Less is not worth a sentence: a video takes 20 frames to become a stream, about 1 s. */
#define LEAST_SPAN NS_PER_SECOND

enum {
    LEAST_PERCENT = 1,       /* of the run, or of the events */
    LEAST_VIDEO_PERCENT = 5, /* of the run, of a video that is not streamed */
};

struct chosen {
    struct finding of[SHORT_FINDINGS];
    size_t count;
};

/* The costliest first; ties keep the order of the rules. */
static void choose(struct chosen *c, const struct finding *f)
{
    size_t at = c->count;

    while (at && c->of[at - 1].cost < f->cost)
        at--;
    if (at == SHORT_FINDINGS)
        return;
    c->count += c->count < SHORT_FINDINGS;
    memmove(&c->of[at + 1], &c->of[at], (c->count - at - 1) * sizeof(c->of[0]));
    c->of[at] = *f;
}

static uint64_t run_ns(const struct model *x)
{
    return x->end > x->start ? x->end - x->start : 0;
}

static bool is_much(const struct model *x, uint64_t ns)
{
    return ns >= MODEL_FREEZE || (ns && ns * 100 >= run_ns(x) * LEAST_PERCENT);
}

static bool is_much_video(const struct model *x, uint64_t ns)
{
    return ns >= LEAST_SPAN && ns * 100 >= run_ns(x) * LEAST_VIDEO_PERCENT;
}

/* A larger ring mends what the ring lost, not a log that was cut. */
static bool the_ring_lost_most(const struct model_counts *a)
{
    size_t ring = 0, listed = a->listed.count;

    for (size_t i = 0; i < listed; i++)
        ring += a->losses[i].reason == LOSS_REASON_ring_full;
    return ring * 2 > listed;
}

/* Losses that leave the other findings without a ground. */
static void losses(const struct model *x, struct chosen *c)
{
    const struct model_counts *a = &x->counts;
    struct finding f = finding_new(x, RULE_SHORT_LOSSES, 0, 0, "unusable");

    if (!a->lost_unknown && a->lost * 100 < a->events * LEAST_PERCENT)
        return;
    if (!a->listed.count)
        return;
    f.cost = UINT64_MAX;
    if (the_ring_lost_most(a))
        put_change(&f, x, CHANGE_RING);
    if (a->lost_unknown)
        put_unknown(&f, "lost_events");
    else
        put_count(&f, "lost_events", a->lost);
    put_count(&f, "events", a->events);
    put_count(&f, "places", bounded_all(&a->listed));
    put_word(&f, "about", "t0.4");
    put_evidence(&f, (struct select){.kinds = {EV_loss}});
    choose(c, &f);
}

/* A library without probes leaves most of the other findings without a ground. */
static void stock(const struct model *x, struct chosen *c)
{
    struct finding f = finding_new(x, RULE_SHORT_STOCK, 0, 0, "unknown");

    if (!bundle_stock(x->bundle))
        return;
    f.cost = UINT64_MAX;
    put_count(&f, "ooms", x->counts.of_kind[EV_spice_qxl_oom]);
    put_count(&f, "wakeups", x->counts.of_kind[EV_spice_qxl_wakeup]);
    put_evidence(&f, (struct select){.kinds = {EV_spice_qxl_oom, EV_spice_qxl_wakeup}});
    choose(c, &f);
}

/* ---- the picture stood still ---- */

enum why { WHY_WAITED, WHY_BLOCKED, WHY_PUT_OFF, WHY_NOT_DRAWN, WHY_SAME_FRAME, WHY_OPEN, WHYS };

static const char *const why_names[WHYS] = {"guest_waited", "pipe_blocked", "put_off",
                                            "not_drawn",    "same_frame",   "inconclusive"};
static const enum change why_changes[WHYS] = {[WHY_WAITED] = CHANGE_NONE, /* by memory_change() */
                                              [WHY_BLOCKED] = CHANGE_LINK,
                                              [WHY_PUT_OFF] = CHANGE_SPICE,
                                              [WHY_NOT_DRAWN] = CHANGE_PLAYER,
                                              [WHY_SAME_FRAME] = CHANGE_PLAYER};

static enum why why_frozen(const struct model *x, const struct model_freeze *z)
{
    uint64_t half = (z->to - z->from) / 2;

    if (z->lost)
        return WHY_OPEN;
    if (client_put_off(z) > 0 && (uint64_t)client_put_off(z) >= half)
        return WHY_PUT_OFF;
    if (z->stalled >= half)
        return WHY_WAITED;
    if (z->blocked >= half)
        return WHY_BLOCKED;
    if (z->same_frame)
        return WHY_SAME_FRAME;
    /* The one redraw ended it. */
    return model_clip(x) && model_freeze_draws(x, z) <= 1 ? WHY_NOT_DRAWN : WHY_OPEN;
}

/* Which size to change, by what the guest itself asked for. */
static enum change memory_change(const struct model *x)
{
    uint64_t ram = x->memory.named[GUEST_DOMAIN_vram], vram = x->memory.named[GUEST_DOMAIN_surface];

    if (ram || vram)
        return ram >= vram ? CHANGE_RAM : CHANGE_VRAM;
    return x->memory.only_deleting && x->memory.only_deleting == x->memory.kept.count
               ? CHANGE_NOT_MEMORY
               : CHANGE_NONE;
}

/* Only freezes of a numbered clip in which the client drew nothing else, or the same frame again: a
 * desktop may stand still, and what lies over the clip hides it. */
static void freezes(const struct model *x, struct chosen *c)
{
    uint64_t by[WHYS] = {0}; /* of those that are kept */
    enum why main = WHY_WAITED;
    struct finding f;

    if (!x->client.numbered || !x->client.still_count)
        return;
    for (uint32_t i = 0; i < x->client.kept.count; i++) {
        const struct model_freeze *z = &x->client.freezes[i];

        if (client_stood_still(&x->client, z))
            by[why_frozen(x, z)] += z->to - z->from;
    }
    for (enum why w = 0; w < WHYS; w++)
        main = by[w] > by[main] ? w : main;
    main = by[main] ? main : WHY_OPEN;
    f = finding_new(x, RULE_SHORT_FREEZES, 0, 0, why_names[main]);
    f.cost = x->client.still;
    put_change(&f, x, main == WHY_WAITED ? memory_change(x) : why_changes[main]);
    put_count(&f, "times", x->client.still_count);
    put_span(&f, "froze_ns", x->client.still);
    put_span(&f, "longest_ns", x->client.longest_still);
    put_span(&f, "main_ns", by[main]);
    put_word(&f, "about", "t0.10");
    put_evidence(&f, (struct select){.kinds = {EV_client_clip}});
    if (main == WHY_OPEN)
        f.unsure = UNSURE_NOT_SEEN;
    choose(c, &f);
}

/* ---- the video was not streamed ---- */

static uint64_t redrawn_after(const struct model_region *r, uint64_t time)
{
    uint64_t ns = 0;

    for (unsigned i = 0; i < r->listed.count; i++) {
        const struct model_spell *p = &r->spells[i];
        uint64_t from = p->from > time ? p->from : time;

        ns += p->to > from ? p->to - from : 0;
    }
    return ns;
}

/* The last stream of that place, if it ended; NULL: there was none, one still runs, or a stream of
 * another box took the place's redraws after it. */
static const struct model_stream *last_of_place(const struct model *x, const struct model_region *r)
{
    const struct model_stream *last = NULL;
    uint32_t off;

    for (uint32_t i = 1; i <= x->streams.kept.count; i++) {
        const struct model_stream *t = model_stream_at(x, i);

        if (!t->has_box || t->display != r->display || !boxes_alike(t->box, r->box, &off))
            continue;
        if (!t->ended)
            return NULL;
        if (!last || t->died > last->died)
            last = t;
    }
    return last && r->last_streamed > last->died ? NULL : last;
}

static enum outcome main_outcome(const struct model_region *r)
{
    enum outcome best = OUT_STREAMED;
    uint64_t most = 0;

    for (unsigned o = 1; o < OUTCOMES; o++)
        if (o != OUT_STREAMED && r->out[o] > most) {
            most = r->out[o];
            best = o;
        }
    return best;
}

static enum change outcome_change(enum outcome o)
{
    if (o == (enum outcome)DRAW_VERDICT_video_off)
        return CHANGE_STREAMING;
    if (o == OUT_EVICTED_OVER)
        return CHANGE_RAM;
    if (o == OUT_NOT_NATURAL)
        return CHANGE_STREAM_ALL;
    return o < OUT_VERDICTS ? CHANGE_PLAYER : CHANGE_NONE;
}

/* ---- boxes that alternate ---- */

/* Is the place one whose boxes alternate, and was that what it cost? */
static bool alternates(const struct model *x, const struct model_region *r, uint64_t cost)
{
    for (uint32_t i = 1; i <= x->alternates.kept; i++) {
        const struct model_alternate *p = alternates_kept(&x->alternates, i);

        if (p->lost_ns * 2 >= cost && alternate_is_at(x, p, r))
            return true;
    }
    return false;
}

static void boxes_alternate(const struct model *x, struct chosen *c)
{
    const struct model_alternate *worst = alternates_kept(&x->alternates, 1);
    struct finding f;

    if (!worst || !is_much_video(x, worst->lost_ns))
        return;
    f = alternate_finding(x, worst, RULE_SHORT_ALTERNATE, "found");
    if (x->alternates.kept > 1)
        put_count(&f, "others", x->alternates.kept - 1);
    put_change(&f, x, CHANGE_BOX);
    choose(c, &f);
}

/* ---- the video was not streamed: other reasons ---- */

static void put_refusal(struct finding *f, const struct model *x, const struct model_region *r)
{
    enum outcome o = main_outcome(r);

    if (o == OUT_STREAMED)
        return;
    put_change(f, x, outcome_change(o));
    put_percent(f, "main_percent", r->out[o], r->draws);
    put_outcome(f, "why", o);
    put_evidence(f, (struct select){.region = r->id, .outcomes = 1u << o});
}

/* Of a clip that the display draws in pieces: it is judged as a whole. */
static bool is_piece(const struct model *x, const struct model_region *r)
{
    return box_is_inside(r->box, x->regions.client_box);
}

static const struct model_region *streams_lost(const struct model *x, struct chosen *c)
{
    const struct model_region *worst = NULL;
    const struct model_stream *its = NULL;
    uint64_t most = 0;
    uint32_t places = 0;
    struct finding f;

    for (uint32_t i = 1; i <= x->regions.kept.count; i++) {
        const struct model_region *r = model_kept(x, i);
        const struct model_stream *t = last_of_place(x, r);
        uint64_t after = t ? redrawn_after(r, t->died) : 0;

        if (!is_much_video(x, after) || (model_in_pieces(x) && is_piece(x, r)) ||
            alternates(x, r, after))
            continue;
        places++;
        if (after > most) {
            worst = r;
            its = t;
            most = after;
        }
    }
    if (!worst)
        return NULL;
    f = finding_new(x, RULE_SHORT_STREAM_LOST, 0, 0, cause_names[its->cause]);
    f.cost = most;
    put_id(&f, "stream", UNIT_STREAM, its->id);
    put_box(&f, "box", worst->box);
    put_display(&f, x, worst->display);
    put_time(&f, "died_ns", its->died);
    put_span(&f, "redrawn_ns", most);
    put_refusal(&f, x, worst);
    if (places > 1)
        put_count(&f, "others", places - 1);
    put_evidence(&f, (struct select){.stream = its->id, .kinds = {EV_stream_stop}});
    choose(c, &f);
    return worst;
}

/* A place that is only taken for the clip, and never looked like a picture, may be anything. */
static void not_streamed(const struct model *x, const struct model_region *told, struct chosen *c)
{
    const struct model_region *r = model_clip(x);
    struct finding f;
    uint64_t without;

    if (!r || r == told || r->out[OUT_STREAMED] * 2 >= r->draws ||
        (x->regions.clip_by == CLIP_BY_SIZE && !model_in_pieces(x) && !r->steady.natural))
        return;
    without = r->steady.ns > r->streamed_ns ? r->steady.ns - r->streamed_ns : 0;
    if (!is_much_video(x, without) || alternates(x, r, without))
        return;
    f = finding_new(x, RULE_SHORT_NOT_STREAMED, 0, 0,
                    model_in_pieces(x) ? "in_pieces" : outcome_names[main_outcome(r)]);
    f.cost = without;
    put_box(&f, "box", model_in_pieces(x) ? x->regions.client_box : r->box);
    put_display(&f, x, r->display);
    if (x->regions.clip_by == CLIP_AROUND)
        put_word(&f, "part", "part of a larger box");
    if (model_in_pieces(x)) {
        put_percent(&f, "streamed_percent", x->regions.pieces[OUT_STREAMED], x->regions.pieces_all);
    } else if (r->out[OUT_STREAMED]) {
        put_span(&f, "not_streamed_ns", without);
        put_span(&f, "redrawn_ns", r->steady.ns);
    } else {
        put_span(&f, "never_streamed_ns", without);
    }
    put_refusal(&f, x, r);
    choose(c, &f);
}

/* ---- what held the guest up ---- */

static void waited(const struct model *x, struct chosen *c)
{
    bool by_guest = presence_of_waits(x, x->start, x->end);
    uint64_t ns = by_guest ? x->waits.guest.waited : waits_still(&x->waits);
    uint64_t longest = by_guest ? x->waits.guest.longest : x->memory.longest_stall;
    struct finding f = finding_new(x, RULE_SHORT_WAITED, 0, 0, by_guest ? "by_guest" : "at_least");

    if (!ns || (longest < MODEL_FREEZE && ns * 100 < run_ns(x) * LEAST_PERCENT))
        return;
    f.cost = ns;
    put_change(&f, x, memory_change(x));
    put_span(&f, "waited_ns", ns);
    put_percent(&f, "waited_percent", ns, run_ns(x));
    put_span(&f, "longest_ns", longest);
    put_count(&f, "times", bounded_all(&x->memory.kept));
    if (f.change == CHANGE_NOT_MEMORY)
        put_count(&f, "false_alarms", x->memory.only_deleting);
    put_word(&f, "about", by_guest ? "e0.3" : "e0.1");
    if (by_guest)
        put_evidence(&f, (struct select){.kinds = {EV_guest_wait_begin, EV_guest_wait_end},
                                         .rule = SELECT_COUNTS});
    put_evidence(&f, (struct select){.kinds = {EV_oom_begin, EV_oom_end}});
    choose(c, &f);
}

static void put_off(const struct model *x, struct chosen *c)
{
    struct finding f;

    if (pacing_put_off_finding(x, &f))
        choose(c, &f);
}

static void blocked(const struct model *x, struct chosen *c)
{
    struct finding f = finding_new(x, RULE_SHORT_BLOCKED, 0, 0, "found");
    uint32_t display = x->displays.ids[x->waits.blocked_slot];

    if (!is_much(x, x->waits.blocked_ns))
        return;
    f.cost = x->waits.blocked_ns;
    put_change(&f, x, CHANGE_LINK);
    put_display(&f, x, display);
    put_span(&f, "blocked_ns", x->waits.blocked_ns);
    put_percent(&f, "blocked_percent", x->waits.blocked_ns, run_ns(x));
    put_word(&f, "about", "t0.2");
    put_evidence(&f, (struct select){.kinds = {EV_blocked, EV_cmd, EV_ring_empty},
                                     .display = display + 1,
                                     .rule = SELECT_COUNTS});
    choose(c, &f);
}

static void nothing(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_draw, EV_stream_stop, EV_oom_begin, EV_client_clip, 0};
    const struct model_region *clip = model_clip(x);
    struct finding f = finding_new(x, RULE_SHORT_NOTHING, 0, 0,
                                   x->client.numbered ? "nothing"
                                   : x->has_client    ? "no_numbers"
                                                      : "no_client");

    if (x->client.numbered)
        put_span(&f, "freeze_ns", MODEL_FREEZE);
    if (clip && clip->out[OUT_STREAMED])
        put_percent(&f, "streamed_percent", clip->out[OUT_STREAMED], clip->draws);
    presence_needed(&f, x, needs);
    s->found(s, &f);
}

void find_short(const struct model *x, struct finder *s)
{
    struct chosen c = {.count = 0};

    stock(x, &c);
    losses(x, &c);
    freezes(x, &c);
    boxes_alternate(x, &c);
    not_streamed(x, streams_lost(x, &c), &c);
    waited(x, &c);
    put_off(x, &c);
    blocked(x, &c);
    for (size_t i = 0; i < c.count; i++)
        s->found(s, &c.of[i]);
    if (!c.count)
        nothing(x, s);
}
