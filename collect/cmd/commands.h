/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of spicetap, one file each. argv[0] is the command's own name. A command prints its
 * errors and returns the exit code; `CMD --help` prints its text.
 */
#ifndef SPICETAP_COMMANDS_H
#define SPICETAP_COMMANDS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/exit.h"

int cmd_probes(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_meter(int argc, char **argv);
int cmd_whatif(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_metrics(int argc, char **argv);
int cmd_completion(int argc, char **argv);

/* The words that an option takes, where it takes no others. */
struct option_words {
    int key;                       /* of the option, or ARGP_KEY_ARG for the operands */
    const char *(*word)(size_t i); /* NULL behind the last */
    bool list;                     /* takes several, with commas between them */
};

enum { COMMAND_WORDS = 4 };

struct command_options {
    struct argp parser;
    struct option_words words[COMMAND_WORDS]; /* ends where `word` is NULL */
};

extern const struct command_options probes_options;
extern const struct command_options record_options;
extern const struct command_options info_options;
extern const struct command_options explain_options;
extern const struct command_options whatif_options;
extern const struct command_options compare_options;
extern const struct command_options report_options;
extern const struct command_options export_options;
extern const struct command_options meter_options;
extern const struct command_options events_options;
extern const struct command_options top_options;
extern const struct command_options metrics_options;
extern const struct command_options completion_options;

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const struct command_options *options;
    const char *line; /* in the list of commands */
};

extern const struct command commands[]; /* the last has no name */

/* The whole program: argv[1] names the command. Returns the exit code. */
int spicetap(int argc, char **argv);

#endif
