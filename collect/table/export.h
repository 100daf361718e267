/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exporters: each turns the same walk over a run's events into one format. */
#ifndef SPICETAP_EXPORT_H
#define SPICETAP_EXPORT_H

#include "run/bundle.h"
#include "base/out.h"

/* How one field is printed, worked out once. */
enum column_kind {
    COLUMN_UNSIGNED,
    COLUMN_SIGNED,
    COLUMN_HEX,
    COLUMN_FLAG,
    COLUMN_ENUM,
    COLUMN_BOX,
};

struct column {
    enum column_kind kind;
    uint16_t slot;
    uint16_t length;             /* of key */
    char key[TAP_MAX_SLOTS * 5]; /* ,"name": for JSON */
    const struct tap_field *field;
};

/* One kind of one log. */
struct table {
    const struct tap_kind_desc *kind;
    const struct bundle_log *log;
    bool wanted;
    unsigned count;
    struct column columns[TAP_MAX_SLOTS];
    char head[192]; /* ,"source":"...","event":"...","tid": for JSON */
    size_t head_length;
    struct out *out; /* CSV: the kind's file */
};

struct export
{
    const char *output; /* FILE or FOLDER, NULL: standard output */
    struct table *only; /* the one kind asked for, or NULL */
    struct out out;     /* the one file */
    void *state;        /* the exporter's own */
    uint64_t events, losses;
    char failed[4096]; /* the file an error is about */
};

struct exporter {
    const char *name, *help;
    int (*begin)(struct export *x);
    int (*event)(struct export *x, struct table *t, const struct tap_event *ev);
    int (*end)(struct export *x); /* always called once begun */
};

extern const struct exporter export_jsonl, export_csv;

/* Opens x->output, or standard output, as x->out. */
int export_open_file(struct export *x);
/* A scalar; quotes around what JSON has no number for if `quote`. */
char *export_value(char *p, const struct column *c, uint64_t v, bool quote);

#endif
