/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap explain: why each stream lived and died. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/commands.h"
#include "report/explain.h"
#include "run/input.h"

const char help_explain[] =
    "Usage: spicetap explain RUN [OPTIONS]\n"
    "\n"
    "Says in words why the run's video streams lived and died: when the guest ran out of graphics\n"
    "memory and what that did, each stream and the cause of its end, each place on the screen "
    "that\n"
    "was redrawn like a video and why its redraws were not streamed, and what this run says of "
    "the\n"
    "hypotheses H1 to H5. Every sentence carries a reference such as [s3.2]; --events lists the\n"
    "events it rests on. Where events were lost it says inconclusive. Needs neither root nor the "
    "VM.\n"
    "\n"
    "      --stream N   all about stream N\n"
    "      --episode N  all about one time that memory ran out\n"
    "      --region N   all about one place on the screen\n"
    "      --at TIME    what was going on at TIME, in seconds since the start\n"
    "      --events REF the events behind a sentence; with --json one object a line\n"
    "      --json       the same facts as JSON (docs/explain.md)\n"
    "  -h, --help       this text\n";

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
        model_gather(x);
        code = o->events              ? explain_events(x, o)
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

/* 1 and more; 0: it is no number. */
static uint32_t number(const char *text)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    return *end || v > UINT32_MAX ? 0 : (uint32_t)v;
}

static int parse(int argc, char **argv, struct explain_options *o, bool *help)
{
    static const struct option longs[] = {
        {"stream", required_argument, NULL, 's'}, {"episode", required_argument, NULL, 'e'},
        {"region", required_argument, NULL, 'r'}, {"at", required_argument, NULL, 'a'},
        {"events", required_argument, NULL, 'v'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {0}};
    bool bad = false;
    char *end = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (c) {
        case 's':
            bad |= !(o->stream = number(optarg));
            break;
        case 'e':
            bad |= !(o->episode = number(optarg));
            break;
        case 'r':
            bad |= !(o->region = number(optarg));
            break;
        case 'a':
            o->at = strtod(optarg, &end);
            bad |= *end || end == optarg || !(o->at >= 0 && o->at < 1e8);
            break;
        case 'v':
            o->events = optarg;
            break;
        case 'j':
            o->json = true;
            break;
        case 'h':
            *help = true;
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
        if (bad) {
            fprintf(stderr, "spicetap explain: %s is no number; see spicetap explain --help\n",
                    optarg);
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

int cmd_explain(int argc, char **argv)
{
    struct explain_options o = {.at = -1};
    bool help = false;
    int code = parse(argc, argv, &o, &help);

    if (help) {
        fputs(help_explain, stdout);
        return EXIT_DONE;
    }
    if (!code && optind + 1 != argc) {
        fprintf(stderr, "spicetap explain: %s; see spicetap explain --help\n",
                optind == argc ? "no run given" : "one run at a time");
        code = EXIT_USAGE;
    }
    return code ? code : look(argv[optind], &o);
}
