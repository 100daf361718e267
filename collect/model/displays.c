/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/displays.h"
#include "event/fields.h"

int displays_slot(struct model_displays *d, uint32_t id)
{
    for (uint32_t i = 0; i < d->places.count; i++)
        if (d->ids[i] == id)
            return (int)i;
    if (!bounded_take(&d->places, MODEL_DISPLAYS))
        return -1;
    d->ids[d->places.count - 1] = id;
    return (int)d->places.count - 1;
}

bool displays_of(const struct tap_event *ev, uint32_t *id)
{
    switch (ev->kind) {
    case EV_qxl_io_write:
        *id = (uint32_t)FIELDS(ev, qxl_io_write)->qid;
        return FIELDS(ev, qxl_io_write)->port == QXL_IO_notify_oom;
    case EV_qxl_spice_oom:
        *id = (uint32_t)FIELDS(ev, qxl_spice_oom)->qid;
        return true;
    case EV_sent:
        *id = (uint32_t)FIELDS(ev, sent)->id;
        return FIELDS(ev, sent)->channel == CHANNEL_display;
    default: /* spice-server's other kinds that the model uses have their display first */
        *id = (uint32_t)ev->v[0];
        return ev->kind <= EV_blocked;
    }
}
