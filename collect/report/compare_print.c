/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of spicetap compare as text, Markdown, CSV or JSON. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "report/compare.h"
#include "report/info.h"

const struct compare_column_name compare_names[COMPARE_FIXED] = {
#define C(name, unit, help) {#name, unit, help},
    COMPARE_COLUMNS(C)
#undef C
};

/* ---- groups ------------------------------------------------------------------------------------
 */

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
    const struct tap_enum *types = info_enum(EV_image, "type");

    return types && (size_t)at < types->count ? &types->values[at] : NULL;
}

static const char *image_member(int at)
{
    return image_value(at) ? image_value(at)->name : NULL;
}

int64_t compare_image(int at)
{
    const struct tap_enum_value *v = image_value(at);

    return v && v->value >= 0 && v->value < FACTS_VALUES ? v->value : -1;
}

const struct compare_group compare_groups[COMPARE_GROUPS] = {
    {"deaths", "death_", "streams", COL_deaths, CAUSES, cause_member},
    {"redraws", "redraws_", "%", COL_redraws, OUTCOMES, redraw_member},
    {"images", "image_", "B/s", COL_images, COMPARE_IMAGES, image_member},
};

static bool occurs(const struct compare_row *rows, unsigned count, int c)
{
    for (unsigned i = 0; i < count; i++)
        if (rows[i].known[c] && rows[i].most[c] != 0)
            return true;
    return false;
}

/* Three digits and more: the figures are not better than that. */
static int number(char *text, size_t size, double v)
{
    double a = v < 0 ? -v : v;

    return snprintf(text, size, "%.*f", a >= 100 || v == (double)(long)v ? 0 : a >= 10 ? 1 : 2, v);
}

static const char *cell(char *text, size_t size, const struct compare_row *r, int c)
{
    int at;

    *text = '\0';
    if (!r->known[c])
        return text;
    at = number(text, size, r->median[c]);
    if (r->n > 1) {
        at += snprintf(text + at, size - (size_t)at, " (");
        at += number(text + at, size - (size_t)at, r->least[c]);
        at += snprintf(text + at, size - (size_t)at, "-");
        at += number(text + at, size - (size_t)at, r->most[c]);
        snprintf(text + at, size - (size_t)at, ")");
    }
    return text;
}

static const char *word(const struct compare_row *r, const char *word, bool same)
{
    return !r->n || !word ? "" : same ? word : "differs";
}

static const char *runs(char *text, size_t size, const struct compare_row *r)
{
    if (r->refused)
        snprintf(text, size, "%u, %u refused", r->n, r->refused);
    else
        snprintf(text, size, "%u", r->n);
    return text;
}

/* ---- text and Markdown: one line a figure and one column a row, since figures are many ---- */

struct table {
    FILE *out;
    const struct compare_row *rows;
    unsigned count;
    const char *left, *between, *right;
};

static void line(const struct table *t, const char *head, const char *unit, int c)
{
    char text[96];

    snprintf(text, sizeof(text), "%s%s%s", head, *unit ? ", " : "", unit);
    fprintf(t->out, "%s%-24s", t->left, text);
    for (unsigned i = 0; i < t->count; i++)
        fprintf(t->out, "%s%24s", t->between, cell(text, sizeof(text), &t->rows[i], c));
    fprintf(t->out, "%s\n", t->right);
}

static void group_lines(const struct table *t, const struct compare_group *g)
{
    char head[64];

    for (int i = 0; i < g->count; i++) {
        if (!g->member(i) || !occurs(t->rows, t->count, g->from + i))
            continue;
        snprintf(head, sizeof(head), "%s%s", g->prefix, g->member(i));
        line(t, head, g->unit, g->from + i);
    }
}

static void head_lines(const struct table *t, bool markdown)
{
    char text[96];

    fprintf(t->out, "%s%-24s", t->left, "");
    for (unsigned i = 0; i < t->count; i++)
        fprintf(t->out, "%s%24s", t->between, t->rows[i].first->name);
    fprintf(t->out, "%s\n", t->right);
    for (unsigned i = 0; markdown && i <= t->count; i++)
        fprintf(t->out, "%s", i == t->count ? "|---|\n" : "|---");
    fprintf(t->out, "%s%-24s", t->left, "runs");
    for (unsigned i = 0; i < t->count; i++)
        fprintf(t->out, "%s%24s", t->between, runs(text, sizeof(text), &t->rows[i]));
    fprintf(t->out, "%s\n", t->right);
}

static void table(FILE *out, const struct compare_row *rows, unsigned count, bool markdown)
{
    const struct table t = {
        out, rows, count, markdown ? "| " : "", markdown ? " | " : "  ", markdown ? " |" : ""};

    head_lines(&t, markdown);
    for (int c = 0; c < COMPARE_FIXED; c++)
        line(&t, compare_names[c].name, compare_names[c].unit, c);
    for (int g = 0; g < COMPARE_GROUPS; g++)
        group_lines(&t, &compare_groups[g]);
    fprintf(out, "%s%-24s", t.left, "most streams ended by");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%24s", t.between, word(&rows[i], rows[i].first->death, rows[i].same_death));
    fprintf(out, "%s\n%s%-24s", t.right, t.left, "most redraws refused by");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%24s", t.between,
                word(&rows[i], rows[i].first->refusal, rows[i].same_refusal));
    fprintf(out, "%s\n", t.right);
}

/* ---- CSV and JSON ---------------------------------------------------------------------------- */

/* A name may hold what a folder's may: quoted, quotes doubled, no line breaks. */
static void csv_name(FILE *out, const char *name)
{
    fputc('"', out);
    for (; *name; name++) {
        if (*name == '"')
            fputc('"', out);
        fputc(*name == '\n' || *name == '\r' ? ' ' : *name, out);
    }
    fputc('"', out);
}

static void csv_column(FILE *out, const char *prefix, const char *name)
{
    fprintf(out, ",%s%s,%s%s_least,%s%s_most", prefix, name, prefix, name, prefix, name);
}

static void csv_head(FILE *out)
{
    fprintf(out, "name,runs,refused_runs");
    for (int c = 0; c < COMPARE_FIXED; c++)
        csv_column(out, "", compare_names[c].name);
    for (int g = 0; g < COMPARE_GROUPS; g++)
        for (int i = 0; i < compare_groups[g].count; i++)
            if (compare_groups[g].member(i))
                csv_column(out, compare_groups[g].prefix, compare_groups[g].member(i));
    fprintf(out, ",death,refusal\n");
}

static void csv_value(FILE *out, const struct compare_row *r, int c)
{
    if (r->known[c])
        fprintf(out, ",%.6g,%.6g,%.6g", r->median[c], r->least[c], r->most[c]);
    else
        fprintf(out, ",,,");
}

static void csv(FILE *out, const struct compare_row *rows, unsigned count)
{
    csv_head(out);
    for (unsigned n = 0; n < count; n++) {
        const struct compare_row *r = &rows[n];

        csv_name(out, r->first->name);
        fprintf(out, ",%u,%u", r->n, r->refused);
        for (int c = 0; c < COMPARE_FIXED; c++)
            csv_value(out, r, c);
        for (int g = 0; g < COMPARE_GROUPS; g++)
            for (int i = 0; i < compare_groups[g].count; i++)
                if (compare_groups[g].member(i))
                    csv_value(out, r, compare_groups[g].from + i);
        fprintf(out, ",%s,%s\n", word(r, r->first->death, r->same_death),
                word(r, r->first->refusal, r->same_refusal));
    }
}

static json_t *json_value(const struct compare_row *r, int c)
{
    return r->known[c] ? json_pack("{sf sf sf}", "median", r->median[c], "least", r->least[c],
                                   "most", r->most[c])
                       : json_null();
}

/* What is not known of any member is null; else those that are not 0 in all rows. */
static json_t *json_group(const struct compare_row *rows, unsigned count,
                          const struct compare_row *r, const struct compare_group *g)
{
    json_t *o = NULL;

    for (int i = 0; i < g->count; i++) {
        if (!g->member(i) || !r->known[g->from + i])
            continue;
        o = o ? o : json_object();
        if (occurs(rows, count, g->from + i))
            json_object_set_new(o, g->member(i), json_value(r, g->from + i));
    }
    return o ? o : json_null();
}

static void json(FILE *out, const struct compare_row *rows, unsigned count)
{
    json_t *all = json_array();

    for (unsigned n = 0; n < count; n++) {
        const struct compare_row *r = &rows[n];
        json_t *o = json_pack("{ss* sI sI}", "name", r->first->name, "runs", (json_int_t)r->n,
                              "refused_runs", (json_int_t)r->refused);

        for (int c = 0; o && c < COMPARE_FIXED; c++)
            json_object_set_new(o, compare_names[c].name, json_value(r, c));
        for (int g = 0; o && g < COMPARE_GROUPS; g++)
            json_object_set_new(o, compare_groups[g].name,
                                json_group(rows, count, r, &compare_groups[g]));
        json_object_set_new(o, "death", json_string(word(r, r->first->death, r->same_death)));
        json_object_set_new(o, "refusal", json_string(word(r, r->first->refusal, r->same_refusal)));
        json_array_append_new(all, o);
    }
    json_dumpf(all, out, JSON_INDENT(2));
    fputc('\n', out);
    json_decref(all);
}

int compare_print(FILE *out, const char *format, const struct compare_row *rows, unsigned count)
{
    if (!strcmp(format, "text") || !strcmp(format, "markdown"))
        table(out, rows, count, *format == 'm');
    else if (!strcmp(format, "csv"))
        csv(out, rows, count);
    else if (!strcmp(format, "json"))
        json(out, rows, count);
    else
        return -EINVAL;
    return 0;
}
