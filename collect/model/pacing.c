/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/pacing.h"

void pacing_init(struct model_pacing *p, const struct model_streams *lives)
{
    p->lives = lives;
}

/* ---- tables ---- */

static struct paced_client *add_client(struct model_pacing *p, uint64_t address)
{
    struct paced_client *c;

    if (!bounded_take(&p->kept, PACED_CLIENTS))
        return NULL;
    c = &p->clients[p->kept.count - 1];
    c->address = address;
    c->id = p->kept.count;
    return c;
}

/* The newest with that address. NULL: the table is full. */
static struct paced_client *client_of(struct model_pacing *p, uint64_t address)
{
    for (uint32_t i = p->kept.count; i; i--)
        if (p->clients[i - 1].address == address)
            return &p->clients[i - 1];
    return add_client(p, address);
}

static struct paced_stream *find_stream(struct paced_client *c, uint64_t display, uint64_t number)
{
    for (uint32_t i = 0; i < c->running.count; i++)
        if (c->streams[i].display == (uint32_t)display && c->streams[i].number == (uint32_t)number)
            return &c->streams[i];
    return NULL;
}

/* NULL: the table is full. */
static struct paced_stream *stream_of(struct paced_client *c, uint64_t display, uint64_t number)
{
    struct paced_stream *t = find_stream(c, display, number);

    if (t || !bounded_take(&c->running, PACED_STREAMS))
        return t;
    t = &c->streams[c->running.count - 1];
    memset(t, 0, sizeof(*t));
    t->display = (uint32_t)display;
    t->number = (uint32_t)number;
    return t;
}

static void forget_stream(struct model_pacing *p, const struct fields_stream_stop *f)
{
    for (uint32_t i = 0; i < p->kept.count; i++) {
        struct paced_client *c = &p->clients[i];
        struct paced_stream *t = find_stream(c, f->display, f->stream);

        if (t)
            *t = c->streams[--c->running.count];
    }
}

/* ---- the link, the rates ---- */

static void ping(struct model_pacing *p, const struct fields_net_test *f, uint64_t now)
{
    struct paced_client *c = client_of(p, f->client);

    if (c && f->step == NET_TEST_STEP_warmup && c->pings[NET_TEST_STEP_warmup])
        c = add_client(p, f->client);
    if (!c || f->step >= PACED_WORDS)
        return;
    c->pings[f->step]++;
    c->roundtrips[f->step] = f->roundtrip;
    c->latency = f->latency;
    if (f->step == NET_TEST_STEP_measured || f->step == NET_TEST_STEP_invalid) {
        c->tested = true;
        c->tested_at = now;
        c->verdict = (unsigned)f->step;
        c->net_rate = f->rate;
    }
}

static void saw_rate(struct paced_client *c, struct paced_stream *t, uint64_t rate)
{
    if (t)
        t->rate = rate;
    if (rate && (!c->least || rate < c->least))
        c->least = rate;
}

static void first_rate(struct model_pacing *p, const struct fields_stream_first_rate *f,
                       uint64_t now)
{
    struct paced_client *c = client_of(p, f->client);
    struct paced_stream *t = c ? stream_of(c, f->display, f->stream) : NULL;

    if (!c || f->origin >= PACED_WORDS)
        return;
    c->origins[f->origin]++;
    if (!c->first_at) {
        c->first_at = now;
        c->first_all = f->all;
        c->first_share = f->share;
        c->first_origin = (unsigned)f->origin;
    }
    if (t) /* the stop of one of that number can be lost */
        *t = (struct paced_stream){.display = t->display,
                                   .number = t->number,
                                   .began = true,
                                   .began_at = now,
                                   .all = f->all,
                                   .share = f->share,
                                   .origin = (unsigned)f->origin};
    saw_rate(c, t, f->share);
}

static void other_rate(struct model_pacing *p, const struct fields_stream_rate *f)
{
    struct paced_client *c = client_of(p, f->client);
    struct paced_stream *t = c ? stream_of(c, f->display, f->stream) : NULL;
    bool lowered = f->now < f->before;

    if (!c)
        return;
    if (f->before) {
        c->lowered += lowered;
        c->raised += !lowered;
    }
    if (t && lowered && f->reason < PACED_WORDS)
        t->lowered[f->reason]++;
    saw_rate(c, t, f->now);
}

/* ---- frames ---- */

static void encoded(struct model_pacing *p, const struct fields_stream_encode *f)
{
    struct paced_client *c = client_of(p, f->client);
    struct paced_stream *t = c ? stream_of(c, f->display, f->stream) : NULL;

    if (c)
        c->encoded++;
    if (t)
        t->frame = f->sent;
}

static void dropped(struct model_pacing *p, const struct fields_stream_drop *f)
{
    struct paced_client *c = client_of(p, f->client);

    if (c && f->reason == DROP_REASON_encoder)
        c->skipped++;
}

/* ---- the delay ---- */

static void ask(struct model_pacing *p, const struct fields_delay_ask *f, uint64_t now)
{
    struct paced_client *c = client_of(p, f->client);
    struct paced_stream *t = c ? stream_of(c, f->display, f->stream) : NULL;
    const struct model_stream *live = streams_live(p->lives, f->display, f->stream);

    if (!c)
        return;
    if (!c->asks++ || f->asked > c->asked) {
        c->asked = f->asked;
        c->asked_at = now;
    }
    if (!t)
        return;
    t->id = live ? live->id : 0;
    t->asks[1] = t->asks[0];
    t->asks[0] = (struct paced_ask){.at = now,
                                    .asked = f->asked,
                                    .rate = f->rate,
                                    .roundtrip = f->roundtrip,
                                    .frame = t->frame};
}

static void hold(struct paced_client *c, uint64_t delay, uint64_t now)
{
    if (delay > c->holds) {
        c->holds = delay;
        c->holds_at = now;
    }
}

/* The order names the client and the delay; the stream that asked for just that is the needy one.
 * It can have asked again before the main thread took the order. */
static void find_needy(struct paced_client *c, uint64_t asked)
{
    c->needy_known = false;
    for (uint32_t i = 0; i < c->running.count; i++)
        for (int k = 0; k < 2; k++)
            if (c->streams[i].asks[k].at && c->streams[i].asks[k].asked == asked) {
                if (c->needy_known && c->need.at >= c->streams[i].asks[k].at)
                    continue;
                c->needy_known = true;
                c->needy = c->streams[i];
                c->need = c->streams[i].asks[k];
            }
}

/* The server's account of the delay outlives a client: the next one begins with 400 ms, and is told
 * nothing until it needs more than the one before it. */
static void not_longer(struct paced_client *c, const struct fields_delay_order *f, uint64_t now)
{
    uint64_t has = c->passed_on > PACED_DELAY ? c->passed_on : PACED_DELAY;

    if (!c->pings[NET_TEST_STEP_warmup] || f->holds <= has) {
        hold(c, f->holds, now);
    } else if (f->asked > has && f->asked > c->owed) {
        c->owed = f->asked;
        c->counted = f->holds;
    }
}

static void order(struct model_pacing *p, const struct fields_delay_order *f, uint64_t now)
{
    struct paced_client *c = f->client ? client_of(p, f->client) : NULL;

    p->resets += f->verdict == DELAY_VERDICT_reset;
    if (!c || f->verdict >= PACED_WORDS)
        return;
    c->orders[f->verdict]++;
    if (f->verdict == DELAY_VERDICT_not_longer)
        not_longer(c, f, now);
    else
        hold(c, f->holds, now);
    if (f->verdict == DELAY_VERDICT_not_longer || f->asked <= c->passed_on)
        return;
    c->passed_on = f->asked;
    c->passed_on_at = now;
    find_needy(c, f->asked);
}

void pacing_add(struct model_pacing *p, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_net_test:
        ping(p, FIELDS(ev, net_test), ev->time);
        break;
    case EV_stream_first_rate:
        first_rate(p, FIELDS(ev, stream_first_rate), ev->time);
        break;
    case EV_stream_rate:
        other_rate(p, FIELDS(ev, stream_rate));
        break;
    case EV_stream_encode:
        encoded(p, FIELDS(ev, stream_encode));
        break;
    case EV_stream_drop:
        dropped(p, FIELDS(ev, stream_drop));
        break;
    case EV_stream_stop:
        forget_stream(p, FIELDS(ev, stream_stop));
        break;
    case EV_delay_ask:
        ask(p, FIELDS(ev, delay_ask), ev->time);
        break;
    case EV_delay_order:
        order(p, FIELDS(ev, delay_order), ev->time);
        break;
    default:
        break;
    }
}

/* ---- what came of it ---- */

const struct paced_client *pacing_main(const struct model_pacing *p)
{
    const struct paced_client *best = p->kept.count ? &p->clients[0] : NULL;

    for (uint32_t i = 1; i < p->kept.count; i++)
        if (p->clients[i].encoded > best->encoded)
            best = &p->clients[i];
    return best;
}

const struct paced_client *pacing_put_off(const struct model_pacing *p)
{
    const struct paced_client *worst = NULL;

    for (uint32_t i = 0; i < p->kept.count; i++)
        if (p->clients[i].holds > (worst ? worst->holds : 0))
            worst = &p->clients[i];
    return worst;
}

uint64_t pacing_streams_over(const struct model_pacing *p)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < p->kept.count; i++)
        sum += p->clients[i].running.over;
    return sum;
}

uint64_t pacing_frame_time(const struct paced_ask *a)
{
    return a->rate && a->frame >> 31 == 0 ? a->frame * 8 * NS_PER_SECOND / a->rate : 0;
}
