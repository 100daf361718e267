/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an event is: the table of kinds, fields and enums, made from bpf/events.def. */
#ifndef SPICETAP_EVENT_H
#define SPICETAP_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

struct tap_enum_value {
    int64_t value;
    const char *name, *help;
};

struct tap_enum {
    const char *name;
    const struct tap_enum_value *values;
    size_t count;
};

struct tap_field {
    const char *name, *help;
    enum tap_type type;
    const char *meaning; /* "num", "hex", "bytes", "time", "ns", "box", "flag" or an enum's name */
    const struct tap_enum *names; /* NULL unless `meaning` names an enum */
    uint16_t slot;                /* first slot in tap_event.v */
    int16_t arg;                  /* USDT argument, -1 if the recorder fills it in */
};

struct tap_kind_desc {
    uint16_t kind;
    enum tap_source source;
    const char *name, *help;
    const struct tap_field *fields;
    uint16_t count; /* fields */
    uint16_t slots; /* slots they take */
};

/* tap_enum_draw_verdict and the others of events.def. */
#define ENUM(name, values) extern const struct tap_enum tap_enum_##name;
#include "bpf/events.def"

/* The built-in table, from events.def, sorted by kind. */
extern const struct tap_kind_desc tap_kinds[];
extern const size_t tap_kind_count;
const struct tap_kind_desc *tap_kind_find(uint16_t kind);           /* NULL: not known */
const struct tap_kind_desc *tap_kind_by_name(const char *name);     /* NULL: not known */
const char *tap_enum_name(const struct tap_enum *e, int64_t value); /* NULL: no name */
const char *tap_source_name(enum tap_source s);                     /* "spice", "qemu", "meta" */

#endif
