/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of rows as CSV or as one JSON object a line; a cell may be empty. */
#ifndef SPICETAP_ROWS_H
#define SPICETAP_ROWS_H

#include "base/out.h"
#include "event/event.h"

enum cell_kind { CELL_NUMBER, CELL_SIGNED, CELL_HEX, CELL_FLAG, CELL_TEXT, CELL_BOX };

struct row_column {
    const char *name;
    enum cell_kind kind;
};

struct cell {
    bool set;
    uint64_t v;       /* a signed one sign-extended */
    int32_t box[4];   /* CELL_BOX */
    const char *text; /* CELL_TEXT: letters, digits, spaces and underscores only; NULL: v, signed */
};

enum { ROW_CELLS = 64 };

struct rows {
    const struct row_column *columns;
    unsigned count; /* at most ROW_CELLS */
    bool json;
    bool silent; /* nothing is printed: for a summary alone */
    struct out out;
    uint64_t printed;
    int error; /* the first one, kept */
};

/* The head line of a CSV; call it once `out` is open. */
void rows_begin(struct rows *r);
/* One row: a cell for each column. Errors are kept in `error`. */
void rows_put(struct rows *r, const struct cell *cells);

static inline void cell_number(struct cell *c, uint64_t v)
{
    c->set = true;
    c->v = v;
}

/* 0 is "not known" for times and ids. */
static inline void cell_known(struct cell *c, uint64_t v)
{
    c->set = v != 0;
    c->v = v;
}

static inline void cell_text(struct cell *c, const char *text)
{
    c->set = text != NULL;
    c->text = text;
}

/* The name of `field`'s value in kind `kind`, or the number if it has none. */
void cell_enum(struct cell *c, uint16_t kind, const char *field, uint64_t v);
void cell_box(struct cell *c, const int32_t *box);

#endif
