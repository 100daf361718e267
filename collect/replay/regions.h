/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of each box that is drawn again and again. */
#ifndef SPICETAP_REPLAY_REGIONS_H
#define SPICETAP_REPLAY_REGIONS_H

#include "replay/result.h"

/* NULL: the box has none. */
struct replay_region *region_of(struct replay *r, uint32_t display, const struct tap_rect *box);
/* The group of boxes that this one belongs to, or would belong to. NULL: there is none. */
struct replay_region *region_group(struct replay *r, uint32_t display, const struct tap_rect *box);
/* A region for the drawable's box. If all are in use it takes the place of the one least missed. */
struct replay_region *region_new(struct replay *r, const struct drawable *p, uint32_t display);
/* A streamable draw is done with: counts for each detector whether it was a stream's frame.
 * `count`: conclusions can be drawn. */
void region_count_draw(struct replay *r, uint32_t display, const struct drawable *p, bool count);

#endif
