/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/boxes.h"
#include "model/seen.h"

enum { NEAR = 8 }; /* pixels */

static bool is_near(int64_t a, int64_t b)
{
    return a - b <= NEAR && b - a <= NEAR;
}

bool boxes_alike(const int32_t *a, const int32_t *b, uint32_t *off)
{
    uint32_t most = 0;

    for (int i = 0; i < 4; i++) {
        int64_t d = (int64_t)a[i] - b[i];
        uint64_t far = (uint64_t)(d < 0 ? -d : d);

        if (far > NEAR)
            return false;
        if (far > most)
            most = (uint32_t)far;
    }
    *off = most;
    if (!most)
        return true;
    return (int64_t)a[2] - a[0] >= 64 && (int64_t)a[3] - a[1] >= 64 && (int64_t)b[2] - b[0] >= 64 &&
           (int64_t)b[3] - b[1] >= 64;
}

static bool same_place(const struct watched_box *a, const struct watched_box *b)
{
    return a->display == b->display && a->surface == b->surface;
}

int boxes_find(const struct model_boxes *b, const struct watched_box *like)
{
    for (int i = 0; i < (int)b->places.count; i++)
        if (!memcmp(b->list[i].box, like->box, sizeof(like->box)) && same_place(&b->list[i], like))
            return i;
    return -1;
}

int boxes_near(const struct model_boxes *b, const struct watched_box *like, uint64_t now)
{
    uint32_t off, best_off = UINT32_MAX;
    int best = -1;

    for (int i = 0; i < (int)b->places.count; i++) {
        const struct watched_box *w = &b->list[i];

        if (is_near(w->box[0], like->box[0]) && same_place(w, like) &&
            now - w->last < NS_PER_SECOND && boxes_alike(w->box, like->box, &off) &&
            off < best_off) {
            best = i;
            best_off = off;
        }
    }
    return best;
}

int boxes_place(const struct model_boxes *b)
{
    uint64_t oldest = UINT64_MAX;
    int at = -1;

    if (b->places.count < MODEL_BOXES)
        return (int)b->places.count;
    for (int i = 0; i < MODEL_BOXES; i++) {
        uint64_t last = b->list[i].fixed ? UINT64_MAX : b->list[i].last;

        if (last < oldest) {
            oldest = last;
            at = i;
        }
    }
    return at;
}
