/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows with a schema: what links and exports hand to the sinks of table/. A row is an array of
 * 64-bit words and a bit for each column that is null: its value is unknown. The layout is that of
 * an event's slots, so an event becomes a row without a conversion.
 */
#ifndef SPICETAP_ROW_H
#define SPICETAP_ROW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "event/event.h"

/* What a column's word holds, and how text formats print it. */
enum column_kind {
    COLUMN_UNSIGNED,
    COLUMN_SIGNED,   /* sign-extended */
    COLUMN_HEX,      /* 0x..., a string in JSON */
    COLUMN_FLAG,     /* 0 or 1: false or true */
    COLUMN_ENUM,     /* the name of a value of `names`; the number, signed, if it has none */
    COLUMN_REAL,     /* the bits of a double; six digits; not finite: null */
    COLUMN_TEXT,     /* const char *, any UTF-8; NULL: null */
    COLUMN_BOX,      /* two words: four int32_t, left, top, right, bottom; four columns in CSV */
    COLUMN_CONSTANT, /* no word: `text` in each row */
};

struct column {
    const char *name;
    enum column_kind kind;
    uint16_t slot;                /* its first word */
    bool nullable;                /* it can be unknown */
    const char *unit, *help;      /* "ns", "bytes", "" */
    const struct tap_enum *names; /* COLUMN_ENUM */
    const char *text;             /* COLUMN_CONSTANT */
};

struct schema {
    const char *name, *help;
    const struct column *columns;
    unsigned count;
};

/* One row of a schema of at most 64 columns, filled column by column. */
enum { ROW_COLUMNS = 64, ROW_WORDS = 80 };

struct row {
    const struct schema *schema;
    uint64_t null;
    uint64_t v[ROW_WORDS];
};

/* Where rows go. `put` copies what it needs: row and texts may change after it. 0 or -errno. */
struct row_sink {
    int (*put)(struct row_sink *to, const struct row *row);
    int error; /* the first one; nothing is put after it */
    uint64_t rows;
};

/* `to` may be NULL: the row is dropped. */
static inline void row_put(struct row_sink *to, const struct row *row)
{
    if (!to || to->error)
        return;
    to->rows++;
    to->error = to->put(to, row);
}

/* All columns null. */
static inline void row_clear(struct row *r, const struct schema *schema)
{
    r->schema = schema;
    r->null = UINT64_MAX;
    memset(r->v, 0, sizeof(r->v));
}

static inline uint64_t *row_cell(struct row *r, unsigned column)
{
    r->null &= ~(UINT64_C(1) << column);
    return &r->v[r->schema->columns[column].slot];
}

static inline void row_set(struct row *r, unsigned column, uint64_t v)
{
    *row_cell(r, column) = v;
}

/* 0: null. For times and ids. */
static inline void row_known(struct row *r, unsigned column, uint64_t v)
{
    if (v)
        row_set(r, column, v);
}

/* UINT64_MAX: null. For the error of a clock that nothing bounds. */
static inline void row_bounded(struct row *r, unsigned column, uint64_t v)
{
    if (v != UINT64_MAX)
        row_set(r, column, v);
}

/* NULL: null. The text must live until row_put(). */
static inline void row_text(struct row *r, unsigned column, const char *text)
{
    if (text)
        row_set(r, column, (uintptr_t)text);
}

static inline void row_box(struct row *r, unsigned column, const int32_t *box)
{
    memcpy(row_cell(r, column), box, 4 * sizeof(*box));
}

static inline bool row_null(const struct row *r, unsigned column)
{
    return r->null >> column & 1;
}

#endif
