/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/model.h"

static uint64_t beyond(uint64_t count, uint64_t capacity)
{
    return count > capacity ? count - capacity : 0;
}

/* Spells that joined the last one of their region. */
static uint64_t spells_over(const struct model_regions *r)
{
    uint64_t sum = 0;

    for (uint32_t id = 1; id <= r->count; id++)
        sum += beyond(regions_kept(r, id)->spells_all, MODEL_SPELLS);
    return sum;
}

unsigned model_overflows(const struct model *x, struct model_overflow *list)
{
    const struct model_memory *m = &x->memory;
    const struct model_regions *r = &x->regions;
    const struct model_overflow all[MODEL_TABLES] = {
        {"display_events", x->displays.over},
        {"streams", beyond(x->streams.count, MODEL_STREAMS)},
        {"running_streams", x->streams.live_over},
        {"covered_streams", r->covered_over},
        {"boxes", r->dropped},
        {"regions", r->over},
        {"spells", spells_over(r)},
        {"episodes", m->kept.over},
        {"victims", m->victims_over},
        {"victim_streams", m->streams_over},
        {"held_drawables", m->held.places.over},
        {"calls", m->calls_over},
        {"waiters", x->waits.guest.waiter.over},
        {"deleters", x->waits.guest.deleter.over},
        {"freezes", beyond(x->client.freeze_count, MODEL_FREEZES)},
        {"losses", x->counts.all_losses - x->counts.loss_count},
    };

    memcpy(list, all, sizeof(all));
    return MODEL_TABLES;
}
