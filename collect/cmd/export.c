/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap export: a run's events in a format other programs read. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "table/export.h"
#include "run/cursor.h"
#include "run/input.h"
#include "links/links.h"

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
     "--kind goes to a file or standard output, several go to a new folder (-o), KIND.csv each",
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

enum { MAX_NAMES = 64, KINDS = UINT16_MAX + 1 };

struct names {
    char *text; /* what `list` points into */
    const char *list[MAX_NAMES];
    size_t count;
};

struct options {
    const char *run, *output;
    const struct exporter *format;
    const struct link_view *view; /* a table of links instead of events */
    bool summary;
    struct names sources, kinds;
    const char *from, *to;
};

/* The walk: which table an event belongs to. */
struct walk {
    struct bundle *bundle;
    const struct bundle_log *logs;
    size_t log_count;
    struct table **tables; /* KINDS for each log, made when first met */
    uint64_t from, to, start;
    bool tty;
    time_t began, told;
};

static const struct exporter *const exporters[] = {&export_jsonl, &export_csv};
enum { EXPORTERS = sizeof(exporters) / sizeof(*exporters) };

/* ---- one event table for all formats ---------------------------------------------------- */

char *export_value(char *p, const struct column *c, uint64_t v, bool quote)
{
    const char *name;

    switch (c->kind) {
    case COLUMN_UNSIGNED:
        return put_unsigned(p, v);
    case COLUMN_SIGNED:
        return put_signed(p, (int64_t)v);
    case COLUMN_HEX:
        if (!quote)
            return put_hex(p, v);
        *p++ = '"';
        p = put_hex(p, v);
        *p++ = '"';
        return p;
    case COLUMN_FLAG:
        return v ? put_text(p, "true", 4) : put_text(p, "false", 5);
    default:
        break;
    }
    name = tap_enum_name(c->field->names, (int64_t)v);
    if (!name)
        return put_signed(p, (int64_t)v);
    if (quote)
        *p++ = '"';
    p = put_text(p, name, strlen(name));
    if (quote)
        *p++ = '"';
    return p;
}

static enum column_kind column_kind(const struct tap_field *f)
{
    if (f->type == TYPE_RECT)
        return COLUMN_BOX;
    if (f->names)
        return COLUMN_ENUM;
    if (!strcmp(f->meaning, "hex"))
        return COLUMN_HEX;
    if (!strcmp(f->meaning, "flag"))
        return COLUMN_FLAG;
    return f->type == TYPE_S32 || f->type == TYPE_S64 ? COLUMN_SIGNED : COLUMN_UNSIGNED;
}

/* `json`: the keys are JSON, else the head is a row's first cells. */
static struct table *make_table(const struct bundle_log *log, const struct tap_kind_desc *kind,
                                bool json)
{
    struct table *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->kind = kind;
    t->log = log;
    t->count = kind->count;
    t->head_length = (size_t)snprintf(
        t->head, sizeof(t->head), json ? ",\"source\":\"%s\",\"event\":\"%s\",\"tid\":" : ",%s,%s,",
        tap_source_name(log->source), kind->name);
    for (unsigned i = 0; i < kind->count; i++) {
        struct column *c = &t->columns[i];

        c->field = &kind->fields[i];
        c->kind = column_kind(c->field);
        c->slot = c->field->slot;
        c->length = (uint16_t)snprintf(c->key, sizeof(c->key), ",\"%s\":", c->field->name);
    }
    return t;
}

int export_open_file(struct export *x)
{
    int fd = STDOUT_FILENO;

    snprintf(x->failed, sizeof(x->failed), "%s", x->output ? x->output : "standard output");
    if (x->output)
        fd = open(x->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return fd < 0 ? -errno : out_open(&x->out, fd);
}

/* ---- options ------------------------------------------------------------------------------ */

static int usage(const char *problem, const char *what)
{
    fprintf(stderr, "spicetap export: %s: %s; see spicetap export --help\n", problem, what);
    return EXIT_USAGE;
}

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

static bool has_name(const struct names *n, const char *name)
{
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->list[i], name))
            return true;
    return false;
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
    for (size_t i = 0; i < n->count; i++)
        if (strcmp(n->list[i], "spice") && strcmp(n->list[i], "qemu") &&
            strcmp(n->list[i], "guest") && strcmp(n->list[i], "client")) {
            argp_error(state, "--source %s: not one of spice, qemu, guest, client", n->list[i]);
            return EINVAL;
        }
    return 0;
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

    if (o->view && (o->sources.count || o->kinds.count || o->from || o->to))
        problem = "a table of linked events is of the whole run: it takes no --source, --kind, "
                  "--from or --to";
    else if (!o->view && o->summary)
        problem = "--summary needs --journeys, --oom, --fences or --updates";
    else if (!o->view && !o->format)
        problem = "no format given: --format jsonl or --format csv";
    else if (!o->view && o->format == &export_csv && o->kinds.count != 1 && !o->output)
        problem = "csv has a table for each kind: name one with --kind, or a folder with -o";
    if (!problem)
        return 0;
    argp_error(state, "%s", problem);
    return EINVAL;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    static const char *const formats[] = {"jsonl", "csv"};
    struct options *o = state->input;
    unsigned word;

    switch (key) {
    case 'f':
        if (options_word(state, "--format", arg, formats, EXPORTERS, &word))
            return EINVAL;
        o->format = exporters[word];
        return 0;
    case 'o':
        o->output = arg;
        return 0;
    case SOURCE:
        return read_sources(state, arg, &o->sources);
    case KIND:
        return read_names(state, "--kind", arg, &o->kinds);
    case FROM:
        o->from = arg;
        return 0;
    case TO:
        o->to = arg;
        return 0;
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

/* Seconds since the start, or ns of CLOCK_MONOTONIC. */
static int read_time(const char *text, uint64_t start, uint64_t *out)
{
    char *end;
    double seconds;

    if (!text)
        return 0;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (end != text && !strcmp(end, "ns") && !errno && *text != '-')
        return 0;
    errno = 0;
    seconds = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "s")) || errno || !(seconds >= 0 && seconds < 1e9))
        return usage("not a time: seconds since the start (12.5) or 123456789ns", text);
    *out = start + (uint64_t)(seconds * 1e9);
    return 0;
}

/* ---- the walk ------------------------------------------------------------------------------ */

static struct table *table_of(struct walk *w, const struct options *o, const struct bundle_log *log,
                              uint16_t number)
{
    struct table **at = &w->tables[(size_t)(log - w->logs) * KINDS + number];
    const struct tap_kind_desc *kind;

    if (*at)
        return *at;
    kind = tap_reader_kind(log->reader, number);
    *at = kind ? make_table(log, kind, o->format != &export_csv) : NULL;
    if (!*at)
        return NULL;
    (*at)->wanted = (!o->sources.count || has_name(&o->sources, tap_source_name(log->source))) &&
                    (!o->kinds.count || has_name(&o->kinds, kind->name) || number == EV_loss);
    return *at;
}

/* The kind of that name in the first log that describes it. */
static struct table *table_named(struct walk *w, const struct options *o, const char *name)
{
    for (size_t i = 0; i < w->log_count; i++)
        for (unsigned k = 0; w->logs[i].reader && k < KINDS; k++) {
            const struct tap_kind_desc *kind = tap_reader_kind(w->logs[i].reader, (uint16_t)k);

            if (kind && !strcmp(kind->name, name))
                return table_of(w, o, &w->logs[i], (uint16_t)k);
        }
    return NULL;
}

/* Checks every --kind; finds the table if a CSV holds one alone. */
static int find_kinds(struct walk *w, const struct options *o, struct export *x)
{
    for (size_t i = 0; i < o->kinds.count; i++) {
        struct table *t = table_named(w, o, o->kinds.list[i]);

        if (!t && !tap_kind_by_name(o->kinds.list[i]))
            return usage("no such kind of event", o->kinds.list[i]);
        if (!t && o->format == &export_csv) {
            fprintf(stderr, "spicetap export: %s: has no log with events of kind %s\n", o->run,
                    o->kinds.list[i]);
            return EXIT_INPUT;
        }
        if (o->format == &export_csv && o->kinds.count == 1)
            x->only = t;
    }
    return 0;
}

/* A line on a terminal, once a second after the first two. */
static void tell_progress(struct walk *w, const struct export *x, uint64_t at)
{
    time_t now = w->tty ? time(NULL) : 0;

    if (!w->tty || now < w->began + 2 || now == w->told)
        return;
    w->told = now;
    fprintf(stderr, "\r%" PRIu64 " events, at %.1f s of the run \r", x->events,
            at > w->start ? (double)(at - w->start) / 1e9 : 0.0);
}

static int walk(struct walk *w, const struct options *o, struct export *x)
{
    struct run_cursor *c = NULL;
    struct run_event e;
    int err = cursor_open(&c, w->bundle);

    while (!err && cursor_next(c, &e) == 1) {
        const struct tap_event *ev = e.raw;
        struct table *t = table_of(w, o, e.log, ev->kind);

        if (!t || !t->wanted || ev->time < w->from || ev->time >= w->to)
            continue;
        x->losses += ev->kind == EV_loss;
        if (x->only && strcmp(t->kind->name, x->only->kind->name))
            continue;
        err = o->format->event(x, t, ev);
        if (++x->events % 65536 == 0)
            tell_progress(w, x, ev->time);
    }
    cursor_close(c);
    if (w->told)
        fprintf(stderr, "\r\033[K");
    return err;
}

static int report(const struct options *o, const struct export *x, int err)
{
    if (err == -EPIPE)
        return EXIT_DONE; /* the reader had enough */
    if (err == -EPROTO) {
        fprintf(stderr,
                "spicetap export: %s: the logs describe it differently: export them one "
                "by one, RUN/NAME.tap\n",
                x->failed);
        return EXIT_INPUT;
    }
    if (err == -EEXIST) {
        fprintf(stderr, "spicetap export: %s: is there already: name a new folder\n", x->failed);
        return EXIT_ENV;
    }
    if (err && x->out.written + x->events == 0) {
        fprintf(stderr, "spicetap export: %s: %s\n", x->failed, strerror(-err));
        return EXIT_ENV;
    }
    if (err) {
        fprintf(
            stderr, "spicetap export: %s: %s; %" PRIu64 " bytes written so far are kept in %s\n",
            x->failed, strerror(-err), x->out.written, o->output ? o->output : "standard output");
        return EXIT_PART;
    }
    if (x->only && x->losses && strcmp(x->only->kind->name, "loss"))
        fprintf(stderr, "spicetap export: %" PRIu64 " loss%s in this time: see --kind loss\n",
                x->losses, x->losses == 1 ? "" : "es");
    return EXIT_DONE;
}

static int run(struct walk *w, const struct options *o)
{
    struct export x = {.output = o->output};
    int err, code;

    w->log_count = bundle_logs(w->bundle, &w->logs);
    w->tables = calloc(w->log_count * KINDS + 1, sizeof(*w->tables));
    bundle_window(w->bundle, &w->start, &w->to);
    w->to = UINT64_MAX;
    if (!w->tables)
        return EXIT_ENV;
    code = read_time(o->from, w->start, &w->from);
    if (!code)
        code = read_time(o->to, w->start, &w->to);
    if (!code)
        code = find_kinds(w, o, &x);
    if (code)
        return code;
    err = o->format->begin(&x);
    if (!err)
        err = walk(w, o, &x);
    code = o->format->end(&x);
    return report(o, &x, err ? err : code);
}

static void walk_free(struct walk *w)
{
    for (size_t i = 0; w->tables && i < w->log_count * KINDS; i++)
        free(w->tables[i]);
    free(w->tables);
    bundle_close(w->bundle);
}

int cmd_export(int argc, char **argv)
{
    static const struct argp parser = {option_table, on_option, "RUN", doc, NULL, NULL, NULL};
    struct options o = {0};
    struct walk w = {.tty = isatty(STDERR_FILENO), .began = time(NULL)};
    int code = options_parse(&parser, argc, argv, &o), rest;

    signal(SIGPIPE, SIG_IGN);
    if (code == OPTIONS_GO && o.view) {
        code = links_export(o.view, o.run, o.output, o.format == &export_jsonl, o.summary);
    } else if (code == OPTIONS_GO) {
        code = input_open(&w.bundle, "export", o.run);
        if (!code) {
            code = run(&w, &o);
            rest = input_end(w.bundle, "export", o.run);
            code = code ? code : rest;
            walk_free(&w);
        }
    }
    free(o.sources.text);
    free(o.kinds.text);
    return code;
}
