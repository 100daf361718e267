/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/fields.h"
#include "model/counts.h"

#define COUNT(array, at) ((array)[(at) < COUNTS_VALUES ? (at) : COUNTS_VALUES - 1]++)

static void loss(struct model_counts *c, const struct run_event *e)
{
    const struct run_loss *l = &e->loss;

    if (l->count == RUN_UNKNOWN)
        c->lost_unknown++;
    else
        c->lost += l->count;
    if (bounded_take(&c->listed, COUNTS_LOSSES))
        c->losses[c->listed.count - 1] =
            (struct counts_loss){l->to, l->count, l->reason, e->source};
}

static void values(struct model_counts *c, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_draw:
        COUNT(c->draws, FIELDS(ev, draw)->verdict);
        break;
    case EV_match:
        COUNT(c->matches[FIELDS(ev, match)->against & 3], FIELDS(ev, match)->verdict);
        break;
    case EV_trace_add:
        COUNT(c->trace_adds, FIELDS(ev, trace_add)->reason);
        break;
    case EV_stream_drop:
        COUNT(c->drops, FIELDS(ev, stream_drop)->reason);
        break;
    default:
        break;
    }
}

void counts_add(struct model_counts *c, const struct run_event *e)
{
    const struct tap_event *ev = e->raw;
    uint16_t at = ev->kind < COUNTS_KINDS ? ev->kind : 0;

    if (ev->kind == EV_loss) {
        loss(c, e);
        return;
    }
    if (!c->events++)
        c->first = ev->time;
    if (ev->time > c->last)
        c->last = ev->time;
    c->of_source[e->source]++;
    c->of_kind[at]++;
    if (!c->kinds[at])
        c->kinds[at] = tap_reader_kind(e->log->reader, ev->kind);
    if (e->event)
        values(c, e->event);
}
