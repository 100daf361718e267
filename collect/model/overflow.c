/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/model.h"

/* Spells that joined the last one of their region. */
static uint64_t spells_over(const struct model_regions *r)
{
    uint64_t sum = 0;

    for (uint32_t id = 1; id <= r->kept.count; id++)
        sum += regions_kept(r, id)->listed.over;
    return sum;
}

unsigned model_overflows(const struct model *x, struct model_overflow *list)
{
    const struct model_memory *m = &x->memory;
    const struct model_regions *r = &x->regions;
    const struct model_overflow all[MODEL_TABLES] = {
        {"display_events", x->displays.places.over},
        {"streams", x->streams.kept.over},
        {"running_streams", x->streams.running.over},
        {"clients", x->pacing.kept.over},
        {"client_streams", pacing_streams_over(&x->pacing)},
        {"covered_streams", r->covered_over},
        {"boxes", r->watched.places.over},
        {"regions", r->kept.over},
        {"spells", spells_over(r)},
        {"groups", x->alternates.groups.places.over},
        {"group_boxes", x->alternates.groups.boxes_over},
        {"episodes", m->kept.over},
        {"victims", m->victims_over},
        {"victim_streams", m->streams_over},
        {"held_drawables", m->held.places.over},
        {"calls", m->calls_over},
        {"waiters", x->waits.guest.waiter.over},
        {"deleters", x->waits.guest.deleter.over},
        {"freezes", x->client.kept.over},
        {"losses", x->counts.listed.over},
    };

    memcpy(list, all, sizeof(all));
    return MODEL_TABLES;
}
