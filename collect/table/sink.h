/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sinks: one format each, for rows of one or several tables. The order of calls is open, then for
 * each table begin before its first row, rows of all tables in any order, close. A new format is
 * one struct sink_kind.
 */
#ifndef SPICETAP_SINK_H
#define SPICETAP_SINK_H

#include "base/out.h"
#include "event/row.h"

struct sink;

/* One table of an output. */
struct table {
    const struct schema *schema; /* valid until the last row; its enums and texts until close() */
    void *state;                 /* the format's; freed with free() */
    struct out *out;             /* text formats: the file that its rows go to */
    struct table *next;
};

/* All functions return 0 or a negative errno. */
struct sink_kind {
    const char *name, *help;
    bool empty; /* a kind that did not happen has a table, too */
    bool links; /* linked events have a place beside the events */
    bool whole; /* a file that is not whole is of no use: it is removed after an error */
    int (*open)(struct sink *s);
    int (*begin)(struct sink *s, struct table *t);
    /* `null`: a bit for each column, NULL: none is null. */
    int (*row)(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null);
    /* NULL: the format has no place for it. `text` NULL: `number`. */
    int (*about)(struct sink *s, const char *name, const char *text, uint64_t number);
    int (*close)(struct sink *s); /* called once after open, also after an error */
};

struct sink {
    const struct sink_kind *kind;
    const char *output; /* FILE or FOLDER, NULL: standard output */
    bool began;         /* open() succeeded */
    bool one_table;     /* the output holds one table: a file, also where a format makes a folder */
    struct out out;     /* the one file */
    struct table *tables;
    void *state;       /* the format's own */
    int error;         /* the first one; whoever makes the rows may set it before sink_close() */
    char failed[4096]; /* the file that an error is about */
};

extern const struct sink_kind sink_jsonl, sink_csv, sink_sqlite, sink_perfetto;

/* For a format: opens `path`, NULL: standard output, and names it in s->failed. */
int sink_open_file(struct sink *s, const char *path, struct out *out);

/* Do rows of both fit one table: the same columns, of the same kind? */
bool schema_same(const struct schema *a, const struct schema *b);

/* Sets *s up and opens it. On an error it is closed already. */
int sink_open(struct sink *s, const struct sink_kind *kind, const char *output, bool one_table);
/* Begins a table; *t is the sink's. -EPROTO: a table of that name has other columns. */
int sink_table(struct sink *s, const struct schema *schema, struct table **t);
/* Bytes in s->out.written are of all files. */
int sink_close(struct sink *s);
/* What is known of the run, where the format has a place for it: `text`, NULL: `number`. */
int sink_about(struct sink *s, const char *name, const char *text, uint64_t number);

static inline int sink_row(struct sink *s, struct table *t, const uint64_t *v, const uint64_t *null)
{
    int error = s->kind->row(s, t, v, null);

    if (error && !s->error)
        s->error = error;
    return error;
}

/* A row_sink whose rows go to one table. */
struct sink_rows {
    struct row_sink to; /* first: it is cast */
    struct sink *sink;
    struct table *table;
};
/* Begins the table too. 0 or -errno. */
int sink_rows(struct sink_rows *r, struct sink *s, const struct schema *schema);

#endif
