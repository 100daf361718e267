/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps pictures of the clip's region as PNG files, for a comparison with the clip's own frames
 * (scripts/ssim.sh). They are spread over the session: when as many are kept as there may be, every
 * second one is deleted, and the time between two doubles. Times are ns of CLOCK_MONOTONIC.
 */
#ifndef SPICETAP_PICTURES_H
#define SPICETAP_PICTURES_H

#include <glib.h>
#include <jansson.h>

#include "clip.h"

enum { PICTURES_MOST = 1000, PICTURES_DEFAULT = 20 };

struct picture {
    int64_t time;
    unsigned place; /* how many were taken before it: its file's name */
    int number, bars[CLIP_BARS];
};

struct pictures {
    const char *folder;
    struct picture *list; /* of `most` */
    unsigned most, count, taken;
    int64_t interval, next; /* ns between two; when the next is due */
    GThreadPool *writer;    /* one thread: to compress a picture takes longer than a frame may */
    int error;              /* the first positive errno of writing; atomic */
};

/* Makes the folder, which must not exist. 0 or negative errno. */
int pictures_open(struct pictures *p, const char *folder, unsigned most);
/* Keeps the picture of `now` if one is due, and the whole region is on the screen. */
void pictures_look(struct pictures *p, const struct clip *c, const struct screen *s, int64_t now);
/* Waits until all are written. 0 or negative errno. */
int pictures_close(struct pictures *p);
/* What is kept: file, time, number and bars (null: none could be read). */
json_t *pictures_json(const struct pictures *p);
void pictures_free(struct pictures *p);

#endif
