/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The built-in table of kinds, made from bpf/events.def. */
#include <string.h>

#include "event/event.h"

#define NOARG -1

/* What a field can mean beside an enum: spelled in small letters in a log. */
static const char meaning_NUM[] = "num", meaning_HEX[] = "hex", meaning_BYTES[] = "bytes",
                  meaning_TIME[] = "time", meaning_NS[] = "ns", meaning_BOX[] = "box",
                  meaning_FLAG[] = "flag";
static const struct tap_enum tap_enum_NUM, tap_enum_HEX, tap_enum_BYTES, tap_enum_TIME, tap_enum_NS,
    tap_enum_BOX, tap_enum_FLAG;
enum { is_enum_NUM, is_enum_HEX = 0, is_enum_BYTES = 0, is_enum_TIME = 0, is_enum_NS = 0 };
enum { is_enum_BOX, is_enum_FLAG = 0 };

#define V(prefix, value, name, help) {value, #name, help},
#define ENUM(name, values)           static const struct tap_enum_value values_##name[] = {values};
#include "bpf/events.def"
#undef V

#define V(prefix, value, name, help)
#define ENUM(name, values)                                                                         \
    static const char meaning_##name[] = #name;                                                    \
    enum { is_enum_##name = 1 };                                                                   \
    const struct tap_enum tap_enum_##name = {meaning_##name, values_##name,                        \
                                             sizeof(values_##name) / sizeof(*values_##name)};
#include "bpf/events.def"

#define WIDTH(type) (TYPE_##type == TYPE_RECT ? 2 : 1)

/* `slot` depends on the fields before, which one macro cannot see: number_slots() fills it in. */
#define F(ARG, TYPE, NAME, KIND, HELP)                                                             \
    {.name = #NAME,                                                                                \
     .help = HELP,                                                                                 \
     .type = TYPE_##TYPE,                                                                          \
     .meaning = meaning_##KIND,                                                                    \
     .names = is_enum_##KIND ? &tap_enum_##KIND : NULL,                                            \
     .arg = ARG},
#define EVENT(source, number, name, help, fields)                                                  \
    static struct tap_field fields_##name[] = {fields};
#include "bpf/events.def"
#undef F

#define F(arg, type, name, kind, help) +WIDTH(type)
#define EVENT(SOURCE, NUMBER, NAME, HELP, FIELDS)                                                  \
    {.kind = NUMBER,                                                                               \
     .source = SOURCE_##SOURCE,                                                                    \
     .name = #NAME,                                                                                \
     .help = HELP,                                                                                 \
     .fields = fields_##NAME,                                                                      \
     .count = sizeof(fields_##NAME) / sizeof(*fields_##NAME),                                      \
     .slots = 0 FIELDS},
const struct tap_kind_desc tap_kinds[] = {
#include "bpf/events.def"
};
#undef F
#undef V

const size_t tap_kind_count = sizeof(tap_kinds) / sizeof(*tap_kinds);

static void number(struct tap_field *fields, size_t count)
{
    uint16_t slot = 0;

    for (size_t i = 0; i < count; i++) {
        fields[i].slot = slot;
        slot += fields[i].type == TYPE_RECT ? 2 : 1;
    }
}

__attribute__((constructor)) static void number_slots(void)
{
#define EVENT(source, NUMBER, name, help, fields)                                                  \
    number(fields_##name, sizeof(fields_##name) / sizeof(*fields_##name));
#include "bpf/events.def"
}

const struct tap_kind_desc *tap_kind_find(uint16_t kind)
{
    size_t low = 0, high = tap_kind_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (tap_kinds[middle].kind == kind)
            return &tap_kinds[middle];
        if (tap_kinds[middle].kind < kind)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct tap_kind_desc *tap_kind_by_name(const char *name)
{
    for (size_t i = 0; i < tap_kind_count; i++)
        if (!strcmp(tap_kinds[i].name, name))
            return &tap_kinds[i];
    return NULL;
}

const char *tap_enum_name(const struct tap_enum *e, int64_t value)
{
    /* Nearly all enums count up from 0. */
    if (value >= 0 && (uint64_t)value < e->count && e->values[value].value == value)
        return e->values[value].name;
    for (size_t i = 0; i < e->count; i++)
        if (e->values[i].value == value)
            return e->values[i].name;
    return NULL;
}

static const char *const source_names[] = {
    [SOURCE_META] = "meta",   [SOURCE_SPICE] = "spice",   [SOURCE_QEMU] = "qemu",
    [SOURCE_GUEST] = "guest", [SOURCE_CLIENT] = "client",
};

const char *tap_source_name(enum tap_source s)
{
    return (size_t)s < sizeof(source_names) / sizeof(*source_names) ? source_names[s] : "unknown";
}
