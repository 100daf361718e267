/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comma-separated values. Kinds have different columns, so a table holds one kind: either the
 * one asked for, or a folder of files, one a kind that occurs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "table/export.h"
#include "log/tap_format.h"

struct csv_file {
    char name[TAP_MAX_NAME + 1]; /* the kind's */
    const struct tap_kind_desc *kind;
    struct out out;
};

struct csv {
    struct csv_file *files[TAP_MAX_KINDS];
    size_t count;
};

static int header(struct out *o, const struct table *t)
{
    static const char *const sides[] = {"left", "top", "right", "bottom"};
    char *p = put_text(o->p, "t,source,event,tid", 18);

    for (unsigned i = 0; i < t->count; i++) {
        const struct column *c = &t->columns[i];

        for (int side = 0; side < (c->kind == COLUMN_BOX ? 4 : 1); side++) {
            *p++ = ',';
            p = put_text(p, c->field->name, strlen(c->field->name));
            if (c->kind == COLUMN_BOX) {
                *p++ = '_';
                p = put_text(p, sides[side], strlen(sides[side]));
            }
        }
    }
    o->p = p;
    return out_line(o);
}

static int csv_begin(struct export *x)
{
    int err;

    x->state = calloc(1, sizeof(struct csv));
    if (!x->state)
        return -ENOMEM;
    if (x->only) {
        err = export_open_file(x);
        return err ? err : header(&x->out, x->only);
    }
    snprintf(x->failed, sizeof(x->failed), "%s", x->output);
    return mkdir(x->output, 0777) ? -errno : 0;
}

static bool same_columns(const struct tap_kind_desc *a, const struct tap_kind_desc *b)
{
    if (a->count != b->count)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(a->fields[i].name, b->fields[i].name) ||
            (a->fields[i].type == TYPE_RECT) != (b->fields[i].type == TYPE_RECT))
            return false;
    return true;
}

static int open_kind(struct export *x, struct csv *csv, struct table *t)
{
    struct csv_file *f = calloc(1, sizeof(*f));
    int err, fd;

    if (!f || csv->count == TAP_MAX_KINDS) {
        free(f);
        return -ENOMEM;
    }
    snprintf(f->name, sizeof(f->name), "%s", t->kind->name);
    f->kind = t->kind;
    snprintf(x->failed, sizeof(x->failed), "%s/%s.csv", x->output, f->name);
    fd = open(x->failed, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    err = fd < 0 ? -errno : out_open(&f->out, fd);
    if (err) {
        free(f);
        return err;
    }
    csv->files[csv->count++] = f;
    t->out = &f->out;
    return header(t->out, t);
}

/* The file of a kind; the same kind of two logs goes into one. */
static int find_file(struct export *x, struct table *t)
{
    struct csv *csv = x->state;

    if (x->only) {
        t->out = &x->out;
        return same_columns(x->only->kind, t->kind) ? 0 : -EPROTO;
    }
    for (size_t i = 0; i < csv->count; i++)
        if (!strcmp(csv->files[i]->name, t->kind->name)) {
            t->out = &csv->files[i]->out;
            return same_columns(csv->files[i]->kind, t->kind) ? 0 : -EPROTO;
        }
    return open_kind(x, csv, t);
}

static char *put_box(char *p, const uint64_t *v)
{
    int32_t box[4];

    memcpy(box, v, sizeof(box));
    for (int i = 0; i < 4; i++) {
        if (i)
            *p++ = ',';
        p = put_signed(p, box[i]);
    }
    return p;
}

static int csv_event(struct export *x, struct table *t, const struct tap_event *ev)
{
    char *p;
    int err = t->out ? 0 : find_file(x, t);

    if (err)
        return err;
    p = put_unsigned(t->out->p, ev->time);
    p = put_text(p, t->head, t->head_length);
    p = put_unsigned(p, ev->tid);
    for (unsigned i = 0; i < t->count; i++) {
        const struct column *c = &t->columns[i];

        *p++ = ',';
        if (c->kind == COLUMN_BOX)
            p = put_box(p, &ev->v[c->slot]);
        else
            p = export_value(p, c, ev->v[c->slot], false);
    }
    t->out->p = p;
    err = out_line(t->out);
    if (err)
        snprintf(x->failed, sizeof(x->failed), "%s.csv", t->kind->name);
    return err;
}

static int csv_end(struct export *x)
{
    struct csv *csv = x->state;
    int err = x->only ? out_close(&x->out) : 0;

    for (size_t i = 0; csv && !x->only && i < csv->count; i++) {
        struct csv_file *f = csv->files[i];
        int failed = out_close(&f->out);

        if (failed && !err) {
            err = failed;
            snprintf(x->failed, sizeof(x->failed), "%s.csv", f->name);
        }
        x->out.written += f->out.written;
        free(f);
    }
    free(csv);
    return err;
}

const struct exporter export_csv = {
    .name = "csv",
    .help = "a table a kind: one kind with --kind, or a folder of tables with -o",
    .begin = csv_begin,
    .event = csv_event,
    .end = csv_end,
};
