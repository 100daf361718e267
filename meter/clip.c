/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "clip.h"

static void add_age(void *context, uint64_t age, uint64_t time)
{
    (void)time;
    samples_add(context, (int64_t)age);
}

void clip_init(struct clip *c, const struct clip_place *at)
{
    *c = (struct clip){.at = *at, .age = {.sample = add_age, .context = &c->ages}};
    clip_bars_init(&c->bars);
}

void clip_free(struct clip *c)
{
    samples_free(&c->intervals);
    samples_free(&c->ages);
}

struct wire_rect clip_bar(const struct clip *c, int bar)
{
    int left = c->at.x + clip_bar_left(c->at.width, bar), top = c->at.y + CLIP_TOP;

    return (struct wire_rect){left, top, left + CLIP_CELL, top + CLIP_CELLS * CLIP_CELL};
}

struct wire_rect clip_region(const struct clip *c)
{
    return (struct wire_rect){c->at.x, c->at.y, c->at.x + c->at.width, c->at.y + c->at.height};
}

static bool on_screen(const struct screen *s, const struct wire_rect *r)
{
    return s->pixels && s->readable && r->left >= 0 && r->top >= 0 && r->right <= s->width &&
           r->bottom <= s->height;
}

/* ---- the number ----------------------------------------------------------------------------- */

/* Rec. 601, as in the clip's file, in parts of 256. A pixel is blue, green, red, unused. */
static unsigned luma(const uint8_t *p)
{
    return (29u * p[0] + 150u * p[1] + 77u * p[2]) / 256;
}

/* Its middle alone: a lossy codec blurs the edges. */
static bool cell_is_white(const struct screen *s, int x, int y)
{
    enum { EDGE = CLIP_CELL / 4, SIDE = CLIP_CELL / 2 };
    unsigned sum = 0;

    for (int row = y + EDGE; row < y + EDGE + SIDE; row++)
        for (int column = x + EDGE; column < x + EDGE + SIDE; column++)
            sum += luma(s->pixels + (size_t)row * (size_t)s->stride + (size_t)column * 4);
    return sum / (SIDE * SIDE) > 127;
}

int clip_read(const struct clip *c, const struct screen *s, int bar)
{
    struct wire_rect at = clip_bar(c, bar);
    uint32_t cells = 0;

    if (!on_screen(s, &at))
        return CLIP_NONE;
    for (int i = 0; i < CLIP_CELLS; i++)
        cells |= (uint32_t)cell_is_white(s, at.left, at.top + i * CLIP_CELL) << i;
    return clip_decode(cells);
}

/* ---- which frames were late ------------------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), by_value);
    return values[count / 2];
}

/* The frames shown in the last CLIP_WINDOW, oldest first, and how many they are. */
static unsigned recent(const struct clip *c, int64_t time, struct clip_shown *out)
{
    unsigned first = c->pace_count > CLIP_PACE ? c->pace_count - CLIP_PACE : 0, count = 0;

    for (unsigned i = first; i < c->pace_count; i++)
        if (time - c->pace[i % CLIP_PACE].time <= CLIP_WINDOW)
            out[count++] = c->pace[i % CLIP_PACE];
    return count;
}

/*
 * A frame is late if, at the pace of the frames before it, a newer frame should already be there.
 * The pace is the median time per frame of the clip. The frame is due at that pace after the frame
 * that was shown with the least delay. It is late by more than the median interval between shown
 * frames.
 */
static bool is_late(const struct clip *c, int64_t number, int64_t time)
{
    struct clip_shown before[CLIP_PACE];
    double paces[CLIP_PACE], intervals[CLIP_PACE], pace, interval, delay = 0;
    unsigned count = recent(c, time, before);

    if (count < 6) /* fewer than five intervals are too few for a median */
        return false;
    for (unsigned i = 1; i < count; i++) {
        intervals[i - 1] = (double)(before[i].time - before[i - 1].time);
        paces[i - 1] = intervals[i - 1] / (double)(before[i].number - before[i - 1].number);
    }
    pace = median(paces, count - 1);
    interval = median(intervals, count - 1);
    for (unsigned i = 0; i < count; i++) {
        double behind =
            (double)(time - before[i].time) - (double)(number - before[i].number) * pace;

        delay = behind > delay ? behind : delay;
    }
    return delay > interval;
}

/* ---- changes -------------------------------------------------------------------------------- */

static void interval(struct clip *c, int64_t time, struct clip_change *change)
{
    int64_t since = time - (c->last ? c->last : c->began);

    c->longest = since > c->longest ? since : c->longest;
    change->since = c->last ? since : 0;
    if (c->last)
        samples_add(&c->intervals, since);
    c->last = time;
}

static void show_number(struct clip *c, int number, int64_t time, struct clip_change *change)
{
    int64_t full = c->shown ? c->number + clip_step((int)(c->number % CLIP_FRAMES), number)
                            : number + CLIP_FRAMES;

    c->numbered = true;
    if (c->shown && full == c->number)
        return;
    change->picture = true;
    change->number = number;
    interval(c, time, change);
    if (!c->shown) {
        c->intervals.count = c->intervals.kept = 0; /* drop those between hashes */
        c->intervals.max = 0;
    } else if (full < c->number) {
        c->backwards++;
        c->pace_count = 0;
    } else {
        change->lost = (uint32_t)(full - c->number - 1);
        change->late = is_late(c, full, time);
    }
    c->shown++;
    c->lost += change->lost;
    c->late += change->late;
    c->number = full;
    c->pace[c->pace_count++ % CLIP_PACE] = (struct clip_shown){time, full};
}

static uint64_t hash_row(uint64_t hash, const uint8_t *row, size_t bytes)
{
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        uint64_t word;

        memcpy(&word, row + i, 8);
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return hash;
}

static int clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

static bool hash_region(const struct clip *c, const struct screen *s, uint64_t *hash)
{
    struct wire_rect r = clip_region(c);
    int left = clamp(r.left, 0, s->width), right = clamp(r.right, 0, s->width);
    int top = clamp(r.top, 0, s->height), bottom = clamp(r.bottom, 0, s->height);

    if (!s->pixels || !s->readable || left >= right || top >= bottom)
        return false;
    *hash = 1;
    for (int y = top; y < bottom; y++)
        *hash = hash_row(*hash, s->pixels + (size_t)y * (size_t)s->stride + (size_t)left * 4,
                         (size_t)(right - left) * 4);
    return true;
}

static void look_at_hash(struct clip *c, const struct screen *s, int64_t time,
                         struct clip_change *change)
{
    uint64_t hash;

    if (!hash_region(c, s, &hash) || hash == c->hash)
        return;
    c->hash = hash;
    c->changes++;
    change->picture = true;
    interval(c, time, change);
}

static void look_at_bars(struct clip *c, const struct screen *s, int64_t time, unsigned which,
                         struct clip_change *change)
{
    for (int i = 0; i < CLIP_BARS; i++) {
        int number;

        if (!(which >> i & 1))
            continue;
        number = clip_read(c, s, i);
        c->bar[i].looks++;
        c->bar[i].unread += number == CLIP_NONE;
        if (number == c->bars.number[i])
            continue;
        change->bars |= 1u << i;
        clip_bars_show(&c->bars, (unsigned)i, number, (uint64_t)time);
    }
}

void clip_look(struct clip *c, const struct screen *s, int64_t time, int64_t held, unsigned which,
               bool number_only, struct clip_change *change)
{
    int number;

    *change = (struct clip_change){.number = CLIP_NONE};
    if (!c->began)
        c->began = time;
    c->looks++;
    look_at_bars(c, s, time, which, change);
    number = clip_bars_number(&c->bars);
    clip_age_show(&c->age, number, held > 0 ? (uint64_t)held : 0, (uint64_t)time);
    if (number != CLIP_NONE) {
        show_number(c, number, time, change);
        return;
    }
    c->unread++;
    if (!c->numbered && !number_only)
        look_at_hash(c, s, time, change);
}

void clip_end(struct clip *c, int64_t time)
{
    int64_t since = time - (c->last ? c->last : c->began);

    if (c->began && since > c->longest)
        c->longest = since;
    clip_bars_until(&c->bars, (uint64_t)time);
    clip_age_until(&c->age, (uint64_t)time);
}

uint64_t clip_distinct(const struct clip *c)
{
    return c->numbered ? c->shown : c->changes;
}
