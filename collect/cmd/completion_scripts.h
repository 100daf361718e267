/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripts that complete a command line, one writer for each shell. */
#ifndef SPICETAP_COMPLETION_SCRIPTS_H
#define SPICETAP_COMPLETION_SCRIPTS_H

#include <stdio.h>

#include "cmd/commands.h"

/* `list` ends with a command without a name. */
void completion_bash(FILE *out, const struct command *list);
void completion_zsh(FILE *out, const struct command *list);
void completion_fish(FILE *out, const struct command *list);

#endif
