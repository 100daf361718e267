/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/clients_json.h"

#define NUMBER(v) ((json_int_t)(v))

/* Members without a value are left out. */
static void set(json_t *o, const char *name, uint64_t v, bool known)
{
    if (known)
        json_object_set_new(o, name, json_integer(NUMBER(v)));
}

static json_t *counts(const uint64_t *of, const struct tap_enum *names)
{
    json_t *o = json_object();

    for (int i = 0; i < PACED_WORDS; i++)
        if (of[i] && tap_enum_name(names, i))
            json_object_set_new(o, tap_enum_name(names, i), json_integer(NUMBER(of[i])));
    return o;
}

static json_t *net_test(const struct paced_client *c)
{
    json_t *o = json_object();

    if (c->tested)
        json_object_set_new(o, "verdict",
                            json_string(tap_enum_name(&tap_enum_net_test_step, c->verdict)));
    set(o, "at", c->tested_at, c->tested);
    set(o, "warmup_ns", c->roundtrips[NET_TEST_STEP_warmup], c->pings[NET_TEST_STEP_warmup]);
    set(o, "second_ns", c->roundtrips[NET_TEST_STEP_latency], c->pings[NET_TEST_STEP_latency]);
    set(o, "last_ns", c->roundtrips[c->verdict], c->tested);
    set(o, "latency_ns", c->latency, c->tested);
    set(o, "bits", c->net_rate, c->tested && c->verdict == NET_TEST_STEP_measured);
    return o;
}

static json_t *rate(const struct paced_client *c)
{
    const char *origin = tap_enum_name(&tap_enum_first_rate, c->first_origin);
    json_t *o = json_object();

    if (c->first_at && origin)
        json_object_set_new(o, "origin", json_string(origin));
    set(o, "first_bits", c->first_all, c->first_at);
    set(o, "first_share_bits", c->first_share, c->first_at);
    json_object_set_new(o, "origins", counts(c->origins, &tap_enum_first_rate));
    set(o, "least_bits", c->least, c->least);
    set(o, "lowered", c->lowered, true);
    set(o, "raised", c->raised, true);
    return o;
}

static json_t *delay(const struct paced_client *c)
{
    json_t *o = json_object();

    set(o, "asks", c->asks, true);
    set(o, "asked_ns", c->asked, c->asks);
    json_object_set_new(o, "orders", counts(c->orders, &tap_enum_delay_verdict));
    set(o, "passed_on_ns", c->passed_on, c->passed_on);
    set(o, "passed_on_at", c->passed_on_at, c->passed_on);
    set(o, "holds_ns", c->holds, c->holds);
    if (c->needy_known)
        set(o, "stream", c->needy.id, c->needy.id);
    return o;
}

json_t *client_json(const struct paced_client *c)
{
    return json_pack("{sI so so so sI sI}", "id", NUMBER(c->id), "net_test", net_test(c), "rate",
                     rate(c), "delay", delay(c), "encoded", NUMBER(c->encoded), "skipped",
                     NUMBER(c->skipped));
}
