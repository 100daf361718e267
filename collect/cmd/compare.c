/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap compare: several runs side by side. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "report/compare.h"
#include "run/input.h"
#include "table/sink.h"

enum { ALL = OPTIONS_LONG };

enum format { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_CSV, FORMAT_JSON, FORMATS };
static const char *const formats[FORMATS] = {"text", "markdown", "csv", "json"};

static const struct argp_option option_table[] = {
    {"format", 'f', "FORMAT", 0, "text (default), markdown, csv or json", 0},
    {"all", ALL, NULL, 0, "Print a row for each run", 0},
    {0},
};

static const char doc[] =
    "Prints a table with a row for each RUN. Runs of one experiment with the same settings "
    "(experiment.json beside run.json, as `make experiment` writes it) share a row: the median, "
    "the least and the most. A run that its experiment refused is counted, but is in no figure. "
    "A cell is empty where a run does not have that figure."
    "\vdocs/compare.md lists the columns. See spicetap-compare(1).";

struct options {
    char **runs; /* from argv */
    unsigned count;
    unsigned format; /* of formats[] */
    bool all;
};

static const char *format_word(size_t i)
{
    return i < FORMATS ? formats[i] : NULL;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'f':
        return options_word(state, "--format", arg, formats, FORMATS, &o->format);
    case ALL:
        o->all = true;
        return 0;
    case ARGP_KEY_ARGS: /* all that is left of argv */
        o->runs = state->argv + state->next;
        o->count = (unsigned)(state->argc - state->next);
        if (o->count <= COMPARE_RUNS)
            return 0;
        argp_error(state, "%u runs: %d at most", o->count, COMPARE_RUNS);
        return EINVAL;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no run given");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int read_run(struct compare_run *run, const char *path)
{
    struct model *x = NULL;
    int code;

    if (model_new(&x)) {
        fprintf(stderr, "spicetap compare: out of memory\n");
        return EXIT_ENV;
    }
    x->run = path;
    code = input_open(&x->bundle, "compare", path);
    if (!code) {
        compare_name(run, path, x->bundle);
        code = model_gather(x) ? EXIT_ENV : input_end(x->bundle, "compare", path);
        compare_fill(run, x);
        bundle_close(x->bundle);
    }
    model_free(x);
    return code;
}

static int print_csv(const struct compare_row *rows, unsigned count)
{
    struct compare_schema *schema = compare_schema_new();
    struct table *t = NULL;
    struct sink s;
    int error = schema ? sink_open(&s, &sink_csv, NULL, true) : -ENOMEM, closed;

    if (!error) {
        error = sink_table(&s, compare_columns(schema), &t);
        for (unsigned i = 0; i < count && !error; i++) {
            const uint64_t *null, *words = compare_words(schema, &rows[i], &null);

            error = sink_row(&s, t, words, null);
        }
        closed = sink_close(&s);
        error = error ? error : closed;
    }
    compare_schema_free(schema);
    if (!error || error == -EPIPE)
        return EXIT_DONE;
    fprintf(stderr, "spicetap compare: standard output: %s\n", strerror(-error));
    return EXIT_PART;
}

static int print(const struct compare_row *rows, unsigned count, enum format format)
{
    if (format == FORMAT_CSV)
        return print_csv(rows, count);
    if (format == FORMAT_JSON)
        return compare_json(stdout, rows, count) ? EXIT_ENV : EXIT_DONE;
    compare_text(stdout, rows, count, format == FORMAT_MARKDOWN);
    return EXIT_DONE;
}

static int compare(const struct options *o)
{
    struct compare_run *runs = calloc(o->count, sizeof(*runs));
    struct compare_row *rows = calloc(o->count, sizeof(*rows));
    unsigned n = 0;
    int code = runs && rows ? EXIT_DONE : EXIT_ENV, part = EXIT_DONE;

    for (unsigned i = 0; i < o->count && !code; i++) {
        code = read_run(&runs[i], o->runs[i]);
        if (code == EXIT_PART) { /* what could be read counts */
            part = code;
            code = EXIT_DONE;
        }
    }
    for (unsigned i = 0; i < o->count && !code; i++)
        if (!runs[i].folded)
            compare_fold(&rows[n++], runs, o->count, i, o->all);
    if (!code)
        code = print(rows, n, o->format);
    free(runs);
    free(rows);
    return code ? code : part;
}

const struct command_options compare_options = {
    .parser = {option_table, on_option, "RUN...", doc, NULL, NULL, NULL},
    .words = {{'f', format_word, false}},
};

int cmd_compare(int argc, char **argv)
{
    struct options o = {0};
    int code = options_parse(&compare_options.parser, argc, argv, &o);

    return code == OPTIONS_GO ? compare(&o) : code;
}
