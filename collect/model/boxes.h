/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which boxes are watched, and which one goes when another needs its place. Small, because each
 * draw searches it: what is known of a box is in regions.h. Boxes are left, top, right, bottom;
 * times are ns.
 */
#ifndef SPICETAP_BOXES_H
#define SPICETAP_BOXES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bounded.h"

enum { MODEL_BOXES = 256 }; /* watched at one time */

struct watched_box {
    int32_t box[4];
    uint32_t display, surface;
    uint64_t last; /* when its last redraw was decided */
    bool fixed;    /* it is kept as a region, or its redraw is not decided yet */
};

struct model_boxes {
    struct watched_box list[MODEL_BOXES];
    struct bounded places; /* over: boxes that lost their place while they were redrawn */
};

/* All answer an index, or -1. */
int boxes_find(const struct model_boxes *b, const struct watched_box *like);
/* The one that moved least to become `like`, if it was drawn within the last second. */
int boxes_near(const struct model_boxes *b, const struct watched_box *like, uint64_t now);
/* A free place, at `places.count`, or that of the box that was drawn longest ago. */
int boxes_place(const struct model_boxes *b);

/* Boxes of the same shape at nearly the same place: at most 8 pixels off, and neither is smaller
 * than 64 x 64 unless they are equal. `off` gets the pixels. */
bool boxes_alike(const int32_t *a, const int32_t *b, uint32_t *off);

#endif
