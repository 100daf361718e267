/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a run for a command: prints errors and notes on stderr, as the user reads them. */
#ifndef SPICETAP_INPUT_H
#define SPICETAP_INPUT_H

#include "run/bundle.h"

/* 0, or the exit code after an error was printed. */
int input_open(struct bundle **out, const char *command, const char *path);
/* What is wrong with the run as a whole, for the first line of what is made of it; "": nothing.
 * After the last event it also has what was found on the way. */
const char *input_warning(const struct bundle *b);
/* After the last event: prints what could not be read. 0, or EXIT_PART if a file is missing. */
int input_end(const struct bundle *b, const char *command, const char *path);

#endif
