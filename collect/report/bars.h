/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bars of the report's lanes: what has a begin and an end, each with its events. */
#ifndef SPICETAP_BARS_H
#define SPICETAP_BARS_H

#include <jansson.h>

#include "model/model.h"
#include "run/cursor.h"

struct bars;

/* After model_gather(). NULL: no memory. */
struct bars *bars_new(const struct model *x);
/* The run's events again, in order. */
void bars_add(struct bars *b, const struct run_event *e);
/*
 * An array of {lane, name, means, from, to (s since the start), ref, events, all}. `means` names a
 * colour. `ref` begins the references of the sentences about it; it may be empty. `events` has rows
 * of event_row(), the first and the last of `all`.
 */
json_t *bars_json(const struct bars *b);
/* {lane: a note that not all bars are there}. */
json_t *bars_notes(const struct bars *b);
void bars_free(struct bars *b);

#endif
