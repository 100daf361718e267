/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An event as a reader sees it, in `explain --events` and on the report's page. */
#ifndef SPICETAP_EVENT_TEXT_H
#define SPICETAP_EVENT_TEXT_H

#include <jansson.h>

#include "event/event.h"

enum { FIELD_TEXT = 96 };

/* The field's value with its unit. `start`: of the run; times count from it. */
void field_text(const struct tap_field *f, const struct tap_event *ev, uint64_t start,
                char text[FIELD_TEXT]);

/* [seconds, source, kind, [a text for each field]]. The caller owns it. */
json_t *event_row(const struct tap_event *ev, enum tap_source source, uint64_t start);
/* What release the event of such a row is about; NULL: it names none. */
const char *event_row_release(const json_t *row);
/* The fields' names of each kind, in the order of a row: {kind: [names]}. The caller owns it. */
json_t *event_fields(void);

#endif
