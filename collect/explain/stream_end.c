/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a stream ended. Its evidence: its last frame, its end, and what came between. */
#include "explain/stream_end.h"
#include "explain/names.h"

struct finding of_stream(const struct model *x, const struct model_stream *t, enum rule rule,
                         const char *verdict)
{
    struct finding f = finding_new(x, rule, t->id, 0, verdict);

    put_display(&f, x, t->display);
    return f;
}

static struct select in_gap(const struct model_stream *t)
{
    return (struct select){.display = t->display + 1, .from = t->last_frame, .to = t->died};
}

static void put_kinds(struct finding *f, const struct model_stream *t, uint16_t a, uint16_t b)
{
    struct select q = in_gap(t);

    q.kinds[0] = a;
    q.kinds[1] = b;
    put_evidence(f, q);
}

static void put_waits(struct finding *f, const struct model_stream *t)
{
    put_evidence(f, (struct select){.kinds = {EV_guest_wait_begin, EV_guest_wait_end},
                                    .from = t->last_frame,
                                    .to = t->died,
                                    .rule = SELECT_COUNTS});
}

static void put_losses(struct finding *f, const struct model_stream *t, uint64_t from,
                       enum select_rule whose)
{
    put_evidence(f,
                 (struct select){.kinds = {EV_loss}, .from = from, .to = t->died, .rule = whose});
}

static void lost(struct finding *f, const struct model_stream *t, enum unsure why, uint64_t from)
{
    doubt_lost(f, why, t->doubt_lost, 1);
    put_losses(f, t, from, why == UNSURE_LOST ? SELECT_HOST_LOSS : SELECT_GUEST_LOSS);
}

static void inconclusive(struct finding *f, const struct model_stream *t)
{
    switch (t->doubt) {
    case DOUBT_CLIENT:
        put_time(f, "client_at_ns", t->client_at);
        lost(f, t, UNSURE_LOST, t->client_at);
        break;
    case DOUBT_GUEST:
        put_waits(f, t);
        lost(f, t, UNSURE_GUEST_LOST, t->last_frame);
        break;
    case DOUBT_CLOCK:
        f->unsure = UNSURE_CLOCK;
        if (t->doubt_error)
            put_span(f, "clock_error_ns", t->doubt_error);
        put_waits(f, t);
        break;
    case DOUBT_SILENT:
        f->unsure = UNSURE_GUEST_GONE;
        put_waits(f, t);
        break;
    case DOUBT_DISPLAY:
        f->unsure = UNSURE_DISPLAY;
        put_waits(f, t);
        break;
    case DOUBT_BEFORE:
        f->unsure = UNSURE_BEFORE;
        break;
    case DOUBT_UNSEEN:
        f->unsure = UNSURE_NOT_SEEN;
        put_kinds(f, t, EV_ring_empty, EV_cmd);
        break;
    default:
        put_time(f, "last_frame_ns", t->last_frame);
        lost(f, t, UNSURE_LOST, t->last_frame);
        break;
    }
}

static void refused(struct finding *f, const struct model_stream *t)
{
    uint64_t n;
    enum outcome why = outcome_main_refusal(t->gap.refused, &n);

    put_count(f, "refused", t->gap.all_refused);
    put_count(f, "main", n);
    put_outcome(f, "why", why % OUTCOMES);
    put_evidence(f, (struct select){.refused = t->id, .from = t->last_frame + 1, .to = t->died});
}

static void waited(struct finding *f, const struct model_stream *t)
{
    struct select calls = in_gap(t);

    calls.kinds[0] = EV_qxl_io_write;
    calls.field = "port";
    calls.value = QXL_IO_notify_oom;
    put_span(f, "waited_ns", t->gap.stalled);
    put_kinds(f, t, EV_oom_begin, EV_oom_end);
    put_evidence(f, calls);
    put_waits(f, t);
}

static void blocked(struct finding *f, const struct model_stream *t)
{
    struct select ends = in_gap(t);

    ends.kinds[0] = EV_blocked;
    ends.kinds[1] = EV_cmd;
    ends.kinds[2] = EV_ring_empty;
    ends.rule = SELECT_COUNTS;
    put_span(f, "blocked_ns", t->gap.blocked);
    put_evidence(f, ends);
}

static void idle(struct finding *f, const struct model_stream *t)
{
    put_count(f, "empties", t->gap.empties);
    put_count(f, "commands", t->gap.commands);
    put_kinds(f, t, EV_ring_empty, EV_cmd);
}

static void client_gone(struct finding *f, const struct model_stream *t)
{
    put_time(f, "client_at_ns", t->client_at);
    put_count(f, "unseen", t->unseen);
    put_evidence(f, (struct select){.stream = t->id,
                                    .kinds = {EV_stream_encode, EV_stream_drop},
                                    .from = t->client_at,
                                    .to = t->client_at});
    put_evidence(
        f, (struct select){
               .stream = t->id, .kinds = {EV_stream_attach}, .from = t->client_at, .to = t->died});
}

void find_stream_end(const struct model *x, const struct model_stream *t, struct finder *s)
{
    struct finding f = of_stream(x, t, RULE_STREAM_END, cause_names[t->cause]);

    put_evidence(&f, (struct select){.stream = t->id, .kinds = {EV_stream_stop}});
    put_evidence(&f, (struct select){.stream = t->id,
                                     .kinds = {EV_stream_create, EV_stream_attach},
                                     .from = t->last_frame,
                                     .to = t->last_frame});
    if (t->cause != CAUSE_RUNNING && t->doubt != DOUBT_END)
        put_time(&f, "died_ns", t->died);
    if (t->cause != CAUSE_RUNNING)
        put_span(&f, "gap_ns", t->died > t->last_frame ? t->died - t->last_frame : 0);
    switch (t->cause) {
    case CAUSE_INCONCLUSIVE:
        inconclusive(&f, t);
        break;
    case CAUSE_GUEST_IDLE:
        idle(&f, t);
        break;
    case CAUSE_GUEST_WAITED:
        waited(&f, t);
        break;
    case CAUSE_PIPE_BLOCKED:
        blocked(&f, t);
        break;
    case CAUSE_REFUSED:
        refused(&f, t);
        break;
    case CAUSE_CLIENT_GONE:
        client_gone(&f, t);
        break;
    default:
        break;
    }
    s->found(s, &f);
}
