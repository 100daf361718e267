/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a script for a shell is made from: the tables of options that also make --help, and the
 * quotes that keep a shell from seeing more in a text than the text.
 */
#ifndef SPICETAP_COMPLETION_TABLE_H
#define SPICETAP_COMPLETION_TABLE_H

#include <stdio.h>

#include "cmd/commands.h"

/* What an option, or an operand, may be completed with. */
enum completion_takes {
    TAKES_NONE, /* an option without an argument; no operand */
    TAKES_ANY,  /* a number, for example: nothing can be proposed */
    TAKES_FILE,
    TAKES_FOLDER,
    TAKES_DOMAIN,
    TAKES_WORD,
    TAKES_LIST, /* of words, with commas */
};

struct completion_option {
    const char *name; /* NULL: has a letter alone */
    char letter;      /* 0: has a name alone */
    const char *arg, *help;
    enum completion_takes takes;
    const char *(*word)(size_t i); /* of TAKES_WORD and TAKES_LIST */
};

typedef void completion_each(FILE *out, const struct command *c, const struct completion_option *o);

/* Calls `each` for every option of the command that its --help prints, in the table's order. */
void completion_options_of(FILE *out, const struct command *c, completion_each *each);
/* The same as an option without a name, for the command's operands. */
void completion_operand(const struct command *c, struct completion_option *o);

/* Prints `text` for the inside of `depth` strings in single quotes, one within the other, as bash
 * and zsh read them. A character of `special` gets a backslash. */
void completion_put(FILE *out, const char *text, const char *special, int depth);
/* Prints `text` in single quotes. */
void completion_quote(FILE *out, const char *text);
/* Does no shell see anything but a word in it? */
bool completion_plain(const char *word);

#endif
