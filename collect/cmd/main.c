/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap: hands over to the command named first. */
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *line; /* its line in the list */
    const char *help;
} commands[] = {
    {"probes", cmd_probes, "what can be traced in a VM or a library, and what is missing",
     help_probes},
    {"record", cmd_record, "record a run of a VM", help_record},
    {"info", cmd_info, "what is in a run, and what happened", help_info},
    {"explain", cmd_explain, "why the video streams of a run lived and died", help_explain},
    {"whatif", cmd_whatif, "what other constants of the detector would have done", help_whatif},
    {"compare", cmd_compare, "several runs side by side", help_compare},
    {"export", cmd_export, "a run's events as jsonl or csv", help_export},
    {"meter", cmd_meter, "a client that counts what comes and how it is shown", help_meter},
    {"events", cmd_events, "the kinds of events and their fields", help_events},
};
enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

static const struct command *find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static void help(FILE *out)
{
    fputs("spicetap traces a running QEMU/SPICE virtual machine and says, with evidence, why its\n"
          "video streams live or die.\n\n"
          "Usage: spicetap COMMAND [OPTIONS]\n\n",
          out);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].line);
    fputs("\n`spicetap help COMMAND` tells more; `spicetap --version` which version this is.\n"
          "Exit codes: 0 done, 1 failed part way, 2 usage, 3 environment, 4 bad input.\n",
          out);
}

static int unknown(const char *name)
{
    fprintf(stderr, "spicetap: no such command: %s; `spicetap --help` lists them\n", name);
    return EXIT_USAGE;
}

static int cmd_help(int argc, char **argv)
{
    const struct command *c = argc > 1 ? find(argv[1]) : NULL;

    if (argc > 1 && !c)
        return unknown(argv[1]);
    if (c)
        fputs(c->help, stdout);
    else
        help(stdout);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    const struct command *c;

    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return cmd_help(argc - 1, argv + 1);
    if (!strcmp(argv[1], "--version")) {
        puts("spicetap " SPICETAP_VERSION);
        return EXIT_DONE;
    }
    c = find(argv[1]);
    return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}
