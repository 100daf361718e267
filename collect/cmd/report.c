/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap report: a run, or several side by side, as one HTML file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/progress.h"
#include "base/whole.h"
#include "cmd/commands.h"
#include "report/html.h"
#include "run/input.h"

enum { RUNS = 8 };

static const struct argp_option option_table[] = {
    {"output", 'o', "FILE", 0, "Write the page to FILE; it must be given", 0},
    {0},
};

static const char doc[] =
    "Writes a page about RUN: in short what cost the viewer most, then a timeline of all sides. It "
    "is one file that works without a network. Several runs, at most eight, are shown side by "
    "side. Needs neither root nor the VM."
    "\vRUN is a folder that `spicetap record` made, or one of its *.tap logs. See "
    "spicetap-report(1).";

struct options {
    const char *runs[RUNS], *output;
    unsigned count;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'o':
        o->output = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (o->count == RUNS) {
            argp_error(state, "at most %d runs on a page", RUNS);
            return EINVAL;
        }
        o->runs[o->count++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (o->count && o->output)
            return 0;
        argp_error(state, o->count ? "no file given: -o FILE" : "no run given");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Adds the run to the array. An exit code. */
static int add_run(const char *run, json_t *runs)
{
    struct model *x = NULL;
    json_t *o = NULL;
    int code;

    if (model_new(&x)) {
        fprintf(stderr, "spicetap report: out of memory\n");
        return EXIT_ENV;
    }
    x->run = run;
    code = input_open(&x->bundle, "report", run);
    if (!code) {
        progress_label("reading");
        o = model_gather(x) ? NULL : html_run(x);
        if (!o)
            fprintf(stderr, "spicetap report: %s: out of memory, or it changed while it was read\n",
                    run);
        code = o ? input_end(x->bundle, "report", run) : EXIT_ENV;
        bundle_close(x->bundle);
    }
    model_free(x);
    if (o)
        json_array_append_new(runs, o);
    return code;
}

static int write_page(struct whole *w, const json_t *runs)
{
    FILE *f = fopen(w->part, "we");
    int error = f ? html_write(f, runs) : -errno;

    if (f && fclose(f) && !error)
        error = -errno;
    return whole_end(w, error);
}

static int complain(const char *output, int error, int code)
{
    fprintf(stderr, "spicetap report: %s: %s%s\n", output,
            error == -EINVAL ? "not a file" : strerror(-error),
            code == EXIT_PART ? "; nothing is left of it" : "");
    return code;
}

const struct command_options report_options = {
    .parser = {option_table, on_option, "RUN...", doc, NULL, NULL, NULL},
};

int cmd_report(int argc, char **argv)
{
    struct options o = {0};
    int code = options_parse(&report_options.parser, argc, argv, &o), part = 0, error = 0;
    static struct whole page; /* its paths are long */
    json_t *runs = json_array();

    if (code == OPTIONS_GO) {
        error = whole_begin(&page, o.output);
        code = error ? complain(o.output, error, EXIT_ENV) : EXIT_DONE;
        for (unsigned i = 0; !error && i < o.count && (!code || code == EXIT_PART); i++) {
            code = add_run(o.runs[i], runs);
            part = part ? part : code;
        }
        if (!error && code && code != EXIT_PART) {
            whole_end(&page, -ECANCELED);
        } else if (!error) {
            error = write_page(&page, runs);
            code = error ? complain(o.output, error, EXIT_PART) : part;
        }
    }
    json_decref(runs);
    return code;
}
