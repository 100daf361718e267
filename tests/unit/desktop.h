/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A desktop of our own making, for tests and measurements without a VM: a video of 25 frames a
 * second and busy terminals drive the events a QXL guest would cause, with times, addresses and
 * release ids that behave as the real ones do. The same seed gives the same events.
 */
#ifndef SPICETAP_TEST_DESKTOP_H
#define SPICETAP_TEST_DESKTOP_H

#include <stdlib.h>
#include <string.h>

#include "event/fields.h"
#include "log/tap.h"

enum { DESKTOP_LIVE = 512, DESKTOP_HEAP = 2048, DESKTOP_RING = 8 };

struct desktop_drawable {
    uint64_t address, release_id, created;
    int32_t box[4];
    int32_t frames;
    bool streamable;
};

struct desktop {
    uint64_t random, time, frame_due, next_id;
    uint64_t heap[DESKTOP_HEAP]; /* free addresses, last freed first */
    size_t free;
    struct desktop_drawable live[DESKTOP_LIVE]; /* oldest first */
    size_t count;
    struct desktop_drawable ring[DESKTOP_RING];
    unsigned slot, line;
    int32_t video_frames;
    struct tap_writer *spice, *qemu;
    int error;
};

static inline uint64_t desktop_random(struct desktop *d, uint64_t below)
{
    d->random ^= d->random << 13;
    d->random ^= d->random >> 7;
    d->random ^= d->random << 17;
    return (d->random >> 11) % below;
}

static inline void desktop_put(struct desktop *d, enum tap_kind kind, uint64_t ns, const void *v)
{
    const struct tap_kind_desc *k = tap_kind_find((uint16_t)kind);
    struct tap_writer *w = k->source == SOURCE_QEMU ? d->qemu : d->spice;
    struct tap_event ev = {.kind = (uint16_t)kind, .slots = k->slots};

    d->time += ns / 2 + desktop_random(d, ns);
    ev.time = d->time;
    ev.tid = k->source == SOURCE_QEMU ? 4711 : 4723;
    memcpy(ev.v, v, k->slots * sizeof(*ev.v));
    if (w && !d->error)
        d->error = tap_write(w, &ev);
}

#define DESKTOP(d, name, ns, ...)                                                                  \
    desktop_put(d, EV_##name, ns, &(struct fields_##name){__VA_ARGS__})

static inline void desktop_init(struct desktop *d, struct tap_writer *spice,
                                struct tap_writer *qemu)
{
    *d = (struct desktop){.random = 88172645463325252u,
                          .time = 1000000000000u,
                          .frame_due = 1000000000000u,
                          .next_id = 1,
                          .spice = spice,
                          .qemu = qemu};
    for (d->free = 0; d->free < DESKTOP_HEAP; d->free++)
        d->heap[d->free] = 0x7f1c44000b20u + desktop_random(d, 1 << 20) * 16;
}

#define BOX(b)                                                                                     \
    {                                                                                              \
        (b)[0], (b)[1], (b)[2], (b)[3]                                                             \
    }

static inline void desktop_release(struct desktop *d, size_t at)
{
    struct desktop_drawable gone = d->live[at];

    memmove(&d->live[at], &d->live[at + 1], (--d->count - at) * sizeof(gone));
    d->heap[d->free++] = gone.address;
    DESKTOP(d, release, 1500, .drawable = gone.address, .release_id = gone.release_id, .group = 1);
    DESKTOP(d, qxl_ring_res_put, 700, .freed = (uint32_t)desktop_random(d, 20));
}

static inline void desktop_trace(struct desktop *d, const struct desktop_drawable *g,
                                 unsigned reason)
{
    struct desktop_drawable *old = &d->ring[d->slot % DESKTOP_RING];

    DESKTOP(d, trace_add, 900, .drawable = g->address, .release_id = g->release_id,
            .slot = d->slot % DESKTOP_RING, .reason = reason, .frames = g->frames,
            .old = BOX(old->box),
            .old_age = old->created ? (int64_t)(g->created - old->created) : -1,
            .old_frames = old->frames, .box = BOX(g->box));
    *old = *g;
    d->slot++;
}

static inline void desktop_match(struct desktop *d, const struct desktop_drawable *g)
{
    for (unsigned i = 0; i < DESKTOP_RING; i++) {
        const struct desktop_drawable *old = &d->ring[i];
        bool same = !memcmp(old->box, g->box, sizeof(g->box));

        DESKTOP(d, match, 400, .drawable = g->address, .release_id = g->release_id, .against = 1,
                .index = (int32_t)i, .verdict = same ? 0 : 3,
                .since = (int64_t)(g->created - old->created), .other = BOX(old->box));
        if (same)
            break;
    }
}

static inline void desktop_sent(struct desktop *d, uint64_t msg, uint64_t size)
{
    DESKTOP(d, sent, 12000, .channel = 2, .client = 0x55d0c0de10u, .msg = msg, .size = size);
}

/* One draw, from the ring to the wire. */
static inline void desktop_draw(struct desktop *d, const int32_t *box, bool video)
{
    struct desktop_drawable *g;
    int32_t w = box[2] - box[0], h = box[3] - box[1];
    uint64_t size = (uint64_t)w * (uint64_t)h * 4;

    if (d->count == DESKTOP_LIVE)
        desktop_release(d, 0);
    g = &d->live[d->count++];
    *g = (struct desktop_drawable){.address = d->heap[--d->free],
                                   .release_id = 0x10000 + (d->next_id++ << 4),
                                   .streamable = w * h > 96 * 96};
    memcpy(g->box, box, sizeof(g->box));
    DESKTOP(d, qxl_ring_command_get, 9000, .qid = 0);
    DESKTOP(d, cmd, 2000, .type = 1, .release_id = g->release_id, .group = 1);
    g->created = d->time + 3000 + desktop_random(d, 4000);
    d->time = g->created;
    g->frames = video ? ++d->video_frames : 0;
    DESKTOP(d, draw, 1200, .drawable = g->address, .release_id = g->release_id, .type = 3,
            .effect = 1, .box = BOX(box), .src_width = w, .src_height = h, .created = g->created,
            .verdict = g->streamable ? 0 : 7);
    if (g->streamable)
        desktop_match(d, g);
    if (video)
        DESKTOP(d, frame, 900, .drawable = g->address, .release_id = g->release_id,
                .frames = g->frames, .graduality = 4, .starts = g->frames == 20);
    DESKTOP(d, image, 200000, .client = 0x55d0c0de10u, .drawable = g->address,
            .release_id = g->release_id, .type = video ? 105 : 102, .raw = size,
            .sent = size / (4 + desktop_random(d, 40)), .took = 100000 + desktop_random(d, 90000));
    desktop_sent(d, 304, size / 20);
}

static inline void desktop_oom(struct desktop *d)
{
    unsigned n = (unsigned)(d->count < 64 ? d->count : 64);

    DESKTOP(d, qxl_io_write, 50000, .port = 4, .size = 1);
    DESKTOP(d, qxl_spice_oom, 3000, .qid = 0);
    DESKTOP(d, oom_begin, 20000, .drawables = d->count, .glz_drawables = 12,
            .current = d->count / 2, .pipes = 7);
    DESKTOP(d, free_some_begin, 3000, .asked = 64, .drawables = d->count, .glz_drawables = 12);
    for (unsigned i = 0; i < n; i++) {
        const struct desktop_drawable *g = &d->live[0];

        DESKTOP(d, evict, 2500, .drawable = g->address, .release_id = g->release_id,
                .box = BOX(g->box), .age = (int64_t)(d->time - g->created),
                .streamable = g->streamable, .frames = g->frames, .stream = -1);
        if (g->streamable)
            desktop_trace(d, g, 1);
        desktop_release(d, 0);
    }
    DESKTOP(d, free_some_end, 3000, .evicted = n);
    DESKTOP(d, oom_end, 1000, .drawables = d->count, .current = d->count / 2, .pipes = 7);
    DESKTOP(d, qxl_ring_res_push, 3000, .freed = n, .last = 0x7f1c40000000u + d->next_id);
    DESKTOP(d, qxl_ring_res_push_rest, 800, .has = 3, .size = 64, .prod = (uint32_t)d->next_id,
            .cons = (uint32_t)d->next_id - 3);
}

/* The next thing that happens on the screen. */
static inline void desktop_step(struct desktop *d)
{
    static const int32_t video[4] = {300, 200, 1324, 968};
    unsigned what = (unsigned)desktop_random(d, 100);

    if (d->time >= d->frame_due) {
        d->frame_due += 40000000;
        desktop_draw(d, video, true);
        if (d->count > 1)
            desktop_trace(d, &d->live[d->count - 2], 2);
    } else if (what < 60) { /* a line of text in one of three terminals */
        int32_t left = 20 + 600 * (int32_t)desktop_random(d, 3), top;
        int32_t box[4];

        top = 100 + 16 * (int32_t)(d->line++ % 40);
        memcpy(box,
               (int32_t[]){left, top, left + 8 * (int32_t)(10 + desktop_random(d, 60)), top + 16},
               sizeof(box));
        desktop_draw(d, box, false);
    } else if (what < 75) { /* it scrolls */
        int32_t left = 20 + 600 * (int32_t)desktop_random(d, 3);
        desktop_draw(d, (int32_t[]){left, 100, left + 560, 740}, false);
    } else if (what < 95 && d->count) {
        desktop_release(d, desktop_random(d, d->count));
    } else if (what < 97) {
        desktop_sent(d, 101, 20);
    } else {
        d->time += desktop_random(d, 3000000);
        DESKTOP(d, ring_empty, 2000, .display = 0);
        DESKTOP(d, notify_request, 2000, .armed = 1);
        DESKTOP(d, wakeup, 2000, .display = 0);
    }
    if (d->count > 400 && desktop_random(d, 100) == 0)
        desktop_oom(d);
}

#endif
