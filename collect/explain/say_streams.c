/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of streams. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "explain/explain.h"

void say_streams(const struct model *x, struct sayer *s)
{
    static const struct select all[] = {{.kinds = {EV_stream_create, EV_stream_stop}}};
    uint64_t ended = x->streams.count - x->streams.causes[CAUSE_RUNNING];

    say(s, 's', 0, 1, all, 1, "The server saw %u video stream%s; %" PRIu64 " ended during the run.",
        x->streams.count, text_s(x->streams.count), ended);
    for (unsigned c = 1; c < CAUSES; c++) {
        const struct select of[] = {
            {.kinds = {EV_stream_create, EV_stream_stop}, .rule = RULE_CAUSE, .value = c}};

        if (x->streams.causes[c])
            say(s, 's', 0, 1 + c, of, 1, "%" PRIu64 " of them: %s.", x->streams.causes[c],
                cause_words[c]);
    }
    if (ended && !x->has_guest && x->streams.causes[CAUSE_GUEST_IDLE])
        say(s, 's', 0, 15, NULL, 0,
            "Whether the player had paused or was held up inside the guest cannot be told without "
            "events from the guest.");
    if (x->streams.count > MODEL_STREAMS)
        say(s, 's', 0, 16, NULL, 0,
            "Only the first %u are told one by one; the %u later ones are in these counts alone.",
            MODEL_STREAMS, x->streams.count - MODEL_STREAMS);
    if (x->streams.live_over)
        say(s, 's', 0, 17, NULL, 0,
            "Inconclusive for %" PRIu64 " of them: more ran at one time than can be followed.",
            x->streams.live_over);
}

/* ---- why one ended -----------------------------------------------------------------------------
 */

/* The events a cause of death rests on: its last frame, its end, and what came between. */
struct proof {
    const struct model *x;
    const struct model_stream *t;
    struct sayer *s;
    struct select selects[6];
    size_t count;
    char at[TEXT_SIZE], gap[TEXT_SIZE];
};

static void add(struct proof *p, struct select what)
{
    p->selects[p->count++] = what;
}

/* Of its display, since its last frame */
static void add_gap(struct proof *p, uint16_t a, uint16_t b)
{
    add(p, (struct select){.display = p->t->display + 1,
                           .from = p->t->last_frame,
                           .to = p->t->died,
                           .kinds = {a, b}});
}

static void add_waits(struct proof *p)
{
    add(p, (struct select){.kinds = {EV_guest_wait_begin, EV_guest_wait_end},
                           .from = p->t->last_frame,
                           .to = p->t->died,
                           .rule = RULE_COUNTS});
}

static void add_losses(struct proof *p, uint64_t from, enum select_rule whose)
{
    add(p, (struct select){.kinds = {EV_loss}, .from = from, .to = p->t->died, .rule = whose});
}

#define SAY(p, ...) say((p)->s, 's', (p)->t->id, 3, (p)->selects, (p)->count, __VA_ARGS__)

static void say_inconclusive(struct proof *p)
{
    const struct model_stream *t = p->t;
    char a[TEXT_SIZE];

    switch (t->doubt) {
    case DOUBT_GAP:
        add_losses(p, t->last_frame, RULE_HOST_LOSS);
        SAY(p,
            "Why it ended is inconclusive: %" PRIu64 " events lost here, between its last known "
            "frame and %s.",
            t->doubt_lost, p->at);
        break;
    case DOUBT_CLIENT:
        add_losses(p, t->client_at, RULE_HOST_LOSS);
        SAY(p,
            "Why it ended is inconclusive: %" PRIu64 " events lost here, since a client was last "
            "seen to take one of its frames, at %s.",
            t->doubt_lost, text_at(p->x, t->client_at, a));
        break;
    case DOUBT_GUEST:
        add_waits(p);
        add_losses(p, t->last_frame, RULE_GUEST_LOSS);
        SAY(p,
            "Why it ended is inconclusive: no new frame came for %s, and %" PRIu64
            " events of the guest's side were lost here: it may have waited for memory.",
            p->gap, t->doubt_lost);
        break;
    case DOUBT_CLOCK:
        add_waits(p);
        SAY(p,
            "Why it ended is inconclusive: no new frame came for %s. The guest waited for memory "
            "about then, but whether for half of it hangs on an order of the guest's events and "
            "the host's that its clock (known to %s) does not tell.",
            p->gap, t->doubt_error ? text_span(t->doubt_error, a) : "nothing");
        break;
    case DOUBT_BEFORE:
        SAY(p,
            "It ended at %s. Why is inconclusive: no new frame had come for %s, since before the "
            "recording began.",
            p->at, p->gap);
        break;
    default:
        add_losses(p, t->last_frame, RULE_HOST_LOSS);
        SAY(p,
            "Whether, when and why it ended is inconclusive: %" PRIu64
            " events lost here, after its last known frame.",
            t->doubt_lost);
        break;
    }
}

static void say_refused(struct proof *p)
{
    const struct model_stream *t = p->t;
    uint64_t n;
    enum outcome why = model_main_refusal(t->gap.refused, &n);

    add(p, (struct select){.refused = t->id, .from = t->last_frame + 1, .to = t->died});
    SAY(p,
        "It ended at %s: %" PRIu64 " redraws of its place came in the last %s, and the server "
        "did not take them as its frames. %" PRIu64 " of them: %s.",
        p->at, t->gap.all_refused, p->gap, n, outcome_words[why % OUTCOMES]);
}

static void say_waited(struct proof *p)
{
    char a[TEXT_SIZE];

    add_gap(p, EV_oom_begin, EV_oom_end);
    add(p, (struct select){.display = p->t->display + 1,
                           .from = p->t->last_frame,
                           .to = p->t->died,
                           .kinds = {EV_qxl_io_write},
                           .field = "port",
                           .value = 4});
    add_waits(p);
    SAY(p,
        "It ended at %s, because no new frame came for %s: the guest waited for memory for %s "
        "of that.",
        p->at, p->gap, text_span(p->t->gap.stalled, a));
}

static void say_idle(struct proof *p)
{
    add_gap(p, EV_ring_empty, EV_cmd);
    SAY(p,
        "It ended at %s, because no new frame came for %s although the guest was free: the "
        "server had read all its commands (%" PRIu64 " time%s in that span, %" PRIu64
        " other command%s came).",
        p->at, p->gap, p->t->gap.empties, text_s(p->t->gap.empties), p->t->gap.commands,
        text_s(p->t->gap.commands));
}

static void say_blocked(struct proof *p)
{
    char a[TEXT_SIZE];

    add_gap(p, EV_blocked, 0);
    add(p, (struct select){.display = p->t->display + 1,
                           .from = p->t->last_frame,
                           .to = p->t->died,
                           .kinds = {EV_cmd},
                           .rule = RULE_COUNTS});
    SAY(p,
        "It ended at %s, because no new frame was read for %s: for %s of that the server did "
        "not read the guest's commands, since a client took its data too slowly.",
        p->at, p->gap, text_span(p->t->gap.blocked, a));
}

static void say_client_gone(struct proof *p)
{
    const struct model_stream *t = p->t;
    char a[TEXT_SIZE];

    add(p, (struct select){.stream = t->id,
                           .kinds = {EV_stream_encode, EV_stream_drop},
                           .from = t->client_at,
                           .to = t->client_at});
    add(p, (struct select){
               .stream = t->id, .kinds = {EV_stream_attach}, .from = t->client_at, .to = t->died});
    SAY(p,
        "The client had gone: its last frame was sent at %s, %" PRIu64
        " later ones went to nobody. The server dropped it at %s.",
        text_at(p->x, t->client_at, a), t->unseen, p->at);
}

static void say_death(const struct model *x, const struct model_stream *t, struct sayer *s)
{
    struct proof p = {.x = x, .t = t, .s = s};

    text_at(x, t->died, p.at);
    text_span(t->died > t->last_frame ? t->died - t->last_frame : 0, p.gap);
    add(&p, (struct select){.stream = t->id, .kinds = {EV_stream_stop}});
    add(&p, (struct select){.stream = t->id,
                            .kinds = {EV_stream_create, EV_stream_attach},
                            .from = t->last_frame,
                            .to = t->last_frame});
    if (t->cause == CAUSE_RUNNING)
        SAY(&p, "It was still running at the end.");
    else if (t->cause == CAUSE_INCONCLUSIVE)
        say_inconclusive(&p);
    else if (t->cause == CAUSE_GUEST_IDLE)
        say_idle(&p);
    else if (t->cause == CAUSE_GUEST_WAITED)
        say_waited(&p);
    else if (t->cause == CAUSE_PIPE_BLOCKED)
        say_blocked(&p);
    else if (t->cause == CAUSE_REFUSED)
        say_refused(&p);
    else if (t->cause == CAUSE_CLIENT_GONE)
        say_client_gone(&p);
    else
        SAY(&p, "It ended at %s, because %s.", p.at, cause_words[t->cause]);
}

/* ---- what came beside it ------------------------------------------------------------------------
 */

static void say_also(const struct model_stream *t, struct sayer *s)
{
    const uint64_t from = t->last_frame, to = t->died;
    const struct select evicted[] = {
        {.stream = t->id, .kinds = {EV_evict}, .from = from, .to = to}};
    const struct select over[] = {{.stream = t->id,
                                   .kinds = {EV_stream_detach},
                                   .from = from,
                                   .to = to,
                                   .field = "reason",
                                   .value = 1}};
    const struct select ooms[] = {
        {.display = t->display + 1, .kinds = {EV_oom_begin}, .from = from, .to = to}};
    const struct select refused[] = {{.refused = t->id, .late = true, .from = from + 1, .to = to}};
    const struct select drops[] = {
        {.stream = t->id, .kinds = {EV_stream_drop}, .field = "reason", .value = 0}};
    char a[TEXT_SIZE];

    if (t->also & ALSO_FRAME_EVICTED)
        say(s, 's', t->id, 4, evicted, 1,
            "Beside it: its last frame was given up to make room. That alone does not end a "
            "stream.");
    if (t->also & ALSO_OVERLAP)
        say(s, 's', t->id, 5, over, 1, "Beside it: something was drawn over its last frame.");
    if (t->also & ALSO_OOM)
        say(s, 's', t->id, 6, ooms, 1,
            "Coincident, not shown to be a cause: the server was told %" PRIu64
            " time%s in that span that memory ran out, which held the guest up for %s.",
            t->gap.oom, text_s(t->gap.oom), text_span(t->gap.stalled, a));
    if (t->also & (ALSO_REFUSED | ALSO_LATE))
        say(s, 's', t->id, 7, refused, 1,
            "Beside it: %" PRIu64 " redraw%s of its place %s refused and %" PRIu64
            " came too late.",
            t->gap.all_refused, text_s(t->gap.all_refused), text_were(t->gap.all_refused),
            t->gap.late);
    if (t->also & ALSO_DROPS)
        say(s, 's', t->id, 8, drops, 1,
            "While it lived, the encoder skipped %" PRIu64 " of its frames to keep its bit rate.",
            t->drops[0]);
}

static void say_life(const struct model *x, const struct model_stream *t, struct sayer *s)
{
    const struct select life[] = {
        {.stream = t->id, .kinds = {EV_stream_create, EV_stream_attach, EV_stream_stop}}};
    char a[TEXT_SIZE] = "at least ", b[TEXT_SIZE], c[TEXT_SIZE], d[TEXT_SIZE];
    uint64_t born = t->born ? t->born : t->seen;

    text_span(t->died > born ? t->died - born : 0, a + (t->born ? 0 : strlen(a)));
    if (t->intervals.all)
        say(s, 's', t->id, 2, life, 1,
            "It lived %s and had %" PRIu64 " frames, half of them within %s of the one before, the "
            "longest pause %s at %s.",
            a, t->frames, text_span(histogram_quantile(&t->intervals, 0.5), b),
            text_span(t->intervals.longest, c), text_at(x, t->intervals.longest_at, d));
    else
        say(s, 's', t->id, 2, life, 1, "It lived %s and had %" PRIu64 " frame%s.", a, t->frames,
            text_s(t->frames));
}

void say_stream(const struct model *x, const struct model_stream *t, struct sayer *s)
{
    const struct select birth[] = {{.stream = t->id, .kinds = {EV_stream_create}}};
    const struct select losses[] = {
        {.kinds = {EV_loss}, .from = t->seen, .to = t->died, .rule = RULE_HOST_LOSS}};
    char a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];

    if (t->began)
        say(s, 's', t->id, 1, birth, 1, "Stream s%u, %s%s: began at %s.", t->id,
            text_box(t->box, a), text_display(x, t->display, c), text_at(x, t->born, b));
    else
        say(s, 's', t->id, 1, NULL, 0, "Stream s%u, %s%s: its beginning is not in the recording.",
            t->id, t->has_box ? text_box(t->box, a) : "of unknown place",
            text_display(x, t->display, c));
    say_life(x, t, s);
    say_death(x, t, s);
    say_also(t, s);
    if (t->losses && t->cause != CAUSE_INCONCLUSIVE)
        say(s, 's', t->id, 9, losses, 1,
            "%" PRIu64 " events were lost during its life: its counts are not certain.", t->lost);
}
