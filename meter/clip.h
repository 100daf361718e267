/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out which frames of the clip were shown, when, and which never were. Each frame carries its
 * number in three bars (docs/dev/guests.md, "The number in each frame"), and each bar is read for
 * itself. Where no number can be read, a hash of the clip's region tells pictures apart. Times are
 * ns of CLOCK_MONOTONIC.
 */
#ifndef SPICETAP_CLIP_H
#define SPICETAP_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "event/clip_age.h"
#include "event/clip_bars.h"
#include "event/clip_place.h"
#include "samples.h"
#include "wire.h"

enum {
    CLIP_PACE = 64,                       /* shown frames that the pace is measured from, at most */
    CLIP_ALL_BARS = (1 << CLIP_BARS) - 1, /* a bit for each bar */
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
    uint64_t looks, unread; /* looks in all; those after which no bar had a readable number */
    struct {
        uint64_t looks, unread;
    } bar[CLIP_BARS];      /* the same of each bar */
    struct clip_bars bars; /* what they show */
    struct clip_age age;   /* of the picture; its samples: */
    struct samples ages;
    uint64_t shown;      /* changes from one number to another, the first number included */
    uint64_t late, lost; /* of `shown`, behind the pace; frames that were never shown */
    uint64_t backwards;  /* changes to an older frame */
    uint64_t changes;    /* of the hash, while no number was ever read */
    int64_t longest;     /* ns without a change */
    struct samples intervals;
    struct clip_shown pace[CLIP_PACE]; /* ring of the last shown frames */
    unsigned pace_count;
    int64_t number; /* of the last frame shown; goes on counting when the clip starts again */
    bool numbered;  /* a number was read at least once */
};

struct clip_change {
    unsigned bars; /* bit i: bar i shows another number, or none */
    bool picture;  /* the picture is another; what follows is about it */
    int number;    /* CLIP_NONE: the hash changed */
    int64_t since; /* ns since the previous change; 0: this is the first */
    uint32_t lost; /* frames that were skipped since then */
    bool late;     /* it came more than a frame behind the pace */
};

void clip_init(struct clip *c, const struct clip_place *at);
/* The number in a bar of the picture, or CLIP_NONE. */
int clip_read(const struct clip *c, const struct screen *s, int bar);
/* The rectangles of a bar and of the whole clip. */
struct wire_rect clip_bar(const struct clip *c, int bar);
struct wire_rect clip_region(const struct clip *c);
/* Looks at the bars of which `which` has the bit, in the picture of `time`, whose newest part the
 * client kept for `held` ns until it was due. *change says what changed. `number_only`: do not use
 * the hash, because the region is still being drawn. */
void clip_look(struct clip *c, const struct screen *s, int64_t time, int64_t held, unsigned which,
               bool number_only, struct clip_change *change);
/* The last picture stayed until `time`, when the session ended. */
void clip_end(struct clip *c, int64_t time);
/* Distinct pictures so far. */
uint64_t clip_distinct(const struct clip *c);
void clip_free(struct clip *c);

#endif
