/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comma-separated values (RFC 4180, lines end with \n). Tables have different columns, so a file
 * holds one: either the only one, or a new folder has a file NAME.csv for each.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "table/sink.h"
#include "table/text.h"

enum { CSV_NAME = 64 };

struct csv_file {
    char name[CSV_NAME];
    const struct schema *schema; /* of its first table */
    struct out out;
    struct csv_file *next;
};

static int csv_open(struct sink *s)
{
    if (s->one_table)
        return sink_open_file(s, s->output, &s->out);
    snprintf(s->failed, sizeof(s->failed), "%s", s->output);
    return mkdir(s->output, 0777) ? -errno : 0;
}

static int put_head(struct out *o, const struct schema *schema)
{
    int error = 0;

    for (unsigned i = 0; i < schema->count && !error; i++) {
        const struct column *c = &schema->columns[i];
        size_t length = strlen(c->name);

        error = out_reserve(o, 4 * (TEXT_GROWTH * length + 16));
        for (int side = 0; !error && side < (c->kind == COLUMN_BOX ? 4 : 1); side++) {
            if (i || side)
                *o->p++ = ',';
            o->p = put_csv_text(o->p, c->name);
            if (c->kind == COLUMN_BOX)
                o->p = put_text(o->p, text_sides[side], strlen(text_sides[side]));
        }
    }
    return error ? error : out_line(o);
}

/* A new file, with its head line. */
static int open_file(struct sink *s, struct csv_file *f)
{
    char path[sizeof(s->failed)];
    int error = 0;

    if (!s->one_table) {
        snprintf(path, sizeof(path), "%s/%s.csv", s->output, f->name);
        error = sink_open_file(s, path, &f->out);
    }
    return error ? error : put_head(s->one_table ? &s->out : &f->out, f->schema);
}

/* Two tables of one name, such as a kind of event in two logs, share a file. */
static int csv_begin(struct sink *s, struct table *t)
{
    struct csv_file *f = s->state;
    int error = 0;

    while (f && strncmp(f->name, t->schema->name, CSV_NAME - 1))
        f = f->next;
    if (f && !schema_same(f->schema, t->schema)) {
        snprintf(s->failed, sizeof(s->failed), "%s", f->name);
        return -EPROTO;
    }
    if (!f) {
        f = calloc(1, sizeof(*f));
        if (!f)
            return -ENOMEM;
        snprintf(f->name, sizeof(f->name), "%s", t->schema->name);
        f->schema = t->schema;
        f->next = s->state;
        s->state = f;
        error = open_file(s, f);
    }
    t->out = s->one_table ? &s->out : &f->out;
    t->state = text_plan_new(t->schema, false);
    return error ? error : t->state ? 0 : -ENOMEM;
}

static int csv_row(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null)
{
    int error = text_row_csv(t->out, t->state, v, null);

    if (error && !s->one_table)
        snprintf(s->failed, sizeof(s->failed), "%s/%s.csv", s->output, t->schema->name);
    return error;
}

static int csv_close(struct sink *s)
{
    struct csv_file *f = s->state;
    int error = out_close(&s->out);

    while (f) {
        struct csv_file *next = f->next;
        int failed = out_close(&f->out);

        if (failed && !error) {
            error = failed;
            snprintf(s->failed, sizeof(s->failed), "%s/%s.csv", s->output, f->name);
        }
        s->out.written += f->out.written;
        free(f);
        f = next;
    }
    return error;
}

const struct sink_kind sink_csv = {
    .name = "csv",
    .help = "a table: one to a file, several to a new folder",
    .open = csv_open,
    .begin = csv_begin,
    .row = csv_row,
    .close = csv_close,
};
