/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap info: a first look at a run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "model/facts.h"
#include "report/info.h"
#include "run/input.h"

static const struct argp_option option_table[] = {
    {"json", 'j', NULL, 0, "Print the same facts as JSON", 0},
    {0},
};

static const char doc[] =
    "Prints what is in RUN and what happened in it: times that the guest ran out of graphics "
    "memory, evictions, streams and how long they lived, draws and matches by verdict, bytes by "
    "class, and what was lost. Needs neither root nor the VM."
    "\vRUN is the folder that `spicetap record` made, or one of its *.tap logs. See "
    "spicetap-info(1).";

struct options {
    const char *run;
    bool json;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'j':
        o->json = true;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS:
        return options_one(state, key, arg, "run", &o->run);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void facts_free(struct facts **f)
{
    free(*f);
}

static int out_of_memory(void)
{
    fprintf(stderr, "spicetap info: out of memory\n");
    return EXIT_ENV;
}

static int look(const char *run, bool json)
{
    struct facts *facts __attribute__((cleanup(facts_free))) = calloc(1, sizeof(*facts));
    struct info i = {.run = run, .facts = facts};
    int code = facts ? input_open(&i.bundle, "info", run) : out_of_memory();

    if (code)
        return code;
    if (facts_gather(facts, i.bundle)) {
        bundle_close(i.bundle);
        return out_of_memory();
    }
    info_measure(&i);
    if (!json)
        info_text(&i);
    else if (info_json(&i))
        code = out_of_memory();
    if (!code)
        code = input_end(i.bundle, "info", run);
    bundle_close(i.bundle);
    return code;
}

int cmd_info(int argc, char **argv)
{
    static const struct argp parser = {option_table, on_option, "RUN", doc, NULL, NULL, NULL};
    struct options o = {0};
    int code = options_parse(&parser, argc, argv, &o);

    return code == OPTIONS_GO ? look(o.run, o.json) : code;
}
