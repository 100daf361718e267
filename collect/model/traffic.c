/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client got. */
#include <string.h>

#include "model/model.h"
#include "event/fields.h"

enum { CHANNEL_DISPLAY = 2 };

static void sums(const struct explain *x, uint64_t now, struct x_mark *m)
{
    m->time = now;
    m->delay = x->delay;
    m->drawn = x->drawn;
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
    uint32_t drawn = now->drawn - before->drawn;

    drawn -= drawn > 0; /* the one that ended it */
    x->freeze_count++;
    x->moved_count += drawn > 0;
    if (!z)
        return;
    *z = (struct x_freeze){.from = now->time - since,
                           .to = now->time,
                           .stalled = more(now->stalled, before->stalled),
                           .blocked = more(now->blocked, before->blocked),
                           .delay_before = before->time ? before->delay : now->delay,
                           .delay = now->delay,
                           .drawn = drawn,
                           .lost = now->losses != before->losses || !before->time};
    for (int i = 0; i < X_BOXES; i++)
        z->draws[i] = (uint32_t)more(now->draws[i], before->draws[i]);
}

/* Once a number was read, what was shown in the clip's place before was none of it, and neither is
 * what a client sees there that has come anew and read none yet. */
static void shown(struct explain *x, const struct fields_client_clip *e, uint64_t time)
{
    uint64_t since = e->since > 0 ? (uint64_t)e->since : 0;
    struct x_mark now;

    if (e->number < 0 && x->numbered)
        return;
    if (e->number >= 0 && !x->numbered) {
        x->numbered = true;
        x->pictures = x->freeze_count = x->moved_count = 0;
        x->shown = (struct x_histogram){0};
        since = 0;
    }
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
    return x->numbered;
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

bool x_in_clip_place(const struct explain *x, const struct fields_client_picture *e)
{
    const int32_t *place = x->client_box;

    return x->has_client_box && e->box.left < place[2] && place[0] < e->box.right &&
           e->box.top < place[3] && place[1] < e->box.bottom;
}

static void of_client(struct explain *x, const struct tap_event *ev)
{
    if (ev->kind == EV_client_clip)
        shown(x, FIELDS(ev, client_clip), ev->time);
    else if (ev->kind == EV_client_picture)
        x->drawn += x_in_clip_place(x, FIELDS(ev, client_picture));
    else if (ev->kind == EV_client_frame && FIELDS(ev, client_frame)->wait)
        x->delay = FIELDS(ev, client_frame)->wait;
}

void traffic_add(struct explain *x, const struct tap_event *ev, enum tap_source source)
{
    if (source == SOURCE_CLIENT)
        of_client(x, ev);
    else if (source == SOURCE_SPICE && ev->kind == EV_sent) {
        const struct fields_sent *e = FIELDS(ev, sent);

        if (e->channel == CHANNEL_DISPLAY && x_has_place(x, (uint32_t)e->id))
            x_display_of(x, e->id)->last_sent = ev->time;
    }
}
