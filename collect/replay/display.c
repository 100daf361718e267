/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "replay/display.h"

/* ---- a display ---- */

void display_free(struct replay_display *d)
{
    if (!d)
        return;
    for (unsigned k = 0; d->detectors && k < d->replay->detectors; k++)
        detector_free(&d->detectors[k]);
    HASH_CLEAR(hh, d->known);
    free(d->detectors);
    free(d->places);
    free(d->standings);
    free(d->group.items);
    free(d->group.met_at);
    free(d->expected);
    free(d);
}

static int make_detectors(struct replay_display *d, detector_decided *decided)
{
    struct replay *r = d->replay;
    struct listener *l = (struct listener *)(d->detectors + r->detectors);
    int err = 0;

    for (unsigned k = 0; k < r->detectors && !err; k++) {
        err = detector_init(&d->detectors[k], &r->results[k].constants, k, d->id);
        l[k] = (struct listener){d, k};
        d->detectors[k].decided = decided;
        d->detectors[k].who = &l[k];
        d->detectors[k].terse = k && !(r->listen && k == r->listed);
    }
    return err;
}

struct replay_display *display_make(struct replay *r, uint32_t id, detector_decided *decided)
{
    struct replay_display *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->replay = r;
    d->id = id;
    d->places = calloc(PLACES, sizeof(*d->places));
    d->standings = calloc((size_t)(PLACES + 1) * r->detectors, sizeof(*d->standings));
    d->detectors = calloc(r->detectors, sizeof(*d->detectors) + sizeof(struct listener));
    d->expected = calloc(EXPECTED, sizeof(*d->expected));
    if (!d->places || !d->standings || !d->detectors || !d->expected ||
        make_detectors(d, decided)) {
        display_free(d);
        return NULL;
    }
    d->stranger.of = d->standings + (size_t)PLACES * r->detectors;
    return d;
}

/* ---- drawables ---- */

static struct place *place_of(struct drawable *p)
{
    return (struct place *)p;
}

struct drawable *display_find(struct replay_display *d, uint64_t address)
{
    struct place *at;

    HASH_FIND_U64(d->known, &address, at);
    return at ? &at->drawable : NULL;
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
    struct place *at = place_of(p);

    for (unsigned k = 0; k < d->replay->detectors; k++)
        detector_gone(&d->detectors[k], p);
    display_leave_tree(d, p);
    HASH_DEL(d->known, at);
    at->free = d->free;
    d->free = at;
}

struct drawable *display_add(struct replay_display *d, uint64_t address)
{
    struct drawable *before = display_find(d, address);
    struct place *at;

    if (before)
        display_drop(d, before);
    at = d->free ? d->free : &d->places[d->used];
    if (at == &d->places[PLACES])
        return NULL;
    at->drawable = (struct drawable){
        .address = address,
        .of = d->standings + (size_t)(at - d->places) * d->replay->detectors,
    };
    HASH_ADD_U64(d->known, drawable.address, at);
    if (!at->hh.tbl) /* no memory */
        return NULL;
    if (at == d->free)
        d->free = at->free;
    else
        d->used++;
    return &at->drawable;
}

bool display_has_room(const struct replay_display *d)
{
    return HASH_COUNT(d->known) < REPLAY_DRAWABLES;
}

struct drawable *display_oldest(const struct replay_display *d)
{
    return d->known ? &d->known->drawable : NULL;
}

struct drawable *display_younger(struct drawable *p)
{
    struct place *next = place_of(p)->hh.next;

    return next ? &next->drawable : NULL;
}

struct drawable *display_created_at(struct replay_display *d, uint64_t created)
{
    struct place *at = d->known ? ELMT_FROM_HH(d->known->hh.tbl, d->known->hh.tbl->tail) : NULL;

    for (; at; at = at->hh.prev) {
        if (at->drawable.created == created)
            return &at->drawable;
        if (at->drawable.known && at->drawable.created < created)
            break;
    }
    return NULL;
}

void display_drop_all(struct replay_display *d)
{
    HASH_CLEAR(hh, d->known);
    d->tree_count = 0;
    d->free = NULL;
    d->used = 0;
}
