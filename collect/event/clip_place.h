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

/* Where guest-configs/clip.sh's file is shown if nothing else is said (docs/dev/guests.md). */
static const struct clip_place CLIP_PLACE = {50, 50, 1024, 768};

/* False: `text` is no place; `place` is then undefined. */
static inline bool clip_place_parse(struct clip_place *place, const char *text)
{
    enum { LIMIT = 65536 };
    int end = 0; /* of what was understood: all of it, or it is none */

    *place = CLIP_PLACE;
    sscanf(text, "%5d,%5d%n,%5dx%5d%n", &place->x, &place->y, &end, &place->width, &place->height,
           &end);
    return end && !text[end] && place->x >= 0 && place->y >= 0 && place->x < LIMIT &&
           place->y < LIMIT && place->width > 0 && place->height > 0 && place->width < LIMIT &&
           place->height < LIMIT;
}

#endif
