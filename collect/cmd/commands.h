/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of spicetap, one file each. argv[0] is the command's own name. A command prints its
 * errors and returns the exit code; `CMD --help` prints its text.
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
int cmd_report(int argc, char **argv);

/* The whole program: argv[1] names the command. Returns the exit code. */
int spicetap(int argc, char **argv);

#endif
