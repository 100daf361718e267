/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts.h"
#include "event/fields.h"

enum { TOOK_NS = 250000 };

static void add_bytes(struct facts_bytes *b, uint64_t bytes)
{
    b->count++;
    b->sent += bytes;
}

static void add_took(struct facts_took *t, int64_t ns)
{
    uint64_t took = ns > 0 ? (uint64_t)ns : 0;

    t->count++;
    t->sum += took;
    t->longest = took > t->longest ? took : t->longest;
    t->bins[took / TOOK_NS < FACTS_TOOK ? took / TOOK_NS : FACTS_TOOK]++;
}

uint64_t facts_client_took(const struct facts_client *c, double quantile)
{
    const struct facts_took *a = &c->frames_took, *b = &c->drawings_took;
    uint64_t want = (uint64_t)(quantile * (double)(a->count + b->count)), sum = 0;

    for (uint64_t i = 0; i < FACTS_TOOK; i++) {
        sum += a->bins[i] + b->bins[i];
        if (sum > want)
            return i * TOOK_NS + TOOK_NS / 2;
    }
    return a->longest > b->longest ? a->longest : b->longest;
}

static void message(struct facts_client *c, const struct tap_event *ev)
{
    const struct fields_client_message *e = FIELDS(ev, client_message);

    add_bytes(&c->channels[e->channel < FACTS_CHANNELS ? e->channel : 0], e->size);
}

static void frame(struct facts_client *c, const struct tap_event *ev)
{
    int64_t wait = FIELDS(ev, client_frame)->wait;

    add_bytes(&c->frames, FIELDS(ev, client_frame)->size);
    c->too_late += wait < 0;
    if (wait > c->longest_wait)
        c->longest_wait = wait;
}

/* A frame's wait until it is due is no delay. */
static void picture(struct facts_client *c, const struct tap_event *ev)
{
    const struct fields_client_picture *e = FIELDS(ev, client_picture);

    if (e->stream >= 0)
        add_took(&c->frames_took, (int64_t)((uint64_t)e->took - (uint64_t)e->wait));
    else if (e->stream == -1)
        add_took(&c->drawings_took, e->took);
}

/* Once a number was read, pictures without one are none of the clip. */
static void clip(struct facts_client *c, const struct fields_client_clip *e)
{
    if (e->number < 0 && c->shown)
        return;
    if (e->number < 0)
        c->changes++;
    else
        c->shown++;
    c->late += e->late != 0;
    c->lost += e->lost;
}

void facts_client_add(struct facts_client *c, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_client_message:
        message(c, ev);
        break;
    case EV_client_frame:
        frame(c, ev);
        break;
    case EV_client_picture:
        picture(c, ev);
        break;
    case EV_client_clip:
        clip(c, FIELDS(ev, client_clip));
        break;
    case EV_client_disconnected:
        c->ended++;
        break;
    default:
        break;
    }
}
