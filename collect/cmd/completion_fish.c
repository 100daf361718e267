/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For fish 3.0 and later: one `complete` for each option. */
#include "cmd/completion_scripts.h"
#include "cmd/completion_table.h"

static const char beginning[] =
    "# Completes spicetap in fish. Made by `spicetap completion fish`.\n"
    "\n"
    "function __spicetap_place -d 'Is this the word behind $argv[1] others?'\n"
    "    test (count (commandline -opc)) -eq $argv[1]\n"
    "end\n"
    "\n"
    "function __spicetap_command -d 'Is the command one of $argv?'\n"
    "    set -l words (commandline -opc)\n"
    "    test (count $words) -gt 1; and contains -- $words[2] $argv\n"
    "end\n"
    "\n"
    "function __spicetap_list -d 'Words behind those before the last comma'\n"
    "    set -l before (commandline -ct | string replace -rf '^(?:--[^=]*=)?(.*,)[^,]*$' '$1')\n"
    "    printf '%s\\n' \"$before\"$argv\n"
    "end\n"
    "\n"
    "function __spicetap_domains\n"
    "    type -q virsh; or return\n"
    "    virsh --readonly list --name 2>/dev/null </dev/null | string match -v ''\n"
    "end\n"
    "\n"
    "complete -c spicetap -e\n"
    "complete -c spicetap -f\n"
    "complete -c spicetap -n '__spicetap_place 1' -s h -l help -d 'List the commands'\n"
    "complete -c spicetap -n '__spicetap_place 1' -l version -d 'Print the version'\n"
    "complete -c spicetap -n '__spicetap_place 1' -a help -d 'print the options of a command'\n";

/* For the inside of `depth` strings in single quotes, one within the other. */
static void put(FILE *out, char c, int depth)
{
    if (depth && (c == '\'' || c == '\\'))
        put(out, '\\', depth - 1);
    if (depth)
        put(out, c, depth - 1);
    else
        fputc(c, out);
}

static void print_inside(FILE *out, const char *text, int depth)
{
    for (; *text; text++)
        put(out, *text, depth);
}

static void quote(FILE *out, const char *text)
{
    fputc('\'', out);
    print_inside(out, text, 1);
    fputc('\'', out);
}

/* A word of a text in single quotes that fish evaluates. */
static void print_word(FILE *out, const char *word)
{
    bool plain = completion_plain(word);

    print_inside(out, plain ? "" : "'", 1);
    print_inside(out, word, plain ? 1 : 2);
    print_inside(out, plain ? "" : "'", 1);
}

static void print_proposals(FILE *out, const struct completion_option *o)
{
    if (o->takes == TAKES_DOMAIN)
        fputs(" -a '(__spicetap_domains)'", out);
    if (o->takes == TAKES_FOLDER)
        fputs(" -a '(__fish_complete_directories (commandline -ct))'", out);
    if (!o->word)
        return;
    fputs(o->takes == TAKES_LIST ? " -a '(__spicetap_list" : " -a '", out);
    for (size_t i = 0; o->word(i); i++) {
        fputs(i || o->takes == TAKES_LIST ? " " : "", out);
        print_word(out, o->word(i));
    }
    fputs(o->takes == TAKES_LIST ? ")'" : "'", out);
}

static void print_beginning(FILE *out, const struct command *c)
{
    fputs("complete -c spicetap -n '__spicetap_command ", out);
    print_word(out, c->name);
    fputc('\'', out);
}

static void print_option(FILE *out, const struct command *c, const struct completion_option *o)
{
    const char letter[] = {o->letter, '\0'};

    print_beginning(out, c);
    if (o->letter) {
        fputs(" -s ", out);
        quote(out, letter);
    }
    if (o->name) {
        fputs(" -l ", out);
        quote(out, o->name);
    }
    if (o->takes != TAKES_NONE)
        fputs(o->takes == TAKES_FILE ? " -r -F" : " -x", out);
    print_proposals(out, o);
    fputs(" -d ", out);
    quote(out, o->help);
    fputc('\n', out);
}

/* The command as a proposal, where `condition` holds. */
static void print_command(FILE *out, const struct command *c, const char *condition)
{
    fprintf(out, "complete -c spicetap -n '%s' -a '", condition);
    print_word(out, c->name);
    fputs("' -d ", out);
    quote(out, c->line);
    fputc('\n', out);
}

void completion_fish(FILE *out, const struct command *list)
{
    fputs(beginning, out);
    for (const struct command *c = list; c->name; c++) {
        struct completion_option operand;

        fputc('\n', out);
        print_command(out, c, "__spicetap_place 1");
        print_command(out, c, "__spicetap_place 2; and __spicetap_command help --help -h");
        completion_options_of(out, c, print_option);
        completion_operand(c, &operand);
        if (operand.takes == TAKES_NONE)
            continue;
        print_beginning(out, c);
        fputs(operand.takes == TAKES_FILE ? " -F" : "", out);
        print_proposals(out, &operand);
        fputc('\n', out);
    }
}
