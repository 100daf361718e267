/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far the picture on the screen is behind the clip's own schedule of 25 frames a second. The
 * frame that reached the client with the least delay shows where the schedule begins, so a delay
 * on the way that all frames share cannot be seen. How long the client keeps a frame until it is
 * due is seen. Times are ns.
 */
#ifndef SPICETAP_CLIP_AGE_H
#define SPICETAP_CLIP_AGE_H

#include <stdbool.h>
#include <stdint.h>

#define CLIP_FRAME      INT64_C(40000000)  /* ns from one frame to the next */
#define CLIP_AGE_SAMPLE UINT64_C(10000000) /* ns between two samples of the age */
/* ns. A player may take that much longer to start the clip again: it is no delay of the picture. */
#define CLIP_AGE_LOOP INT64_C(250000000)
/* ns. If no number can be read for so long, the clip may have been started anew. */
#define CLIP_AGE_GONE UINT64_C(1000000000)

struct clip_age {
    /* Gets the age of the picture, every CLIP_AGE_SAMPLE while a number is on the screen. */
    void (*sample)(void *context, uint64_t age, uint64_t time);
    void *context;
    int64_t frame;    /* on the screen; goes on counting when the clip starts again */
    int64_t pass;     /* the furthest, of the clip's passes */
    int64_t start;    /* when frame 0 was due */
    uint64_t next;    /* time of the next sample */
    uint64_t gone;    /* when the number could no longer be read; 0: it can */
    uint64_t count;   /* samples so far */
    bool known, full; /* a number was read; there were more samples than are taken */
};

/* From `time` on the screen shows the frame of that number; CLIP_NONE: none can be read. The client
 * kept it for `held` until it was due. */
void clip_age_show(struct clip_age *a, int number, uint64_t held, uint64_t time);
/* Nothing changed until `time`. */
void clip_age_until(struct clip_age *a, uint64_t time);

#endif
