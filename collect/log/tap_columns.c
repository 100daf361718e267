/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "log/tap_columns.h"

/* Where a column is being read, and its value before. Behind its end a column gives zeros. */
struct tap_column {
    const uint8_t *p, *end;
    uint64_t before;
};

int tap_decoder_open(struct tap_decoder *d, const struct tap_desc *desc)
{
    size_t columns = 0;

    *d = (struct tap_decoder){.desc = desc};
    for (size_t i = 0; i < desc->count; i++)
        columns += desc->plans[i].columns;
    d->columns = calloc(columns + 1, sizeof(*d->columns));
    d->of_kind = calloc(desc->count + 1, sizeof(*d->of_kind));
    if (!d->columns || !d->of_kind)
        return -ENOMEM;
    columns = 0;
    for (size_t i = 0; i < desc->count; i++) {
        struct tap_kind_plan *plan = &desc->plans[i];

        d->of_kind[i] = d->columns + columns;
        columns += plan->columns;
    }
    return 0;
}

void tap_decoder_close(struct tap_decoder *d)
{
    free(d->predictor.memory.known);
    free(d->columns);
    free(d->of_kind);
}

static inline int get_varint(struct tap_column *c, uint64_t *out)
{
    uint64_t v = 0;

    if (c->p == c->end) {
        *out = 0;
        return 0;
    }
    for (int shift = 0; shift < 64 && c->p < c->end; shift += 7) {
        uint8_t byte = *c->p++;

        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return 0;
        }
    }
    return -EBADMSG;
}

static inline int next_delta(struct tap_column *c, uint64_t *value)
{
    uint64_t d;

    if (c->p < c->end && *c->p < 0x80) /* nearly all values */
        d = *c->p++;
    else if (get_varint(c, &d))
        return -EBADMSG;
    c->before += unzigzag(d);
    *value = c->before;
    return 0;
}

/* Reads the next column's length and splits the column off `all`. */
static int take_column(struct tap_column *all, struct tap_column *column)
{
    uint64_t length;

    if (all->p == all->end || get_varint(all, &length) || length > (size_t)(all->end - all->p))
        return -EBADMSG;
    *column = (struct tap_column){.p = all->p, .end = all->p + length};
    all->p += length;
    return 0;
}

/* Finds the kinds in the chunk, then each of their columns. */
static int take_columns(struct tap_decoder *d, struct tap_column *all, struct tap_column order,
                        size_t count)
{
    bool present[TAP_MAX_KINDS] = {false};

    for (size_t i = 0; i < count; i++) {
        uint64_t number;
        const struct tap_kind_plan *plan;

        if (order.p == order.end || get_varint(&order, &number))
            return -EBADMSG;
        plan = tap_desc_plan(d->desc, number);
        if (!plan)
            return -EBADMSG;
        present[plan - d->desc->plans] = true;
    }
    for (size_t k = 0; k < d->desc->count; k++)
        for (unsigned c = 0; present[k] && c < d->desc->plans[k].columns; c++)
            if (take_column(all, &d->of_kind[k][c]))
                return -EBADMSG;
    return 0;
}

static inline int read_rect(struct tap_column *c, uint64_t *v)
{
    uint64_t l, t, w, h;
    uint32_t box[4];

    if (next_delta(c, &l) || next_delta(c + 1, &t) || next_delta(c + 2, &w) ||
        next_delta(c + 3, &h))
        return -EBADMSG;
    box[0] = (uint32_t)l;
    box[1] = (uint32_t)t;
    box[2] = (uint32_t)(l + w);
    box[3] = (uint32_t)(t + h);
    memcpy(v, box, sizeof(box));
    return 0;
}

/* Its place in the list; or a new value, as the difference to the new one before. */
static inline int read_recent(struct tap_recent *r, struct tap_column *c, uint64_t *v)
{
    uint64_t place;

    if (get_varint(c, &place))
        return -EBADMSG;
    if (place < r->count)
        *v = r->value[place];
    else if (next_delta(c + 1, v))
        return -EBADMSG;
    tap_recent_front(r, place < r->count ? (uint32_t)place : r->count, *v);
    return 0;
}

/* A field that is predicted from more than its own column, or sets what others are. */
static inline int read_linked(struct tap_predictor *p, const struct tap_plan *f, uint16_t kind,
                              struct tap_column *c, struct tap_event *e)
{
    uint64_t *known = tap_known(p, f, kind, e->v), *v = &e->v[f->slot];
    int err;

    if (f->code == CODE_LAST && f->type == TYPE_RECT)
        for (int part = 0; part < 4; part++)
            c[part].before = tap_rect_part(p->last[f->of], part);
    else if (f->code == CODE_LAST)
        c->before = p->last[f->of][0];
    else if (f->code == CODE_TIME)
        c->before = e->time;
    else if (f->code == CODE_BY)
        c->before = *known;
    else if (f->code == CODE_SINCE)
        c->before = tap_span_end(p, f, e->time) - *known;
    if (f->type == TYPE_RECT)
        err = read_rect(c, v);
    else if (f->code == CODE_RECENT)
        err = read_recent(&p->recent[f->of], c, v);
    else
        err = next_delta(c, v);
    if (!err)
        tap_learn(p, f, known, e->time, e->v);
    return err;
}

static inline int read_fields(struct tap_decoder *d, const struct tap_kind_plan *plan,
                              struct tap_column *c, struct tap_event *e)
{
    const struct tap_plan *p = plan->fields, *end = p + plan->count;
    int err = 0;

    for (; p < end && !err; c += p++->columns) {
        if (p->plain) {
            const unsigned count = p->plain;

            for (unsigned i = 0; i < count; i++)
                if (next_delta(&c[i], &e->v[p->slot + i]))
                    return -EBADMSG;
            p += count - 1;
            c += count - 1;
            continue;
        }
        if (p->code == CODE_SKIP)
            continue;
        if (p->linked) {
            err = read_linked(&d->predictor, p, plan->number, c, e);
        } else if (p->type == TYPE_RECT) {
            err = read_rect(c, &e->v[p->slot]);
        } else {
            c->before = e->time; /* CODE_TIME: what is left */
            err = next_delta(c, &e->v[p->slot]);
        }
    }
    return err;
}

int tap_decode(struct tap_decoder *d, const struct tap_chunk_header *h, const uint8_t *raw,
               struct tap_event *out)
{
    struct tap_column all = {.p = raw, .end = raw + h->raw}, order, times;

    if (tap_predictor_reset(&d->predictor, h->events))
        return -ENOMEM;
    if (take_column(&all, &order) || take_column(&all, &times) ||
        take_columns(d, &all, order, h->events))
        return -EBADMSG;
    times.before = h->first;
    for (size_t i = 0; i < h->events; i++) {
        struct tap_event *e = &out[i];
        const struct tap_kind_plan *plan;
        struct tap_column *c;
        uint64_t number, tid;

        if (get_varint(&order, &number) || next_delta(&times, &e->time))
            return -EBADMSG;
        plan = tap_desc_plan(d->desc, number);
        c = d->of_kind[plan - d->desc->plans];
        if (next_delta(c, &tid))
            return -EBADMSG;
        e->tid = (uint32_t)tid;
        e->kind = plan->desc->kind;
        e->slots = plan->desc->slots;
        if (read_fields(d, plan, c + 1, e))
            return -EBADMSG;
    }
    return 0;
}
