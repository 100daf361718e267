/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log's description of itself, made from the built-in table. */
#include <jansson.h>

#include "log/tap_format.h"

const char *const tap_type_names[] = {
    [TYPE_U64] = "u64", [TYPE_U32] = "u32",   [TYPE_S32] = "s32",   [TYPE_S64] = "s64",
    [TYPE_U8] = "u8",   [TYPE_BOOL] = "bool", [TYPE_RECT] = "rect",
};

/* How a field is stored that is neither a time nor equal to the one before: docs/dev/format.md. */
struct coding {
    const char *kind; /* NULL: any */
    const char *field, *code;
    const char *of, *by[2], *anew;
};

/* The first that fits. What is predicted from what was measured in runs of the demo. */
static const struct coding codings[] = {
    {.field = "drawable", .code = "recent"},
    {.kind = "draw", .field = "release_id", .code = "last", .by = {"drawable"}},
    {.kind = "draw", .field = "created", .code = "since"},
    {.field = "client", .code = "last"},
    {.kind = "evict", .field = "box", .code = "delta"},
    {.kind = "client_picture", .field = "box", .code = "delta"},
    {.field = "box", .code = "last"},
    {.kind = "match", .field = "other", .code = "last", .of = "box"},
    {.kind = "match",
     .field = "since",
     .code = "since",
     .of = "created",
     .by = {"index", "against"},
     .anew = "verdict"},
    {.kind = "stream_attach", .field = "since", .code = "last"},
    {.kind = "sent", .field = "size", .code = "last", .of = "sent"},
    {.kind = "qxl_ring_res_push", .field = "freed", .code = "last"},
};

/* A release id is predicted from its drawable. */
static const struct coding plain = {.code = "delta"}, timed = {.code = "time"},
                           paired = {.code = "by", .by = {"drawable"}};

static const struct coding *coding_of(const struct tap_kind_desc *kind, const struct tap_field *f)
{
    for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++)
        if ((!codings[i].kind || !strcmp(codings[i].kind, kind->name)) &&
            !strcmp(codings[i].field, f->name))
            return &codings[i];
    if (!strcmp(f->name, "release_id") && f > kind->fields && !strcmp(f[-1].name, "drawable"))
        return &paired;
    return !strcmp(f->meaning, "time") ? &timed : &plain;
}

static json_t *field_json(const struct tap_kind_desc *kind, const struct tap_field *f)
{
    const struct coding *c = coding_of(kind, f);
    int columns = f->type == TYPE_RECT ? 4 : !strcmp(c->code, "recent") ? 2 : 1;
    json_t *o = json_pack("{ss ss ss ss}", "name", f->name, "type", tap_type_names[f->type],
                          "meaning", f->meaning, "code", c->code);

    if (c->of)
        json_object_set_new(o, "of", json_string(c->of));
    if (c->by[1])
        json_object_set_new(o, "by", json_pack("[ss]", c->by[0], c->by[1]));
    else if (c->by[0])
        json_object_set_new(o, "by", json_string(c->by[0]));
    if (c->anew)
        json_object_set_new(o, "anew", json_string(c->anew));
    json_object_set_new(o, "columns", json_integer(columns));
    json_object_set_new(o, "help", json_string(f->help));
    return o;
}

static json_t *enum_json(const struct tap_enum *e)
{
    json_t *values = json_array();

    for (size_t i = 0; i < e->count; i++)
        json_array_append_new(values,
                              json_pack("{sI ss ss}", "value", (json_int_t)e->values[i].value,
                                        "name", e->values[i].name, "help", e->values[i].help));
    return values;
}

static json_t *kind_json(const struct tap_kind_desc *kind, json_t *enums)
{
    json_t *fields = json_array();

    for (unsigned i = 0; i < kind->count; i++) {
        const struct tap_field *f = &kind->fields[i];

        json_array_append_new(fields, field_json(kind, f));
        if (f->names && !json_object_get(enums, f->names->name))
            json_object_set_new(enums, f->names->name, enum_json(f->names));
    }
    return json_pack("{si ss ss ss so}", "number", (int)kind->kind, "source",
                     tap_source_name(kind->source), "name", kind->name, "help", kind->help,
                     "fields", fields);
}

char *tap_desc_json(enum tap_source source)
{
    json_t *kinds = json_array(), *enums = json_object(), *all;
    char *text;

    for (size_t i = 0; i < tap_kind_count; i++)
        if (tap_kinds[i].source == source || tap_kinds[i].source == SOURCE_META)
            json_array_append_new(kinds, kind_json(&tap_kinds[i], enums));
    all =
        json_pack("{ss so so}", "source", tap_source_name(source), "kinds", kinds, "enums", enums);
    text = json_dumps(all, JSON_COMPACT);
    json_decref(all);
    return text;
}
