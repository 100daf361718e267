/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The experiments' clip carries its frame's number in three vertical bars (guest-configs/clip.sh).
 * Each bar is read for itself: while they disagree, the picture is torn. Times are ns.
 */
#ifndef SPICETAP_CLIP_BARS_H
#define SPICETAP_CLIP_BARS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    CLIP_FRAMES = 1000, /* frames in the clip, numbered from 0; it then starts again */
    CLIP_BARS = 3,      /* at the left, in the middle, at the right */
    CLIP_CELLS = 32,    /* cells of a bar, from the top */
    CLIP_CELL = 8,      /* width and height of a cell, pixels */
    CLIP_TOP = 16,      /* pixels of the clip above the bars */
    CLIP_NONE = -1,     /* no number can be read */
};

/* The cells of a frame's number: bit i is set where cell i is white. */
uint32_t clip_code(unsigned number);
/* The number, or CLIP_NONE: these are not the cells of one frame. */
int clip_decode(uint32_t cells);
/* How far a bar is from the left edge of a clip of that width, pixels. */
int clip_bar_left(int width, int bar);
/* How many frames `to` is behind `from`. A step of more than half the clip is taken for one to an
 * older frame, and is negative. */
int clip_step(int from, int to);

/* What the bars show, and for how long they agreed. */
struct clip_bars {
    int number[CLIP_BARS]; /* CLIP_NONE: not read */
    uint64_t at;           /* the last change */
    uint64_t read, torn;   /* ns with two bars or more read; of them, with numbers that differ */
};

void clip_bars_init(struct clip_bars *b);
/* From `time` on the bar shows that number. An invalid bar or number is ignored. */
void clip_bars_show(struct clip_bars *b, unsigned bar, int number, uint64_t time);
/* Nothing changed until `time`. */
void clip_bars_until(struct clip_bars *b, uint64_t time);
/* From `time` on no bar's number is known. */
void clip_bars_forget(struct clip_bars *b, uint64_t time);
/* The number of the picture: the middle one of three bars, the older one of two. */
int clip_bars_number(const struct clip_bars *b);

#endif
