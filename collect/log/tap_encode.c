/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "log/tap_encode.h"

enum { MAX_VARINT = 10 };

/* The order column, then each kind's columns, in the worst case. */
_Static_assert(3 + MAX_VARINT * (2 + TAP_MAX_SLOTS) + 1 <= TAP_MOST_ENCODED, "an event fits");

int tap_encoder_open(struct tap_encoder *n, const struct tap_desc *desc, size_t events)
{
    *n = (struct tap_encoder){.desc = desc,
                              .events = events,
                              .place = calloc(events, sizeof(*n->place)),
                              .of_kind = calloc(events, sizeof(*n->of_kind)),
                              .end_of = calloc(desc->count, sizeof(*n->end_of)),
                              .column = malloc(events * MAX_VARINT)};
    if (!n->place || !n->of_kind || !n->end_of || !n->column)
        return -ENOMEM;
    return tap_predictor_reset(&n->predictor, events);
}

void tap_encoder_close(struct tap_encoder *n)
{
    free(n->predictor.memory.known);
    free(n->place);
    free(n->of_kind);
    free(n->end_of);
    free(n->column);
}

/* Insertion sort: most events are in order, or off by one or two places. false: too many moves, as
 * a hostile guest can cause; the caller sorts in another way. */
static bool insert_by_time(struct tap_event *e, size_t count)
{
    size_t moves = 0;

    for (size_t i = 1; i < count; i++) {
        struct tap_event moved;
        size_t at = i;

        if (e[i - 1].time <= e[i].time)
            continue;
        if (moves > 16 * count)
            return false;
        moved = e[i];
        for (; at && e[at - 1].time > moved.time; at--, moves++)
            e[at] = e[at - 1];
        e[at] = moved;
    }
    return true;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = ((const struct tap_event *)a)->time, y = ((const struct tap_event *)b)->time;

    return x < y ? -1 : x > y;
}

/* Both ways are stable: glibc's qsort is a merge sort while it gets memory. */
static void sort_by_time(struct tap_event *e, size_t count)
{
    if (!insert_by_time(e, count))
        qsort(e, count, sizeof(*e), compare_times);
}

/* A rectangle less another, part by part: what its columns hold. */
static void subtract_rect(uint64_t *v, const uint64_t *expected)
{
    uint32_t part[4];

    for (int i = 0; i < 4; i++)
        part[i] = tap_rect_part(v, i) - tap_rect_part(expected, i);
    memcpy(v, part, sizeof(part));
}

/* What an event's linked fields are expected to be, each in its slot. */
static void expect(struct tap_encoder *n, const struct tap_kind_plan *plan, size_t at,
                   uint64_t *expected)
{
    struct tap_predictor *p = &n->predictor;
    const struct tap_event *e = &n->event[at];

    for (unsigned i = 0; i < plan->links; i++) {
        const struct tap_plan *f = &plan->fields[plan->link[i]];
        uint64_t *known = tap_known(p, f, plan->number, e->v);

        if (f->code == CODE_LAST)
            memcpy(&expected[f->slot], p->last[f->of], sizeof(p->last[0]));
        else if (f->code == CODE_BY)
            expected[f->slot] = *known;
        else if (f->code == CODE_SINCE)
            expected[f->slot] = tap_span_end(p, f, e->time) - *known;
        else if (f->code == CODE_RECENT) {
            struct tap_recent *r = &p->recent[f->of];
            uint32_t place = tap_recent_find(r, e->v[f->slot]);

            n->place[at] = place < r->count ? (uint8_t)place : TAP_RECENT;
            tap_recent_front(r, place, e->v[f->slot]);
        }
        tap_learn(p, f, known, e->time, e->v);
    }
}

/* In order of time: puts in place of what is predicted from other columns the difference. */
static void predict(struct tap_encoder *n)
{
    uint64_t expected[TAP_MAX_SLOTS + 1];

    tap_predictor_reset(&n->predictor, n->events);
    for (size_t i = 0; i < n->count; i++) {
        struct tap_event *e = &n->event[i];
        const struct tap_kind_plan *plan = tap_desc_plan(n->desc, e->kind);

        expect(n, plan, i, expected);
        for (unsigned k = 0; k < plan->links; k++) {
            const struct tap_plan *f = &plan->fields[plan->link[k]];

            if (f->code == CODE_LAST && f->type == TYPE_RECT)
                subtract_rect(&e->v[f->slot], &expected[f->slot]);
            else if (f->code == CODE_BY || f->code == CODE_LAST || f->code == CODE_SINCE)
                e->v[f->slot] -= expected[f->slot];
        }
    }
}

struct raw {
    uint8_t *p;
};

/* Leaves out the zeros at a column's end: most columns hardly change. */
static void end_column(struct tap_encoder *n, struct raw *r, const uint8_t *end)
{
    size_t length = (size_t)(end - n->column);

    while (length && !n->column[length - 1])
        length--;
    r->p = put_varint(r->p, length);
    memcpy(r->p, n->column, length);
    r->p += length;
}

static void time_column(struct tap_encoder *n, struct raw *r)
{
    uint64_t before = n->event[0].time;
    uint8_t *c = n->column;

    for (size_t i = 0; i < n->count; i++) {
        c = put_varint(c, zigzag(n->event[i].time - before));
        before = n->event[i].time;
    }
    end_column(n, r, c);
}

static void order_column(struct tap_encoder *n, struct raw *r)
{
    uint8_t *c = n->column;

    for (size_t i = 0; i < n->count; i++)
        c = put_varint(c, n->event[i].kind);
    end_column(n, r, c);
}

static void tid_column(struct tap_encoder *n, struct raw *r, const uint32_t *of, size_t count)
{
    uint64_t before = 0;
    uint8_t *c = n->column;

    for (size_t i = 0; i < count; i++) {
        uint64_t tid = n->event[of[i]].tid;
        c = put_varint(c, zigzag(tid - before));
        before = tid;
    }
    end_column(n, r, c);
}

static void scalar_column(struct tap_encoder *n, struct raw *r, const uint32_t *of, size_t count,
                          const struct tap_plan *p)
{
    uint64_t before = 0;
    uint8_t *c = n->column;

    for (size_t i = 0; i < count; i++) {
        const struct tap_event *e = &n->event[of[i]];

        if (p->code == CODE_TIME)
            before = e->time;
        c = put_varint(c, zigzag(e->v[p->slot] - before));
        before = p->code == CODE_DELTA ? e->v[p->slot] : 0;
    }
    end_column(n, r, c);
}

/* Places in the list, then the values that are not in it. */
static void recent_columns(struct tap_encoder *n, struct raw *r, const uint32_t *of, size_t count,
                           const struct tap_plan *p)
{
    uint64_t before = 0;
    uint8_t *c = n->column;

    for (size_t i = 0; i < count; i++)
        *c++ = n->place[of[i]];
    end_column(n, r, c);
    c = n->column;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = n->event[of[i]].v[p->slot];

        if (n->place[of[i]] != TAP_RECENT)
            continue;
        c = put_varint(c, zigzag(value - before));
        before = value;
    }
    end_column(n, r, c);
}

static uint8_t *put_part(uint8_t *c, uint32_t v)
{
    return put_varint(c, zigzag((uint64_t)(int64_t)(int32_t)v));
}

/* Left, top, width, height: a thing that moves keeps its size. */
static void rect_columns(struct tap_encoder *n, struct raw *r, const uint32_t *of, size_t count,
                         const struct tap_plan *p)
{
    for (int part = 0; part < 4; part++) {
        uint32_t before = 0;
        uint8_t *c = n->column;

        for (size_t i = 0; i < count; i++) {
            const uint64_t *v = &n->event[of[i]].v[p->slot];

            if (p->code == CODE_LAST) { /* the difference is there already */
                c = put_part(c, (uint32_t)(v[part / 2] >> 32 * (part % 2)));
            } else {
                c = put_part(c, tap_rect_part(v, part) - before);
                before = tap_rect_part(v, part);
            }
        }
        end_column(n, r, c);
    }
}

static void kind_columns(struct tap_encoder *n, struct raw *r, const struct tap_kind_plan *plan,
                         const uint32_t *of, size_t count)
{
    tid_column(n, r, of, count);
    for (unsigned f = 0; f < plan->count; f++) {
        const struct tap_plan *p = &plan->fields[f];

        if (p->type == TYPE_RECT)
            rect_columns(n, r, of, count, p);
        else if (p->code == CODE_RECENT)
            recent_columns(n, r, of, count, p);
        else
            scalar_column(n, r, of, count, p);
    }
}

/* Sorts the events' indices by kind. */
static void group(struct tap_encoder *n)
{
    uint32_t begin = 0;

    memset(n->end_of, 0, n->desc->count * sizeof(*n->end_of));
    for (size_t i = 0; i < n->count; i++)
        n->end_of[tap_desc_plan(n->desc, n->event[i].kind) - n->desc->plans]++;
    for (size_t k = 0; k < n->desc->count; k++) {
        uint32_t count = n->end_of[k];

        n->end_of[k] = begin;
        begin += count;
    }
    for (size_t i = 0; i < n->count; i++)
        n->of_kind[n->end_of[tap_desc_plan(n->desc, n->event[i].kind) - n->desc->plans]++] =
            (uint32_t)i;
}

size_t tap_encode(struct tap_encoder *n, struct tap_event *event, size_t count, uint8_t *raw)
{
    struct raw r = {.p = raw};
    uint32_t begin = 0;

    n->event = event;
    n->count = count;
    sort_by_time(event, count);
    predict(n);
    order_column(n, &r);
    time_column(n, &r);
    group(n);
    for (size_t k = 0; k < n->desc->count; begin = n->end_of[k++])
        if (n->end_of[k] > begin)
            kind_columns(n, &r, &n->desc->plans[k], n->of_kind + begin, n->end_of[k] - begin);
    return (size_t)(r.p - raw);
}
