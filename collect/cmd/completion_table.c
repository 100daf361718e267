/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/options.h"
#include "cmd/completion_table.h"

/* ---- the tables ---- */

static const struct option_words *words_of(const struct command *c, int key)
{
    const struct option_words *w = c->options->words;

    for (int i = 0; i < COMMAND_WORDS && w[i].word; i++)
        if (w[i].key == key)
            return &w[i];
    return NULL;
}

static bool names(const char *text, const char *what)
{
    return text && !strncmp(text, what, strlen(what));
}

static enum completion_takes takes(const struct argp_option *o, const struct option_words *w)
{
    if (!o->arg)
        return TAKES_NONE;
    if (w)
        return w->list ? TAKES_LIST : TAKES_WORD;
    if (o->name && !strcmp(o->name, "domain"))
        return TAKES_DOMAIN;
    if (!strcmp(o->arg, "FOLDER"))
        return TAKES_FOLDER;
    return !strcmp(o->arg, "FILE") || !strcmp(o->arg, "RUN") || !strcmp(o->arg, "PATH") ? TAKES_FILE
                                                                                        : TAKES_ANY;
}

/* As argp sees it. */
static bool is_end(const struct argp_option *o)
{
    return !o->name && !o->key && !o->doc && !o->group;
}

static void options_in(FILE *out, const struct command *c, const struct argp_option *table,
                       completion_each *each)
{
    const struct argp_option *real = table; /* what an alias stands for */

    for (const struct argp_option *o = table; o && !is_end(o); o++) {
        bool letter = o->key > 0 && o->key <= UCHAR_MAX && isprint(o->key);
        const struct option_words *w;

        if (!(o->flags & OPTION_ALIAS))
            real = o;
        if ((o->flags | real->flags) & (OPTION_HIDDEN | OPTION_DOC) || !(o->name || letter))
            continue;
        w = words_of(c, real->key);
        each(out, c,
             &(struct completion_option){.name = o->name,
                                         .letter = letter ? (char)o->key : '\0',
                                         .arg = real->arg,
                                         .help = real->doc ? real->doc : "",
                                         .takes = takes(real, w),
                                         .word = w ? w->word : NULL});
    }
}

void completion_options_of(FILE *out, const struct command *c, completion_each *each)
{
    options_in(out, c, options_shared, each);
    options_in(out, c, c->options->parser.options, each);
}

void completion_operand(const struct command *c, struct completion_option *o)
{
    const struct option_words *w = words_of(c, ARGP_KEY_ARG);
    const char *args = c->options->parser.args_doc;

    *o = (struct completion_option){.arg = "", .help = "", .takes = TAKES_NONE};
    if (w) {
        o->takes = TAKES_WORD;
        o->word = w->word;
        o->arg = args;
    }
    /* Each line of args_doc is a way to call the command. */
    for (const char *line = args; line && !w; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (names(line, "RUN") || names(line, "FILE")) {
            o->takes = TAKES_FILE;
            o->arg = names(line, "RUN") ? "RUN" : "FILE";
        }
    }
}

/* ---- quotes ---- */

static void put(FILE *out, char c, int depth)
{
    if (!depth)
        fputc(c, out);
    else if (c != '\'')
        put(out, c, depth - 1);
    else
        for (const char *q = "'\\''"; *q; q++)
            put(out, *q, depth - 1);
}

void completion_put(FILE *out, const char *text, const char *special, int depth)
{
    for (; *text; text++) {
        if (strchr(special, *text))
            put(out, '\\', depth);
        put(out, *text, depth);
    }
}

void completion_quote(FILE *out, const char *text)
{
    fputc('\'', out);
    completion_put(out, text, "", 1);
    fputc('\'', out);
}

bool completion_plain(const char *word)
{
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
            return false;
    return *word;
}
