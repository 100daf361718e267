/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap meter: becomes spicetap-meter, a program of its own so that spicetap needs no GLib. */
#include <stdio.h>
#include <string.h>

#include "base/program.h"
#include "cmd/commands.h"
#include "event/compression.h"
#include "meter/option_table.h"

/* spicetap-meter parses them. */
const struct command_options meter_options = {
    .parser = {meter_option_table, NULL, METER_OPERAND, NULL, NULL, NULL, NULL},
    .words = {{COMPRESSION, compression_name, false}},
};

int cmd_meter(int argc, char **argv)
{
    int error = program_exec_meter(program_open_meter(), argv);
    (void)argc;

    fprintf(stderr,
            "spicetap meter: cannot run spicetap-meter: %s; install it beside spicetap or in "
            "PATH\n",
            strerror(-error));
    return EXIT_ENV;
}
