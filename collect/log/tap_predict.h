/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What fields are predicted from beside their own column, within one chunk: docs/dev/format.md,
 * "Codes". Writer and reader call the same functions for the same events, in the same order.
 */
#ifndef SPICETAP_TAP_PREDICT_H
#define SPICETAP_TAP_PREDICT_H

#include "log/tap_format.h"

/* Values that belong to a key, for each table. */
struct tap_memory {
    struct tap_known {
        uint64_t key, value;
        uint32_t stamp, table;
    } * known;
    uint32_t stamp, mask;
};

struct tap_predictor {
    struct tap_memory memory;
    uint64_t last[TAP_MAX_REGISTERS][2]; /* a number is in the first */
    struct tap_recent {
        uint32_t count;
        uint64_t value[TAP_RECENT]; /* the latest first */
    } recent[TAP_MAX_REGISTERS];
};

enum { TAP_TABLE_BY, TAP_TABLE_SINCE }; /* of the first kind; each kind has its own */

/* Forgets everything, and makes room for a chunk of `events`. 0 or -ENOMEM. */
int tap_predictor_reset(struct tap_predictor *p, size_t events);

/* Where the value of `key` is kept; new ones start at 0. */
static inline uint64_t *tap_memory_at(struct tap_memory *m, uint32_t table, uint64_t key)
{
    uint32_t i = (uint32_t)(((key + table) * 0x9e3779b97f4a7c15u) >> 40) & m->mask;

    for (;; i = (i + 1) & m->mask) {
        struct tap_known *k = &m->known[i];

        if (k->stamp != m->stamp)
            *k = (struct tap_known){.key = key, .table = table, .stamp = m->stamp};
        if (k->key == key && k->table == table)
            return &k->value;
    }
}

/* What the field's key has in the table; NULL: it has no key. */
static inline uint64_t *tap_known(struct tap_predictor *p, const struct tap_plan *f, uint16_t kind,
                                  const uint64_t *v)
{
    uint64_t key;

    if (f->remember)
        return tap_memory_at(&p->memory, TAP_TABLE_BY, v[f->by[0]]);
    if (f->code != CODE_SINCE)
        return NULL;
    key = f->by[0] == TAP_NONE ? 0 : v[f->by[0]];
    if (f->by[1] != TAP_NONE)
        key += v[f->by[1]] << 32;
    return tap_memory_at(&p->memory, TAP_TABLE_SINCE + kind, key);
}

/* The end of a CODE_SINCE span. */
static inline uint64_t tap_span_end(const struct tap_predictor *p, const struct tap_plan *f,
                                    uint64_t time)
{
    return f->of == TAP_NONE ? time : p->last[f->of][0];
}

/* After a field of an event: what is known now. */
static inline void tap_learn(struct tap_predictor *p, const struct tap_plan *f, uint64_t *known,
                             uint64_t time, const uint64_t *v)
{
    uint64_t value = v[f->slot];

    if (f->code == CODE_SINCE) {
        uint64_t end = tap_span_end(p, f, time);

        *known = f->anew != TAP_NONE && !v[f->anew] ? end : end - value;
    } else if (known) {
        *known = value;
    }
    if (f->set != TAP_NONE) {
        p->last[f->set][0] = value;
        if (f->type == TYPE_RECT)
            p->last[f->set][1] = v[f->slot + 1];
    }
}

/* What a column of a rectangle holds: left, top, width, height. */
static inline uint32_t tap_rect_part(const uint64_t *v, int part)
{
    uint32_t box[4];

    memcpy(box, v, sizeof(box));
    return part < 2 ? box[part] : box[part] - box[part - 2];
}

/* The place of `value`; the list's count: it is not there. */
static inline uint32_t tap_recent_find(const struct tap_recent *r, uint64_t value)
{
    uint32_t i = 0;

    while (i < r->count && r->value[i] != value)
        i++;
    return i;
}

/* Moves the value at `place`, or a new one, to the front. */
static inline void tap_recent_front(struct tap_recent *r, uint32_t place, uint64_t value)
{
    if (place >= r->count) {
        r->count += r->count < TAP_RECENT;
        place = r->count - 1;
    }
    for (; place; place--)
        r->value[place] = r->value[place - 1];
    r->value[0] = value;
}

#endif
