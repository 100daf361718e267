/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For zsh: a file for its fpath, which gives each option to _arguments. */
#include <string.h>

#include "cmd/completion_scripts.h"
#include "cmd/completion_table.h"

static const char beginning[] =
    "#compdef spicetap\n"
    "# Completes spicetap in zsh. Made by `spicetap completion zsh`.\n"
    "\n"
    "_spicetap_domains() {\n"
    "    local -a domains\n"
    "    (( $+commands[virsh] )) &&\n"
    "        domains=(${(f)\"$(virsh --readonly list --name 2> /dev/null < /dev/null)\"})\n"
    "    compadd \"$@\" -a domains\n"
    "}\n"
    "\n";

static const char end[] =
    "_spicetap() {\n"
    "    local curcontext=$curcontext context state state_descr line\n"
    "    typeset -A opt_args\n"
    "    _arguments -C -S '(- *)-h[List the commands]' '(- *)--help[List the commands]' \\\n"
    "        '(- *)--version[Print the version]' \\\n"
    "        '1:command:_spicetap_commands' '*::argument:->argument' && return\n"
    "    [[ $state != argument ]] && return 1\n"
    "    if [[ $words[1] == help ]]; then\n"
    "        _arguments '1:command:_spicetap_commands'\n"
    "    else\n"
    "        curcontext=${curcontext%:*}-$words[1]:\n"
    "        _spicetap_options $words[1]\n"
    "    fi\n"
    "}\n"
    "\n"
    "if [[ $funcstack[1] == _spicetap ]]; then\n"
    "    _spicetap \"$@\"\n"
    "else\n"
    "    compdef _spicetap spicetap\n"
    "fi\n";

/* The action of a specification, which _arguments evaluates once more. */
static void print_action(FILE *out, const struct completion_option *o)
{
    static const char *const actions[] = {
        [TAKES_NONE] = " ",
        [TAKES_ANY] = " ",
        [TAKES_FILE] = "_files",
        [TAKES_FOLDER] = "_files -/",
        [TAKES_WORD] = "(",
        [TAKES_DOMAIN] = "_spicetap_domains",
        [TAKES_LIST] = "_values -s , word",
    };

    fputs(actions[o->takes], out);
    for (size_t i = 0; o->word && o->word(i); i++) {
        bool plain = completion_plain(o->word(i));

        fputs(i || o->takes == TAKES_LIST ? " " : "", out);
        completion_put(out, plain ? "" : "'", "", 1);
        completion_put(out, o->word(i), o->takes == TAKES_LIST ? "\\:[]" : "", plain ? 1 : 2);
        completion_put(out, plain ? "" : "'", "", 1);
    }
    fputs(o->takes == TAKES_WORD ? ")" : "", out);
}

static void print_form(FILE *out, const struct completion_option *o, const char *dashes,
                       const char *name, const char *tail)
{
    const char letter[] = {o->letter, '\0'};

    fputs(" \\\n            '", out);
    if (o->letter && o->name) { /* the two exclude each other */
        fputs("(-", out);
        completion_put(out, letter, "\\:", 1);
        fputs(" --", out);
        completion_put(out, o->name, "\\:", 1);
        fputc(')', out);
    }
    fputs(dashes, out);
    completion_put(out, name, "\\:", 1);
    fprintf(out, "%s[", o->takes == TAKES_NONE ? "" : tail);
    completion_put(out, o->help, "\\[]", 1);
    fputc(']', out);
    if (o->takes != TAKES_NONE) {
        fputc(':', out);
        completion_put(out, o->arg, "\\:", 1);
        fputc(':', out);
        print_action(out, o);
    }
    fputc('\'', out);
}

static void print_option(FILE *out, const struct command *c, const struct completion_option *o)
{
    const char letter[] = {o->letter, '\0'};
    (void)c;

    if (o->letter)
        print_form(out, o, "-", letter, "+");
    if (o->name)
        print_form(out, o, "--", o->name, "=");
}

static void print_operand(FILE *out, const struct command *c)
{
    struct completion_option o;

    completion_operand(c, &o);
    if (o.takes == TAKES_NONE)
        return;
    fputs(strstr(c->options->parser.args_doc, "...") ? " \\\n            '*:"
                                                     : " \\\n            '1:",
          out);
    completion_put(out, o.arg, "\\:", 1);
    fputc(':', out);
    print_action(out, &o);
    fputc('\'', out);
}

void completion_zsh(FILE *out, const struct command *list)
{
    fputs(beginning, out);
    fputs("_spicetap_commands() {\n    local -a list=(\n", out);
    for (const struct command *c = list; c->name; c++) {
        fputs("        '", out);
        completion_put(out, c->name, "\\:", 1);
        fputc(':', out);
        completion_put(out, c->line, "\\", 1);
        fputs("'\n", out);
    }
    fputs("    )\n"
          "    [[ $words[1] == help ]] || list+=('help:print the options of a command')\n"
          "    _describe -t commands command list\n}\n\n"
          "_spicetap_options() {\n    case $1 in\n",
          out);
    for (const struct command *c = list; c->name; c++) {
        fputs("    ", out);
        completion_quote(out, c->name);
        fputs(")\n        _arguments -s -S", out);
        completion_options_of(out, c, print_option);
        print_operand(out, c);
        fputs(" ;;\n", out);
    }
    fputs("    esac\n}\n\n", out);
    fputs(end, out);
}
