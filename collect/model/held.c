/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/held.h"

static uint32_t place(uint64_t drawable, uint32_t display)
{
    return (uint32_t)((drawable >> 4 ^ display) * 0x9e3779b97f4a7c15ull >> 32) % MODEL_HELD;
}

static uint32_t find(const struct model_held *h, uint64_t drawable, uint32_t display)
{
    uint32_t i = place(drawable, display);

    while (h->slots[i].drawable &&
           (h->slots[i].drawable != drawable || h->slots[i].display != display))
        i = (i + 1) % MODEL_HELD;
    return i;
}

/* What stands behind an emptied place moves up, so that it is still found. */
static void close_gap(struct model_held *h, uint32_t gap)
{
    for (uint32_t i = (gap + 1) % MODEL_HELD; h->slots[i].drawable; i = (i + 1) % MODEL_HELD) {
        uint32_t home = place(h->slots[i].drawable, h->slots[i].display);

        if ((i + MODEL_HELD - home) % MODEL_HELD >= (i + MODEL_HELD - gap) % MODEL_HELD) {
            h->slots[gap] = h->slots[i];
            gap = i;
        }
    }
    h->slots[gap].drawable = 0;
}

static void drop(struct model_held *h, uint64_t drawable, uint32_t display)
{
    uint32_t i = find(h, drawable, display);

    if (!h->slots[i].drawable)
        return;
    h->bytes[h->slots[i].slot] -= h->slots[i].bytes;
    h->count--;
    close_gap(h, i);
}

static void draw(struct model_held *h, const struct model_seen *e)
{
    const struct fields_draw *f = FIELDS(e->ev, draw);
    uint64_t bytes = f->src_width > 0 && f->src_height > 0
                         ? (uint64_t)f->src_width * (uint64_t)f->src_height * 4
                         : 0;
    uint32_t i;

    if (!f->drawable)
        return;
    drop(h, f->drawable, e->display);
    if (h->count >= MODEL_HELD / 2) {
        h->over++;
        return;
    }
    i = find(h, f->drawable, e->display);
    h->slots[i].drawable = f->drawable;
    h->slots[i].display = e->display;
    h->slots[i].slot = e->slot;
    h->slots[i].bytes = bytes;
    h->count++;
    h->bytes[e->slot] += bytes;
}

void held_add(struct model_held *h, const struct model_seen *e)
{
    if (e->ev->kind == EV_draw)
        draw(h, e);
    else if (e->ev->kind == EV_release)
        drop(h, FIELDS(e->ev, release)->drawable, e->display);
}

void held_loss(struct model_held *h)
{
    uint64_t over = h->over;

    memset(h, 0, sizeof(*h));
    h->over = over;
}
