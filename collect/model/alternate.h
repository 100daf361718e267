/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Places redrawn fast enough for a video, in boxes that alternate. spice-server counts 20 frames
 * of one box in a row, each at most 200 ms after the one before; another box begins anew. Times and
 * spans are ns.
 *
 * All figures are of redraws that were no stream's frame. "In a row" counts as the server does: the
 * first redraw has 0.
 */
#ifndef SPICETAP_ALTERNATE_H
#define SPICETAP_ALTERNATE_H

#include "base/histogram.h"
#include "model/fate.h"
#include "model/losses.h"
#include "model/region.h"
#include "run/groups.h"

enum { ALTERNATE_RECENT = 8 /* redraws: as many as the trace ring of the server holds */ };

/* The last 20 of a row, and the largest of them: what the row as a whole needed. */
struct alternate_row {
    uint64_t last[MODEL_START_FRAMES];
    unsigned count;
};

/* One box of the group. */
struct alternate_box {
    uint64_t created;         /* its last redraw; 0: none since its last frame of a stream */
    struct alternate_row row; /* the times between its redraws */
};

struct model_alternate {
    uint32_t id; /* 1, 2...; 0: its boxes kept no stream from it, or not for long */
    uint64_t first, last, created;
    int box;     /* of the last redraw */
    bool before; /* there is a last redraw */
    struct alternate_box boxes[GROUP_BOXES];
    uint64_t redraws, streamed, changes, ns;
    uint64_t counted, natural;    /* frames; of them those whose row is natural enough so far */
    uint64_t longest, longest_at; /* the highest count that the server reached */
    unsigned in_row, most_in_row; /* redraws within 200 ms of each other, whatever their boxes */
    uint64_t lost_ns;             /* after the 20th in such a row: one box would have streamed */
    struct histogram returns; /* from a box to its next redraw, where another box came between */
    uint64_t late;            /* of `returns`: more than 200 ms */
    uint64_t seen_late;       /* redraws that the server itself found late after an equal box */
    uint64_t overwritten;     /* redraws whose history the trace ring had lost */
    /* What would have made 20 in a row: UINT64_MAX, nothing that was looked at. */
    uint64_t need_delta;  /* the longest time between two frames that the server accepts */
    uint64_t need_pixels; /* how far an edge may be off */
    struct alternate_row offs;
    struct {
        uint64_t created;
        int32_t box[4];
    } recent[ALTERNATE_RECENT];
    unsigned recents;
    uint64_t losses, lost; /* while it was redrawn: places, events */
};

struct model_alternates {
    struct groups groups;
    struct model_alternate list[GROUPS]; /* by index of the group */
    uint16_t by_id[GROUPS];              /* indices, by id - 1; the costliest first */
    uint32_t kept;                       /* of `by_id` */
    const struct model_losses *losses;   /* another part, only read */
};

void alternates_init(struct model_alternates *a, const struct model_losses *losses);
void alternates_free(struct model_alternates *a);
/* A redraw and its fate. Its group: index + 1, or 0. */
uint32_t alternates_redraw(struct model_alternates *a, const struct model_candidate *c,
                           enum outcome o);
void alternates_loss(struct model_alternates *a, enum tap_source source, uint64_t count);
void alternates_end(struct model_alternates *a);
const struct model_alternate *alternates_kept(const struct model_alternates *a, uint32_t id);
/* Its boxes. `of` is in the table. */
const struct box_group *alternates_group(const struct model_alternates *a,
                                         const struct model_alternate *of);

#endif
