/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The displays of a run. Each has a slot, under which every part of the model keeps its state. */
#ifndef SPICETAP_DISPLAYS_H
#define SPICETAP_DISPLAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bounded.h"
#include "event/event.h"

enum {
    MODEL_DISPLAYS = 16,
    /* Of a guest with one qxl device: its kernel's events name no display. */
    MODEL_GUEST_DISPLAY = 0,
};

struct model_displays {
    uint32_t ids[MODEL_DISPLAYS];
    struct bounded places; /* over: events of displays that did not fit, left out */
};

/* The slot of the display, a new one if need be; -1: the table is full, and the event is counted.
 */
int displays_slot(struct model_displays *d, uint32_t id);
/* The display of an event, where the event names one. QEMU's id of a qxl device is taken as the
 * display's. */
bool displays_of(const struct tap_event *ev, uint32_t *id);

#endif
