/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/clip_age.h"
#include "event/clip_bars.h"

/* 46 hours of them: times come from a file, and the work must end. */
#define MOST_SAMPLES (UINT64_C(1) << 24)

void clip_age_until(struct clip_age *a, uint64_t time)
{
    if (!a->known || a->gone)
        return;
    for (; a->next <= time && !a->full; a->next += CLIP_AGE_SAMPLE) {
        int64_t age = (int64_t)a->next - a->start - a->frame * CLIP_FRAME;

        a->sample(a->context, age > 0 ? (uint64_t)age : 0, a->next);
        a->full = ++a->count == MOST_SAMPLES;
    }
}

static void start(struct clip_age *a, int number, uint64_t held, uint64_t time)
{
    a->frame = number + CLIP_FRAMES; /* an older one may follow */
    a->pass = 1;
    a->start = (int64_t)(time - held) - a->frame * CLIP_FRAME;
    a->next = time;
    a->known = true;
}

void clip_age_show(struct clip_age *a, int number, uint64_t held, uint64_t time)
{
    int64_t start_of;

    if (time > INT64_MAX / 2) /* no clock goes so far: a forged log */
        return;
    held = held < time ? held : 0;
    clip_age_until(a, time);
    if (number == CLIP_NONE) {
        a->gone = a->gone ? a->gone : time;
        return;
    }
    if (!a->known || (a->gone && time > a->gone + CLIP_AGE_GONE)) {
        start(a, number, held, time);
        a->gone = 0;
        return;
    }
    if (a->gone)
        a->next = time;
    a->gone = 0;
    a->frame += clip_step((int)(a->frame % CLIP_FRAMES), number);
    if (a->frame / CLIP_FRAMES > a->pass) {
        a->pass = a->frame / CLIP_FRAMES;
        a->start += CLIP_AGE_LOOP;
    }
    start_of = (int64_t)(time - held) - a->frame * CLIP_FRAME;
    a->start = start_of < a->start ? start_of : a->start;
}
