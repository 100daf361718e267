/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a run for a command: prints errors and notes on stderr, as the user reads them. */
#ifndef SPICETAP_INPUT_H
#define SPICETAP_INPUT_H

#include "run/bundle.h"

/* 0, or the exit code after an error was printed. */
int input_open(struct bundle **out, const char *command, const char *path);
/* After the last event: prints what could not be read. 0, or EXIT_PART if a file is missing. */
int input_end(const struct bundle *b, const char *command, const char *path);

#endif
