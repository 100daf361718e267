/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which place on the screen is the clip? If a client of the run read the clip's frame numbers, the
 * place where it read them. If that very place was never drawn, nor a part of it: the place around
 * it that is drawn most often (a display that draws its whole screen). Else, of the places that are
 * redrawn as a video is, the one with the largest pixels times time. (Pixels drawn would prefer
 * what is redrawn more often.)
 */
#ifndef SPICETAP_RUN_CLIP_H
#define SPICETAP_RUN_CLIP_H

#include <stdbool.h>
#include <stdint.h>

#include "run/bundle.h"

/* How one place is redrawn. All zero before the first draw. */
struct steady {
    uint64_t draws;   /* draws at most 1 s after the draw before */
    uint64_t ns;      /* the time that those draws cover */
    uint64_t last;    /* when the last draw was created, ns */
    uint64_t text;    /* frames with graduality low: spice-server takes their picture for text */
    uint64_t natural; /* frames with another graduality */
};

/* Adds a draw that was created at `created`, ns. */
void steady_draw(struct steady *s, uint64_t created);
/* Redrawn as a video: at least 20 draws, at least 2 a second, and most frames not text. */
bool steady_enough(const struct steady *s);
/* Pixels times seconds; 0 if the place is not redrawn as a video. */
double steady_weight(const struct steady *s, int64_t width, int64_t height);

/* Boxes are left, top, right, bottom. Equal ones are inside each other. */
bool box_is_inside(const int32_t *inner, const int32_t *outer);
/* True: all of the clip's box is in the box, which was drawn 20 times or more, each within 1 s of
 * the last. */
bool clip_is_inside(const struct steady *s, const int32_t *box, const int32_t *clip);

/* Finds the place where the run's client read the clip's numbers: it is in the file that run.json's
 * client.summary names. Writes left, top, right, bottom to `box`. False: there was no such client.
 */
bool clip_of_client(struct bundle *b, int32_t *box);

enum clip_by { CLIP_BY_SIZE, CLIP_BY_CLIENT, CLIP_AROUND, CLIP_BYS };

/* Why a place is the clip, in words. */
extern const char *const clip_why[CLIP_BYS];

#endif
