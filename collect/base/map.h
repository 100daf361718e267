/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table from 64-bit keys to pointers, open addressing. Its growth is its user's to bound. */
#ifndef SPICETAP_MAP_H
#define SPICETAP_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

struct map {
    struct map_slot *slots;
    size_t size, count; /* size: a power of two, or 0 */
};

void *map_get(const struct map *m, uint64_t key); /* NULL: not there */
/* Sets key's value, which is not NULL. -ENOMEM. */
int map_set(struct map *m, uint64_t key, void *value);
void map_remove(struct map *m, uint64_t key);
void map_free(struct map *m); /* the slots, not the values */

#endif
