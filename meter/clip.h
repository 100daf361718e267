/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out which frames of the clip were shown, when, and which never were. Each frame carries its
 * number as black and white cells (docs/dev/guests.md, "The number in each frame"). Where no number
 * can be read, a hash of the clip's region tells pictures apart. Times are ns of CLOCK_MONOTONIC.
 */
#ifndef SPICETAP_CLIP_H
#define SPICETAP_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "event/clip_place.h"
#include "samples.h"
#include "wire.h"

enum {
    CLIP_FRAMES = 1000, /* frames in the clip, numbered from 0; it then starts again */
    CLIP_CELL = 32,     /* width and height, in pixels, of a cell of the number */
    CLIP_CELLS = 20,    /* cells of the number, side by side */
    CLIP_PACE = 64,     /* how many shown frames the pace is measured from, at most */
    CLIP_NONE = -1,     /* no number can be read */
};

#define CLIP_WINDOW                                                                                \
    INT64_C(5000000000) /* ns: the pace is measured from frames shown in that time */

/* The client's picture: 32-bit pixels, which belong to the SPICE session. */
struct screen {
    const uint8_t *pixels;
    int width, height; /* pixels */
    int stride;        /* bytes */
    bool readable;     /* the pixel format is xRGB or ARGB */
};

struct clip_shown {
    int64_t time;
    int64_t number; /* goes on counting when the clip starts again */
};

/* What the clip's region did, from the first look to the last. */
struct clip {
    struct clip_place at;   /* the region */
    int64_t began, last;    /* first look; last change */
    uint64_t hash;          /* of the region, at the last change */
    uint64_t looks, unread; /* looks in all; those without a readable number */
    uint64_t shown;         /* changes from one number to another, the first number included */
    uint64_t late, lost;    /* of `shown`, behind the pace; frames that were never shown */
    uint64_t backwards;     /* changes to an older frame */
    uint64_t changes;       /* of the hash, while no number was ever read */
    int64_t longest;        /* ns without a change */
    struct samples intervals;
    struct clip_shown pace[CLIP_PACE]; /* ring of the last shown frames */
    unsigned pace_count;
    int64_t number; /* of the last frame shown; goes on counting when the clip starts again */
    bool numbered;  /* a number was read at least once */
};

struct clip_change {
    int number;    /* CLIP_NONE: the hash changed */
    int64_t since; /* ns since the previous change; 0: this is the first */
    uint32_t lost; /* frames that were skipped since then */
    bool late;     /* it came more than a frame behind the pace */
};

void clip_init(struct clip *c, const struct clip_place *at);
/* The number in the picture, or CLIP_NONE. */
int clip_read(const struct clip *c, const struct screen *s);
/* The rectangles of the number and of the whole clip. */
struct wire_rect clip_code(const struct clip *c);
struct wire_rect clip_region(const struct clip *c);
/* Looks at the picture of `time`. True: it changed, as *change says. `number_only`: do not use the
 * hash, because the region is still being drawn. */
bool clip_look(struct clip *c, const struct screen *s, int64_t time, bool number_only,
               struct clip_change *change);
/* The same with a number that was already read; also for tests. */
bool clip_number(struct clip *c, int number, int64_t time, struct clip_change *change);
/* The last picture stayed until `time`, when the session ended. */
void clip_end(struct clip *c, int64_t time);
/* Distinct pictures so far. */
uint64_t clip_distinct(const struct clip *c);
void clip_free(struct clip *c);

#endif
