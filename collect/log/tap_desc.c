/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log's description of itself, read. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "log/tap_format.h"

enum { MOST_ROUNDS = 8 };

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
    json_t *blocked; /* names of fields that were left out */
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
    for (int i = 0; name && i <= TYPE_RECT; i++)
        if (!strcmp(tap_type_names[i], name))
            return i;
    return -1;
}

static enum tap_code code_of(const char *name)
{
    static const char *const names[] = {
        [CODE_DELTA] = "delta", [CODE_TIME] = "time",     [CODE_BY] = "by",
        [CODE_LAST] = "last",   [CODE_RECENT] = "recent", [CODE_SINCE] = "since"};
    int code = 0;

    while (name && code < CODE_SKIP && strcmp(names[code], name))
        code++;
    return (enum tap_code)code;
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

/* The slots of the fields that a key is made of. False: one is not known. */
static bool read_key(const struct tap_kind_desc *kind, const json_t *by, uint8_t slots[2])
{
    size_t count = json_is_array(by) ? json_array_size(by) : by != NULL;

    slots[0] = slots[1] = TAP_NONE;
    for (size_t i = 0; i < count && i < 2; i++) {
        int slot =
            slot_named(kind, json_string_value(json_is_array(by) ? json_array_get(by, i) : by));

        if (slot < 0)
            return false;
        slots[i] = (uint8_t)slot;
    }
    return count <= 2;
}

/* The register of fields of that name; TAP_NONE: there is none, or no room. */
static uint8_t register_of(const struct tap_desc *d, const char *name, bool rect)
{
    for (unsigned i = 0; i < d->register_count; i++)
        if (d->registers[i].rect == rect && !strcmp(d->registers[i].name, name))
            return (uint8_t)i;
    return TAP_NONE;
}

static uint8_t make_register(struct tap_desc *d, const char *name, bool rect)
{
    uint8_t found = register_of(d, name, rect);

    if (found != TAP_NONE || d->register_count == TAP_MAX_REGISTERS)
        return found;
    d->registers[d->register_count] = (struct tap_register){keep_text(d, name), rect};
    return d->registers[d->register_count].name ? (uint8_t)d->register_count++ : TAP_NONE;
}

/* What a field is predicted from. False: from something that this program does not know. */
static bool read_code(struct tap_desc *d, const json_t *o, const struct tap_kind_desc *kind,
                      const char *name, struct tap_plan *p, const json_t *blocked)
{
    const char *of = json_string_value(json_object_get(o, "of")),
               *anew = json_string_value(json_object_get(o, "anew"));
    bool rect = p->type == TYPE_RECT, keyed = read_key(kind, json_object_get(o, "by"), p->by);
    int slot = slot_named(kind, anew);

    p->of = p->set = p->anew = TAP_NONE;
    p->remember =
        p->code != CODE_SINCE && keyed && p->by[0] != TAP_NONE && p->by[1] == TAP_NONE && !rect;
    if (p->code == CODE_LAST || p->code == CODE_RECENT)
        of = of && p->code == CODE_LAST ? of : name;
    else if (p->code != CODE_SINCE)
        return p->code == CODE_BY ? p->remember && !json_object_get(blocked, "")
                                  : !rect || p->code == CODE_DELTA;
    if (p->code != CODE_LAST && rect)
        return false;
    if (p->code == CODE_SINCE && (!keyed || (anew && slot < 0)))
        return false;
    if (anew && slot >= 0)
        p->anew = (uint8_t)slot;
    if (of && json_object_get(blocked, of))
        return false;
    p->of = of ? make_register(d, of, rect) : TAP_NONE;
    return !of || p->of != TAP_NONE;
}

/* What is left out cannot be predicted from. */
static int block(json_t *blocked, const json_t *o, const char *name)
{
    if (json_object_set_new(blocked, name, json_true()) ||
        (json_object_get(o, "by") && json_object_set_new(blocked, "", json_true())))
        return -ENOMEM;
    return 0;
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
    enum tap_code code = code_of(json_string_value(json_object_get(o, "code")));
    int need = type == TYPE_RECT ? 4 : code == CODE_RECENT ? 2 : 1;
    int width = type == TYPE_RECT ? 2 : 1;
    const char *meaning = json_string_value(json_object_get(o, "meaning"));
    const char *name = name_of(d, o);
    json_int_t stored = columns ? json_integer_value(columns) : need;
    bool no_room;

    if (!name || stored < 0 || stored > TAP_MAX_FIELDS)
        return -EBADMSG;
    *p = (struct tap_plan){.code = code,
                           .type = type < 0 ? TYPE_U64 : (enum tap_type)type,
                           .columns = (uint16_t)stored,
                           .slot = kind->slots};
    if (type < 0 || stored != need || reserved(name) || slot_named(kind, name) >= 0 ||
        code == CODE_SKIP || !read_code(d, o, kind, name, p, enums->blocked))
        p->code = CODE_SKIP;
    no_room = p->code != CODE_SKIP && kind->slots + width > TAP_MAX_SLOTS;
    if (no_room || p->code == CODE_SKIP) {
        *p = (struct tap_plan){.code = CODE_SKIP, .columns = p->columns};
        if (block(enums->blocked, o, name))
            return -ENOMEM;
        return no_room ? leave_out(d, kind, name) : 0;
    }
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
        bool plain = p->code == CODE_DELTA && p->type != TYPE_RECT && !p->linked;
        bool goes_on = i + 1 < count && p[1].slot == p->slot + 1;

        p->plain = plain ? 1 + (goes_on ? p[1].plain : 0) : 0;
    }
}

/* Once all registers are known: which fields set one, and what is plain. */
static void link_kind(const struct tap_desc *d, struct tap_kind_plan *k)
{
    const struct tap_field *f = k->desc->fields;

    for (unsigned i = 0; i < k->count; i++) {
        struct tap_plan *p = &k->fields[i];

        if (p->code == CODE_SKIP)
            continue;
        p->set = register_of(d, f++->name, p->type == TYPE_RECT);
        p->linked = p->set != TAP_NONE || p->remember || p->code > CODE_TIME;
        if (p->linked)
            k->link[k->links++] = (uint8_t)i;
    }
    count_plain(k->fields, k->count);
}

static int read_kind(struct tap_desc *d, const json_t *o, struct tap_kind_desc *kind,
                     struct tap_kind_plan *plan, struct enum_cache *enums)
{
    const json_t *number = json_object_get(o, "number"), *list = json_object_get(o, "fields");
    const char *source = json_string_value(json_object_get(o, "source"));
    size_t count = json_array_size(list);
    struct tap_field *fields = keep(d, count + 1, sizeof(*fields));
    struct tap_plan *plans = keep(d, count + 1, sizeof(*plans));
    unsigned remembered = 0, spans = 0;

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
        /* At most one of each: the memory has room for two keys an event. */
        remembered += plans[i].remember;
        spans += plans[i].code == CODE_SINCE;
        if (remembered > 1 || spans > 1)
            return -EBADMSG;
    }
    return 0;
}

static int by_number(const void *a, const void *b)
{
    const struct tap_kind_plan *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

static int read_desc(struct tap_desc *d, const json_t *all, json_t *blocked)
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
    *enums = (struct enum_cache){.json = json_object_get(all, "enums"), .blocked = blocked};
    for (size_t i = 0; i < d->count; i++) {
        int err = read_kind(d, json_array_get(kinds, i), &d->kinds[i], &d->plans[i], enums);
        if (err)
            return err;
    }
    qsort(d->plans, d->count, sizeof(*d->plans), by_number);
    for (size_t i = 1; i < d->count; i++)
        if (d->plans[i].number == d->plans[i - 1].number)
            return -EBADMSG;
    for (size_t i = 0; i < d->count; i++) {
        link_kind(d, &d->plans[i]);
        if (d->plans[i].number < TAP_MAX_KINDS)
            d->by_number[d->plans[i].number] = &d->plans[i];
    }
    return 0;
}

/* Reads it again while fields are left out that fields read before them are predicted from. */
static int read_known(struct tap_desc *d, const json_t *all, json_t *blocked)
{
    for (int round = 0; round < MOST_ROUNDS; round++) {
        size_t before = json_object_size(blocked);
        int err = read_desc(d, all, blocked);

        if (err || json_object_size(blocked) == before)
            return err;
        tap_desc_free(d);
    }
    return -EBADMSG;
}

int tap_desc_parse(struct tap_desc *d, const char *text, size_t length)
{
    json_t *all = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL), *blocked = json_object();
    int err = -EBADMSG;

    *d = (struct tap_desc){0};
    if (json_is_object(all))
        err = read_known(d, all, blocked);
    json_decref(blocked);
    json_decref(all);
    if (err)
        tap_desc_free(d);
    return err;
}

struct tap_kind_plan *tap_desc_find(const struct tap_desc *d, uint64_t number)
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
