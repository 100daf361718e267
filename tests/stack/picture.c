/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pixels for the driver's bitmaps. The same arguments always give the same pixels. */
#include "driver.h"

#include <stdlib.h>

#define PICTURES 512

static struct picture pictures[PICTURES];
static unsigned picture_count;

/* Rises from 0 to 255 and falls again, with period 512. */
static uint32_t ramp(unsigned v)
{
    v &= 511;
    return v < 256 ? v : 511 - v;
}

/* Soft gradients that move with the phase, and a little grain, like a camera's picture. The
 * server's bitmap_get_graduality_level rates it high, so it counts as video. */
static uint32_t natural_pixel(unsigned x, unsigned y, unsigned phase)
{
    uint32_t grain = ((x * 2654435761u) ^ (y * 40503u) ^ (phase * 69069u)) >> 30;
    uint32_t r = ramp(x / 2 + phase * 5), g = ramp(y / 2 + phase * 3),
             b = ramp((x + y) / 3 - phase * 4);
    return (r & ~3u) << 16 | (g & ~3u) << 8 | ((b & ~3u) + grain);
}

/* Two colours with hard edges: text in a terminal. */
static uint32_t text_pixel(unsigned x, unsigned y, unsigned phase)
{
    uint32_t cell = (x / 8) * 2246822519u ^ (y / 16) * 3266489917u ^ phase * 668265263u;
    bool row = y % 16 > 2 && y % 16 < 13;
    return row && (cell >> ((x % 8 + y % 16) & 31) & 1) ? 0xd0d0d0 : 0x101010;
}

/* The number in three bars, as in guest-configs/clip.sh, on a picture that moves with it. */
static uint32_t clip_pixel(unsigned x, unsigned y, unsigned number)
{
    for (int bar = 0; bar < CLIP_BARS; bar++) {
        unsigned left = (unsigned)clip_bar_left(CLIP_WIDTH, bar);

        if (x >= left && x < left + CLIP_CELL && y >= CLIP_TOP &&
            y < CLIP_TOP + CLIP_CELLS * CLIP_CELL)
            return clip_code(number) >> (y - CLIP_TOP) / CLIP_CELL & 1 ? 0xebebeb : 0x101010;
    }
    return natural_pixel(x, y, number);
}

static uint32_t pixel(const struct picture *p, unsigned x, unsigned y)
{
    bool in_the_video = x < (unsigned)p->width / 2 && y < (unsigned)p->height / 2;

    switch (p->style) {
    case PICTURE_TEXT:
        return text_pixel(x, y, p->phase);
    case PICTURE_CLIP:
        return clip_pixel(x, y, p->phase);
    case PICTURE_DESKTOP:
        return in_the_video ? natural_pixel(x, y, p->phase) : text_pixel(x, y, 0);
    case PICTURE_NATURAL:
        break;
    }
    return natural_pixel(x, y, p->phase);
}

const struct picture *picture_get(int width, int height, enum picture_style style, unsigned phase)
{
    for (unsigned i = 0; i < picture_count; i++) {
        struct picture *p = &pictures[i];
        if (p->width == width && p->height == height && p->style == style && p->phase == phase)
            return p;
    }
    /* The server may still read any picture, so none is replaced. */
    if (picture_count == PICTURES)
        return NULL;
    struct picture *p = &pictures[picture_count];
    p->pixels = malloc((size_t)width * height * 4);
    if (!p->pixels)
        return NULL;
    p->width = width;
    p->height = height;
    p->style = style;
    p->phase = phase;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            p->pixels[(size_t)y * width + x] = pixel(p, (unsigned)x, (unsigned)y);
    picture_count++;
    return p;
}

void picture_free_all(void)
{
    while (picture_count)
        free(pictures[--picture_count].pixels);
}
