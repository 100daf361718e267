/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap events: the table of kinds, as text or as docs/dev/events.md. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "event/event.h"

enum { MARKDOWN = OPTIONS_LONG };

static const struct argp_option option_table[] = {
    {"json", 'j', NULL, 0, "Print the kinds, or the one KIND, with their fields as JSON", 0},
    {"markdown", MARKDOWN, NULL, 0, "Print the whole table as docs/dev/events.md has it", 0},
    {0},
};

static const char doc[] = "Lists the kinds of events that a run can hold, or the fields of one "
                          "KIND and what they mean.";

struct options {
    const char *kind; /* NULL: list all */
    bool markdown, json;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case MARKDOWN:
        o->markdown = true;
        return 0;
    case 'j':
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
        return options_one(state, key, arg, "kind", &o->kind);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *kind_word(size_t i)
{
    return i < tap_kind_count ? tap_kinds[i].name : NULL;
}

static const char *const type_names[] = {
    [TYPE_U64] = "u64", [TYPE_U32] = "u32",   [TYPE_S32] = "s32",   [TYPE_S64] = "s64",
    [TYPE_U8] = "u8",   [TYPE_BOOL] = "bool", [TYPE_RECT] = "rect",
};

static void list_kinds(void)
{
    for (size_t i = 0; i < tap_kind_count; i++)
        printf("%5u  %-5s  %-28s  %s\n", tap_kinds[i].kind, tap_source_name(tap_kinds[i].source),
               tap_kinds[i].name, tap_kinds[i].help);
}

static void show_kind(const struct tap_kind_desc *k)
{
    printf("%s:%s (kind %u): %s\n\n", tap_source_name(k->source), k->name, k->kind, k->help);
    for (unsigned i = 0; i < k->count; i++) {
        const struct tap_field *f = &k->fields[i];

        printf("  %-14s %-5s %-6s %s\n", f->name, type_names[f->type],
               f->names ? "enum" : f->meaning, f->help);
        for (size_t v = 0; f->names && v < f->names->count; v++)
            printf("  %30" PRId64 " %-24s %s\n", f->names->values[v].value,
                   f->names->values[v].name, f->names->values[v].help);
    }
}

/* ---- JSON ---- */

static json_t *field_json(const struct tap_field *f)
{
    json_t *o = json_pack("{ss ss ss ss}", "name", f->name, "type", type_names[f->type], "meaning",
                          f->names ? "enum" : f->meaning, "help", f->help);
    json_t *values = f->names ? json_array() : NULL;

    for (size_t v = 0; values && v < f->names->count; v++)
        json_array_append_new(
            values, json_pack("{sI ss ss}", "value", (json_int_t)f->names->values[v].value, "name",
                              f->names->values[v].name, "help", f->names->values[v].help));
    if (values)
        json_object_set_new(o, "values", values);
    return o;
}

static json_t *kind_json(const struct tap_kind_desc *k)
{
    json_t *fields = json_array();

    for (unsigned i = 0; i < k->count; i++)
        json_array_append_new(fields, field_json(&k->fields[i]));
    return json_pack("{si ss ss ss so}", "kind", (int)k->kind, "source", tap_source_name(k->source),
                     "name", k->name, "help", k->help, "fields", fields);
}

/* `k` NULL: an array of all. */
static void print_json(const struct tap_kind_desc *k)
{
    json_t *o = k ? kind_json(k) : json_array();

    for (size_t i = 0; !k && i < tap_kind_count; i++)
        json_array_append_new(o, kind_json(&tap_kinds[i]));
    json_dumpf(o, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(o);
}

/* ---- docs/dev/events.md ---- */

static void markdown_kind(const struct tap_kind_desc *k)
{
    printf("### %s\n\n%s:%s, kind %u: %s.\n\n", k->name, tap_source_name(k->source), k->name,
           k->kind, k->help);
    printf("| argument | field | type | meaning | |\n|---|---|---|---|---|\n");
    for (unsigned i = 0; i < k->count; i++) {
        const struct tap_field *f = &k->fields[i];

        if (f->arg < 0)
            printf("| - ");
        else if (f->type == TYPE_RECT)
            printf("| %d, %d ", f->arg, f->arg + 1);
        else
            printf("| %d ", f->arg);
        if (f->names)
            printf("| `%s` | %s | [%s](#values-of-%s) | %s |\n", f->name, type_names[f->type],
                   f->meaning, f->meaning, f->help);
        else
            printf("| `%s` | %s | %s | %s |\n", f->name, type_names[f->type], f->meaning, f->help);
    }
    printf("\n");
}

static void markdown_enum(const struct tap_enum *e)
{
    printf("### Values of %s\n\n| number | name | |\n|---|---|---|\n", e->name);
    for (size_t i = 0; i < e->count; i++)
        printf("| %" PRId64 " | `%s` | %s |\n", e->values[i].value, e->values[i].name,
               e->values[i].help);
    printf("\n");
}

/* Is this the first field in the table that uses its enum? */
static bool first_use(size_t kind, unsigned field)
{
    const struct tap_enum *e = tap_kinds[kind].fields[field].names;

    for (size_t k = 0; k <= kind; k++)
        for (unsigned f = 0; f < (k == kind ? field : tap_kinds[k].count); f++)
            if (tap_kinds[k].fields[f].names == e)
                return false;
    return e;
}

static void markdown(void)
{
    static const enum tap_source order[] = {SOURCE_SPICE, SOURCE_QEMU, SOURCE_GUEST, SOURCE_CLIENT,
                                            SOURCE_META};
    static const char *const titles[] = {
        "From spice-server (provider `spice`)", "From QEMU (provider `qemu`)",
        "From the guest (`spicetap-guest`)", "From the client (`spicetap meter`)",
        "From the recorder itself"};

    printf("# Events\n\n"
           "Every kind of event a run can hold. Made by `spicetap events --markdown` from\n"
           "`bpf/events.def`; change it there. The argument is the USDT probe's. A rect\n"
           "is two: left and top, right and bottom, the first of each in the lower half. "
           "docs/dev/format.md\n"
           "says what the types and meanings are and how they are stored.\n\n");
    for (int s = 0; s < SOURCES; s++) {
        printf("## %s\n\n", titles[s]);
        for (size_t i = 0; i < tap_kind_count; i++)
            if (tap_kinds[i].source == order[s])
                markdown_kind(&tap_kinds[i]);
    }
    printf("## Values\n\nNumbers are never used again for something else.\n\n");
    for (size_t k = 0; k < tap_kind_count; k++)
        for (unsigned f = 0; f < tap_kinds[k].count; f++)
            if (first_use(k, f))
                markdown_enum(tap_kinds[k].fields[f].names);
}

const struct command_options events_options = {
    .parser = {option_table, on_option, "[KIND]", doc, NULL, NULL, NULL},
    .words = {{ARGP_KEY_ARG, kind_word, false}},
};

int cmd_events(int argc, char **argv)
{
    struct options o = {0};
    const struct tap_kind_desc *kind;
    int code = options_parse(&events_options.parser, argc, argv, &o);

    if (code != OPTIONS_GO)
        return code;
    kind = o.kind ? tap_kind_by_name(o.kind) : NULL;
    if (o.kind && !kind) {
        fprintf(stderr, "spicetap events: no such kind: %s; `spicetap events` lists them\n",
                o.kind);
        return EXIT_USAGE;
    }
    if (o.markdown)
        markdown();
    else if (o.json)
        print_json(kind);
    else if (kind)
        show_kind(kind);
    else
        list_kinds();
    return EXIT_DONE;
}
