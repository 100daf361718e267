/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bookkeeping of a table with a fixed number of places. The owner keeps the places; this counts
 * them and, above all, what did not fit, so that nothing is left out silently.
 */
#ifndef SPICETAP_BOUNDED_H
#define SPICETAP_BOUNDED_H

#include <stdbool.h>
#include <stdint.h>

struct bounded {
    uint32_t capacity; /* places; set once */
    uint32_t count;    /* places in use */
    uint64_t over;     /* entries that did not fit */
};

/* Takes a place: its index is `count` - 1. False: none is left, and the entry is counted. */
static inline bool bounded_take(struct bounded *b)
{
    if (b->count == b->capacity) {
        b->over++;
        return false;
    }
    b->count++;
    return true;
}

#endif
