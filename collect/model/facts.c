/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "model/facts.h"
#include "event/fields.h"

/* spice-protocol's enums.h */
enum { MSG_STREAM_DATA = 123, MSG_STREAM_DATA_SIZED = 316, MSG_COPY_BITS = 104 };
enum { MSG_FIRST_DRAW = 302, MSG_LAST_DRAW = 313, MSG_DRAW_COMPOSITE = 318 };
enum { CHANNEL_DISPLAY = 2 };

#define COUNT(array, at) ((array)[(at) < FACTS_VALUES ? (at) : FACTS_VALUES - 1]++)

static void add_bytes(struct facts_bytes *b, uint64_t raw, uint64_t sent)
{
    b->count++;
    b->raw += raw;
    b->sent += sent;
}

/* ---- memory: OOM episodes and evictions ------------------------------------------------- */

static struct facts_display *display_of(struct facts *f, uint64_t id)
{
    for (int i = 0; i < FACTS_DISPLAYS; i++) {
        struct facts_display *d = &f->displays[i];

        if (!d->used)
            *d = (struct facts_display){.used = true, .id = (uint32_t)id};
        if (d->id == id)
            return d;
    }
    return &f->displays[FACTS_DISPLAYS - 1];
}

static void oom_begin(struct facts *f, const struct tap_event *ev)
{
    struct facts_display *d = display_of(f, FIELDS(ev, oom_begin)->display);

    f->oom++;
    f->oom_cut += d->in_oom; /* the end of the one before is missing */
    d->in_oom = true;
    d->oom_began = ev->time;
}

static void oom_end(struct facts *f, const struct tap_event *ev)
{
    struct facts_display *d = display_of(f, FIELDS(ev, oom_end)->display);
    uint64_t took = ev->time - d->oom_began;

    if (!d->in_oom) {
        f->oom_cut++;
        return;
    }
    d->in_oom = false;
    f->oom_time += took;
    if (took > f->oom_longest)
        f->oom_longest = took;
}

static void evict(struct facts *f, const struct tap_event *ev)
{
    const struct fields_evict *e = FIELDS(ev, evict);

    f->evicted++;
    f->evicted_streamable += e->streamable != 0;
    f->evicted_in_oom += display_of(f, e->display)->in_oom;
}

/* ---- bytes -------------------------------------------------------------------------------- */

static void sent(struct facts *f, const struct tap_event *ev)
{
    const struct fields_sent *e = FIELDS(ev, sent);
    bool display = e->channel == CHANNEL_DISPLAY;

    if (display && (e->msg == MSG_STREAM_DATA || e->msg == MSG_STREAM_DATA_SIZED))
        add_bytes(&f->stream_data, 0, e->size);
    else if (display && ((e->msg >= MSG_FIRST_DRAW && e->msg <= MSG_LAST_DRAW) ||
                         e->msg == MSG_DRAW_COMPOSITE || e->msg == MSG_COPY_BITS))
        add_bytes(&f->drawing, 0, e->size);
    else
        add_bytes(&f->channels[e->channel < FACTS_CHANNELS ? e->channel : 0], 0, e->size);
}

static void image(struct facts *f, const struct tap_event *ev)
{
    const struct fields_image *e = FIELDS(ev, image);

    add_bytes(&f->images[e->type < FACTS_VALUES ? e->type : FACTS_VALUES - 1], e->raw, e->sent);
}

static void encode(struct facts *f, const struct tap_event *ev)
{
    const struct fields_stream_encode *e = FIELDS(ev, stream_encode);

    add_bytes(&f->encoded[e->codec < FACTS_VALUES ? e->codec : FACTS_VALUES - 1], e->raw, e->sent);
}

/* ---- losses --------------------------------------------------------------------------------- */

/* An open episode may have ended among what was lost. */
static void loss(struct facts *f, const struct run_event *e)
{
    const struct run_loss *l = &e->loss;

    f->all_losses++;
    if (l->count == RUN_UNKNOWN)
        f->lost_unknown++;
    else
        f->lost += l->count;
    if (f->loss_count < FACTS_LOSSES)
        f->losses[f->loss_count++] = (struct facts_loss){l->to, l->count, l->reason, e->source};
    if (e->source > SOURCE_SPICE)
        return; /* only spice-server reports episodes */
    for (int i = 0; i < FACTS_DISPLAYS; i++) {
        f->oom_cut += f->displays[i].in_oom;
        f->displays[i].in_oom = false;
    }
}

/* ---- the pass ---------------------------------------------------------------------------------
 */

static void count(struct facts *f, const struct tap_event *ev)
{
    switch (ev->kind) {
    case EV_draw:
        COUNT(f->draws, FIELDS(ev, draw)->verdict);
        break;
    case EV_match:
        COUNT(f->matches[FIELDS(ev, match)->against & 3], FIELDS(ev, match)->verdict);
        break;
    case EV_trace_add:
        COUNT(f->trace_adds, FIELDS(ev, trace_add)->reason);
        break;
    case EV_stream_encode:
        encode(f, ev);
        break;
    case EV_stream_drop:
        COUNT(f->drops, FIELDS(ev, stream_drop)->reason);
        break;
    case EV_oom_begin:
        oom_begin(f, ev);
        break;
    case EV_oom_end:
        oom_end(f, ev);
        break;
    case EV_free_some_begin:
        f->free_some++;
        break;
    case EV_evict:
        evict(f, ev);
        break;
    case EV_image:
        image(f, ev);
        break;
    case EV_sent:
        sent(f, ev);
        break;
    default:
        break;
    }
}

void facts_add(struct facts *f, const struct run_event *e)
{
    const struct tap_event *ev = e->raw;
    uint16_t at = ev->kind < FACTS_KINDS ? ev->kind : 0;

    if (ev->kind == EV_loss) {
        loss(f, e);
        return;
    }
    if (!f->events++)
        f->first = ev->time;
    if (ev->time > f->last)
        f->last = ev->time;
    f->of_source[e->source]++;
    f->of_kind[at]++;
    if (!f->kinds[at])
        f->kinds[at] = tap_reader_kind(e->log->reader, ev->kind);
    if (!e->event)
        return;
    if (e->source == SOURCE_CLIENT)
        facts_client_add(&f->client, e->event);
    else
        count(f, e->event);
}

void facts_end(struct facts *f)
{
    for (int i = 0; i < FACTS_DISPLAYS; i++)
        f->oom_cut += f->displays[i].in_oom;
}
