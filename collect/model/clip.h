/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which place on the screen is the clip? The one in which the client read its frame numbers, if
 * there is such a client. Else, of the places that are redrawn as a video is, the one with most
 * pixels times time: not pixels drawn, which would prefer what is redrawn more often.
 */
#ifndef SPICETAP_CLIP_H
#define SPICETAP_CLIP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* How one place is redrawn. */
struct steady {
    uint64_t draws, ns, last; /* draws at most 1 s after the one before; the time they cover */
    uint64_t text, natural;   /* frames by what the server judged their pictures to be */
};

void steady_draw(struct steady *s, uint64_t created);
/* As a video: 20 times and more, twice a second and more, and mostly not judged to be text. */
bool steady_enough(const struct steady *s);
/* Pixels times seconds; 0 if it is not steady enough. */
double steady_weight(const struct steady *s, int64_t width, int64_t height);

/* Where the client's summary in the folder `run` says that it read numbers; false: it does not. */
bool clip_of_client(const char *run, const json_t *about, int32_t *box);

extern const char *const clip_why[2]; /* by whether the client said so: in words */

#endif
