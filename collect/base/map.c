/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"

/* Fibonacci hashing: ids count up, addresses end in zeros. */
static size_t home(const struct map *m, uint64_t key)
{
    key ^= key >> 32;
    return (size_t)((key * 0x9e3779b97f4a7c15u) >> 20) & (m->size - 1);
}

/* The key's slot, or the free one where it would stand. */
static size_t find(const struct map *m, uint64_t key)
{
    size_t at = home(m, key);

    while (m->slots[at].value && m->slots[at].key != key)
        at = (at + 1) & (m->size - 1);
    return at;
}

void *map_get(const struct map *m, uint64_t key)
{
    return m->size ? m->slots[find(m, key)].value : NULL;
}

static int grow(struct map *m)
{
    struct map old = *m;

    m->size = old.size ? old.size * 2 : 64;
    m->slots = calloc(m->size, sizeof(*m->slots));
    if (!m->slots) {
        *m = old;
        return -ENOMEM;
    }
    for (size_t i = 0; i < old.size; i++)
        if (old.slots[i].value)
            m->slots[find(m, old.slots[i].key)] = old.slots[i];
    free(old.slots);
    return 0;
}

int map_set(struct map *m, uint64_t key, void *value)
{
    size_t at;

    if (m->count * 2 >= m->size && grow(m))
        return -ENOMEM;
    at = find(m, key);
    m->count += !m->slots[at].value;
    m->slots[at] = (struct map_slot){key, value};
    return 0;
}

void map_remove(struct map *m, uint64_t key)
{
    size_t hole, at;

    if (!m->size)
        return;
    hole = find(m, key);
    if (!m->slots[hole].value)
        return;
    m->count--;
    /* Whoever was pushed on over the hole moves back into it. */
    for (at = (hole + 1) & (m->size - 1); m->slots[at].value; at = (at + 1) & (m->size - 1)) {
        size_t far = (at - home(m, m->slots[at].key)) & (m->size - 1);

        if (far >= ((at - hole) & (m->size - 1))) {
            m->slots[hole] = m->slots[at];
            hole = at;
        }
    }
    m->slots[hole].value = NULL;
}

void map_free(struct map *m)
{
    free(m->slots);
    *m = (struct map){0};
}
