/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/clip_bars.h"

enum {
    BITS = 10,
    NUMBER = (1 << BITS) - 1,
    EVERY_SECOND = 0x2aa, /* bits 1, 3, 5, 7 and 9 */
    COLUMN = 32,          /* width of the columns that QEMU's display cuts a picture into */
};

uint32_t clip_code(unsigned number)
{
    uint32_t n = number & NUMBER;

    return n | (n ^ NUMBER) << BITS | (n ^ EVERY_SECOND) << 2 * BITS | UINT32_C(1) << 3 * BITS;
}

int clip_decode(uint32_t cells)
{
    unsigned number = cells & NUMBER;

    return number < CLIP_FRAMES && cells == clip_code(number) ? (int)number : CLIP_NONE;
}

/* docs/dev/guests.md, "The number in each frame", has the reasons for 16, 22 and 4. */
int clip_bar_left(int width, int bar)
{
    switch (bar) {
    case 0:
        return 16;
    case 1:
        return (width / 2 - 22) / COLUMN * COLUMN + 22;
    default:
        return (width - 4 - CLIP_CELL) / COLUMN * COLUMN + 4;
    }
}

int clip_step(int from, int to)
{
    int step = (to - from + CLIP_FRAMES) % CLIP_FRAMES;

    return step > CLIP_FRAMES / 2 ? step - CLIP_FRAMES : step;
}

void clip_bars_init(struct clip_bars *b)
{
    *b = (struct clip_bars){.number = {CLIP_NONE, CLIP_NONE, CLIP_NONE}};
}

void clip_bars_until(struct clip_bars *b, uint64_t time)
{
    int first = CLIP_NONE;
    bool several = false, torn = false;

    if (time <= b->at)
        return;
    for (int i = 0; i < CLIP_BARS; i++) {
        if (b->number[i] == CLIP_NONE)
            continue;
        several |= first != CLIP_NONE;
        torn |= first != CLIP_NONE && b->number[i] != first;
        first = b->number[i];
    }
    b->read += several ? time - b->at : 0;
    b->torn += torn ? time - b->at : 0;
    b->at = time;
}

void clip_bars_show(struct clip_bars *b, unsigned bar, int number, uint64_t time)
{
    if (bar >= CLIP_BARS || number < CLIP_NONE || number >= CLIP_FRAMES)
        return;
    clip_bars_until(b, time);
    b->number[bar] = number;
}

void clip_bars_forget(struct clip_bars *b, uint64_t time)
{
    for (unsigned i = 0; i < CLIP_BARS; i++)
        clip_bars_show(b, i, CLIP_NONE, time);
}

int clip_bars_number(const struct clip_bars *b)
{
    int from = CLIP_NONE, least = 0, most = 0, sum = 0, read = 0;

    for (int i = 0; i < CLIP_BARS; i++) {
        int step;

        if (b->number[i] == CLIP_NONE)
            continue;
        from = from == CLIP_NONE ? b->number[i] : from;
        step = clip_step(from, b->number[i]);
        least = step < least ? step : least;
        most = step > most ? step : most;
        sum += step;
        read++;
    }
    if (!read)
        return CLIP_NONE;
    return (from + (read == CLIP_BARS ? sum - least - most : least) + CLIP_FRAMES) % CLIP_FRAMES;
}
