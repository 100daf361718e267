/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace for Perfetto's viewer. Each party (guest, device, server, client) has a group of tracks;
 * an event is an instant or a slice on one of them, with its fields as arguments. Rows of linked
 * events become instants that a flow joins. perfetto.proto has what is written.
 */
#include <errno.h>
#include <stdlib.h>

#include "table/perfetto_pack.h"
#include "table/perfetto_plan.h"
#include "table/perfetto_wire.h"

/* Bytes of an argument at most: its tag and length, its name, tag and value. A text is
 * extra. */
enum { ARGUMENT_MOST = 2 + PERFETTO_HEAD + 2 + PACK_VARINT };

static uint8_t *put_number(uint8_t *p, const struct argument *g, int side, uint32_t field,
                           uint64_t v)
{
    uint8_t *begin = p + 2, *end; /* behind tag and length, of a byte each */

    memcpy(begin, g->head[side], sizeof(g->head[side]));
    end = pack_varint(begin + g->head_length[side], PACK_TAG(field, WIRE_VARINT));
    end = pack_varint(end, v);
    p[0] = PACK_TAG(4, WIRE_BYTES);
    p[1] = (uint8_t)(end - begin);
    return end;
}

static uint8_t *put_enum(uint8_t *p, const struct argument *g, int64_t v)
{
    const struct tap_enum *e = g->column->names;

    for (size_t i = 0; i < e->count; i++)
        if (e->values[i].value == v) { /* string_value_iid: its tag has two bytes */
            return put_number(p, g, 0, 17, g->value_iid[i]);
        }
    return put_number(p, g, 0, 3, (uint64_t)v);
}

static uint8_t *put_real(uint8_t *p, const struct argument *g, uint64_t v)
{
    uint8_t *begin = p + 2, *end;

    memcpy(begin, g->head[0], sizeof(g->head[0]));
    end = pack_fixed64(begin + g->head_length[0], 5, v);
    p[0] = PACK_TAG(4, WIRE_BYTES);
    p[1] = (uint8_t)(end - begin);
    return end;
}

static uint8_t *put_words(uint8_t *p, const struct argument *g, const char *text)
{
    size_t length = strlen(text);
    uint8_t rest[1 + PACK_VARINT], *r = pack_varint(rest, PACK_TAG(6, WIRE_BYTES));

    r = pack_varint(r, length);
    p = pack_varint(p, PACK_TAG(4, WIRE_BYTES));
    p = pack_varint(p, g->head_length[0] + (size_t)(r - rest) + length);
    memcpy(p, g->head[0], g->head_length[0]);
    p += g->head_length[0];
    memcpy(p, rest, (size_t)(r - rest));
    p += r - rest;
    memcpy(p, text, length);
    return p + length;
}

static uint8_t *put_argument(uint8_t *p, const struct argument *g, const uint64_t *v)
{
    uint64_t word = v[g->column->slot];
    int32_t box[4];

    switch (g->column->kind) {
    case COLUMN_BOX:
        memcpy(box, &v[g->column->slot], sizeof(box));
        for (int side = 0; side < 4; side++)
            p = put_number(p, g, side, 4, (uint64_t)(int64_t)box[side]);
        return p;
    case COLUMN_SIGNED:
        return put_number(p, g, 0, 4, word);
    case COLUMN_HEX:
        return put_number(p, g, 0, 7, word);
    case COLUMN_FLAG:
        return put_number(p, g, 0, 2, word != 0);
    case COLUMN_ENUM:
        return put_enum(p, g, (int64_t)word);
    case COLUMN_REAL:
        return put_real(p, g, word);
    case COLUMN_TEXT:
        return word ? put_words(p, g, (const char *)(uintptr_t)word) : p;
    default:
        return put_number(p, g, 0, 3, word);
    }
}

static bool is_null(const uint64_t *null, unsigned bit)
{
    return null && null[bit / 64] >> bit % 64 & 1;
}

/* Room for a row's arguments: 0 or -ENOMEM. */
static int make_room(struct perfetto_arguments *a, const struct plan *p, const uint64_t *v)
{
    size_t need = p->count * 4 * ARGUMENT_MOST;
    uint8_t *larger;

    for (unsigned i = 0; p->has_text && i < p->count; i++) {
        const struct column *c = p->arguments[i].column;

        if (c->kind == COLUMN_TEXT && v[c->slot])
            need += strlen((const char *)(uintptr_t)v[c->slot]) + PACK_VARINT;
    }
    if (need <= a->room)
        return 0;
    larger = realloc(a->data, need);
    if (!larger)
        return -ENOMEM;
    a->data = larger;
    a->room = need;
    return 0;
}

static int put_arguments(struct perfetto_arguments *a, const struct plan *p, const uint64_t *v,
                         const uint64_t *null)
{
    int error = make_room(a, p, v);
    uint8_t *at = a->data;

    if (error)
        return error;
    for (unsigned i = 0; i < p->count; i++)
        if (!is_null(null, p->arguments[i].bit))
            at = put_argument(at, &p->arguments[i], v);
    a->length = (size_t)(at - a->data);
    return 0;
}

/* Counts like the row before, mostly. */
static struct perfetto_track *counter_of(struct sink *s, struct plan *p, const uint64_t *v)
{
    const struct column *by = p->counted_by;
    uint64_t number = by ? v[by->slot] : 0;

    if (!p->counts || p->counts_by != number) {
        const char *word = by && by->names ? tap_enum_name(by->names, (int64_t)number) : NULL;

        p->counts =
            perfetto_counter(s, p->party, p->counter->name, number, word, p->counter->bytes);
        p->counts_by = number;
    }
    return p->counts;
}

static int count_value(struct sink *s, struct plan *p, const uint64_t *v)
{
    uint64_t value = v[p->counted->slot];
    struct perfetto_track *t = counter_of(s, p, v);

    if (!t)
        return s->out.error;
    t->sum = p->counter->sum ? t->sum + (int64_t)value : (int64_t)value;
    return perfetto_event(
        s, v[p->time->slot],
        &(struct perfetto_event){.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER,
                                 .track = t->uuid,
                                 .counter = &t->sum});
}

static int put_slice(struct sink *s, const struct plan *p, struct perfetto_track *t,
                     struct perfetto_event *e, uint64_t time, uint64_t lasted)
{
    int error;

    switch (p->how) {
    case BEGIN:
        if (t->party)
            break;
        t->depth++;
        e->type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN;
        return perfetto_event(s, time, e);
    case END: /* of one that began before the recording: an instant */
        if (t->depth) {
            t->depth--;
            e->type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END;
            e->name = e->category = 0; /* the viewer would end a slice of that name only */
        }
        return perfetto_event(s, time, e);
    case SPAN:
    case SINCE:
        if (!lasted || lasted > time)
            return perfetto_event(s, time, e);
        e->type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN;
        error = perfetto_event(s, time - lasted, e);
        if (error)
            return error;
        return perfetto_event(
            s, time,
            &(struct perfetto_event){.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END,
                                     .track = e->track});
    default:
        break;
    }
    return perfetto_event(s, time, e);
}

/* The row's track. Most rows of a table are on the track of the row before. */
static struct perfetto_track *track_of(struct sink *s, struct plan *p, const uint64_t *v)
{
    uint64_t display = p->display ? v[p->display->slot] : 0;
    uint64_t number = p->number ? v[p->number->slot] : 0;

    if (!p->track || p->on_display != display || p->on_number != number) {
        p->track = perfetto_track(s, p->party, p->group, display, p->number ? &number : NULL);
        p->on_display = display;
        p->on_number = number;
    }
    return p->track;
}

static int event_row(struct sink *s, struct plan *p, const uint64_t *v, const uint64_t *null)
{
    struct perfetto *x = s->state;
    uint64_t lasted = p->lasted ? v[p->lasted->slot] : 0;
    uint64_t time = v[p->time->slot];
    struct perfetto_track *t = track_of(s, p, v);
    struct perfetto_event e = {.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT,
                               .category = p->category,
                               .name = p->name,
                               .arguments = &x->arguments};
    int error;

    if (!t)
        return s->out.error ? s->out.error : -ENOMEM;
    error = put_arguments(&x->arguments, p, v, null);
    if (error)
        return error;
    e.track = t->uuid;
    if (p->how == SINCE)
        lasted = lasted && lasted < time ? time - lasted : 0;
    return put_slice(s, p, t, &e, time, (int64_t)lasted > 0 ? lasted : 0);
}

static bool known(const struct plan *p, int step, const uint64_t *v, const uint64_t *null)
{
    return p->steps[step] && !is_null(null, p->step_bits[step]) && v[p->steps[step]->slot];
}

/* An instant for each step that is known, joined by a flow. The row is the first one's arguments.
 */
static int link_row(struct sink *s, const struct plan *p, const uint64_t *v, const uint64_t *null)
{
    struct perfetto *x = s->state;
    uint64_t flow = ++x->flows;
    int last = -1, error = put_arguments(&x->arguments, p, v, null);

    for (int i = 0; i < STEPS; i++)
        if (known(p, i, v, null))
            last = i;
    for (int i = 0; i <= last && !error; i++) {
        struct perfetto_event e = {.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT,
                                   .category = p->category,
                                   .name = p->step_names[i],
                                   .arguments = &x->arguments,
                                   .flow = flow,
                                   .flow_ends = i == last};
        struct perfetto_track *t;

        if (!known(p, i, v, null))
            continue;
        t = perfetto_track(s, p->link->steps[i].party, p->link->table, 0, NULL);
        if (!t)
            return s->out.error ? s->out.error : -ENOMEM;
        e.track = t->uuid;
        error = perfetto_event(s, v[p->steps[i]->slot], &e);
        x->arguments.length = 0; /* once */
    }
    return error;
}

static int perfetto_row(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null)
{
    struct plan *p = t->state;
    int error;

    if (p->link)
        return link_row(s, p, v, null);
    error = event_row(s, p, v, null);
    return error || !p->counter ? error : count_value(s, p, v);
}

/* ---- the sink ---- */

static int perfetto_begin(struct sink *s, struct table *t)
{
    struct plan *p;
    int error = plan_make(s, t->schema, &p);

    t->state = p;
    return error;
}

static int perfetto_open(struct sink *s)
{
    int error;

    s->state = calloc(1, sizeof(struct perfetto));
    if (!s->state)
        return -ENOMEM;
    error = sink_open_file(s, s->output, &s->out);
    return error ? error : perfetto_head(s);
}

static int perfetto_close(struct sink *s)
{
    if (s->state)
        perfetto_free(s->state);
    for (struct table *t = s->tables; t; t = t->next)
        plan_clear(t->state);
    return out_close(&s->out);
}

const struct sink_kind sink_perfetto = {
    .name = "perfetto",
    .help = "a trace for Perfetto's viewer",
    .links = true,
    .open = perfetto_open,
    .begin = perfetto_begin,
    .row = perfetto_row,
    .close = perfetto_close,
};
