/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

int keys_init(struct keys *k, const struct keys_spec *spec, int64_t limit)
{
    *k = (struct keys){.spec = *spec, .limit = limit, .jitter = 1};
    if (!spec->count)
        return 0;
    k->presses = calloc(spec->count, sizeof(*k->presses));
    k->before = malloc((size_t)spec->box.width * (size_t)spec->box.height * 4);
    return k->presses && k->before ? 0 : -ENOMEM;
}

void keys_free(struct keys *k)
{
    free(k->presses);
    free(k->before);
    samples_free(&k->took);
}

struct wire_rect keys_box(const struct keys *k)
{
    const struct clip_place *b = &k->spec.box;

    return (struct wire_rect){b->x, b->y, b->x + b->width, b->y + b->height};
}

static bool on_screen(const struct keys *k, const struct screen *s)
{
    struct wire_rect r = keys_box(k);

    return s->pixels && s->readable && r.right <= s->width && r.bottom <= s->height;
}

static const uint8_t *row_of(const struct keys *k, const struct screen *s, int row)
{
    return s->pixels + (size_t)(k->spec.box.y + row) * (size_t)s->stride +
           (size_t)k->spec.box.x * 4;
}

bool keys_quiet(struct keys *k, int64_t time)
{
    const int64_t ms = 1000000;

    if (!k->due)
        k->due = time;
    if (!k->drawn)
        return time - k->due >= KEYS_FIRST_MS * ms;
    return time - k->drawn >= KEYS_QUIET_MS * ms || time - k->due >= k->limit;
}

bool keys_pressed(struct keys *k, const struct screen *s, int64_t time)
{
    size_t bytes = (size_t)k->spec.box.width * 4;

    if (!on_screen(k, s) || k->waiting || k->pressed == k->spec.count)
        return false;
    for (int row = 0; row < k->spec.box.height; row++)
        memcpy(k->before + (size_t)row * bytes, row_of(k, s, row), bytes);
    k->presses[k->pressed++] = (struct keys_press){time, -1};
    k->waiting = true;
    k->due = 0;
    return true;
}

/* A pixel's fourth byte is unused, and may be anything. */
static bool same_row(const uint8_t *a, const uint8_t *b, int pixels)
{
    for (int i = 0; i < pixels; i++)
        if (memcmp(a + (size_t)i * 4, b + (size_t)i * 4, 3) != 0)
            return false;
    return true;
}

bool keys_look(struct keys *k, const struct screen *s, int64_t time)
{
    size_t bytes = (size_t)k->spec.box.width * 4;
    bool same = true;

    k->drawn = time;
    if (!k->waiting || !on_screen(k, s))
        return false;
    for (int row = 0; same && row < k->spec.box.height; row++)
        same = same_row(k->before + (size_t)row * bytes, row_of(k, s, row), k->spec.box.width);
    if (same)
        return false;
    k->presses[k->pressed - 1].took = time - k->presses[k->pressed - 1].time;
    samples_add(&k->took, k->presses[k->pressed - 1].took);
    k->answered++;
    k->waiting = false;
    return true;
}

bool keys_too_late(struct keys *k, int64_t time)
{
    if (!k->waiting || time - k->presses[k->pressed - 1].time < k->limit)
        return false;
    k->unanswered++;
    k->waiting = false;
    return true;
}

bool keys_done(const struct keys *k)
{
    return k->pressed == k->spec.count && !k->waiting;
}

unsigned keys_gap(struct keys *k)
{
    k->jitter = k->jitter * 1103515245u + 12345u; /* the same in each run */
    return k->spec.every + (k->jitter >> 16) % KEYS_JITTER_MS;
}
