/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "model/held.h"

struct held_key {
    uint64_t drawable;
    uint64_t slot; /* of the display */
};

struct held_drawable {
    struct held_key key;
    uint64_t bytes;
    struct held_drawable *next; /* of those that are not used */
    UT_hash_handle hh;
};

static void give_back_all(struct model_held *h)
{
    h->unused = NULL;
    for (uint32_t i = 0; i < MODEL_HELD; i++) {
        h->nodes[i].next = h->unused;
        h->unused = &h->nodes[i];
    }
    h->places.count = 0;
    memset(h->bytes, 0, sizeof(h->bytes));
}

int held_init(struct model_held *h)
{
    h->nodes = calloc(MODEL_HELD, sizeof(*h->nodes));
    if (!h->nodes)
        return -ENOMEM;
    give_back_all(h);
    return 0;
}

void held_free(struct model_held *h)
{
    HASH_CLEAR(hh, h->table);
    free(h->nodes);
}

static void give_back(struct model_held *h, struct held_drawable *d)
{
    h->places.count--;
    d->next = h->unused;
    h->unused = d;
}

static void drop(struct model_held *h, const struct held_key *key)
{
    struct held_drawable *d;

    HASH_FIND(hh, h->table, key, sizeof(*key), d);
    if (!d)
        return;
    HASH_DEL(h->table, d);
    h->bytes[key->slot] -= d->bytes;
    give_back(h, d);
}

static void draw(struct model_held *h, const struct model_seen *e)
{
    const struct fields_draw *f = FIELDS(e->ev, draw);
    struct held_key key = {f->drawable, e->slot};
    struct held_drawable *d;

    if (!f->drawable)
        return;
    drop(h, &key);
    if (!bounded_take(&h->places, MODEL_HELD))
        return;
    d = h->unused;
    h->unused = d->next;
    d->key = key;
    d->bytes = f->src_width > 0 && f->src_height > 0
                   ? (uint64_t)f->src_width * (uint64_t)f->src_height * 4
                   : 0;
    HASH_ADD(hh, h->table, key, sizeof(d->key), d);
    if (!d->hh.tbl) { /* no memory */
        give_back(h, d);
        h->places.over++;
        return;
    }
    h->bytes[e->slot] += d->bytes;
}

void held_add(struct model_held *h, const struct model_seen *e)
{
    if (e->ev->kind == EV_draw)
        draw(h, e);
    else if (e->ev->kind == EV_release)
        drop(h, &(struct held_key){FIELDS(e->ev, release)->drawable, e->slot});
}

void held_loss(struct model_held *h)
{
    HASH_CLEAR(hh, h->table);
    give_back_all(h);
}
