/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log's description of itself: made as JSON from the built-in table, and read back. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "log/tap_format.h"

static const char *const type_names[] = {
    [TYPE_U64] = "u64", [TYPE_U32] = "u32",   [TYPE_S32] = "s32",   [TYPE_S64] = "s64",
    [TYPE_U8] = "u8",   [TYPE_BOOL] = "bool", [TYPE_RECT] = "rect",
};
enum { TYPES = sizeof(type_names) / sizeof(*type_names) };

/* ---- writing ------------------------------------------------------------------------ */

/*
 * A release id is predicted from its drawable, except in `draw`, which pairs the two: there it is
 * predicted from the id before. A time is predicted from the event's own.
 */
static json_t *field_json(const struct tap_kind_desc *kind, const struct tap_field *f)
{
    bool paired = !strcmp(f->name, "release_id");
    const char *code = !strcmp(f->meaning, "time") ? "time" : "delta";
    json_t *o;

    if (paired && f > kind->fields && !strcmp(f[-1].name, "drawable")) {
        code = kind->kind == EV_draw ? "delta" : "by";
        o = json_pack("{ss ss ss ss ss}", "name", f->name, "type", type_names[f->type], "meaning",
                      f->meaning, "code", code, "by", f[-1].name);
    } else {
        o = json_pack("{ss ss ss ss}", "name", f->name, "type", type_names[f->type], "meaning",
                      f->meaning, "code", code);
    }
    json_object_set_new(o, "columns", json_integer(f->type == TYPE_RECT ? 4 : 1));
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

/* ---- reading ------------------------------------------------------------------------- */

/* Everything a description points to is freed at once. */
struct tap_arena {
    struct tap_arena *next;
    max_align_t data[];
};

static void *keep(struct tap_desc *d, size_t count, size_t size)
{
    struct tap_arena *a = calloc(1, sizeof(*a) + count * size);

    if (!a)
        return NULL;
    a->next = d->memory;
    d->memory = a;
    return a->data;
}

void tap_desc_free(struct tap_desc *d)
{
    while (d->memory) {
        struct tap_arena *next = d->memory->next;
        free(d->memory);
        d->memory = next;
    }
    *d = (struct tap_desc){0};
}

static const char *keep_text(struct tap_desc *d, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = keep(d, size, 1);

    return copy ? memcpy(copy, text, size) : NULL;
}

/* Names go into JSON keys, CSV headers and file names as they are, so they must be plain. */
static bool plain_name(const char *name)
{
    size_t length = name ? strlen(name) : 0;

    if (!length || length > TAP_MAX_NAME)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

static const char *name_of(struct tap_desc *d, const json_t *o)
{
    const char *name = json_string_value(json_object_get(o, "name"));

    return plain_name(name) ? keep_text(d, name) : NULL;
}

static const char *help_of(struct tap_desc *d, const json_t *o)
{
    const char *help = json_string_value(json_object_get(o, "help"));

    return keep_text(d, help ? help : "");
}

static int by_value(const void *a, const void *b)
{
    const struct tap_enum_value *x = a, *y = b;

    return (x->value > y->value) - (x->value < y->value);
}

/* An enum that is not described, or badly, leaves its fields as numbers. */
static const struct tap_enum *read_enum(struct tap_desc *d, const json_t *enums, const char *name)
{
    const json_t *values = json_object_get(enums, name);
    size_t count = json_array_size(values);
    struct tap_enum *e = keep(d, 1, sizeof(*e));
    struct tap_enum_value *v = keep(d, count ? count : 1, sizeof(*v));

    if (!count || !e || !v)
        return NULL;
    *e = (struct tap_enum){name, v, count};
    for (size_t i = 0; i < count; i++) {
        const json_t *o = json_array_get(values, i);

        v[i].value = json_integer_value(json_object_get(o, "value"));
        v[i].name = name_of(d, o);
        v[i].help = help_of(d, o);
        if (!v[i].name || !v[i].help)
            return NULL;
    }
    qsort(v, count, sizeof(*v), by_value);
    return e;
}

/* Enums are shared by many fields: read each once. */
struct enum_cache {
    const json_t *json;
    const char *names[TAP_MAX_KINDS];
    const struct tap_enum *enums[TAP_MAX_KINDS];
    size_t count;
};

static const struct tap_enum *find_enum(struct tap_desc *d, struct enum_cache *c, const char *name)
{
    if (!json_object_get(c->json, name))
        return NULL;
    for (size_t i = 0; i < c->count; i++)
        if (!strcmp(c->names[i], name))
            return c->enums[i];
    if (c->count == TAP_MAX_KINDS)
        return NULL;
    c->names[c->count] = name;
    return c->enums[c->count++] = read_enum(d, c->json, name);
}

static int type_of(const char *name)
{
    for (int i = 0; name && i < TYPES; i++)
        if (!strcmp(type_names[i], name))
            return i;
    return -1;
}

static enum tap_code code_of(const char *name)
{
    if (!name || !strcmp(name, "delta"))
        return CODE_DELTA;
    return !strcmp(name, "time") ? CODE_TIME : !strcmp(name, "by") ? CODE_BY : CODE_SKIP;
}

/* Notes a field without room. The log is good, but the user gets a warning. */
static int leave_out(struct tap_desc *d, const struct tap_kind_desc *kind, const char *name)
{
    char text[2 * TAP_MAX_NAME + 2];

    if (d->left_out++)
        return 0;
    snprintf(text, sizeof(text), "%s.%s", kind->name, name);
    d->left_out_first = keep_text(d, text);
    return d->left_out_first ? 0 : -ENOMEM;
}

static bool reserved(const char *name)
{
    return !strcmp(name, "t") || !strcmp(name, "source") || !strcmp(name, "event") ||
           !strcmp(name, "tid");
}

/* Finds the slot of the field that `by` names among those already read; -1: none. */
static int slot_named(const struct tap_kind_desc *kind, const char *by)
{
    for (unsigned i = 0; by && i < kind->count; i++)
        if (!strcmp(kind->fields[i].name, by) && kind->fields[i].type != TYPE_RECT)
            return kind->fields[i].slot;
    return -1;
}

/*
 * Reads one field. What this program cannot use (a type, a code, a field too many) it skips in
 * every event, by the field's number of columns.
 */
static int read_field(struct tap_desc *d, const json_t *o, struct tap_kind_desc *kind,
                      struct tap_field *f, struct tap_plan *p, struct enum_cache *enums)
{
    int type = type_of(json_string_value(json_object_get(o, "type")));
    const json_t *columns = json_object_get(o, "columns");
    int need = type == TYPE_RECT ? 4 : 1, width = type == TYPE_RECT ? 2 : 1;
    const char *meaning = json_string_value(json_object_get(o, "meaning"));
    int by = slot_named(kind, json_string_value(json_object_get(o, "by")));
    const char *name = name_of(d, o);
    bool no_room;

    if (!name)
        return -EBADMSG;
    *p = (struct tap_plan){.code = code_of(json_string_value(json_object_get(o, "code"))),
                           .columns = (uint16_t)need,
                           .slot = kind->slots,
                           .by = by < 0 ? 0 : (uint16_t)by,
                           .remember = by >= 0 && type >= 0 && type != TYPE_RECT};
    if (columns) {
        json_int_t n = json_integer_value(columns);
        if (n < 0 || n > TAP_MAX_FIELDS)
            return -EBADMSG;
        p->columns = (uint16_t)n;
    }
    if (type < 0 || p->columns != need || reserved(name) || slot_named(kind, name) >= 0 ||
        (type == TYPE_RECT && p->code != CODE_DELTA) || (p->code == CODE_BY && !p->remember))
        p->code = CODE_SKIP;
    no_room = p->code != CODE_SKIP && kind->slots + width > TAP_MAX_SLOTS;
    if (no_room)
        p->code = CODE_SKIP;
    if (p->code == CODE_SKIP) {
        p->remember = false;
        return no_room ? leave_out(d, kind, name) : 0;
    }
    p->type = (enum tap_type)type;
    *f = (struct tap_field){.name = name,
                            .help = help_of(d, o),
                            .type = p->type,
                            .meaning = keep_text(d, plain_name(meaning) ? meaning : "num"),
                            .slot = p->slot,
                            .arg = -1};
    if (!f->help || !f->meaning)
        return -ENOMEM;
    f->names = find_enum(d, enums, f->meaning);
    kind->slots += (uint16_t)width;
    kind->count++;
    return 0;
}

/* Most fields are plain, and are read in one go. */
static void count_plain(struct tap_plan *plans, size_t count)
{
    for (size_t i = count; i--;) {
        struct tap_plan *p = &plans[i];
        bool plain = p->code == CODE_DELTA && p->type != TYPE_RECT && !p->remember;
        bool goes_on = i + 1 < count && p[1].slot == p->slot + 1;

        p->plain = plain ? 1 + (goes_on ? p[1].plain : 0) : 0;
    }
}

static int read_kind(struct tap_desc *d, const json_t *o, struct tap_kind_desc *kind,
                     struct tap_kind_plan *plan, struct enum_cache *enums)
{
    const json_t *number = json_object_get(o, "number"), *list = json_object_get(o, "fields");
    const char *source = json_string_value(json_object_get(o, "source"));
    size_t count = json_array_size(list);
    struct tap_field *fields = keep(d, count + 1, sizeof(*fields));
    struct tap_plan *plans = keep(d, count + 1, sizeof(*plans));
    int remembered = 0;

    if (!fields || !plans)
        return -ENOMEM;
    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) > UINT16_MAX || count > TAP_MAX_FIELDS)
        return -EBADMSG;
    kind->kind = (uint16_t)json_integer_value(number);
    kind->name = name_of(d, o);
    kind->help = help_of(d, o);
    kind->fields = fields;
    kind->source = source && !strcmp(source, "meta") ? SOURCE_META : d->source;
    if (!kind->name || !kind->help)
        return -EBADMSG;
    *plan = (struct tap_kind_plan){.desc = kind,
                                   .fields = plans,
                                   .count = (uint16_t)count,
                                   .columns = 1,
                                   .number = kind->kind};
    for (size_t i = 0; i < count; i++) {
        int err =
            read_field(d, json_array_get(list, i), kind, &fields[kind->count], &plans[i], enums);
        if (err)
            return err;
        plan->columns += plans[i].columns;
        /* At most one: the table has room for one drawable an event. */
        if (plans[i].remember && remembered++)
            return -EBADMSG;
    }
    count_plain(plans, count);
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct tap_kind_plan *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static int read_desc(struct tap_desc *d, const json_t *all)
{
    const char *source = json_string_value(json_object_get(all, "source"));
    const json_t *kinds = json_object_get(all, "kinds");
    struct enum_cache *enums = keep(d, 1, sizeof(*enums));

    d->count = json_array_size(kinds);
    if (!source || !d->count || d->count > TAP_MAX_KINDS)
        return -EBADMSG;
    for (d->source = SOURCES - 1; d->source > SOURCE_META; d->source--)
        if (!strcmp(source, tap_source_name(d->source)))
            break;
    d->kinds = keep(d, d->count, sizeof(*d->kinds));
    d->plans = keep(d, d->count, sizeof(*d->plans));
    if (!enums || !d->kinds || !d->plans)
        return -ENOMEM;
    enums->json = json_object_get(all, "enums");
    for (size_t i = 0; i < d->count; i++) {
        int err = read_kind(d, json_array_get(kinds, i), &d->kinds[i], &d->plans[i], enums);
        if (err)
            return err;
    }
    qsort(d->plans, d->count, sizeof(*d->plans), by_number);
    for (size_t i = 1; i < d->count; i++)
        if (d->plans[i].number == d->plans[i - 1].number)
            return -EBADMSG;
    return 0;
}

int tap_desc_parse(struct tap_desc *d, const char *text, size_t length)
{
    json_t *all = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    int err = -EBADMSG;

    *d = (struct tap_desc){0};
    if (json_is_object(all))
        err = read_desc(d, all);
    json_decref(all);
    if (err)
        tap_desc_free(d);
    return err;
}

struct tap_kind_plan *tap_desc_plan(const struct tap_desc *d, unsigned number)
{
    size_t low = 0, high = d->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (d->plans[middle].number == number)
            return &d->plans[middle];
        if (d->plans[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- the chunk's memory --------------------------------------------------------------- */

int tap_memory_reset(struct tap_memory *m, size_t events)
{
    size_t size = 64;

    while (size < 2 * events)
        size *= 2;
    if (!m->known || size > m->mask + 1u) {
        free(m->known);
        m->known = calloc(size, sizeof(*m->known));
        m->mask = (uint32_t)size - 1;
        m->stamp = 0;
    }
    if (!m->known)
        return -ENOMEM;
    if (!++m->stamp) { /* all stamps are used */
        memset(m->known, 0, (m->mask + 1u) * sizeof(*m->known));
        m->stamp = 1;
    }
    return 0;
}
