/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The drawables of one display that are known, by address, and those of them in the tree. */
#include <string.h>

#include "replay/replay_state.h"

/* ---- drawables
 * ----------------------------------------------------------------------------------- */

static unsigned bucket(uint64_t address)
{
    return (unsigned)((address * 0x9e3779b97f4a7c15u) >> 52) % BUCKETS;
}

struct drawable *display_find(struct replay_display *d, uint64_t address)
{
    for (int32_t i = d->buckets[bucket(address)]; i >= 0; i = d->table[i].chain)
        if (d->table[i].address == address)
            return &d->table[i];
    return NULL;
}

void display_enter_tree(struct replay_display *d, struct drawable *p)
{
    if (!p->in_tree)
        d->tree[d->tree_count++] = p;
    p->in_tree = true;
}

void display_leave_tree(struct replay_display *d, struct drawable *p)
{
    size_t i = d->tree_count;

    if (!p->in_tree)
        return;
    p->in_tree = false;
    while (i-- > 0)
        if (d->tree[i] == p) {
            memmove(&d->tree[i], &d->tree[i + 1], (--d->tree_count - i) * sizeof(p));
            return;
        }
}

void display_drop(struct replay_display *d, struct drawable *p)
{
    int32_t at = (int32_t)(p - d->table), *link = &d->buckets[bucket(p->address)];

    for (unsigned k = 0; k < d->replay->detectors; k++)
        detector_gone(&d->detectors[k], p);
    display_leave_tree(d, p);
    while (*link != at)
        link = &d->table[*link].chain;
    *link = p->chain;
    *(p->older >= 0 ? &d->table[p->older].newer : &d->oldest) = p->newer;
    *(p->newer >= 0 ? &d->table[p->newer].older : &d->newest) = p->older;
    p->chain = d->free;
    d->free = at;
}

/* The oldest goes if there are too many: one that left the tree, if there is one near. */
static void make_room(struct replay_display *d)
{
    int32_t at = d->oldest;

    for (int tries = 0; tries < 2000 && at >= 0; tries++, at = d->table[at].newer)
        if (!d->table[at].in_tree) {
            display_drop(d, &d->table[at]);
            return;
        }
    display_drop(d, &d->table[d->oldest]);
}

struct drawable *display_add(struct replay_display *d, uint64_t address)
{
    struct drawable *p = display_find(d, address);
    struct standing *of;
    int32_t at;

    if (p)
        display_drop(d, p); /* its release was lost */
    if (d->free < 0)
        make_room(d);
    at = d->free;
    p = &d->table[at];
    d->free = p->chain;
    of = p->of;
    *p = (struct drawable){.address = address, .of = of, .older = d->newest, .newer = -1};
    p->chain = d->buckets[bucket(address)];
    d->buckets[bucket(address)] = at;
    *(d->newest >= 0 ? &d->table[d->newest].newer : &d->oldest) = at;
    d->newest = at;
    return p;
}

struct drawable *display_created_at(struct replay_display *d, uint64_t created)
{
    for (int32_t i = d->newest; i >= 0; i = d->table[i].older) {
        if (d->table[i].created == created)
            return &d->table[i];
        if (d->table[i].known && d->table[i].created < created)
            break;
    }
    return NULL;
}

void display_drop_all(struct replay_display *d)
{
    memset(d->buckets, 0xff, sizeof(d->buckets));
    d->oldest = d->newest = -1;
    d->tree_count = 0;
    d->free = 0;
    for (int32_t i = 0; i < REPLAY_DRAWABLES; i++) {
        d->table[i].of = d->standings + (size_t)i * d->replay->detectors;
        d->table[i].chain = i + 1 < REPLAY_DRAWABLES ? i + 1 : -1;
    }
    d->stranger.of = d->standings + (size_t)REPLAY_DRAWABLES * d->replay->detectors;
}
