/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dispatches to the command named first, and checks what was printed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exit.h"
#include "base/out.h"
#include "cmd/commands.h"

const struct command commands[] = {
    {"probes", cmd_probes, &probes_options,
     "list the probes of a VM or a library, and which are missing"},
    {"record", cmd_record, &record_options, "record a run of a VM"},
    {"top", cmd_top, &top_options, "show what all VMs of this host do now"},
    {"metrics", cmd_metrics, &metrics_options,
     "count what all VMs of this host do, for Prometheus"},
    {"info", cmd_info, &info_options, "print what is in a run and what happened"},
    {"explain", cmd_explain, &explain_options,
     "explain why the picture froze, or why a video was not streamed"},
    {"whatif", cmd_whatif, &whatif_options,
     "replay a run with other constants of the stream detector"},
    {"compare", cmd_compare, &compare_options, "compare several runs side by side"},
    {"report", cmd_report, &report_options, "write a page about a run, or several side by side"},
    {"export", cmd_export, &export_options, "export a run's events or tables for other programs"},
    {"meter", cmd_meter, &meter_options, "run a client that measures what it receives and shows"},
    {"events", cmd_events, &events_options, "list the kinds of events and their fields"},
    {"completion", cmd_completion, &completion_options,
     "print a script for the shell that completes commands and options"},
    {0},
};

static const struct command *find(const char *name)
{
    for (int i = 0; commands[i].name; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void print_list(FILE *out)
{
    fputs("spicetap records what a QEMU/SPICE virtual machine does with its picture, and explains\n"
          "with evidence why it froze, or why a video was not streamed.\n\n"
          "Usage: spicetap COMMAND [OPTION...]\n\n",
          out);
    for (int i = 0; commands[i].name; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].line);
    fputs(
        "\n`spicetap help COMMAND` prints a command's options, `spicetap --version` the version.\n"
        "Exit codes: 0 done, 1 failed part way, 2 usage, 3 environment, 4 bad input.\n",
        out);
}

static int run(int argc, char **argv)
{
    const struct command *c = find(argv[0]);

    if (c)
        return c->run(argc, argv);
    fprintf(stderr, "spicetap: no such command: %s; `spicetap --help` lists them\n", argv[0]);
    return EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
    char help_option[] = "--help";

    if (argc < 2) {
        print_list(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("spicetap " SPICETAP_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "help") && strcmp(argv[1], "--help") && strcmp(argv[1], "-h"))
        return run(argc - 1, argv + 1);
    if (argc > 2)
        return run(2, (char *[]){argv[2], help_option, NULL});
    print_list(stdout);
    return EXIT_DONE;
}

int spicetap(int argc, char **argv)
{
    int code = dispatch(argc, argv), error = out_finish(stdout);

    if (!error || error == -EPIPE) /* the reader of a pipe had enough */
        return code;
    fprintf(stderr, "spicetap: standard output: %s\n", strerror(-error));
    return code == EXIT_DONE ? EXIT_PART : code;
}
