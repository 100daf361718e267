/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The places on the screen that are redrawn, and which of them are kept as regions. */
#ifndef SPICETAP_REGIONS_H
#define SPICETAP_REGIONS_H

#include "model/boxes.h"
#include "model/displays.h"
#include "model/fate.h"
#include "model/losses.h"
#include "model/region.h"
#include "model/seen.h"
#include "model/streams.h"

enum {
    MODEL_REGIONS = 64, /* boxes kept for their redraws' rate: they should have streamed */
};

struct model_regions {
    struct model_candidate now[MODEL_DISPLAYS]; /* by slot */
    struct model_region boxes[MODEL_BOXES];
    struct model_boxes watched;    /* index of `boxes` */
    uint16_t by_id[MODEL_REGIONS]; /* indices of kept ones, by id - 1 */
    struct bounded kept;           /* of `by_id` */
    uint64_t covered_over;         /* running streams that a draw covered beyond MODEL_COVERED */
    uint32_t clip;                 /* id of the clip's region; 0: none */
    enum clip_by clip_by;          /* why it is the clip */
    bool has_client_box;           /* where the client read its numbers */
    int32_t client_box[4];
    uint64_t pieces[OUTCOMES], pieces_all; /* pixels of draws within it, by what became of them */
    /* Other parts, only read. */
    const struct model_streams *streams;
    const struct model_losses *losses;
};

void regions_init(struct model_regions *r, const struct model_streams *streams,
                  const struct model_losses *losses);
void regions_free(struct model_regions *r);
/* Decides the fate of the display's open candidate; NULL: there is none. What it returns is valid
 * until the next regions_add. Due before an event that regions_decides(). */
const struct model_candidate *regions_settle(struct model_regions *r, unsigned slot,
                                             enum outcome *o);
bool regions_decides(const struct tap_event *ev);
void regions_add(struct model_regions *r, const struct model_seen *e, struct model_attr *attr);
void regions_loss(struct model_regions *r, enum tap_source source, uint64_t count);
/* After the last event; every display must be settled. */
void regions_end(struct model_regions *r);
/* The region of that very box: index + 1, or 0. */
uint32_t regions_find(const struct model_regions *r, uint64_t display, uint64_t surface,
                      const int32_t *box);
const struct model_region *regions_kept(const struct model_regions *r, uint32_t id); /* or NULL */
const struct model_region *regions_clip(const struct model_regions *r);              /* or NULL */

#endif
