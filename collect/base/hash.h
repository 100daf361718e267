/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uthash for 64-bit keys. Adding can fail without memory: then x->hh.tbl is NULL. */
#ifndef SPICETAP_HASH_H
#define SPICETAP_HASH_H

#include <stdint.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
/* Fibonacci hashing: uthash's own hash is slow for ids that count up and addresses that end in
 * zeros. */
#define HASH_FUNCTION(key, length, hash) ((hash) = hash_u64(key, length))

static inline unsigned hash_u64(const void *key, size_t length)
{
    uint64_t k = 0;

    memcpy(&k, key, length < sizeof(k) ? length : sizeof(k));
    k ^= k >> 32;
    return (unsigned)((k * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

#include <uthash.h>

#define HASH_FIND_U64(head, key, out) HASH_FIND(hh, head, key, sizeof(uint64_t), out)
/* `field` is the uint64_t that is the key. */
#define HASH_ADD_U64(head, field, add) HASH_ADD(hh, head, field, sizeof(uint64_t), add)

#endif
