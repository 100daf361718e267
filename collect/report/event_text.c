/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "report/event_text.h"

static double seconds(uint64_t time, uint64_t start)
{
    return time > start ? (double)(time - start) / 1e9 : 0.0;
}

/* A time of 0 is one that the event does not have. */
static void time_text(uint64_t time, uint64_t start, char text[FIELD_TEXT])
{
    if (time > start)
        snprintf(text, FIELD_TEXT, "%.6f s", seconds(time, start));
    else
        snprintf(text, FIELD_TEXT, "%s", time ? "before" : "none");
}

void field_text(const struct tap_field *f, const struct tap_event *ev, uint64_t start,
                char text[FIELD_TEXT])
{
    uint64_t v = ev->v[f->slot];
    const char *name = f->names ? tap_enum_name(f->names, (int64_t)v) : NULL;
    int32_t box[4];

    if (f->type == TYPE_RECT) {
        memcpy(box, &ev->v[f->slot], sizeof(box));
        snprintf(text, FIELD_TEXT, "%d,%d,%d,%d", box[0], box[1], box[2], box[3]);
    } else if (name)
        snprintf(text, FIELD_TEXT, "%s", name);
    else if (!strcmp(f->meaning, "hex"))
        snprintf(text, FIELD_TEXT, "0x%" PRIx64, v);
    else if (!strcmp(f->meaning, "ns"))
        snprintf(text, FIELD_TEXT, "%.3f ms", (double)(int64_t)v / 1e6);
    else if (!strcmp(f->meaning, "time"))
        time_text(v, start, text);
    else if (!strcmp(f->meaning, "flag"))
        snprintf(text, FIELD_TEXT, "%s", v ? "true" : "false");
    else if (f->type == TYPE_S64 || f->type == TYPE_S32)
        snprintf(text, FIELD_TEXT, "%" PRId64, (int64_t)v);
    else
        snprintf(text, FIELD_TEXT, "%" PRIu64, v);
}

json_t *event_row(const struct tap_event *ev, enum tap_source source, uint64_t start)
{
    const struct tap_kind_desc *k = tap_kind_find(ev->kind);
    json_t *values = json_array();
    char text[FIELD_TEXT];

    for (unsigned i = 0; k && i < k->count; i++) {
        field_text(&k->fields[i], ev, start, text);
        json_array_append_new(values, json_string(text));
    }
    return json_pack("[f s s o]", seconds(ev->time, start), tap_source_name(source),
                     k ? k->name : "?", values);
}

const char *event_row_release(const json_t *row)
{
    const struct tap_kind_desc *k =
        tap_kind_by_name(json_string_value(json_array_get(row, 2)) ?: "?");

    for (unsigned i = 0; k && i < k->count; i++)
        if (!strcmp(k->fields[i].name, "release_id"))
            return json_string_value(json_array_get(json_array_get(row, 3), i));
    return NULL;
}

json_t *event_fields(void)
{
    json_t *o = json_object();

    for (size_t i = 0; i < tap_kind_count; i++) {
        json_t *names = json_array();

        for (unsigned n = 0; n < tap_kinds[i].count; n++)
            json_array_append_new(names, json_string(tap_kinds[i].fields[n].name));
        json_object_set_new(o, tap_kinds[i].name, names);
    }
    return o;
}
