/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the server paces each client's video. That a client shows frames late has one cause: the
 * order that told it to, the stream whose need the order passed on, and where that stream's bit
 * rate came from. They are linked by client, stream, and the delay itself.
 */
#include "explain/pacing.h"
#include "explain/presence.h"

enum { NET_TEST_BYTES = 250 * 1024 }; /* main-channel-client.cpp */

static const char *const origins[PACED_WORDS] = {
    [FIRST_RATE_environment] = "environment",       [FIRST_RATE_net_test] = "net_test",
    [FIRST_RATE_earlier_stream] = "earlier_stream", [FIRST_RATE_high_default] = "high_default",
    [FIRST_RATE_low_default] = "low_default",
};

static struct finding of_client(const struct model *x, const struct paced_client *c, enum rule rule,
                                const char *verdict)
{
    struct finding f = finding_new(x, rule, c->id, 0, verdict);

    if (bounded_all(&x->pacing.kept) > 1)
        put_count(&f, "client", c->id);
    return f;
}

static struct select at(uint16_t kind, uint64_t time)
{
    return (struct select){.kinds = {kind}, .from = time, .to = time};
}

/* What was decided as the client connected can be older than the run's window: then it has no time
 * in it. */
static void put_time_in_run(struct finding *f, const struct model *x, const char *name,
                            uint64_t time)
{
    if (time >= x->start)
        put_time(f, name, time);
}

/* All events of that kind of this client. */
static struct select of(uint16_t kind, const struct paced_client *c)
{
    return (struct select){.kinds = {kind}, .field = "client", .value = c->address};
}

/* ---- the net test ---- */

static void put_test(struct finding *f, const struct model *x, const struct paced_client *c)
{
    put_time_in_run(f, x, "at_ns", c->tested_at);
    put_bytes(f, "test_bytes", NET_TEST_BYTES);
    put_span(f, "roundtrip_ns", c->roundtrips[c->verdict]);
    put_span(f, "latency_ns", c->latency);
}

static void net_test(const struct model *x, const struct paced_client *c, struct finder *s)
{
    static const uint16_t needs[] = {EV_net_test, 0};
    struct finding f = of_client(x, c, RULE_NET_TEST,
                                 !c->tested                             ? "none"
                                 : c->verdict == NET_TEST_STEP_measured ? "measured"
                                                                        : "invalid");

    if (!c->tested && !c->first_at)
        return;
    if (c->tested) {
        put_test(&f, x, c);
        if (c->verdict == NET_TEST_STEP_measured)
            put_bits(&f, "net_bits", c->net_rate);
        put_evidence(&f, of(EV_net_test, c));
    } else {
        presence_needed(&f, x, needs);
    }
    s->found(s, &f);
}

/* ---- bit rates ---- */

static void rates(const struct model *x, const struct paced_client *c, struct finder *s)
{
    const char *origin = c->first_at ? origins[c->first_origin] : "before";
    struct finding f = of_client(x, c, RULE_RATES, origin ? origin : "before");

    if (!c->first_at && !c->lowered && !c->raised)
        return;
    if (c->first_at)
        put_bits(&f, "all_bits", c->first_all);
    put_count(&f, "lowered", c->lowered);
    put_count(&f, "raised", c->raised);
    if (c->least)
        put_bits(&f, "least_bits", c->least);
    put_count(&f, "shares", c->origins[FIRST_RATE_earlier_stream]);
    put_count(&f, "skipped", c->skipped);
    put_count(&f, "frames", c->skipped + c->encoded);
    put_evidence(&f, of(EV_stream_first_rate, c));
    put_evidence(&f, of(EV_stream_rate, c));
    put_evidence(&f, (struct select){.kinds = {EV_stream_drop},
                                     .field = "reason",
                                     .value = DROP_REASON_encoder});
    s->found(s, &f);
}

/* ---- the delay ---- */

static void delay(const struct model *x, const struct paced_client *c, struct finder *s)
{
    struct finding f = of_client(x, c, RULE_DELAY,
                                 c->owed        ? "not_told"
                                 : c->passed_on ? "ordered"
                                                : "kept");
    uint64_t told = c->orders[DELAY_VERDICT_passed_on] + c->orders[DELAY_VERDICT_with_sound];

    if (!c->asks && !c->holds)
        return;
    put_count(&f, "asks", c->asks);
    if (c->asks)
        put_span(&f, "asked_ns", c->asked);
    if (c->owed) {
        put_span(&f, "owed_ns", c->owed);
        put_span(&f, "counted_ns", c->counted);
    } else if (c->passed_on) {
        put_count(&f, "told", told);
        put_span(&f, "ordered_ns", c->passed_on);
        put_time_in_run(&f, x, "at_ns", c->passed_on_at);
    } else if (c->holds) {
        put_span(&f, "holds_ns", c->holds);
    }
    put_evidence(&f, of(EV_delay_ask, c));
    put_evidence(&f, of(EV_delay_order, c));
    s->found(s, &f);
}

void find_pacing(const struct model *x, struct finder *s)
{
    for (uint32_t i = 0; i < x->pacing.kept.count; i++) {
        const struct paced_client *c = &x->pacing.clients[i];

        net_test(x, c, s);
        rates(x, c, s);
        delay(x, c, s);
    }
    if (x->pacing.kept.over) {
        struct finding f = finding_new(x, RULE_PACING_TABLE, 0, 0, "inconclusive");

        f.unsure = UNSURE_TABLE;
        put_count(&f, "clients", x->pacing.kept.count);
        put_count(&f, "left_out", x->pacing.kept.over);
        s->found(s, &f);
    }
}

/* ---- why the video was put off ---- */

/* What made the needy stream's bit rate so low. */
static const char *cause_of(const struct paced_client *c)
{
    const struct paced_stream *t = &c->needy;

    if (c->passed_on < c->holds)
        return "before";
    if (!c->needy_known || !t->began)
        return "ordered";
    if (c->need.rate < t->share / 2)
        return "lowered";
    switch (t->origin) {
    case FIRST_RATE_environment:
        return "set";
    case FIRST_RATE_net_test:
        return "measured";
    case FIRST_RATE_earlier_stream:
        return "earlier_stream";
    default:
        return c->tested ? "test_failed" : "no_test";
    }
}

static enum change change_of(const struct paced_client *c)
{
    bool link = c->needy_known && c->needy.began && c->needy.origin == FIRST_RATE_net_test;

    return link ? CHANGE_LINK : CHANGE_BIT_RATE;
}

static void put_need(struct finding *f, const struct paced_client *c)
{
    const struct paced_ask *a = &c->need;

    if (c->needy.id)
        put_id(f, "stream", UNIT_STREAM, c->needy.id);
    put_span(f, "asked_ns", a->asked);
    put_bits(f, "rate_bits", a->rate);
    if (pacing_frame_time(a)) {
        put_bytes(f, "frame_bytes", a->frame);
        put_span(f, "frame_ns", pacing_frame_time(a));
    }
    put_evidence(f, at(EV_delay_ask, a->at));
}

static void put_beginning(struct finding *f, const struct model *x, const struct paced_client *c)
{
    const struct paced_stream *t = &c->needy;
    bool guessed = t->origin == FIRST_RATE_high_default || t->origin == FIRST_RATE_low_default;

    put_bits(f, "all_bits", t->all);
    put_bits(f, "share_bits", t->share);
    put_count(f, "for_reports", t->lowered[RATE_REASON_client_report]);
    put_count(f, "for_drops", t->lowered[RATE_REASON_server_drops]);
    put_evidence(f, at(EV_stream_first_rate, t->began_at));
    put_evidence(f, of(EV_stream_rate, c));
    if (c->tested && (guessed || t->origin == FIRST_RATE_net_test)) {
        put_test(f, x, c);
        put_evidence(f, of(EV_net_test, c));
    }
}

/* No order was so long: the client delays them itself, or the order came before the recording. */
static void not_ordered(struct finding *f, const struct model *x, const struct paced_client *c)
{
    static const uint16_t needs[] = {EV_delay_order, 0};

    f->verdict = "not_ordered";
    if (!presence_of(x, EV_delay_order)) { /* the client's events alone */
        f->verdict = "found";
        put_change(f, x, CHANGE_SPICE);
    }
    if (c)
        put_span(f, "holds_ns", c->holds);
    presence_needed(f, x, needs);
}

static void ordered(struct finding *f, const struct model *x, const struct paced_client *c)
{
    f->verdict = cause_of(c);
    put_span(f, "ordered_ns", c->holds);
    put_change(f, x, change_of(c));
    put_evidence(f, at(EV_delay_order, c->holds_at));
    if (c->passed_on < c->holds)
        return;
    put_time_in_run(f, x, "ordered_at_ns", c->passed_on_at);
    if (c->needy_known)
        put_need(f, c);
    if (c->needy_known && c->needy.began)
        put_beginning(f, x, c);
}

bool pacing_put_off_finding(const struct model *x, struct finding *f)
{
    const struct paced_client *c = pacing_put_off(&x->pacing);
    uint64_t waited = (uint64_t)x->client.arrivals.longest_wait; /* 0 or more */
    uint64_t held = c ? c->holds : 0;

    if (waited < NS_PER_SECOND && held < NS_PER_SECOND)
        return false;
    /* Who was ordered a delay before the recording is not known: the client's own frames decide. */
    if (c && c->passed_on < held && waited && waited < NS_PER_SECOND)
        return false;
    *f = finding_new(x, RULE_SHORT_PUT_OFF, 0, 0, "found");
    f->cost = waited > held ? waited : held;
    if (waited) {
        put_span(f, "delay_ns", waited);
        put_evidence(f,
                     (struct select){.kinds = {EV_client_frame}, .field = "wait", .value = waited});
    }
    if (held >= NS_PER_SECOND)
        ordered(f, x, c);
    else
        not_ordered(f, x, c);
    return true;
}
