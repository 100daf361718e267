/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `spicetap export` links by identity: each view is a table and a summary of one pass. */
#ifndef SPICETAP_LINKS_H
#define SPICETAP_LINKS_H

#include <stdio.h>
#include <jansson.h>

#include "table/rows.h"

struct link_view {
    const char *name; /* the option, without -- */
    const struct row_column *columns;
    unsigned count;
    void *(*begin)(struct rows *rows); /* NULL: no memory */
    /* an event as the built-in table has it, in order of time; `error`: how wrong its time may be
     */
    void (*add)(void *state, const struct tap_event *ev, enum tap_source source, uint64_t error);
    int (*end)(void *state);              /* prints what is open; a negative errno */
    json_t *(*summary)(void *state);      /* after end */
    void (*text)(const json_t *, FILE *); /* the summary for people */
    void (*free)(void *state);
};

extern const struct link_view view_journeys, view_oom, view_fences, view_updates;

/* The view of that name, NULL: none. */
const struct link_view *link_view(const char *name);
/* Runs one view over RUN. `summary`: print that instead of the rows. Prints errors, returns the
 * exit code. */
int links_export(const struct link_view *view, const char *run, const char *output, bool json,
                 bool summary);

/* The pass alone, for tests: feeds the view every event of the bundle. */
struct bundle;
int links_walk(const struct link_view *view, void *state, struct bundle *b);

/* Adds {"name": count} for each that is not 0. */
static inline void json_count(json_t *object, const char *name, uint64_t count)
{
    if (count)
        json_object_set_new(object, name, json_integer((json_int_t)count));
}

/* "whole 997 of 1000 (99.70 %)" */
static inline void text_share(FILE *f, const json_t *s, const char *part, const char *of)
{
    double a = (double)json_integer_value(json_object_get(s, part));
    double b = (double)json_integer_value(json_object_get(s, of));

    fprintf(f, "%.0f (%.2f %%)", a, b > 0 ? 100 * a / b : 0.0);
}

void text_counts(FILE *f, const json_t *s, const char *title, const char *key);

static inline long long number_of(const json_t *s, const char *key)
{
    return (long long)json_integer_value(json_object_get(s, key));
}

#endif
