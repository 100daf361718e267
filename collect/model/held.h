/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server holds of the guest's memory: each drawable from its draw to its release, with the
 * bytes of its picture. A picture has 32 bits a pixel (qxl_image_init in Linux'
 * drivers/gpu/drm/qxl/qxl_image.c); other kinds of draws count without bytes. What was drawn before
 * the recording, or while events were lost, is missing: all figures are "at least".
 */
#ifndef SPICETAP_HELD_H
#define SPICETAP_HELD_H

#include "base/bounded.h"
#include "model/displays.h"
#include "model/seen.h"

enum { MODEL_HELD = 8192 }; /* drawables at one time */

struct held_drawable;

struct model_held {
    struct held_drawable *table; /* uthash, by display and address */
    struct held_drawable *nodes, *unused;
    struct bounded places;
    uint64_t bytes[MODEL_DISPLAYS]; /* by the display's slot */
};

int held_init(struct model_held *h); /* -ENOMEM */
void held_free(struct model_held *h);
void held_add(struct model_held *h, const struct model_seen *e);
void held_loss(struct model_held *h); /* of the server's events */

#endif
