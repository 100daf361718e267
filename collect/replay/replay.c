/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "replay/events.h"
#include "replay/replay.h"
#include "replay/sight.h"

/* ---- a replay's life ---- */

int replay_init(struct replay *r, const struct constants *constants, unsigned detectors)
{
    *r = (struct replay){.detectors = detectors};
    r->results = calloc(detectors, sizeof(*r->results));
    r->regions = calloc(REPLAY_REGIONS, sizeof(*r->regions));
    r->grouped = calloc(GROUPS, sizeof(*r->grouped));
    if (!r->results || !r->regions || !r->grouped) {
        replay_free(r);
        return -ENOMEM;
    }
    for (unsigned k = 0; k < detectors; k++)
        r->results[k].constants = constants[k];
    return 0;
}

void replay_free(struct replay *r)
{
    for (uint32_t i = 0; i < r->known.count; i++)
        display_free(r->displays[i]);
    free(r->results);
    free(r->regions);
    free(r->grouped);
    memset(r, 0, sizeof(*r));
}

/* ---- the clip ---- */

static double weight(const struct replay_region *g)
{
    return steady_weight(&g->steady, (int64_t)g->box.right - g->box.left,
                         (int64_t)g->box.bottom - g->box.top);
}

const struct replay_region *replay_clip(const struct replay *r)
{
    const struct replay_region *clip = NULL;

    for (uint32_t i = 0; i < r->boxes.count; i++) {
        const struct replay_region *g = &r->regions[i];

        if (weight(g) > (clip ? weight(clip) : 0))
            clip = g;
    }
    return clip;
}

const struct replay_region *replay_around(const struct replay *r, const struct tap_rect *place)
{
    const int32_t *clip = (const int32_t *)place;
    const struct replay_region *around = NULL;

    for (uint32_t i = 0; i < r->boxes.count; i++) {
        const struct replay_region *g = &r->regions[i];
        const int32_t *box = (const int32_t *)&g->box;

        if (box_is_inside(box, clip))
            return NULL;
        if (clip_is_inside(&g->steady, box, clip) &&
            (!around || g->steady.draws > around->steady.draws))
            around = g;
    }
    return around;
}

const struct replay_region *replay_group(const struct replay *r, const struct replay_region *of)
{
    const struct replay_region *clip = NULL;

    for (uint32_t i = 0; i < r->groups.places.count; i++) {
        const struct replay_region *g = &r->grouped[i];

        if (groups_main_boxes(&r->groups.list[i]) < 2)
            continue;
        if (of && (int)i == groups_find(&r->groups, of->display, (const int32_t *)&of->box))
            return g;
        if (!of && weight(g) > (clip ? weight(clip) : 0))
            clip = g;
    }
    return clip;
}

const struct box_group *replay_boxes(const struct replay *r, const struct replay_region *of)
{
    return of >= r->grouped && of < r->grouped + GROUPS ? &r->groups.list[of - r->grouped] : NULL;
}

const struct replay_region *replay_box(const struct replay *r, const struct tap_rect *box)
{
    const struct replay_region *found = NULL;

    for (uint32_t i = 0; i < r->boxes.count; i++) {
        const struct replay_region *g = &r->regions[i];

        if (rect_same(&g->box, box) && (!found || g->draws > found->draws))
            found = g;
    }
    return found;
}

/* ---- events ---- */

/* *d NULL: the table is full. -ENOMEM. */
static int display_of(struct replay *r, uint64_t id, struct replay_display **d)
{
    *d = NULL;
    for (uint32_t i = 0; i < r->known.count; i++)
        if (r->displays[i]->id == id) {
            *d = r->displays[i];
            return 0;
        }
    if (bounded_overflows(&r->known, REPLAY_DISPLAYS))
        return 0;
    *d = display_make(r, (uint32_t)id, sight_decided);
    if (!*d)
        return -ENOMEM;
    sight_forget(*d, r->first);
    r->displays[r->known.count++] = *d;
    return 0;
}

/* Events of other threads, and those that come at any time: also between a frame and its stream. */
static bool passes_by(uint16_t kind)
{
    switch (kind) {
    case EV_stream_drop:
    case EV_stream_report:
    case EV_stream_first_rate:
    case EV_stream_rate:
    case EV_delay_ask:
    case EV_notify_request:
    case EV_wakeup:
        return true;
    default:
        return kind > EV_blocked;
    }
}

static void lost(struct replay *r, uint64_t time)
{
    r->losses++;
    for (uint32_t i = 0; i < r->known.count; i++) {
        struct replay_display *d = r->displays[i];

        events_drop_group(d);
        sight_lose(d, r->last > d->forgot ? r->last : d->forgot, time, BLIND_LOSS);
    }
}

int replay_add(struct replay *r, const struct run_event *e)
{
    const struct tap_event *raw = e->raw, *ev = e->event;
    struct replay_display *d;
    int err;

    if (e->source != SOURCE_SPICE || r->differs >= REPLAY_GIVE_UP)
        return 0;
    if (raw->kind == EV_loss) {
        lost(r, raw->time);
        return 0;
    }
    if (!r->events++)
        r->first = raw->time;
    if (raw->time > r->last)
        r->last = raw->time;
    if (passes_by(raw->kind) || !ev)
        return 0;
    err = display_of(r, ev->v[0], &d); /* the first field of all that are left */
    return d ? events_take(d, ev) : err;
}

void replay_end(struct replay *r)
{
    for (uint32_t i = 0; i < r->known.count; i++) {
        struct replay_display *d = r->displays[i];

        events_close_group(d);
        for (unsigned k = 0; k < r->detectors; k++)
            for (unsigned s = 0; s < d->detectors[k].running; s++)
                sight_end_stream(d, k, &d->detectors[k].streams[d->detectors[k].order[s]], r->last,
                                 REPLAY_RUNNING);
        if (d->unsure) /* a loss may be the last of all */
            r->inconclusive +=
                (d->forgot > r->last ? d->forgot : r->last) - (d->before ? d->before : d->forgot);
    }
}
