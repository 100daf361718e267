/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap compare: several runs side by side. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "report/compare.h"
#include "run/input.h"
#include "record/worker_cpu.h"

enum { ALL = OPTIONS_LONG };

static const char *const formats[] = {"text", "markdown", "csv", "json"};
enum { FORMATS = sizeof(formats) / sizeof(*formats) };

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

/* ---- a run ----------------------------------------------------------------------------------- */

static void set(struct compare_run *run, int c, double value)
{
    run->known[c] = true;
    run->value[c] = value;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median_of(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), by_size);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void fill_streams(struct compare_run *run, const struct model *x)
{
    double *lives = calloc(MODEL_STREAMS, sizeof(*lives));
    uint64_t most = 0;
    size_t n = 0;

    set(run, COL_streams, x->streams.count);
    for (uint32_t i = 1; lives && i <= x->streams.count && i <= MODEL_STREAMS; i++) {
        const struct model_stream *s = model_stream(x, i);

        if (s->began && s->ended && s->died >= s->born)
            lives[n++] = (double)(s->died - s->born) / 1e9;
    }
    if (n && x->streams.count <= MODEL_STREAMS)
        set(run, COL_life, median_of(lives, n));
    free(lives);
    for (unsigned c = 0; c < CAUSES; c++)
        set(run, COL_deaths + (int)c, (double)x->streams.causes[c]);
    for (unsigned c = 1; c < CAUSES; c++)
        if (x->streams.causes[c] > most) {
            most = x->streams.causes[c];
            run->death = cause_names[c];
        }
}

static void fill_clip(struct compare_run *run, const struct model *x)
{
    const struct model_region *clip = model_clip(x);
    bool pieces = model_in_pieces(x);
    const uint64_t *out;
    enum outcome why;
    uint64_t count, all;

    if (!clip && !pieces)
        return;
    out = pieces ? x->regions.pieces : clip->all_out;
    all = pieces ? x->regions.pieces_all : clip->all_draws;
    set(run, COL_clip_streamed, percent(out[OUT_STREAMED], all));
    if (!pieces && clip->steady.ns)
        set(run, COL_clip_time, percent(clip->streamed_ns, clip->steady.ns));
    for (int o = 1; o < OUTCOMES; o++)
        if (o != OUT_STREAMED)
            set(run, COL_redraws + o, percent(out[o], all));
    why = outcome_main_refusal(out, &count);
    if (count)
        run->refusal = outcome_names[why];
}

static void fill_bytes(struct compare_run *run, const struct model *x)
{
    const struct facts *f = x->facts;
    uint64_t other = 0;

    for (int i = 0; i < FACTS_CHANNELS; i++)
        other += f->channels[i].sent;
    set(run, COL_stream_bytes, (double)f->stream_data.sent / x->seconds);
    set(run, COL_drawing_bytes, (double)f->drawing.sent / x->seconds);
    set(run, COL_other_bytes, (double)other / x->seconds);
    for (int i = 0; i < COMPARE_IMAGES; i++)
        if (compare_image(i) >= 0)
            set(run, COL_images + i, (double)f->images[compare_image(i)].sent / x->seconds);
}

static void fill_client(struct compare_run *run, const struct model *x)
{
    const struct facts_client *c = &x->facts->client;
    uint64_t pictures = c->frames_took.count + c->drawings_took.count;

    if (!x->has_client)
        return;
    if (x->client.pictures) {
        set(run, COL_clip_frames, (double)x->client.pictures / x->seconds);
        set(run, COL_longest_freeze, (double)c->longest_freeze / 1e9);
    }
    if (x->client.pictures > 1) {
        set(run, COL_interval_median, (double)histogram_quantile(&x->client.shown, 0.5) / 1e6);
        set(run, COL_interval_p95, (double)histogram_quantile(&x->client.shown, 0.95) / 1e6);
    }
    if (c->frames.count)
        set(run, COL_put_off, (double)c->longest_wait / 1e9);
    if (!pictures)
        return;
    set(run, COL_decode,
        (double)(c->frames_took.sum + c->drawings_took.sum) / (double)pictures / 1e6);
    set(run, COL_decode_median, (double)facts_client_took(c, 0.5) / 1e6);
    set(run, COL_decode_p95, (double)facts_client_took(c, 0.95) / 1e6);
}

void compare_fill(struct compare_run *run, const struct model *x)
{
    double cpu = worker_cpu_share(bundle_about(x->bundle), x->seconds);

    if (!(x->seconds > 0))
        return;
    set(run, COL_seconds, x->seconds);
    if (x->qxl || x->memory.count) {
        set(run, COL_ooms_a_minute, x->memory.count * 60 / x->seconds);
        set(run, COL_still_share, (double)waits_still(&x->waits) / x->seconds / 1e7);
        if (x->has_guest)
            set(run, COL_waited_share, (double)x->waits.guest.waited / x->seconds / 1e7);
    }
    set(run, COL_evicted, (double)x->memory.all.evicted);
    fill_streams(run, x);
    fill_clip(run, x);
    fill_client(run, x);
    fill_bytes(run, x);
    if (cpu >= 0)
        set(run, COL_worker_cpu, 100 * cpu);
    set(run, COL_lost, (double)x->facts->lost);
}

/* ---- its experiment ----------------------------------------------------------------------------
 */

/* All settings but what the experiment is about in words, in one line of fixed length. */
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

static void read_experiment(struct compare_run *run)
{
    char path[4096];
    json_t *o;
    const char *name, *verdict;

    snprintf(path, sizeof(path), "%s/experiment.json", run->path);
    o = json_load_file(path, 0, NULL);
    name = json_string_value(json_object_get(o, "name"));
    verdict = json_string_value(json_object_get(o, "verdict"));
    if (name && verdict) {
        snprintf(run->name, sizeof(run->name), "%s", name);
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

static int read_run(struct compare_run *run, const char *path)
{
    struct model *x = NULL;
    int code;

    run->path = path;
    name_of_folder(run);
    snprintf(run->settings, sizeof(run->settings), "%.100s", path); /* alone, if no experiment's */
    read_experiment(run);
    if (model_new(&x)) {
        fprintf(stderr, "spicetap compare: out of memory\n");
        return EXIT_ENV;
    }
    x->run = path;
    code = input_open(&x->bundle, "compare", path);
    if (!code) {
        code = model_gather(x) ? EXIT_ENV : input_end(x->bundle, "compare", path);
        compare_fill(run, x);
        bundle_close(x->bundle);
    }
    model_free(x);
    return code;
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

static bool together(const struct compare_run *a, const struct compare_run *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->settings, b->settings);
}

static bool same_word(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

void compare_fold(struct compare_row *row, struct compare_run *runs, unsigned count, unsigned at,
                  bool all)
{
    const struct compare_run *of[COMPARE_RUNS];
    double values[COMPARE_RUNS];

    *row = (struct compare_row){.first = &runs[at], .same_death = true, .same_refusal = true};
    for (unsigned i = at; i < count && i < (all ? at + 1 : count); i++) {
        if (runs[i].folded || !together(&runs[at], &runs[i]))
            continue;
        runs[i].folded = true;
        row->refused += runs[i].refused;
        if (!runs[i].refused)
            of[row->n++] = &runs[i];
    }
    if (row->n)
        row->first = of[0];
    for (unsigned i = 1; i < row->n; i++) {
        row->same_death &= same_word(of[0]->death, of[i]->death);
        row->same_refusal &= same_word(of[0]->refusal, of[i]->refusal);
    }
    for (int c = 0; c < COMPARE_COUNT; c++) {
        size_t n = 0;

        for (unsigned i = 0; i < row->n; i++)
            if (of[i]->known[c])
                values[n++] = of[i]->value[c];
        row->known[c] = n && n == row->n; /* a median of some of them would be of other runs */
        if (!row->known[c])
            continue;
        row->median[c] = median_of(values, n);
        row->least[c] = values[0];
        row->most[c] = values[n - 1];
    }
}

/* ---- the command
 * ----------------------------------------------------------------------------------- */

static int compare(char **paths, unsigned count, const char *format, bool all)
{
    struct compare_run *runs = calloc(count, sizeof(*runs));
    struct compare_row *rows = calloc(count, sizeof(*rows));
    unsigned n = 0;
    int code = runs && rows ? EXIT_DONE : EXIT_ENV, part = EXIT_DONE;

    for (unsigned i = 0; i < count && !code; i++) {
        code = read_run(&runs[i], paths[i]);
        if (code == EXIT_PART) { /* what could be read counts */
            part = code;
            code = EXIT_DONE;
        }
    }
    for (unsigned i = 0; i < count && !code; i++)
        if (!runs[i].folded)
            compare_fold(&rows[n++], runs, count, i, all);
    if (!code && compare_print(stdout, format, rows, n)) {
        fprintf(stderr, "spicetap compare: no such format (text, markdown, csv, json): %s\n",
                format);
        code = EXIT_USAGE;
    }
    free(runs);
    free(rows);
    return code ? code : part;
}

int cmd_compare(int argc, char **argv)
{
    static const struct argp parser = {option_table, on_option, "RUN...", doc, NULL, NULL, NULL};
    struct options o = {0};
    int code = options_parse(&parser, argc, argv, &o);

    if (code != OPTIONS_GO)
        return code;
    return compare(o.runs, o.count, formats[o.format], o.all);
}
