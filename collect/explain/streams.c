/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules over streams: how many, what ended them, and each one's life. stream_end.c has its end. */
#include "explain/explain.h"
#include "explain/names.h"
#include "explain/presence.h"
#include "explain/stream_end.h"

static void count(const struct model *x, struct finder *s)
{
    static const uint16_t needs[] = {EV_stream_create, EV_stream_stop, 0};
    struct finding f =
        finding_new(x, RULE_STREAMS_COUNT, 0, 0, x->streams.kept.count ? "found" : "none");

    if (x->streams.kept.count) {
        put_count(&f, "streams", bounded_all(&x->streams.kept));
        put_count(&f, "ended", bounded_all(&x->streams.kept) - x->streams.causes[CAUSE_RUNNING]);
    }
    put_evidence(&f, (struct select){.kinds = {EV_stream_create, EV_stream_stop}});
    if (x->streams.running.over) {
        f.unsure = UNSURE_TABLE;
        put_count(&f, "left_out", x->streams.running.over);
    }
    presence_needed(&f, x, needs);
    s->found(s, &f);
}

void find_streams(const struct model *x, struct finder *s)
{
    struct finding f;

    count(x, s);
    for (unsigned c = CAUSE_RUNNING + 1; c < CAUSES; c++)
        if (x->streams.causes[c]) {
            f = finding_new(x, RULE_STREAMS_CAUSE, 0, c, cause_names[c]);
            put_count(&f, "streams", x->streams.causes[c]);
            put_evidence(&f, (struct select){.kinds = {EV_stream_create, EV_stream_stop},
                                             .rule = SELECT_CAUSE,
                                             .value = c});
            s->found(s, &f);
        }
    if (!x->has_guest && x->streams.causes[CAUSE_GUEST_IDLE]) {
        f = finding_new(x, RULE_STREAMS_NO_GUEST, 0, 0, "inconclusive");
        f.unsure = UNSURE_NO_GUEST;
        s->found(s, &f);
    }
    if (x->streams.kept.over) {
        f = finding_new(x, RULE_STREAMS_TABLE, 0, 0, "inconclusive");
        f.unsure = UNSURE_TABLE;
        put_count(&f, "described", MODEL_STREAMS);
        put_count(&f, "left_out", x->streams.kept.over);
        s->found(s, &f);
    }
}

static void birth(const struct model *x, const struct model_stream *t, struct finder *s)
{
    struct finding f = of_stream(x, t, RULE_STREAM_BIRTH, t->began ? "found" : "before");

    put_id(&f, "stream", UNIT_STREAM, t->id);
    if (t->has_box)
        put_box(&f, "box", t->box);
    if (t->began) {
        put_time(&f, "born_ns", t->born);
        put_evidence(&f, (struct select){.stream = t->id, .kinds = {EV_stream_create}});
    }
    s->found(s, &f);
}

static void life(const struct model *x, const struct model_stream *t, struct finder *s)
{
    bool whole = t->born && stream_end_seen(t);
    struct finding f = of_stream(x, t, RULE_STREAM_LIFE, whole ? "found" : "at_least");
    uint64_t born = t->born ? t->born : t->seen;
    uint64_t died = stream_end_seen(t) ? t->died : t->last_frame;

    put_span(&f, "lived_ns", died > born ? died - born : 0);
    put_count(&f, "frames", t->frames);
    if (t->longest_interval) {
        put_span(&f, "median_interval_ns", t->median_interval);
        put_span(&f, "longest_pause_ns", t->longest_interval);
        put_time(&f, "longest_pause_end_ns", t->longest_interval_end);
    }
    put_evidence(&f,
                 (struct select){.stream = t->id,
                                 .kinds = {EV_stream_create, EV_stream_attach, EV_stream_stop}});
    if (t->losses) {
        doubt_lost(&f, UNSURE_LOST, t->lost, t->losses);
        put_evidence(
            &f, (struct select){
                    .kinds = {EV_loss}, .from = t->seen, .to = t->died, .rule = SELECT_HOST_LOSS});
    }
    s->found(s, &f);
}

/* ---- what came beside its end: not shown to be its cause ---- */

static void beside_evicted(const struct model *x, const struct model_stream *t, struct finder *s)
{
    struct finding f = of_stream(x, t, RULE_STREAM_EVICTED, "beside");

    if (!(t->also & ALSO_FRAME_EVICTED))
        return;
    put_evidence(&f,
                 (struct select){
                     .stream = t->id, .kinds = {EV_evict}, .from = t->last_frame, .to = t->died});
    s->found(s, &f);
}

static void beside_overlap(const struct model *x, const struct model_stream *t, struct finder *s)
{
    struct finding f = of_stream(x, t, RULE_STREAM_OVERLAP, "beside");

    if (!(t->also & ALSO_OVERLAP))
        return;
    put_evidence(&f, (struct select){.stream = t->id,
                                     .kinds = {EV_stream_detach},
                                     .from = t->last_frame,
                                     .to = t->died,
                                     .field = "reason",
                                     .value = DETACH_REASON_overlap});
    s->found(s, &f);
}

static void beside_oom(const struct model *x, const struct model_stream *t, struct finder *s)
{
    struct finding f = of_stream(x, t, RULE_STREAM_OOM, "coincident");

    if (!(t->also & ALSO_OOM))
        return;
    put_count(&f, "calls", t->gap.oom);
    put_span(&f, "held_up_ns", t->gap.stalled);
    put_evidence(&f, (struct select){.display = t->display + 1,
                                     .kinds = {EV_oom_begin},
                                     .from = t->last_frame,
                                     .to = t->died});
    s->found(s, &f);
}

static void beside_refused(const struct model *x, const struct model_stream *t, struct finder *s)
{
    struct finding f = of_stream(x, t, RULE_STREAM_REFUSED, "beside");

    if (!(t->also & (ALSO_REFUSED | ALSO_LATE)))
        return;
    put_count(&f, "refused", t->gap.all_refused);
    put_count(&f, "late", t->gap.late);
    put_evidence(&f, (struct select){
                         .refused = t->id, .late = true, .from = t->last_frame + 1, .to = t->died});
    s->found(s, &f);
}

static void drops(const struct model *x, const struct model_stream *t, struct finder *s)
{
    struct finding f = of_stream(x, t, RULE_STREAM_DROPS, "found");

    if (!(t->also & ALSO_DROPS))
        return;
    put_count(&f, "skipped", t->drops[DROP_REASON_encoder]);
    put_evidence(&f, (struct select){.stream = t->id,
                                     .kinds = {EV_stream_drop},
                                     .field = "reason",
                                     .value = DROP_REASON_encoder});
    s->found(s, &f);
}

void find_stream(const struct model *x, const struct model_stream *t, struct finder *s)
{
    birth(x, t, s);
    life(x, t, s);
    find_stream_end(x, t, s);
    beside_evicted(x, t, s);
    beside_overlap(x, t, s);
    beside_oom(x, t, s);
    beside_refused(x, t, s);
    drops(x, t, s);
}
