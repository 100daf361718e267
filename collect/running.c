/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "running.h"

#include "fields.h"

static void change(struct running *r, uint64_t display, uint64_t stream, bool runs, bool new)
{
    uint64_t bit;

    if (display >= RUNNING_DISPLAYS || stream >= RUNNING_STREAMS) {
        return;
    }
    bit = UINT64_C(1) << stream;
    if (runs && (new || !(r->streams[display] & bit))) {
        r->known++;
    }
    if (runs) {
        r->streams[display] |= bit;
    } else {
        r->streams[display] &= ~bit;
    }
}

void running_event(struct running *r, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_stream_create:
        change(r, FIELDS(ev, stream_create)->display, FIELDS(ev, stream_create)->stream, true,
               true);
        break;
    case EV_stream_attach:
        change(r, FIELDS(ev, stream_attach)->display, FIELDS(ev, stream_attach)->stream, true,
               false);
        break;
    case EV_stream_stop:
        change(r, FIELDS(ev, stream_stop)->display, FIELDS(ev, stream_stop)->stream, false, false);
        break;
    default:
        break;
    }
}

unsigned running_count(const struct running *r)
{
    unsigned count = 0;

    for (unsigned d = 0; d < RUNNING_DISPLAYS; d++) {
        count += (unsigned)__builtin_popcountll(r->streams[d]);
    }
    return count;
}
