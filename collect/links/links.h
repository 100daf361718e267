/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is linked by identity: each view makes a table of rows, and a summary, in one pass. */
#ifndef SPICETAP_LINKS_H
#define SPICETAP_LINKS_H

#include <stdio.h>
#include <jansson.h>

#include "event/row.h"

struct link_view {
    const struct schema *schema; /* its name is the option, without -- */
    /* Rows go to `rows`, which outlives the view; NULL: a summary alone. NULL: no memory. */
    void *(*begin)(struct row_sink *rows);
    /* An event as the built-in table has it, in order of time. `error`: how wrong its time may be,
     * ns; UINT64_MAX: unknown. */
    void (*add)(void *state, const struct tap_event *ev, enum tap_source source, uint64_t error);
    int (*end)(void *state);              /* puts the rows that are still open; 0 or -errno */
    json_t *(*summary)(void *state);      /* after end; the caller owns it; NULL: no memory */
    void (*text)(const json_t *, FILE *); /* the summary for people */
    /* After end: adds what did not fit each table, by json_count. Rows are missing or not whole
     * because of it. */
    void (*overflows)(const void *state, json_t *list);
    void (*free)(void *state);
};

extern const struct link_view view_journeys, view_oom, view_fences, view_updates;

/* The view of that name, NULL: none. */
const struct link_view *link_view(const char *name);

struct link_walk {
    const struct link_view *view;
    void *state;
    const struct row_sink *rows; /* NULL: they are dropped */
};

/* Feeds every event of `b` to each view, and ends them in their order. `losses`, if not NULL,
 * counts the loss records on the way. 0 or -errno. */
struct bundle;
int links_walk(const struct link_walk *walks, size_t count, struct bundle *b, uint64_t *losses);
/* The summary, with `overflows` if there are any. The caller owns it. NULL: no memory. */
json_t *links_summary(const struct link_view *view, void *state);
void links_text(const struct link_view *view, const json_t *summary, FILE *f);

/* ---- for the views ---- */

/* within_error: the times disagree by less than their error. */
enum link_order { ORDER_OK, ORDER_WITHIN_ERROR, ORDER_VIOLATED };
extern const char *const link_orders[3];

enum { ALWAYS, MAYBE }; /* nullable or not */
#define LINK_NAMES_ENUM(names)     &tap_enum_##names
#define LINK_NAMES_UNSIGNED(names) NULL
#define LINK_NAMES_SIGNED(names)   NULL
#define LINK_NAMES_HEX(names)      NULL
#define LINK_NAMES_FLAG(names)     NULL
#define LINK_NAMES_TEXT(names)     NULL
#define LINK_NAMES_BOX(names)      NULL
#define LINK_AT(NAME, ...)         AT_##NAME,
/* A box, of which a view has one, is in the last two words. */
#define LINK_COLUMN(NAME, KIND, UNIT, NULLABLE, NAMES, HELP)                                       \
    {.name = #NAME,                                                                                \
     .kind = COLUMN_##KIND,                                                                        \
     .slot = COLUMN_##KIND == COLUMN_BOX ? AT_COUNT : AT_##NAME,                                   \
     .nullable = (NULLABLE) == MAYBE,                                                              \
     .unit = UNIT,                                                                                 \
     .help = HELP,                                                                                 \
     .names = LINK_NAMES_##KIND(NAMES)},
/* A view's columns, from its X-macro: their numbers AT_..., and `columns`. */
#define LINK_COLUMNS(COLUMNS)                                                                      \
    enum { COLUMNS(LINK_AT) AT_COUNT };                                                            \
    static const struct column columns[] = {COLUMNS(LINK_COLUMN)}

/* Adds {"name": count} if it is not 0. */
void json_count(json_t *object, const char *name, uint64_t count);
long long json_number(const json_t *s, const char *key);
/* "997 (99.70 %)" */
void text_share(FILE *f, const json_t *s, const char *part, const char *of);
/* "title: name count, ..." of the object at `key`; nothing if it is empty. */
void text_counts(FILE *f, const json_t *s, const char *title, const char *key);

#endif
