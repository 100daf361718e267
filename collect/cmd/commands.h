/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of spicetap, one file each. argv[0] is the command's own name, so getopt_long
 * works as in a program of its own. A command prints its errors and returns the exit code.
 */
#ifndef SPICETAP_COMMANDS_H
#define SPICETAP_COMMANDS_H

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

/* Each command's own --help text; `spicetap help CMD` prints it. */
extern const char help_probes[], help_record[], help_info[], help_export[], help_events[],
    help_meter[], help_whatif[], help_compare[], help_explain[];

#endif
