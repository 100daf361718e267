/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of compare as text, Markdown or JSON. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "report/compare.h"

static bool occurs(const struct compare_row *rows, unsigned count, int c)
{
    for (unsigned i = 0; i < count; i++)
        if (rows[i].known[c] && rows[i].most[c] != 0)
            return true;
    return false;
}

/* At least three digits: the figures are no more exact. */
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

static const char *runs(char *text, size_t size, const struct compare_row *r)
{
    if (r->refused)
        snprintf(text, size, "%u, %u refused", r->n, r->refused);
    else
        snprintf(text, size, "%u", r->n);
    return text;
}

/* ---- text and Markdown: a line for each figure, a column for each row ---- */

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

void compare_text(FILE *out, const struct compare_row *rows, unsigned count, bool markdown)
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
        fprintf(out, "%s%24s", t.between,
                compare_word(&rows[i], rows[i].first->death, rows[i].same_death));
    fprintf(out, "%s\n%s%-24s", t.right, t.left, "most redraws refused by");
    for (unsigned i = 0; i < count; i++)
        fprintf(out, "%s%24s", t.between,
                compare_word(&rows[i], rows[i].first->refusal, rows[i].same_refusal));
    fprintf(out, "%s\n", t.right);
}

/* ---- JSON ---- */

static json_t *json_value(const struct compare_row *r, int c)
{
    return r->known[c] ? json_pack("{sf sf sf}", "median", r->median[c], "least", r->least[c],
                                   "most", r->most[c])
                       : json_null();
}

/* Null if no member is known, else the members that are not 0 in all rows. */
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

int compare_json(FILE *out, const struct compare_row *rows, unsigned count)
{
    json_t *all = json_array();
    int error;

    for (unsigned n = 0; n < count; n++) {
        const struct compare_row *r = &rows[n];
        json_t *o = json_pack("{ss* sI sI}", "name", r->first->name, "runs", (json_int_t)r->n,
                              "refused_runs", (json_int_t)r->refused);

        for (int c = 0; o && c < COMPARE_FIXED; c++)
            json_object_set_new(o, compare_names[c].name, json_value(r, c));
        for (int g = 0; o && g < COMPARE_GROUPS; g++)
            json_object_set_new(o, compare_groups[g].name,
                                json_group(rows, count, r, &compare_groups[g]));
        json_object_set_new(o, "death",
                            json_string(compare_word(r, r->first->death, r->same_death)));
        json_object_set_new(o, "refusal",
                            json_string(compare_word(r, r->first->refusal, r->same_refusal)));
        json_array_append_new(all, o);
    }
    error = json_dumpf(all, out, JSON_INDENT(2)) && !ferror(out) ? -ENOMEM : 0;
    fputc('\n', out);
    json_decref(all);
    return error;
}
