/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of spicetap compare as text, Markdown, CSV or JSON. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "compare.h"

const struct compare_column_name compare_names[COMPARE_COUNT] = {
#define C(name, unit, help) {#name, unit, help},
    COMPARE_COLUMNS(C)
#undef C
};

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

/* One line a figure and one column a row: few runs and many figures. */
static void table(FILE *out, const struct compare_row *rows, unsigned count, bool markdown)
{
    const char *left = markdown ? "| " : "", *between = markdown ? " | " : "  ",
               *right = markdown ? " |" : "";
    char text[96], head[96];

    fprintf(out, "%s%-24s", left, "");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%24s", between, rows[i].first->name);
    fprintf(out, "%s\n", right);
    for (unsigned i = 0; markdown && i <= count; i++)
        fprintf(out, "%s", i == count ? "|---|\n" : i ? "|---" : "|---");
    fprintf(out, "%s%-24s", left, "runs");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%24s", between, runs(text, sizeof(text), &rows[i]));
    fprintf(out, "%s\n", right);
    for (int c = 0; c < COMPARE_COUNT; c++) {
        snprintf(head, sizeof(head), "%s%s%s", compare_names[c].name,
                 *compare_names[c].unit ? ", " : "", compare_names[c].unit);
        fprintf(out, "%s%-24s", left, head);
        for (unsigned i = 0; i < count; i++)
            fprintf(out, "%s%24s", between, cell(text, sizeof(text), &rows[i], c));
        fprintf(out, "%s\n", right);
    }
    fprintf(out, "%s%-24s", left, "most streams ended by");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%24s", between, word(&rows[i], rows[i].first->death, rows[i].same_death));
    fprintf(out, "%s\n%s%-24s", right, left, "most redraws refused by");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%24s", between,
                word(&rows[i], rows[i].first->refusal, rows[i].same_refusal));
    fprintf(out, "%s\n", right);
}

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

static void csv(FILE *out, const struct compare_row *rows, unsigned count)
{
    fprintf(out, "name,runs,refused_runs");
    for (int c = 0; c < COMPARE_COUNT; c++)
        fprintf(out, ",%s,%s_least,%s_most", compare_names[c].name, compare_names[c].name,
                compare_names[c].name);
    fprintf(out, ",death,refusal\n");
    for (unsigned i = 0; i < count; i++) {
        const struct compare_row *r = &rows[i];

        csv_name(out, r->first->name);
        fprintf(out, ",%u,%u", r->n, r->refused);
        for (int c = 0; c < COMPARE_COUNT; c++) {
            if (r->known[c])
                fprintf(out, ",%.6g,%.6g,%.6g", r->median[c], r->least[c], r->most[c]);
            else
                fprintf(out, ",,,");
        }
        fprintf(out, ",%s,%s\n", word(r, r->first->death, r->same_death),
                word(r, r->first->refusal, r->same_refusal));
    }
}

static void json(FILE *out, const struct compare_row *rows, unsigned count)
{
    json_t *all = json_array();

    for (unsigned i = 0; i < count; i++) {
        const struct compare_row *r = &rows[i];
        json_t *o = json_pack("{ss* sI sI}", "name", r->first->name, "runs", (json_int_t)r->n,
                              "refused_runs", (json_int_t)r->refused);

        for (int c = 0; o && c < COMPARE_COUNT; c++)
            json_object_set_new(o, compare_names[c].name,
                                r->known[c] ? json_pack("{sf sf sf}", "median", r->median[c],
                                                        "least", r->least[c], "most", r->most[c])
                                            : json_null());
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
