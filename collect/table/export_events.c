/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as rows: a kind's fields are the columns, its slots are the row. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log/tap_format.h"
#include "run/cursor.h"
#include "table/export.h"

enum { KINDS = UINT16_MAX + 1, HEAD_WORDS = 2 };

/* One kind of one log. */
struct event_table {
    const struct tap_kind_desc *kind;
    struct schema schema;
    struct column columns[4 + TAP_MAX_FIELDS]; /* t, source, event, tid, then the fields */
    bool wanted;                               /* else its events are skipped */
    bool rows;                                 /* else they are counted only */
    struct table *table;                       /* NULL: not begun */
    uint64_t unknown; /* a loss: bits of the columns in which 0 is unknown */
};

struct export
{
    struct sink *sink;
    const struct event_choice *choice;
    const struct bundle_log *logs;
    size_t log_count;
    struct event_table **tables; /* KINDS for each log, made when first met */
};

static enum column_kind column_kind(const struct tap_field *f)
{
    if (f->type == TYPE_RECT)
        return COLUMN_BOX;
    if (f->names)
        return COLUMN_ENUM;
    if (!strcmp(f->meaning, "hex"))
        return COLUMN_HEX;
    if (!strcmp(f->meaning, "flag"))
        return COLUMN_FLAG;
    return f->type == TYPE_S32 || f->type == TYPE_S64 ? COLUMN_SIGNED : COLUMN_UNSIGNED;
}

static const char *unit_of(const struct tap_field *f)
{
    if (!strcmp(f->meaning, "bytes"))
        return "bytes";
    return !strcmp(f->meaning, "time") || !strcmp(f->meaning, "ns") ? "ns" : "";
}

static struct event_table *make_table(enum tap_source source, const struct tap_kind_desc *kind)
{
    struct event_table *t = calloc(1, sizeof(*t));
    unsigned n = 4;

    if (!t)
        return NULL;
    t->kind = kind;
    t->columns[0] = (struct column){
        .name = "t", .kind = COLUMN_UNSIGNED, .slot = 0, .unit = "ns", .help = "time of the event"};
    t->columns[1] = (struct column){.name = "source",
                                    .kind = COLUMN_CONSTANT,
                                    .unit = "",
                                    .help = "who recorded it",
                                    .text = tap_source_name(source)};
    t->columns[2] = (struct column){.name = "event",
                                    .kind = COLUMN_CONSTANT,
                                    .unit = "",
                                    .help = "its kind",
                                    .text = kind->name};
    t->columns[3] = (struct column){
        .name = "tid", .kind = COLUMN_UNSIGNED, .slot = 1, .unit = "", .help = "thread"};
    for (unsigned i = 0; i < kind->count; i++) {
        const struct tap_field *f = &kind->fields[i];
        bool nullable =
            kind->kind == EV_loss && (!strcmp(f->name, "count") || !strcmp(f->name, "since"));

        if (nullable)
            t->unknown |= UINT64_C(1) << n;
        t->columns[n++] = (struct column){.name = f->name,
                                          .kind = column_kind(f),
                                          .slot = HEAD_WORDS + f->slot,
                                          .nullable = nullable,
                                          .unit = unit_of(f),
                                          .help = f->help,
                                          .names = f->names};
    }
    t->schema = (struct schema){kind->name, kind->help, t->columns, n};
    return t;
}

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return !count;
}

/* NULL: its log does not describe the kind, or there is no memory (*error). */
static struct event_table *table_of(struct export *x, const struct bundle_log *log, uint16_t number,
                                    int *error)
{
    struct event_table **at = &x->tables[(size_t)(log - x->logs) * KINDS + number];
    const struct event_choice *choice = x->choice;
    const struct tap_kind_desc *kind;

    if (*at)
        return *at;
    kind = tap_reader_kind(log->reader, number);
    if (!kind)
        return NULL;
    *at = make_table(log->source, kind);
    if (!*at) {
        *error = -ENOMEM;
        return NULL;
    }
    (*at)->wanted = has_name(choice->sources, choice->source_count, tap_source_name(log->source)) &&
                    (number == EV_loss || has_name(choice->kinds, choice->kind_count, kind->name));
    (*at)->rows = !x->sink->one_table || !strcmp(choice->kinds[0], kind->name);
    return *at;
}

static int begin(struct export *x, struct event_table *t)
{
    return t->table ? 0 : sink_table(x->sink, &t->schema, &t->table);
}

bool export_describes(struct bundle *b, const char *name)
{
    const struct bundle_log *logs;
    size_t count = bundle_logs(b, &logs);

    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; logs[i].reader && k < KINDS; k++) {
            const struct tap_kind_desc *kind = tap_reader_kind(logs[i].reader, (uint16_t)k);

            if (kind && !strcmp(kind->name, name))
                return true;
        }
    return false;
}

/* The one table is there even when it gets no row. */
static int begin_one(struct export *x)
{
    int error = 0;

    for (size_t i = 0; i < x->log_count; i++)
        for (unsigned k = 0; x->logs[i].reader && k < KINDS; k++) {
            const struct tap_kind_desc *kind = tap_reader_kind(x->logs[i].reader, (uint16_t)k);
            struct event_table *t;

            if (!kind || strcmp(kind->name, x->choice->kinds[0]))
                continue;
            t = table_of(x, &x->logs[i], (uint16_t)k, &error);
            return t ? begin(x, t) : error;
        }
    return 0;
}

/* Who asks a database for a kind that did not happen wants no error. */
static int begin_all(struct export *x)
{
    int error = 0;

    for (size_t i = 0; i < x->log_count; i++)
        for (unsigned k = 0; x->logs[i].reader && k < KINDS && !error; k++) {
            struct event_table *t = table_of(x, &x->logs[i], (uint16_t)k, &error);

            if (t && t->wanted)
                error = begin(x, t);
        }
    return error;
}

static int put(struct export *x, struct event_table *t, const struct run_event *e)
{
    const struct tap_event *ev = e->raw;
    uint64_t row[HEAD_WORDS + TAP_MAX_SLOTS], null = 0;
    int error = begin(x, t);

    if (error)
        return error;
    row[0] = ev->time;
    row[1] = ev->tid;
    memcpy(row + HEAD_WORDS, ev->v, sizeof(ev->v));
    for (unsigned i = 0; t->unknown && i < t->schema.count; i++)
        if (t->unknown >> i & 1 && !row[t->columns[i].slot])
            null |= UINT64_C(1) << i;
    return sink_row(x->sink, t->table, row, null ? &null : NULL);
}

static int walk(struct export *x, struct run_cursor *c, struct event_counts *counts)
{
    const struct event_choice *choice = x->choice;
    struct run_event e;
    int error = 0;

    while (!error && cursor_next(c, &e) == 1) {
        struct event_table *t = table_of(x, e.log, e.raw->kind, &error);

        if (!t || !t->wanted || e.raw->time < choice->from || e.raw->time >= choice->to)
            continue;
        counts->losses += e.raw->kind == EV_loss;
        if (!t->rows)
            continue;
        error = put(x, t, &e);
        counts->rows++;
    }
    return error;
}

int export_events(struct sink *s, struct bundle *b, const struct event_choice *choice,
                  struct event_counts *counts)
{
    struct export x = {.sink = s, .choice = choice};
    struct run_cursor *c = NULL;
    int error = 0;

    *counts = (struct event_counts){0};
    x.log_count = bundle_logs(b, &x.logs);
    x.tables = calloc(x.log_count * KINDS + 1, sizeof(struct event_table *));
    if (!x.tables)
        return -ENOMEM;
    if (s->one_table)
        error = begin_one(&x);
    else if (s->kind->empty)
        error = begin_all(&x);
    if (!error)
        error = cursor_open(&c, b);
    if (!error)
        error = walk(&x, c, counts);
    cursor_close(c);
    for (size_t i = 0; i < x.log_count * KINDS; i++)
        free(x.tables[i]);
    free(x.tables);
    return error;
}
