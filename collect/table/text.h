/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows as text, for JSON and CSV: what can be worked out once for a schema is in a plan. */
#ifndef SPICETAP_TABLE_TEXT_H
#define SPICETAP_TABLE_TEXT_H

#include "base/out.h"
#include "event/row.h"

struct text_cell {
    enum column_kind kind;
    uint16_t slot, length; /* length of `before` */
    unsigned column;       /* its bit in `null` */
    const char *before;    /* separator, key, and the constant columns between */
    const struct tap_enum *names;
};

struct text_plan {
    bool json;
    unsigned count;
    bool has_text;     /* COLUMN_TEXT: a row's length is not bounded by `most` */
    size_t most;       /* bytes of a row at most, without its texts */
    const char *after; /* what ends a row */
    size_t after_length;
    char *memory; /* what the pointers point into: behind `cells` */
    struct text_cell cells[];
};

/* free() frees it. NULL: no memory. */
struct text_plan *text_plan_new(const struct schema *schema, bool json);
/* Writes one row and its end of line. 0 or -errno. */
int text_row_json(struct out *o, const struct text_plan *p, const uint64_t *v,
                  const uint64_t *null);
int text_row_csv(struct out *o, const struct text_plan *p, const uint64_t *v, const uint64_t *null);

/* Text with its quotes: JSON always has them, CSV where it must. What is not UTF-8 becomes U+FFFD.
 * Needs TEXT_GROWTH * strlen(text) + 2 bytes. */
enum { TEXT_GROWTH = 6 };
char *put_json_text(char *p, const char *text);
char *put_csv_text(char *p, const char *text);

/* The names of a box' four columns in CSV. */
extern const char *const text_sides[4];

#endif
