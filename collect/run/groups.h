/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boxes that overlap by half and more of each, drawn on the same place of the screen: a group. A
 * video whose damage is merged with what moves beside it is drawn in a group of boxes, while
 * spice-server's detector wants one box. Boxes are left, top, right, bottom; times are ns.
 */
#ifndef SPICETAP_RUN_GROUPS_H
#define SPICETAP_RUN_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bounded.h"

enum {
    GROUPS = 64,      /* at one time; a new one takes the place of the one drawn longest ago */
    GROUP_BOXES = 16, /* of a group; a new one takes the place of the one drawn longest ago */
    GROUP_NONE = -1,
};

struct group_box {
    int32_t box[4];
    uint64_t draws, last;
};

struct box_group {
    uint32_t display;
    struct group_box boxes[GROUP_BOXES];
    uint32_t count; /* of `boxes` */
    uint32_t core;  /* the box drawn most: a new box of the group overlaps it */
    uint64_t draws, last;
    bool fixed; /* set by the owner: it keeps its place */
};

struct groups {
    struct box_group list[GROUPS];
    struct bounded places; /* of `list`; over: gave their place to another while still drawn */
    uint64_t boxes_over;   /* boxes that gave their place in a group while still drawn */
    uint32_t recent;       /* the group of the last draw */
};

/* Where a draw went. */
struct group_draw {
    int group; /* index, or GROUP_NONE: all are fixed */
    int box;   /* index in the group */
    bool new_group, new_box;
};

/* Is at least half of each box in the other? */
bool groups_share_half(const int32_t *a, const int32_t *b);
/* Counts a draw. A place of the tables whose former owner is gone is new. */
struct group_draw groups_draw(struct groups *g, uint32_t display, const int32_t *box, uint64_t now);
/* The group that has this very box, else the one whose core shares most with it, half at least;
 * GROUP_NONE: there is none. */
int groups_like(const struct groups *g, uint32_t display, const int32_t *box);
/* GROUP_NONE: no group has this very box. */
int groups_find(const struct groups *g, uint32_t display, const int32_t *box);
/* How many boxes have at least 5% of the group's draws: more than 1, and it alternates. */
unsigned groups_main_boxes(const struct box_group *group);

#endif
