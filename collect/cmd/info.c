/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap info: a first look at a run. */
#include <stdio.h>

#include "base/options.h"
#include "cmd/commands.h"
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

static int out_of_memory(void)
{
    fprintf(stderr, "spicetap info: out of memory\n");
    return EXIT_ENV;
}

static int print(struct model *x, bool json)
{
    struct info i;

    if (model_gather(x))
        return out_of_memory();
    info_init(&i, x);
    if (json && info_json(&i))
        return out_of_memory();
    if (!json)
        info_text(&i);
    return input_end(x->bundle, "info", x->run);
}

static int look(const struct options *o)
{
    struct model *x;
    int code;

    if (model_new(&x))
        return out_of_memory();
    x->run = o->run;
    x->lives_only = true;
    code = input_open(&x->bundle, "info", o->run);
    if (!code) {
        code = print(x, o->json);
        bundle_close(x->bundle);
    }
    model_free(x);
    return code;
}

const struct command_options info_options = {
    .parser = {option_table, on_option, "RUN", doc, NULL, NULL, NULL},
};

int cmd_info(int argc, char **argv)
{
    struct options o = {0};
    int code = options_parse(&info_options.parser, argc, argv, &o);

    return code == OPTIONS_GO ? look(&o) : code;
}
