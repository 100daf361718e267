/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap export: a run's events in a format other programs read. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "base/progress.h"
#include "cmd/commands.h"
#include "run/input.h"
#include "table/export.h"

enum {
    SOURCE = OPTIONS_LONG,
    KIND,
    FROM,
    TO,
    VIEW_JOURNEYS,
    VIEW_OOM,
    VIEW_FENCES,
    VIEW_UPDATES,
    SUMMARY
};

static const struct argp_option option_table[] = {
    {"format", 'f', "FORMAT", 0,
     "jsonl: one JSON object a line, all kinds in order of time. csv: a table for each kind; one "
     "--kind goes to a file or standard output, several go to a new folder (-o), KIND.csv each. "
     "sqlite: a database (-o) with a table for each kind, the tables of linked events, and views. "
     "perfetto: a trace for ui.perfetto.dev",
     1},
    {"output", 'o', "FILE", 0, "Write to FILE; standard output without it", 1},
    {"source", SOURCE, "S,...", 0, "Only events of these sources: spice, qemu, guest, client", 2},
    {"kind", KIND, "K,...", 0, "Only these kinds of events; `spicetap events` lists them", 2},
    {"from", FROM, "T", 0,
     "Only events from time T on: seconds since the recording began (12.5), or ns of "
     "CLOCK_MONOTONIC (123456789ns)",
     2},
    {"to", TO, "T", 0, "Only events before time T", 2},
    {NULL, 0, NULL, 0, "Tables of linked events, a row for each:", 3},
    {"journeys", VIEW_JOURNEYS, NULL, 0,
     "release of a QXL guest, from its allocation to its reclaim", 3},
    {"oom", VIEW_OOM, NULL, 0, "time that the guest reported out of memory", 3},
    {"fences", VIEW_FENCES, NULL, 0, "fence of a virtio-gpu guest", 3},
    {"updates", VIEW_UPDATES, NULL, 0, "update that QEMU itself made of the screen", 3},
    {"summary", SUMMARY, NULL, 0,
     "With one of these tables: print counts, as text or (--format jsonl) as JSON", 4},
    {0},
};

static const char doc[] =
    "Prints the events of RUN, merged in order of time, or a table of linked events. Needs neither "
    "root nor the VM."
    "\vRUN is the folder that `spicetap record` made, or one of its *.tap logs. docs/journeys.md "
    "lists the columns of the tables. Losses (kind loss) are always printed, except in a CSV table "
    "of another kind: their number is then printed on standard error. See spicetap-export(1).";

enum { MAX_NAMES = 64 };
#define SECONDS_MAX 1e9

struct names {
    char *text; /* what `list` points into */
    const char *list[MAX_NAMES];
    size_t count;
};

/* A time of the command line. */
struct when {
    bool given, absolute;
    uint64_t ns; /* since the recording began, or of CLOCK_MONOTONIC */
};

struct options {
    const char *run, *output;
    const struct sink_kind *format;
    const struct link_view *view; /* a table of linked events instead of events */
    bool summary;
    struct names sources, kinds;
    struct when from, to;
};

static const struct sink_kind *const formats[] = {&sink_jsonl, &sink_csv, &sink_sqlite,
                                                  &sink_perfetto};
enum { FORMATS = sizeof(formats) / sizeof(*formats) };
static const char *const format_names[FORMATS] = {"jsonl", "csv", "sqlite", "perfetto"};

static const char *const sources[] = {"spice", "qemu", "guest", "client"};
enum { SOURCES_NAMED = sizeof(sources) / sizeof(*sources) };

static const char *format_word(size_t i)
{
    return i < FORMATS ? format_names[i] : NULL;
}

static const char *source_word(size_t i)
{
    return i < SOURCES_NAMED ? sources[i] : NULL;
}

static const char *kind_word(size_t i)
{
    return i < tap_kind_count ? tap_kinds[i].name : NULL;
}

/* ---- options ---- */

static int split(struct names *n, const char *text)
{
    char *rest = NULL;

    free(n->text);
    *n = (struct names){.text = strdup(text)};
    if (!n->text)
        return -ENOMEM;
    for (char *word = strtok_r(n->text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        if (n->count == MAX_NAMES)
            return -E2BIG;
        n->list[n->count++] = word;
    }
    return n->count ? 0 : -EINVAL;
}

static error_t read_names(struct argp_state *state, const char *name, const char *text,
                          struct names *n)
{
    int error = split(n, text);

    if (!error)
        return 0;
    argp_error(state, "%s %s: %s", name, text,
               error == -E2BIG ? "too many names" : "not a list of names");
    return EINVAL;
}

static error_t read_sources(struct argp_state *state, const char *text, struct names *n)
{
    if (read_names(state, "--source", text, n))
        return EINVAL;
    for (size_t i = 0; i < n->count; i++) {
        unsigned unused;

        if (options_word(state, "--source", n->list[i], sources, SOURCES_NAMED, &unused))
            return EINVAL;
    }
    return 0;
}

static error_t read_time(struct argp_state *state, const char *name, const char *text,
                         struct when *w)
{
    size_t length = strlen(text);
    char number[32];
    double seconds;

    w->given = true;
    w->absolute = length > 2 && !strcmp(text + length - 2, "ns");
    if (w->absolute)
        length -= 2;
    else if (length > 1 && text[length - 1] == 's')
        length--;
    if (length < sizeof(number)) {
        snprintf(number, sizeof(number), "%.*s", (int)length, text);
        if (w->absolute && !number_u64(number, 0, UINT64_MAX, &w->ns))
            return 0;
        if (!w->absolute && !number_decimal(number, SECONDS_MAX, &seconds)) {
            w->ns = (uint64_t)(seconds * 1e9);
            return 0;
        }
    }
    argp_error(state, "%s %s: not a time: seconds since the start (12.5) or 123456789ns", name,
               text);
    return EINVAL;
}

static error_t read_view(struct argp_state *state, struct options *o, const char *name)
{
    if (o->view) {
        argp_error(state, "one table at a time: --%s is too many", name);
        return EINVAL;
    }
    o->view = link_view(name);
    return 0;
}

static error_t check_options(struct argp_state *state, const struct options *o)
{
    const char *problem = NULL;

    if (o->view && (o->sources.count || o->kinds.count || o->from.given || o->to.given))
        problem = "a table of linked events is of the whole run: it takes no --source, --kind, "
                  "--from or --to";
    else if (!o->view && o->summary)
        problem = "--summary needs --journeys, --oom, --fences or --updates";
    else if (!o->view && !o->format)
        problem = "no format given: --format jsonl, csv, sqlite or perfetto";
    else if (o->format == &sink_sqlite && !o->output)
        problem = "sqlite needs a file: -o FILE";
    else if (!o->view && o->format == &sink_csv && o->kinds.count != 1 && !o->output)
        problem = "csv has a table for each kind: name one with --kind, or a folder with -o";
    if (!problem)
        return 0;
    argp_error(state, "%s", problem);
    return EINVAL;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    unsigned word;

    switch (key) {
    case 'f':
        if (options_word(state, "--format", arg, format_names, FORMATS, &word))
            return EINVAL;
        o->format = formats[word];
        return 0;
    case 'o':
        o->output = arg;
        return 0;
    case SOURCE:
        return read_sources(state, arg, &o->sources);
    case KIND:
        return read_names(state, "--kind", arg, &o->kinds);
    case FROM:
        return read_time(state, "--from", arg, &o->from);
    case TO:
        return read_time(state, "--to", arg, &o->to);
    case VIEW_JOURNEYS:
        return read_view(state, o, "journeys");
    case VIEW_OOM:
        return read_view(state, o, "oom");
    case VIEW_FENCES:
        return read_view(state, o, "fences");
    case VIEW_UPDATES:
        return read_view(state, o, "updates");
    case SUMMARY:
        o->summary = true;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS:
        return options_one(state, key, arg, "run", &o->run);
    case ARGP_KEY_END:
        return check_options(state, o);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- events ---- */

static int check_kinds(struct bundle *b, const struct options *o)
{
    for (size_t i = 0; i < o->kinds.count; i++) {
        const char *name = o->kinds.list[i];

        if (export_describes(b, name))
            continue;
        if (!tap_kind_by_name(name)) {
            fprintf(stderr,
                    "spicetap export: no such kind of event: %s; `spicetap events` lists them\n",
                    name);
            return EXIT_USAGE;
        }
        if (o->format == &sink_csv) {
            fprintf(stderr, "spicetap export: %s: has no log with events of kind %s\n", o->run,
                    name);
            return EXIT_INPUT;
        }
    }
    return EXIT_DONE;
}

/* `error` is the first one; s->failed names what it is about. */
static int report(const struct sink *s, const struct options *o, int error)
{
    uint64_t written = s->out.written;

    if (!error || error == -EPIPE) /* the reader of a pipe had enough */
        return EXIT_DONE;
    if (error == -EPROTO) {
        fprintf(stderr,
                "spicetap export: %s: the logs describe it differently: export them one by one, "
                "RUN/NAME.tap\n",
                s->failed);
        return EXIT_INPUT;
    }
    if (error == -EINVAL || error == -EISDIR) {
        fprintf(stderr, "spicetap export: %s: not a file: name one with -o\n", s->failed);
        return EXIT_ENV;
    }
    if (error == -EEXIST) {
        fprintf(stderr, "spicetap export: %s: is there already: name a new folder\n", s->failed);
        return EXIT_ENV;
    }
    if (!s->began) {
        fprintf(stderr, "spicetap export: %s: %s\n", s->failed, strerror(-error));
        return EXIT_ENV;
    }
    if (o->format && o->format->whole) {
        fprintf(stderr, "spicetap export: %s: %s; nothing is left of it\n", s->failed,
                strerror(-error));
        return EXIT_PART;
    }
    fprintf(stderr, "spicetap export: %s: %s; %" PRIu64 " bytes written so far are kept in %s\n",
            s->failed, strerror(-error), written, o->output ? o->output : "standard output");
    return EXIT_PART;
}

static uint64_t time_of(const struct when *w, uint64_t start, uint64_t without)
{
    return !w->given ? without : w->absolute ? w->ns : start + w->ns;
}

static void say_losses(uint64_t losses)
{
    const char *it = losses == 1 ? "it" : "them";

    if (losses)
        fprintf(stderr,
                "spicetap export: %" PRIu64 " loss%s: rows beside %s may not be whole; "
                "--kind loss lists %s\n",
                losses, losses == 1 ? "" : "es", it, it);
}

/* For a format that has a place for it: what the run is, and what belongs together in it. */
static int export_rest(struct sink *s, struct bundle *b, const struct options *o)
{
    static const struct link_view *const views[] = {&view_journeys, &view_oom, &view_fences,
                                                    &view_updates};
    bool all =
        s->kind->links && !o->sources.count && !o->kinds.count && !o->from.given && !o->to.given;
    struct bundle *again;
    uint64_t losses = 0, start, end;
    char *about;
    int error;

    about = json_dumps(bundle_about(b), JSON_COMPACT);
    bundle_window(b, &start, &end);
    error = about ? sink_about(s, "run.json", about, 0) : -ENOMEM;
    error = error ? error : sink_about(s, "start", NULL, start);
    error = error ? error : sink_about(s, "end", NULL, end);
    free(about);
    if (all && !error) {
        progress_label("linking");
        error = bundle_open(&again, o->run); /* the links begin anew */
        if (!error) {
            error = export_links(s, again, views, sizeof(views) / sizeof(*views), NULL, &losses);
            bundle_close(again);
        }
    }
    say_losses(losses);
    return error;
}

static int export_all(struct bundle *b, const struct options *o)
{
    struct event_choice choice = {.sources = o->sources.list,
                                  .source_count = o->sources.count,
                                  .kinds = o->kinds.list,
                                  .kind_count = o->kinds.count};
    bool one = o->format == &sink_csv && o->kinds.count == 1;
    struct event_counts counts = {0};
    struct sink s;
    uint64_t start, end;
    int error, closed, code = check_kinds(b, o);

    if (code)
        return code;
    bundle_window(b, &start, &end);
    choice.from = time_of(&o->from, start, 0);
    choice.to = time_of(&o->to, start, UINT64_MAX);
    if (!o->output && isatty(STDOUT_FILENO))
        progress_label(NULL); /* the rows are on the terminal */
    error = sink_open(&s, o->format, o->output, one);
    if (!error) {
        error = *input_warning(b) ? sink_about(&s, "warning", input_warning(b), 0) : 0;
        error = error ? error : export_events(&s, b, &choice, &counts);
        error = error ? error : export_rest(&s, b, o);
        s.error = s.error ? s.error : error;
        progress_label("making indices");
        if (s.kind->empty)
            progress_at(-1);
        closed = sink_close(&s);
        error = error ? error : closed;
    }
    progress_done();
    code = report(&s, o, error);
    if (!code && one && counts.losses && strcmp(o->kinds.list[0], "loss"))
        fprintf(stderr, "spicetap export: %" PRIu64 " loss%s in this time: see --kind loss\n",
                counts.losses, counts.losses == 1 ? "" : "es");
    return code;
}

/* ---- linked events ---- */

static int complain(const char *what, int error)
{
    fprintf(stderr, "spicetap export: %s: %s\n", what, strerror(-error));
    return EXIT_ENV;
}

static int print_summary(struct bundle *b, const struct options *o)
{
    FILE *f = o->output ? fopen(o->output, "we") : stdout;
    json_t *s = NULL;
    uint64_t losses = 0;
    int error = f ? export_links(NULL, b, &o->view, 1, &s, &losses) : -errno;

    if (error) {
        if (f && f != stdout)
            fclose(f);
        return complain(f ? o->run : o->output, error);
    }
    say_losses(losses);
    if (o->format == &sink_jsonl) {
        json_dumpf(s, f, JSON_INDENT(2));
        fputc('\n', f);
    } else {
        links_text(o->view, s, f);
    }
    json_decref(s);
    if (f == stdout)
        return EXIT_DONE; /* spicetap() checks it */
    error = out_finish(f);
    if (fclose(f) && !error)
        error = -errno;
    return error ? complain(o->output, error) : EXIT_DONE;
}

static int export_view(struct bundle *b, const struct options *o)
{
    const struct sink_kind *format = o->format ? o->format : &sink_csv;
    uint64_t losses = 0;
    struct sink s;
    int error, closed;

    if (o->summary)
        return print_summary(b, o);
    error = sink_open(&s, format, o->output, true);
    if (!error) {
        error = export_links(&s, b, &o->view, 1, NULL, &losses);
        closed = sink_close(&s);
        error = error ? error : closed;
    }
    if (!error)
        say_losses(losses);
    return report(&s, o, error);
}

const struct command_options export_options = {
    .parser = {option_table, on_option, "RUN", doc, NULL, NULL, NULL},
    .words = {{'f', format_word, false}, {SOURCE, source_word, true}, {KIND, kind_word, true}},
};

int cmd_export(int argc, char **argv)
{
    struct options o = {0};
    struct bundle *b = NULL;
    int code = options_parse(&export_options.parser, argc, argv, &o), rest;

    signal(SIGPIPE, SIG_IGN);
    if (code == OPTIONS_GO)
        code = input_open(&b, "export", o.run);
    if (b) {
        code = o.view ? export_view(b, &o) : export_all(b, &o);
        rest = input_end(b, "export", o.run);
        code = code ? code : rest;
        bundle_close(b);
    }
    free(o.sources.text);
    free(o.kinds.text);
    return code;
}
