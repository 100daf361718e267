/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of an event by their names, made from events.def: for an event laid out as the
 * built-in table has it (run_event.event), FIELDS(ev, draw)->box.left.
 */
#ifndef SPICETAP_FIELDS_H
#define SPICETAP_FIELDS_H

#include "event/event.h"

struct tap_rect {
    int32_t left, top, right, bottom;
};

typedef uint64_t field_U64, field_U32, field_U8, field_BOOL;
typedef int64_t field_S32, field_S64;
typedef struct tap_rect field_RECT;

/* Every scalar takes a whole slot, a rectangle two, so the struct lies over tap_event.v. */
#define F(arg, type, name, kind, help) field_##type name;
#define EVENT(source, number, name, help, fields)                                                  \
    struct __attribute__((may_alias)) fields_##name {                                              \
        fields                                                                                     \
    };
#include "bpf/events.def"
#undef F

#define FIELDS(ev, name) ((const struct fields_##name *)(ev)->v)

#endif
