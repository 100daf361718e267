/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How an event of a log becomes one of the built-in table: kinds and fields are matched by name. */
#ifndef SPICETAP_TAP_KNOWN_H
#define SPICETAP_TAP_KNOWN_H

#include "log/tap_format.h"

struct tap_translation {
    const struct tap_kind_desc *to; /* NULL: the built-in table does not have the kind */
    bool same;                      /* the layouts are equal */
    struct {
        uint8_t from, to, slots;
    } move[TAP_MAX_SLOTS];
    unsigned moves;
};

/* Compares the log's kind with the built-in table's. */
void tap_translation_learn(struct tap_translation *t, const struct tap_kind_desc *from);
/* `e` itself, or `room` filled in; NULL: the built-in table does not have the kind. */
const struct tap_event *tap_translate(const struct tap_translation *t, const struct tap_event *e,
                                      struct tap_event *room);

#endif
