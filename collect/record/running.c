/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record/running.h"

#include "event/fields.h"

void running_event(struct running *r, const struct tap_event *ev)
{
    const struct fields_stream_attach *e = FIELDS(ev, stream_attach); /* all three begin like it */
    uint64_t *streams, bit;

    if ((ev->kind != EV_stream_create && ev->kind != EV_stream_attach &&
         ev->kind != EV_stream_stop) ||
        e->display >= RUNNING_DISPLAYS || e->stream >= RUNNING_STREAMS) {
        return;
    }
    streams = &r->streams[e->display];
    bit = UINT64_C(1) << e->stream;
    if (ev->kind == EV_stream_stop) {
        *streams &= ~bit;
        return;
    }
    r->known += ev->kind == EV_stream_create || !(*streams & bit);
    *streams |= bit;
}

unsigned running_count(const struct running *r)
{
    unsigned count = 0;

    for (unsigned d = 0; d < RUNNING_DISPLAYS; d++) {
        count += (unsigned)__builtin_popcountll(r->streams[d]);
    }
    return count;
}
