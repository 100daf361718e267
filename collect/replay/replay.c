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
    if (!r->results || !r->regions) {
        replay_free(r);
        return -ENOMEM;
    }
    for (unsigned k = 0; k < detectors; k++)
        r->results[k].constants = constants[k];
    return 0;
}

void replay_free(struct replay *r)
{
    for (int i = 0; i < REPLAY_DISPLAYS; i++)
        display_free(r->displays[i]);
    free(r->results);
    free(r->regions);
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

    for (int i = 0; i < REPLAY_REGIONS; i++) {
        const struct replay_region *g = &r->regions[i];

        if (g->used && weight(g) > (clip ? weight(clip) : 0))
            clip = g;
    }
    return clip;
}

const struct replay_region *replay_box(const struct replay *r, const struct tap_rect *box)
{
    const struct replay_region *found = NULL;

    for (int i = 0; i < REPLAY_REGIONS; i++) {
        const struct replay_region *g = &r->regions[i];

        if (g->used && rect_same(&g->box, box) && (!found || g->draws > found->draws))
            found = g;
    }
    return found;
}

/* ---- events ---- */

static struct replay_display *display_of(struct replay *r, uint64_t id, uint64_t time)
{
    for (int i = 0; i < REPLAY_DISPLAYS; i++) {
        if (!r->displays[i]) {
            r->display_count++;
            r->displays[i] = display_make(r, (uint32_t)id, sight_decided);
            if (r->displays[i])
                sight_forget(r->displays[i], time);
            return r->displays[i];
        }
        if (r->displays[i]->id == id)
            return r->displays[i];
    }
    return NULL;
}

static bool has_place(const struct replay *r, uint64_t id)
{
    for (int i = 0; i < REPLAY_DISPLAYS; i++)
        if (!r->displays[i] || r->displays[i]->id == id)
            return true;
    return false;
}

/* Events of other threads, and those that come at any time. */
static bool passes_by(uint16_t kind)
{
    return kind == EV_sent || kind == EV_wakeup || kind == EV_stream_drop ||
           kind == EV_stream_report || kind == EV_notify_request || kind > EV_blocked;
}

static void lost(struct replay *r, uint64_t time)
{
    r->losses++;
    for (int i = 0; i < REPLAY_DISPLAYS && r->displays[i]; i++) {
        struct replay_display *d = r->displays[i];

        events_drop_group(d);
        sight_lose(d, r->last > d->forgot ? r->last : d->forgot, time, BLIND_LOSS);
    }
}

int replay_add(struct replay *r, const struct run_event *e)
{
    const struct tap_event *raw = e->raw, *ev = e->event;
    struct replay_display *d;

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
    if (!has_place(r, ev->v[0])) { /* the first field of all that are left */
        r->displays_over++;
        return 0;
    }
    d = display_of(r, ev->v[0], r->first);
    if (!d)
        return -ENOMEM;
    return events_take(d, ev);
}

void replay_end(struct replay *r)
{
    for (int i = 0; i < REPLAY_DISPLAYS && r->displays[i]; i++) {
        struct replay_display *d = r->displays[i];

        events_close_group(d);
        for (unsigned k = 0; k < r->detectors; k++)
            for (unsigned s = 0; s < d->detectors[k].running; s++)
                sight_end_stream(d, k, &d->detectors[k].streams[d->detectors[k].order[s]], r->last,
                                 REPLAY_RUNNING);
        if (d->unsure)
            r->inconclusive += r->last - (d->before ? d->before : d->forgot);
    }
}
