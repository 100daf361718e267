/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server holds of the guest's memory: each drawable from its draw to its release, with the
 * bytes of its picture (a QXL image of 32 bits a pixel: qxl_image_init in Linux'
 * drivers/gpu/drm/qxl/qxl_image.c; other kinds of draws count without bytes). What was drawn before
 * the recording, or while events were lost, is missing: all figures are "at least".
 */
#ifndef SPICETAP_HELD_H
#define SPICETAP_HELD_H

#include "model/displays.h"
#include "model/seen.h"

enum { MODEL_HELD = 16384 }; /* places; half of them are used */

struct model_held {
    struct {
        uint64_t drawable, bytes;
        uint32_t display, slot;
    } slots[MODEL_HELD];
    uint32_t count;
    uint64_t bytes[MODEL_DISPLAYS]; /* by the display's slot */
    uint64_t over;                  /* drawables that did not fit */
};

void held_add(struct model_held *h, const struct model_seen *e);
void held_loss(struct model_held *h); /* of the server's events */

#endif
