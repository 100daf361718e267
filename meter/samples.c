/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "samples.h"

static size_t place(struct samples *s)
{
    s->dice = s->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((s->dice >> 16) % s->count);
}

void samples_add(struct samples *s, int64_t value)
{
    s->max = !s->count || value > s->max ? value : s->max;
    s->count++;
    if (s->kept == s->room && s->room < SAMPLES_KEPT) {
        size_t room = s->room ? s->room * 2 : 1024;
        int64_t *more = realloc(s->values, room * sizeof(*more));

        if (more) {
            s->values = more;
            s->room = room;
        }
    }
    if (s->kept < s->room) {
        s->values[s->kept++] = value;
    } else if (s->kept) {
        size_t at = place(s);

        if (at < s->kept)
            s->values[at] = value;
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

int64_t samples_percentile(struct samples *s, unsigned percent)
{
    size_t rank = (s->kept * percent + 99) / 100;

    if (!s->kept)
        return 0;
    qsort(s->values, s->kept, sizeof(*s->values), compare);
    return s->values[rank ? rank - 1 : 0];
}

void samples_free(struct samples *s)
{
    free(s->values);
    *s = (struct samples){0};
}
