/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/options.h"
#include "cmd/commands.h"
#include "cmd/top_screen.h"
#include "cmd/top_table.h"
#include "cmd/watching.h"

enum { OPT_JSON = OPTIONS_LONG, DEFAULT_DELAY = 2, MOST_DELAY = 3600, LOOK_SECONDS = 2 };

static const struct argp_option option_table[] = {
    {"domain", 'd', "NAME", 0, "Only this VM; may be given several times (default: all)", 0},
    {"delay", 's', "SECONDS", 0, "The figures are those of so many seconds (default: 2)", 1},
    {"once", '1', NULL, 0, "Print the figures once, and end", 2},
    {"json", OPT_JSON, NULL, 0, "Print them once, as JSON", 2},
    {0},
};

static const char doc[] =
    "Shows what the displays of all VMs of this host do now: video streams, frames a second, "
    "out-of-memory, evictions, bytes. A line a VM. VMs may come and go."
    "\vKeys: arrows choose a VM, Enter looks into it, s sorts by the next column, r turns the "
    "order round, q ends.\n"
    "Records nothing. Needs the rights that `spicetap record` needs. The process that attaches "
    "reads no data; what counts and what shows has no rights.";

struct options {
    struct watchers_options watch;
    unsigned delay;
    bool once, json;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'd':
        return watching_domain(state, &o->watch, arg);
    case 's':
        return options_u32(state, "--delay", arg, 1, MOST_DELAY, &o->delay);
    case OPT_JSON:
        o->json = true;
        /* fall through */
    case '1':
        o->once = true;
        return 0;
    case ARGP_KEY_END:
        if (o->once || (isatty(STDOUT_FILENO) && isatty(STDIN_FILENO)))
            return 0;
        argp_error(state, "standard input or output is no terminal: take --once or --json");
        return EINVAL;
    case ARGP_KEY_ARG:
        argp_error(state, "%s: VMs are named with --domain", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- once ---- */

static void print_table(const struct live *l, const struct options *o)
{
    char line[TOP_LINE];

    top_head(line, sizeof(line), TOP_NAME);
    puts(line);
    for (unsigned i = 0; i < l->count; i++) {
        struct live_rates r;

        live_rates(&r, &l->vms[i], NULL);
        top_row(line, sizeof(line), TOP_NAME, &l->vms[i], &r);
        puts(line);
    }
    if (!l->count && !o->watch.domain_count)
        fprintf(stderr, "spicetap top: no VM with a name runs on this host\n");
    if (l->beyond)
        fprintf(stderr, "spicetap top: %u more VMs are not watched: at most %d are\n", l->beyond,
                BOARD_VMS);
}

static int once(const struct board *board, int stop, const struct options *o)
{
    struct pollfd fd = {.fd = stop, .events = POLLIN};
    struct live *l = calloc(1, sizeof(*l));
    json_t *json;
    int code;

    if (!l)
        return EXIT_ENV;
    watching_wait(board, stop);
    poll(&fd, 1, (int)o->delay * 1000);
    live_take(l, board);
    if (o->json) {
        json = live_json(l);
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(json);
    } else {
        print_table(l, o);
    }
    code = watching_complain("top", l, &o->watch);
    free(l);
    return code;
}

static int show(const struct board *board, int stop, void *who)
{
    const struct options *o = who;

    return o->once ? once(board, stop, o) : top_screen(board, stop, o->delay);
}

const struct command_options top_options = {
    .parser = {option_table, on_option, "", doc, NULL, NULL, NULL},
};

int cmd_top(int argc, char **argv)
{
    struct options o = {.watch = {.look_seconds = LOOK_SECONDS, .show = show, .who = &o},
                        .delay = DEFAULT_DELAY};
    int code = options_parse(&top_options.parser, argc, argv, &o);

    return code == OPTIONS_GO ? watching_run("top", &o.watch) : code;
}
