/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace for Perfetto's viewer. Each party (guest, device, server, client) has a group of tracks;
 * an event is an instant or a slice on one of them, with its fields as arguments. Rows of linked
 * events become instants that a flow joins. perfetto.proto has what is written.
 */
#include <errno.h>
#include <stdlib.h>

#include "table/perfetto_plan.h"

enum { ARGUMENTS = 4 * ROW_COLUMNS };

struct argument_list {
    Perfetto__DebugAnnotation one[ARGUMENTS], *all[ARGUMENTS];
    size_t count;
};

static Perfetto__DebugAnnotation *next(struct argument_list *l, uint64_t name)
{
    Perfetto__DebugAnnotation *a = &l->one[l->count];

    *a = (Perfetto__DebugAnnotation)PERFETTO__DEBUG_ANNOTATION__INIT;
    a->has_name_iid = true;
    a->name_iid = name;
    l->all[l->count++] = a;
    return a;
}

static void put_signed_value(Perfetto__DebugAnnotation *a, int64_t v)
{
    a->has_int_value = true;
    a->int_value = v;
}

static void put_enum(Perfetto__DebugAnnotation *a, const struct argument *g, int64_t v)
{
    const struct tap_enum *e = g->column->names;

    for (size_t i = 0; i < e->count; i++)
        if (e->values[i].value == v) {
            a->has_string_value_iid = true;
            a->string_value_iid = g->value_iid[i];
            return;
        }
    put_signed_value(a, v);
}

static void put_argument(struct argument_list *l, const struct argument *g, const uint64_t *v)
{
    uint64_t word = v[g->column->slot];
    Perfetto__DebugAnnotation *a;
    int32_t box[4];

    if (g->column->kind == COLUMN_BOX) {
        memcpy(box, &v[g->column->slot], sizeof(box));
        for (int side = 0; side < 4; side++)
            put_signed_value(next(l, g->iid[side]), box[side]);
        return;
    }
    if (g->column->kind == COLUMN_TEXT && !word)
        return;
    a = next(l, g->iid[0]);
    switch (g->column->kind) {
    case COLUMN_SIGNED:
        put_signed_value(a, (int64_t)word);
        break;
    case COLUMN_HEX:
        a->has_pointer_value = true;
        a->pointer_value = word;
        break;
    case COLUMN_FLAG:
        a->has_bool_value = true;
        a->bool_value = word != 0;
        break;
    case COLUMN_ENUM:
        put_enum(a, g, (int64_t)word);
        break;
    case COLUMN_REAL:
        a->has_double_value = true;
        memcpy(&a->double_value, &word, sizeof(word));
        break;
    case COLUMN_TEXT:
        a->string_value = (char *)(uintptr_t)word;
        break;
    default:
        a->has_uint_value = true;
        a->uint_value = word;
    }
}

static bool is_null(const uint64_t *null, unsigned bit)
{
    return null && null[bit / 64] >> bit % 64 & 1;
}

static void put_arguments(struct argument_list *l, const struct plan *p, const uint64_t *v,
                          const uint64_t *null)
{
    l->count = 0;
    for (unsigned i = 0; i < p->count; i++)
        if (!is_null(null, p->arguments[i].bit))
            put_argument(l, &p->arguments[i], v);
}

static int count_value(struct sink *s, const struct plan *p, const uint64_t *v)
{
    const struct column *by = p->counted_by;
    uint64_t value = v[p->counted->slot], number = by ? v[by->slot] : 0;
    const char *word = by && by->names ? tap_enum_name(by->names, (int64_t)number) : NULL;
    struct perfetto_track *t =
        perfetto_counter(s, p->party, p->counter->name, number, word, p->counter->bytes);
    Perfetto__TrackEvent e = PERFETTO__TRACK_EVENT__INIT;

    if (!t)
        return s->out.error;
    t->sum = p->counter->sum ? t->sum + (int64_t)value : (int64_t)value;
    e.has_type = e.has_track_uuid = e.has_counter_value = true;
    e.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_COUNTER;
    e.track_uuid = t->uuid;
    e.counter_value = t->sum;
    return perfetto_event(s, v[p->time->slot], &e);
}

static int put_slice(struct sink *s, const struct plan *p, struct perfetto_track *t,
                     Perfetto__TrackEvent *e, uint64_t time, uint64_t lasted)
{
    Perfetto__TrackEvent end = PERFETTO__TRACK_EVENT__INIT;
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
            e->has_name_iid = false; /* the viewer ends a slice of that name only */
            e->n_category_iids = 0;
        }
        return perfetto_event(s, time, e);
    case SPAN:
    case SINCE:
        if (!lasted || lasted > time)
            return perfetto_event(s, time, e);
        e->type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN;
        error = perfetto_event(s, time - lasted, e);
        end.has_type = end.has_track_uuid = true;
        end.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END;
        end.track_uuid = e->track_uuid;
        return error ? error : perfetto_event(s, time, &end);
    default:
        break;
    }
    return perfetto_event(s, time, e);
}

static int event_row(struct sink *s, const struct plan *p, const uint64_t *v, const uint64_t *null)
{
    uint64_t display = p->display ? v[p->display->slot] : 0;
    uint64_t number = p->number ? v[p->number->slot] : 0;
    uint64_t lasted = p->lasted ? v[p->lasted->slot] : 0, category = p->category;
    uint64_t time = v[p->time->slot];
    struct perfetto_track *t =
        perfetto_track(s, p->party, p->group, display, p->number ? &number : NULL);
    Perfetto__TrackEvent e = PERFETTO__TRACK_EVENT__INIT;
    static struct argument_list list;

    if (!t)
        return s->out.error ? s->out.error : -ENOMEM;
    put_arguments(&list, p, v, null);
    e.n_category_iids = 1;
    e.category_iids = &category;
    e.n_debug_annotations = list.count;
    e.debug_annotations = list.all;
    e.has_type = e.has_name_iid = e.has_track_uuid = true;
    e.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT;
    e.name_iid = p->name;
    e.track_uuid = t->uuid;
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
    uint64_t flow = ++x->flows, category = p->category;
    static struct argument_list list;
    int last = -1, error = 0;

    put_arguments(&list, p, v, null);
    for (int i = 0; i < STEPS; i++)
        if (known(p, i, v, null))
            last = i;
    for (int i = 0; i <= last && !error; i++) {
        Perfetto__TrackEvent e = PERFETTO__TRACK_EVENT__INIT;
        struct perfetto_track *t;

        if (!known(p, i, v, null))
            continue;
        t = perfetto_track(s, p->link->steps[i].party, p->link->table, 0, NULL);
        if (!t)
            return s->out.error ? s->out.error : -ENOMEM;
        e.n_category_iids = 1;
        e.category_iids = &category;
        e.n_debug_annotations = list.count;
        e.debug_annotations = list.all;
        list.count = 0; /* once */
        e.has_type = e.has_name_iid = e.has_track_uuid = true;
        e.type = PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT;
        e.name_iid = p->step_names[i];
        e.track_uuid = t->uuid;
        e.n_flow_ids = i < last;
        e.n_terminating_flow_ids = i == last;
        e.flow_ids = e.terminating_flow_ids = &flow;
        error = perfetto_event(s, v[p->steps[i]->slot], &e);
    }
    return error;
}

static int perfetto_row(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null)
{
    const struct plan *p = t->state;
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
