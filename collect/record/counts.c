/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/fields.h"
#include "record/counts.h"

static void follow_stream(struct record_counts *c, const struct tap_event *ev)
{
    /* All three kinds begin with display and stream. */
    const struct fields_stream_attach *e = FIELDS(ev, stream_attach);
    uint64_t *streams, bit;

    if (e->display >= COUNTS_DISPLAYS || e->stream >= COUNTS_STREAMS)
        return;
    streams = &c->running[e->display];
    bit = UINT64_C(1) << e->stream;
    if (ev->kind == EV_stream_stop) {
        *streams &= ~bit;
        return;
    }
    c->streams += ev->kind == EV_stream_create || !(*streams & bit);
    *streams |= bit;
}

void counts_event(struct record_counts *c, const struct tap_event *ev)
{
    c->events++;
    c->kinds[ev->kind]++;
    if (ev->kind == EV_sent)
        c->sent += FIELDS(ev, sent)->size;
    else if (ev->kind == EV_stream_create || ev->kind == EV_stream_attach ||
             ev->kind == EV_stream_stop)
        follow_stream(c, ev);
}

void counts_loss(struct record_counts *c, unsigned reason, uint64_t count)
{
    c->unknown += !count;
    c->lost[reason < COUNTS_REASONS ? reason : COUNTS_REASONS - 1] += count;
}

uint64_t counts_lost(const struct record_counts *c)
{
    uint64_t all = 0;

    for (unsigned r = 0; r < COUNTS_REASONS; r++)
        all += c->lost[r];
    return all;
}

unsigned counts_running(const struct record_counts *c)
{
    unsigned count = 0;

    for (unsigned d = 0; d < COUNTS_DISPLAYS; d++)
        count += (unsigned)__builtin_popcountll(c->running[d]);
    return count;
}
