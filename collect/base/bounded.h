/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts a table with a fixed number of places, and the entries that did not fit it. The owner has
 * the places and reports `over`, so nothing is left out silently. All zero to begin with.
 */
#ifndef SPICETAP_BOUNDED_H
#define SPICETAP_BOUNDED_H

#include <stdbool.h>
#include <stdint.h>

struct bounded {
    uint32_t count; /* places in use */
    uint64_t over;  /* entries that did not fit */
};

/* True: no place is left, and one entry is counted as left out. For tables that give up an old
 * entry to make room. */
static inline bool bounded_overflows(struct bounded *b, uint32_t capacity)
{
    bool full = b->count >= capacity;

    b->over += full;
    return full;
}

/* Takes the place at `count` - 1. False: no place is left, and the entry is counted. */
static inline bool bounded_take(struct bounded *b, uint32_t capacity)
{
    if (bounded_overflows(b, capacity))
        return false;
    b->count++;
    return true;
}

/* All entries, those that did not fit included. For tables that never give up a place. */
static inline uint64_t bounded_all(const struct bounded *b)
{
    return b->count + b->over;
}

#endif
