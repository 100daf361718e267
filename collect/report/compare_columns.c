/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of compare, and a row of them for the sinks of table/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/compare.h"

const struct compare_column_name compare_names[COMPARE_FIXED] = {
#define C(name, unit, help) {#name, unit, help},
    COMPARE_COLUMNS(C)
#undef C
};

/* ---- groups ---- */

static const char *cause_member(int at)
{
    return cause_names[at];
}

static const char *redraw_member(int at)
{
    return at && at != OUT_STREAMED ? outcome_names[at] : NULL;
}

static const struct tap_enum_value *image_value(int at)
{
    return (size_t)at < tap_enum_image_type.count ? &tap_enum_image_type.values[at] : NULL;
}

static const char *image_member(int at)
{
    return image_value(at) ? image_value(at)->name : NULL;
}

int64_t compare_image(int at)
{
    const struct tap_enum_value *v = image_value(at);

    return v && v->value >= 0 && v->value < BYTES_VALUES ? v->value : -1;
}

const struct compare_group compare_groups[COMPARE_GROUPS] = {
    {"deaths", "death_", "streams", COL_deaths, CAUSES, cause_member},
    {"redraws", "redraws_", "%", COL_redraws, OUTCOMES, redraw_member},
    {"images", "image_", "B/s", COL_images, COMPARE_IMAGES, image_member},
};

/* ---- a schema ---- */

enum {
    FIRST = 3,                               /* name, runs, refused_runs */
    COLUMNS = FIRST + 3 * COMPARE_COUNT + 2, /* death, refusal; at most, as some have no member */
    NAME = 96,
};

struct compare_schema {
    struct schema schema;
    struct column columns[COLUMNS];
    int figure[COLUMNS]; /* of each three columns, the compare_column */
    char names[COLUMNS][NAME];
    uint64_t words[COLUMNS], null[COLUMNS / 64 + 1];
};

static void add(struct compare_schema *s, enum column_kind kind, int figure, const char *prefix,
                const char *name, const char *suffix, const char *unit, const char *help)
{
    unsigned n = s->schema.count++;

    snprintf(s->names[n], NAME, "%s%s%s", prefix, name, suffix);
    s->figure[n] = figure;
    s->columns[n] = (struct column){.name = s->names[n],
                                    .kind = kind,
                                    .slot = (uint16_t)n,
                                    .nullable = kind != COLUMN_UNSIGNED,
                                    .unit = unit,
                                    .help = help};
}

static void add_figure(struct compare_schema *s, int figure, const char *prefix, const char *name,
                       const char *unit, const char *help)
{
    add(s, COLUMN_REAL, figure, prefix, name, "", unit, help);
    add(s, COLUMN_REAL, figure, prefix, name, "_least", unit, help);
    add(s, COLUMN_REAL, figure, prefix, name, "_most", unit, help);
}

struct compare_schema *compare_schema_new(void)
{
    struct compare_schema *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->schema = (struct schema){.name = "compare", .help = "runs side by side"};
    s->schema.columns = s->columns;
    add(s, COLUMN_TEXT, -1, "", "name", "", "", "of the experiment or the folder");
    add(s, COLUMN_UNSIGNED, -1, "", "runs", "", "", "in the figures");
    add(s, COLUMN_UNSIGNED, -1, "", "refused_runs", "", "", "refused by their experiment");
    for (int c = 0; c < COMPARE_FIXED; c++)
        add_figure(s, c, "", compare_names[c].name, compare_names[c].unit, compare_names[c].help);
    for (int g = 0; g < COMPARE_GROUPS; g++)
        for (int i = 0; i < compare_groups[g].count; i++)
            if (compare_groups[g].member(i))
                add_figure(s, compare_groups[g].from + i, compare_groups[g].prefix,
                           compare_groups[g].member(i), compare_groups[g].unit, "");
    add(s, COLUMN_TEXT, -1, "", "death", "", "", "what ended most streams");
    add(s, COLUMN_TEXT, -1, "", "refusal", "", "", "what refused most redraws of the clip");
    return s;
}

void compare_schema_free(struct compare_schema *s)
{
    free(s);
}

const struct schema *compare_columns(const struct compare_schema *s)
{
    return &s->schema;
}

static void set_text(struct compare_schema *s, unsigned at, const char *text)
{
    s->words[at] = *text ? (uintptr_t)text : 0;
}

const uint64_t *compare_words(struct compare_schema *s, const struct compare_row *row,
                              const uint64_t **null)
{
    unsigned last = s->schema.count - 2;

    memset(s->null, 0, sizeof(s->null));
    set_text(s, 0, row->first->name);
    s->words[1] = row->n;
    s->words[2] = row->refused;
    for (unsigned i = FIRST; i < last; i += 3) {
        int c = s->figure[i];
        double values[3] = {row->median[c], row->least[c], row->most[c]};

        memcpy(&s->words[i], values, sizeof(values));
        for (unsigned k = i; k < i + 3; k++)
            s->null[k / 64] |= (uint64_t)!row->known[c] << k % 64;
    }
    set_text(s, last, compare_word(row, row->first->death, row->same_death));
    set_text(s, last + 1, compare_word(row, row->first->refusal, row->same_refusal));
    *null = s->null;
    return s->words;
}
