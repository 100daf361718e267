/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "table/perfetto_pack.h"
#include "table/perfetto_wire.h"

/* Bytes of an event without its arguments, at most. */
enum { EVENT_MOST = 200 };

/* The length of a varint. */
static size_t length_of(uint64_t v)
{
    return (size_t)(63 - __builtin_clzll(v | 1)) / 7 + 1;
}

int perfetto_event(struct sink *s, uint64_t time, const struct perfetto_event *e)
{
    uint8_t before[16], after[EVENT_MOST], *b = before, *a = after, *p;
    const struct perfetto_arguments *g = e->arguments;
    size_t arguments = g ? g->length : 0, track, packet;
    int error;

    if (e->category)
        b = pack_number(b, 3, e->category);
    a = pack_number(a, 9, e->type);
    if (e->name)
        a = pack_number(a, 10, e->name);
    a = pack_number(a, 11, e->track);
    if (e->counter)
        a = pack_number(a, 30, (uint64_t)*e->counter);
    if (e->flow)
        a = pack_fixed64(a, e->flow_ends ? 48 : 47, e->flow);
    track = (size_t)(b - before) + arguments + (size_t)(a - after);
    /* A byte for the tag of each of four fields, and one each for sequence and flags. */
    packet = 6 + length_of(time) + length_of(track) + track;
    error = out_reserve(&s->out, packet + PACK_VARINT + 1);
    if (error)
        return error;
    p = pack_varint((uint8_t *)s->out.p, PACK_TAG(1, WIRE_BYTES));
    p = pack_varint(p, packet);
    p = pack_number(p, 8, time);
    p = pack_number(p, 10, PERFETTO_SEQUENCE);
    p = pack_varint(pack_varint(p, PACK_TAG(11, WIRE_BYTES)), track);
    memcpy(p, before, (size_t)(b - before));
    p += b - before;
    if (arguments)
        memcpy(p, g->data, arguments);
    p += arguments;
    memcpy(p, after, (size_t)(a - after));
    p = pack_number(p + (a - after), 13, PERFETTO_NEEDED);
    s->out.p = (char *)p;
    return s->out.p >= s->out.end ? out_flush(&s->out) : s->out.error;
}
