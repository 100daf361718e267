/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap explain: why the picture froze, and why each stream ended. */
#include <stdio.h>
#include <stdlib.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "report/explain.h"
#include "run/input.h"

enum { STREAM = OPTIONS_LONG, EPISODE, REGION, AT, EVENTS, HYPOTHESES_TOO };
#define AT_MAX 1e8 /* seconds */

static const struct argp_option option_table[] = {
    {"stream", STREAM, "N", 0, "Show all about stream N", 0},
    {"episode", EPISODE, "N", 0, "Show all about out-of-memory episode N", 0},
    {"region", REGION, "N", 0, "Show all about region N, a place on the screen", 0},
    {"at", AT, "SECONDS", 0, "Show what was going on SECONDS after the start", 0},
    {"events", EVENTS, "REF", 0,
     "List the events behind the sentence REF, such as s3.2; with --json one object a line", 0},
    {"hypotheses", HYPOTHESES_TOO, NULL, 0, "Add the verdicts on H1 to H6 (docs/explain.md)", 0},
    {"json", 'j', NULL, 0, "Print everything as JSON (docs/dev/explain-json.md)", 0},
    {0},
};

static const char doc[] =
    "Explains why the picture froze, why each video stream of RUN ended, and why a video was not "
    "streamed. The page begins with what cost the viewer most and what to change. Every sentence "
    "has a reference such as [s3.2]; --events lists the events behind it. Where events were lost "
    "the answer is inconclusive. Needs neither root nor the VM."
    "\vRUN is the folder that `spicetap record` made, or one of its *.tap logs. See "
    "spicetap-explain(1).";

struct options {
    const char *run;
    struct explain_options explain;
};

static int too_late(const struct model *x, const struct explain_options *o)
{
    fprintf(stderr, "spicetap explain: --at %g: the run lasts %.1f s\n", o->at, x->seconds);
    return EXIT_USAGE;
}

static int look(const char *run, const struct explain_options *o)
{
    struct model *x = NULL;
    int code;

    if (model_new(&x)) {
        fprintf(stderr, "spicetap explain: out of memory\n");
        return EXIT_ENV;
    }
    x->run = run;
    code = input_open(&x->bundle, "explain", run);
    if (!code) {
        code = model_gather(x)        ? EXIT_ENV
               : o->at > x->seconds   ? too_late(x, o)
               : o->events            ? explain_events(x, o)
               : o->json && o->at < 0 ? explain_json(x, o)
               : o->json              ? explain_events(x, o)
                                      : explain_text(x, o);
        if (!code)
            code = input_end(x->bundle, "explain", run);
        bundle_close(x->bundle);
    }
    model_free(x);
    return code;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case STREAM:
        return options_u32(state, "--stream", arg, 1, UINT32_MAX, &o->explain.stream);
    case EPISODE:
        return options_u32(state, "--episode", arg, 1, UINT32_MAX, &o->explain.episode);
    case REGION:
        return options_u32(state, "--region", arg, 1, UINT32_MAX, &o->explain.region);
    case AT:
        return options_seconds(state, "--at", arg, AT_MAX, &o->explain.at);
    case EVENTS:
        o->explain.events = arg;
        return 0;
    case HYPOTHESES_TOO:
        o->explain.hypotheses = true;
        return 0;
    case 'j':
        o->explain.json = true;
        return 0;
    case ARGP_KEY_END:
        if (!o->explain.json || !(o->explain.stream || o->explain.episode || o->explain.region))
            return 0;
        argp_error(state,
                   "--json prints everything: --stream, --episode and --region are for text");
        return EINVAL;
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS:
        return options_one(state, key, arg, "run", &o->run);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct command_options explain_options = {
    .parser = {option_table, on_option, "RUN", doc, NULL, NULL, NULL},
};

int cmd_explain(int argc, char **argv)
{
    struct options o = {.explain.at = -1};
    int code = options_parse(&explain_options.parser, argc, argv, &o);

    return code == OPTIONS_GO ? look(o.run, &o.explain) : code;
}
