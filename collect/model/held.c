/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server holds of the guest's memory: each drawable from its draw to its release, with the
 * pixels of its picture (a QXL image of 32 bits a pixel: qxl_image_init in Linux'
 * drivers/gpu/drm/qxl/qxl_image.c; other kinds of draws count without bytes). One table by address;
 * what does not fit is counted. What was drawn before the recording, or while events were lost, is
 * not in it: all figures are "at least".
 */
#include <string.h>

#include "model/model.h"

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

static void drop(struct model *x, uint64_t drawable, uint32_t display)
{
    struct model_held *h = &x->held;
    uint32_t i = find(h, drawable, display);

    if (!h->slots[i].drawable)
        return;
    model_display_of(x, display)->held_bytes -= h->slots[i].bytes;
    h->count--;
    close_gap(h, i);
}

static void draw(struct model *x, const struct tap_event *ev)
{
    const struct fields_draw *f = FIELDS(ev, draw);
    struct model_held *h = &x->held;
    uint64_t bytes = f->src_width > 0 && f->src_height > 0
                         ? (uint64_t)f->src_width * (uint64_t)f->src_height * 4
                         : 0;
    uint32_t i;

    if (!f->drawable)
        return;
    drop(x, f->drawable, f->display);
    if (h->count >= MODEL_HELD / 2) {
        x->held_over++;
        return;
    }
    i = find(h, f->drawable, f->display);
    h->slots[i].drawable = f->drawable;
    h->slots[i].display = f->display;
    h->slots[i].bytes = bytes;
    h->count++;
    model_display_of(x, f->display)->held_bytes += bytes;
}

void held_add(struct model *x, const struct tap_event *ev)
{
    if (ev->kind == EV_draw)
        draw(x, ev);
    else if (ev->kind == EV_release)
        drop(x, FIELDS(ev, release)->drawable, FIELDS(ev, release)->display);
}

void held_loss(struct model *x)
{
    memset(&x->held, 0, sizeof(x->held));
    for (uint32_t i = 0; i < x->display_count; i++)
        x->displays[i].held_bytes = 0;
}
