/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "table/sink.h"

int sink_open_file(struct sink *s, const char *path, struct out *out)
{
    int fd = STDOUT_FILENO;

    snprintf(s->failed, sizeof(s->failed), "%s", path ? path : "standard output");
    if (path)
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : out_open(out, fd);
}

bool schema_same(const struct schema *a, const struct schema *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->columns[i].name, b->columns[i].name) ||
            (a->columns[i].kind == COLUMN_BOX) != (b->columns[i].kind == COLUMN_BOX))
            return false;
    return true;
}

int sink_open(struct sink *s, const struct sink_kind *kind, const char *output, bool one_table)
{
    int error;

    *s = (struct sink){.kind = kind, .output = output, .one_table = one_table};
    error = kind->open(s);
    s->began = !error;
    s->error = error;
    if (error)
        sink_close(s);
    return error;
}

int sink_table(struct sink *s, const struct schema *schema, struct table **t)
{
    struct table *made = calloc(1, sizeof(*made));
    int error;

    if (!made)
        return -ENOMEM;
    made->schema = schema;
    error = s->kind->begin(s, made);
    made->next = s->tables;
    s->tables = made;
    *t = made;
    if (error && !s->error)
        s->error = error;
    return error;
}

int sink_close(struct sink *s)
{
    int error = s->kind->close(s);

    while (s->tables) {
        struct table *t = s->tables;

        s->tables = t->next;
        free(t->state);
        free(t);
    }
    return error;
}

int sink_about(struct sink *s, const char *name, const char *text, uint64_t number)
{
    int error = s->kind->about ? s->kind->about(s, name, text, number) : 0;

    if (error && !s->error)
        s->error = error;
    return error;
}

static int put(struct row_sink *to, const struct row *row)
{
    const struct sink_rows *r = (const struct sink_rows *)to;

    return sink_row(r->sink, r->table, row->v, &row->null);
}

int sink_rows(struct sink_rows *r, struct sink *s, const struct schema *schema)
{
    *r = (struct sink_rows){.to.put = put, .sink = s};
    return sink_table(s, schema, &r->table);
}
