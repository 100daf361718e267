/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client got. */
#include <string.h>

#include "model/model.h"
#include "event/fields.h"

enum { CHANNEL_DISPLAY = 2 };

static void sums(const struct model *x, uint64_t now, struct model_mark *m)
{
    m->time = now;
    m->delay = x->delay;
    m->drawn = x->drawn;
    m->stalled = m->blocked = m->losses = 0;
    for (uint32_t i = 0; i < x->display_count; i++) {
        const struct model_display *d = &x->displays[i];
        uint64_t stalled = model_stalled(d, now), waited = model_waited(d, now);

        m->stalled += stalled > waited ? stalled : waited;
        m->blocked += model_blocked(d, now);
    }
    for (int i = 0; i < SOURCES; i++)
        m->losses += i == SOURCE_CLIENT ? 0 : x->losses_of[i];
    for (int i = 0; i < MODEL_BOXES; i++)
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
static struct model_freeze *place_for(struct model *x, uint64_t length)
{
    uint32_t kept = x->freeze_count < MODEL_FREEZES ? x->freeze_count : MODEL_FREEZES, at = 0;

    while (at < kept && x->freezes[at].to - x->freezes[at].from >= length)
        at++;
    if (at == MODEL_FREEZES)
        return NULL;
    kept = kept < MODEL_FREEZES ? kept : MODEL_FREEZES - 1;
    memmove(&x->freezes[at + 1], &x->freezes[at], (kept - at) * sizeof(x->freezes[0]));
    return &x->freezes[at];
}

static void freeze(struct model *x, const struct model_mark *now, uint64_t since)
{
    const struct model_mark *before = &x->mark;
    struct model_freeze *z = place_for(x, since);
    uint32_t drawn = now->drawn - before->drawn;

    drawn -= drawn > 0; /* the one that ended it */
    x->freeze_count++;
    x->moved_count += drawn > 0;
    if (!z)
        return;
    *z = (struct model_freeze){.from = now->time - since,
                               .to = now->time,
                               .stalled = more(now->stalled, before->stalled),
                               .blocked = more(now->blocked, before->blocked),
                               .delay_before = before->time ? before->delay : now->delay,
                               .delay = now->delay,
                               .drawn = drawn,
                               .lost = now->losses != before->losses || !before->time};
    for (int i = 0; i < MODEL_BOXES; i++)
        z->draws[i] = (uint32_t)more(now->draws[i], before->draws[i]);
}

/* Once a number was read, what was shown in the clip's place before was none of it, and neither is
 * what a client sees there that has come anew and read none yet. */
static void shown(struct model *x, const struct fields_client_clip *e, uint64_t time)
{
    uint64_t since = e->since > 0 ? (uint64_t)e->since : 0;
    struct model_mark now;

    if (e->number < 0 && x->numbered)
        return;
    if (e->number >= 0 && !x->numbered) {
        x->numbered = true;
        x->pictures = x->freeze_count = x->moved_count = 0;
        x->shown = (struct model_histogram){0};
        since = 0;
    }
    x->pictures++;
    sums(x, time, &now);
    if (since && since <= time) {
        model_interval(&x->shown, since, time);
        if (since >= MODEL_FREEZE)
            freeze(x, &now, since);
    }
    x->mark = now;
}

bool model_numbered(const struct model *x)
{
    return x->numbered;
}

uint32_t model_freeze_draws(const struct model *x, const struct model_freeze *z)
{
    const struct model_region *clip = model_clip(x);

    return clip ? z->draws[clip - x->boxes] : 0;
}

int64_t model_put_off(const struct model_freeze *z)
{
    return z->delay_before > 0 && z->delay > 0 ? z->delay - z->delay_before : 0;
}

bool model_in_clip_place(const struct model *x, const struct fields_client_picture *e)
{
    const int32_t *place = x->client_box;

    return x->has_client_box && e->box.left < place[2] && place[0] < e->box.right &&
           e->box.top < place[3] && place[1] < e->box.bottom;
}

static void of_client(struct model *x, const struct tap_event *ev)
{
    if (ev->kind == EV_client_clip)
        shown(x, FIELDS(ev, client_clip), ev->time);
    else if (ev->kind == EV_client_picture)
        x->drawn += model_in_clip_place(x, FIELDS(ev, client_picture));
    else if (ev->kind == EV_client_frame && FIELDS(ev, client_frame)->wait)
        x->delay = FIELDS(ev, client_frame)->wait;
}

void traffic_add(struct model *x, const struct tap_event *ev, enum tap_source source)
{
    if (source == SOURCE_CLIENT)
        of_client(x, ev);
    else if (source == SOURCE_SPICE && ev->kind == EV_sent) {
        const struct fields_sent *e = FIELDS(ev, sent);

        if (e->channel == CHANNEL_DISPLAY && model_has_place(x, (uint32_t)e->id))
            model_display_of(x, e->id)->last_sent = ev->time;
    }
}
