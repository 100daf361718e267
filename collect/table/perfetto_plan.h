/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of each kind of event, and of linked rows, in Perfetto's viewer. */
#ifndef SPICETAP_PERFETTO_PLAN_H
#define SPICETAP_PERFETTO_PLAN_H

#include "table/perfetto_trace.h"

/* What becomes of an event. SPAN: a slice that ends at its time and lasted as long as a column
 * says; SINCE: that began at the time in the column. */
enum how { INSTANT, BEGIN, END, SPAN, SINCE };

/* A counter: `sum` of all values so far, or the last one. */
struct counter {
    const char *kind, *value, *name, *by;
    bool sum, bytes;
};

/* The times of a linked row, in the order in which things go on. */
enum { STEPS = 6 };
struct link {
    const char *table;
    struct {
        const char *column;
        enum tap_source party;
    } steps[STEPS];
};

enum { PERFETTO_HEAD = 11 }; /* bytes of a packed name at most */

/* One argument of a row. */
struct argument {
    const struct column *column;
    unsigned bit;
    uint8_t head[4][PERFETTO_HEAD]; /* its name, packed; a box has four */
    uint8_t head_length[4];
    uint64_t *value_iid; /* of an enum's values, as in column->names */
};

struct plan {
    enum tap_source party;
    enum how how;
    const char *group;
    uint64_t name, category;
    const struct column *time, *lasted, *display, *number; /* NULL: the table has none */
    const struct counter *counter;
    const struct column *counted, *counted_by;
    const struct link *link;
    const struct column *steps[STEPS];
    unsigned step_bits[STEPS];
    uint64_t step_names[STEPS];
    struct perfetto_track *track; /* of the last row; NULL: none yet */
    uint64_t on_display, on_number;
    struct perfetto_track *counts; /* likewise, its counter's */
    uint64_t counts_by;
    bool has_text;
    unsigned count;
    struct argument arguments[];
};

/* The plan of a table; free() frees it once plan_clear() was called. 0 or -errno. */
int plan_make(struct sink *s, const struct schema *schema, struct plan **out);
void plan_clear(const struct plan *p);

#endif
