/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client got: its own log is read by the names that log gives, if there is one. */
#include <string.h>

#include "explain.h"

enum { CHANNEL_DISPLAY = 2 };

/* Is it an event of that name, by its own log's table? Then where `field` is in it. */
static bool is_kind(struct x_client_field *c, const struct tap_reader *reader, uint16_t kind,
                    const char *name, const char *field)
{
    const struct tap_kind_desc *k = c->slot < 0 ? tap_reader_kind(reader, kind) : NULL;

    for (unsigned i = 0; k && !strcmp(k->name, name) && i < k->count; i++)
        if (!strcmp(k->fields[i].name, field))
            *c = (struct x_client_field){kind, k->fields[i].slot};
    return c->slot >= 0 && c->kind == kind;
}

static void sums(const struct explain *x, uint64_t now, struct x_mark *m)
{
    m->time = now;
    m->delay = x->delay;
    m->stalled = m->blocked = m->losses = 0;
    for (uint32_t i = 0; i < x->display_count; i++) {
        const struct x_display *d = &x->displays[i];
        uint64_t stalled = x_stalled(d, now), waited = x_waited(d, now);

        m->stalled += stalled > waited ? stalled : waited;
        m->blocked += x_blocked(d, now);
    }
    for (int i = 0; i < SOURCES; i++)
        m->losses += i == SOURCE_CLIENT ? 0 : x->losses_of[i];
    for (int i = 0; i < X_BOXES; i++)
        m->draws[i] = (uint32_t)x->boxes[i].all_draws;
    for (uint32_t i = 0; i < x->display_count; i++) /* those whose fate is not decided yet */
        if (x->displays[i].now.open)
            m->draws[x->displays[i].now.region - 1]++;
}

static uint64_t more(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

/* Where one of that length goes among the longest, the longest first; NULL: all are longer. */
static struct x_freeze *place_for(struct explain *x, uint64_t length)
{
    uint32_t kept = x->freeze_count < X_FREEZES ? x->freeze_count : X_FREEZES, at = 0;

    while (at < kept && x->freezes[at].to - x->freezes[at].from >= length)
        at++;
    if (at == X_FREEZES)
        return NULL;
    kept = kept < X_FREEZES ? kept : X_FREEZES - 1;
    memmove(&x->freezes[at + 1], &x->freezes[at], (kept - at) * sizeof(x->freezes[0]));
    return &x->freezes[at];
}

static void freeze(struct explain *x, const struct x_mark *now, uint64_t since)
{
    const struct x_mark *before = &x->mark;
    struct x_freeze *z = place_for(x, since);

    x->freeze_count++;
    if (!z)
        return;
    *z = (struct x_freeze){.from = now->time - since,
                           .to = now->time,
                           .stalled = more(now->stalled, before->stalled),
                           .blocked = more(now->blocked, before->blocked),
                           .delay_before = before->time ? before->delay : now->delay,
                           .delay = now->delay,
                           .lost = now->losses != before->losses || !before->time};
    for (int i = 0; i < X_BOXES; i++)
        z->draws[i] = (uint32_t)more(now->draws[i], before->draws[i]);
}

static void shown(struct explain *x, uint64_t since, uint64_t time)
{
    struct x_mark now;

    x->pictures++;
    sums(x, time, &now);
    if (since && since <= time) {
        x_interval(&x->shown, since, time);
        if (since >= X_FREEZE)
            freeze(x, &now, since);
    }
    x->mark = now;
}

bool x_numbered(const struct explain *x)
{
    return x->facts->client.shown;
}

uint32_t x_freeze_draws(const struct explain *x, const struct x_freeze *z)
{
    const struct x_region *clip = x_clip(x);

    return clip ? z->draws[clip - x->boxes] : 0;
}

int64_t x_put_off(const struct x_freeze *z)
{
    return z->delay_before > 0 && z->delay > 0 ? z->delay - z->delay_before : 0;
}

void traffic_add(struct explain *x, const struct tap_event *ev, const struct bundle_log *from)
{
    if (from->source == SOURCE_CLIENT) {
        if (is_kind(&x->since, from->reader, ev->kind, "client_clip", "since"))
            shown(x, ev->v[x->since.slot], ev->time);
        else if (is_kind(&x->wait, from->reader, ev->kind, "client_frame", "wait") &&
                 ev->v[x->wait.slot])
            x->delay = (int64_t)ev->v[x->wait.slot];
        return;
    }
    if (from->source == SOURCE_SPICE && ev->kind == EV_sent) {
        struct tap_event known;

        if (tap_reader_translate(from->reader, ev, &known) &&
            FIELDS(&known, sent)->channel == CHANNEL_DISPLAY &&
            x_has_place(x, (uint32_t)FIELDS(&known, sent)->id))
            x_display_of(x, FIELDS(&known, sent)->id)->last_sent = ev->time;
    }
}
