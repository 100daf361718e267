/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which runs share a row, and the row's figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/compare.h"

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double compare_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), by_size);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* ---- the name of a run ---- */

/* A hash of all settings but `about`, which is prose. */
static void read_settings(struct compare_run *run, const json_t *settings)
{
    json_t *copy = json_deep_copy(settings);
    char *text;
    unsigned long hash = 5381;

    json_object_del(copy, "about");
    text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    for (const char *c = text; c && *c; c++)
        hash = hash * 33 + (unsigned char)*c;
    snprintf(run->settings, sizeof(run->settings), "%lx", hash);
    free(text);
    json_decref(copy);
}

static void read_experiment(struct compare_run *run, struct bundle *b)
{
    json_t *o;
    const char *name, *verdict;

    bundle_json(b, "experiment.json", &o); /* input_end prints what is wrong with it */
    name = json_string_value(json_object_get(o, "name"));
    verdict = json_string_value(json_object_get(o, "verdict"));
    if (name && verdict) {
        snprintf(run->name, sizeof(run->name), "%s", name);
        run->alone = false;
        run->refused = strcmp(verdict, "ok") != 0;
        if (json_is_object(json_object_get(o, "settings")))
            read_settings(run, json_object_get(o, "settings"));
    }
    json_decref(o);
}

static void name_of_folder(struct compare_run *run)
{
    size_t length = strlen(run->path);
    const char *begin;

    while (length > 1 && run->path[length - 1] == '/')
        length--;
    begin = memrchr(run->path, '/', length);
    begin = begin && begin + 1 < run->path + length ? begin + 1 : run->path;
    snprintf(run->name, sizeof(run->name), "%.*s", (int)(run->path + length - begin), begin);
}

void compare_name(struct compare_run *run, const char *path, struct bundle *b)
{
    run->path = path;
    run->alone = true; /* unless its experiment has a name */
    name_of_folder(run);
    read_experiment(run, b);
}

/* ---- rows ---- */

static bool together(const struct compare_run *a, const struct compare_run *b)
{
    return !a->alone && !b->alone && !strcmp(a->name, b->name) && !strcmp(a->settings, b->settings);
}

static bool same_word(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

void compare_fold(struct compare_row *row, struct compare_run *runs, unsigned count, unsigned at,
                  bool all)
{
    const struct compare_run *of[COMPARE_RUNS] = {0};
    double values[COMPARE_RUNS];
    unsigned n = 0;

    *row = (struct compare_row){.first = &runs[at], .same_death = true, .same_refusal = true};
    for (unsigned i = at; i < count && i < (all ? at + 1 : count); i++) {
        if (i != at && (runs[i].folded || !together(&runs[at], &runs[i])))
            continue;
        runs[i].folded = true;
        row->refused += runs[i].refused;
        if (!runs[i].refused)
            of[n++] = &runs[i];
    }
    row->n = n;
    if (n)
        row->first = of[0];
    for (unsigned i = 1; i < n; i++) {
        row->same_death &= same_word(of[0]->death, of[i]->death);
        row->same_refusal &= same_word(of[0]->refusal, of[i]->refusal);
    }
    for (int c = 0; c < COMPARE_COUNT; c++) {
        size_t known = 0;

        for (unsigned i = 0; i < n; i++)
            if (of[i]->known[c])
                values[known++] = of[i]->value[c];
        row->known[c] = known && known == n; /* a median of some would be of other runs */
        if (!row->known[c])
            continue;
        row->median[c] = compare_median(values, known);
        row->least[c] = values[0];
        row->most[c] = values[known - 1];
    }
}

const char *compare_word(const struct compare_row *r, const char *word, bool same)
{
    return !r->n || !word ? "" : same ? word : "differs";
}
