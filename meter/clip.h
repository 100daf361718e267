/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clip in the picture: the number each of its frames carries (docs/dev/guests.md, "The number
 * in each frame"), and from the numbers which frames were shown, when, and which never were. Where
 * no number can be read, a picture is known by a hash of the clip's region.
 */
#ifndef SPICETAP_CLIP_H
#define SPICETAP_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "event/clip_place.h"
#include "samples.h"
#include "wire.h"

enum {
    CLIP_FRAMES = 1000, /* numbers go from 0 to this, and round again */
    CLIP_CELL = 32,     /* pixels: a cell of the number is so wide and high */
    CLIP_CELLS = 20,
    CLIP_PACE = 64, /* shown frames that the pace and the delay of the next are told from */
    CLIP_NONE = -1, /* no number can be read */
};

#define CLIP_WINDOW INT64_C(5000000000) /* ns: older ones do not tell it */

/* The client's picture: 32-bit pixels. Not owned. */
struct screen {
    const uint8_t *pixels;
    int width, height, stride;
    bool readable; /* the pixels are of a kind that can be read */
};

struct clip_shown {
    int64_t time;   /* ns */
    int64_t number; /* counted on through each round of the clip */
};

/* What the clip's region did, from the first look to the last. */
struct clip {
    struct clip_place at; /* the region */
    int64_t began, last;
    uint64_t hash;
    /* Numbers. `shown` counts changes from one number to another, the first one included. */
    uint64_t looks, unread, shown, late, lost, backwards;
    /* Changes of the hash, while no number was ever read. */
    uint64_t changes;
    int64_t longest; /* ns without another picture */
    struct samples intervals;
    struct clip_shown pace[CLIP_PACE];
    unsigned pace_count;
    int64_t number; /* of the last frame shown, counted on */
    bool numbered;  /* a number was read once */
};

struct clip_change {
    int number; /* CLIP_NONE if told by the hash */
    int64_t since;
    uint32_t lost;
    bool late;
};

void clip_init(struct clip *c, const struct clip_place *at);
/* The number at the clip's place, or CLIP_NONE. */
int clip_read(const struct clip *c, const struct screen *s);
/* What is to be redrawn for the number or for the region to have changed. */
struct wire_rect clip_code(const struct clip *c);
struct wire_rect clip_region(const struct clip *c);
/* Looks at the picture as it is at `time` (ns). True: it is another one. With `number_only` no hash
 * is made: the region is in the middle of a change. */
bool clip_look(struct clip *c, const struct screen *s, int64_t time, bool number_only,
               struct clip_change *change);
/* The same with a number that was read; how tests play it. */
bool clip_number(struct clip *c, int number, int64_t time, struct clip_change *change);
/* The last picture stood until `time`. */
void clip_end(struct clip *c, int64_t time);
/* Distinct pictures so far. */
uint64_t clip_distinct(const struct clip *c);
void clip_free(struct clip *c);

#endif
