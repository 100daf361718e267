/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where on the screen the experiments' clip is, and how large: X,Y or X,Y,WIDTHxHEIGHT, in pixels.
 */
#ifndef SPICETAP_CLIP_PLACE_H
#define SPICETAP_CLIP_PLACE_H

#include <stdbool.h>
#include <stdio.h>

struct clip_place {
    int x, y, width, height;
};

/* Where guest-configs/clip.sh's file is shown if nothing else is said (docs/guests.md). */
static const struct clip_place CLIP_PLACE = {50, 50, 1024, 768};

/* False: `text` is no place; `place` is then undefined. */
static inline bool clip_place_parse(struct clip_place *place, const char *text)
{
    enum { LIMIT = 65536 };
    char rest;
    int n;

    *place = CLIP_PLACE;
    n = sscanf(text, "%5d,%5d,%5dx%5d%c", &place->x, &place->y, &place->width, &place->height,
               &rest);
    if (n == 2) /* "1,2" and "1,2,", of which the latter is none */
        n = sscanf(text, "%5d,%5d%c", &place->x, &place->y, &rest) == 2 ? 4 : 0;
    return n == 4 && place->x >= 0 && place->y >= 0 && place->x < LIMIT && place->y < LIMIT &&
           place->width > 0 && place->height > 0 && place->width < LIMIT && place->height < LIMIT;
}

#endif
