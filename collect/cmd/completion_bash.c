/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For bash 4.4 and later. It needs nothing of the package bash-completion. */
#include "cmd/completion_scripts.h"
#include "cmd/completion_table.h"

static const char beginning[] =
    "# shellcheck shell=bash\n"
    "# Completes spicetap in bash. Made by `spicetap completion bash`.\n"
    "\n"
    "# Replies with those of the words that begin with $1. No word is expanded.\n"
    "_spicetap_add() {\n"
    "    local word\n"
    "    for word in \"${@:2}\"; do\n"
    "        [[ -z $word || $word != \"$1\"* ]] || COMPREPLY+=(\"$prefix$word\")\n"
    "    done\n"
    "}\n"
    "\n"
    "_spicetap_option() { compopt \"$@\" 2> /dev/null || :; } # not while completing\n"
    "\n"
    "# $1: -f for files, -d for folders\n"
    "_spicetap_files() {\n"
    "    mapfile -t COMPREPLY < <(compgen \"$1\" -- \"$2\")\n"
    "    COMPREPLY=(\"${COMPREPLY[@]/#/\"$prefix\"}\")\n"
    "    _spicetap_option -o filenames\n"
    "}\n"
    "\n"
    "# Leaves out a name that a shell would expand: readline quotes a $ only in the name of a "
    "file.\n"
    "_spicetap_domains() {\n"
    "    local name names=() plain=()\n"
    "    ! command -v virsh > /dev/null ||\n"
    "        mapfile -t names < <(virsh --readonly list --name 2> /dev/null < /dev/null)\n"
    "    for name in \"${names[@]}\"; do\n"
    "        [[ $name == *[\\$\\`\\\"\\\\\\![:cntrl:]]* ]] || plain+=(\"$name\")\n"
    "    done\n"
    "    _spicetap_add \"${1//\\\\/}\" \"${plain[@]}\"\n"
    "    _spicetap_option -o filenames # so that readline quotes them\n"
    "}\n"
    "\n"
    "_spicetap_list() {\n"
    "    local before=''\n"
    "    [[ $1 != *,* ]] || before=${1%,*},\n"
    "    shift\n"
    "    prefix+=$before\n"
    "    _spicetap_add \"${cur#\"$before\"}\" \"$@\"\n"
    "    _spicetap_option -o nospace\n"
    "}\n"
    "\n";

static const char end[] =
    "_spicetap() {\n"
    "    local cur=$2 prefix='' command=${COMP_WORDS[1]-} option word ended=''\n"
    "    local commands=() options=() takes=() i=$((COMP_CWORD - 1))\n"
    "    COMPREPLY=()\n"
    "    _spicetap_commands\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _spicetap_add \"$cur\" \"${commands[@]}\" help\n"
    "        [[ $cur != -* ]] || _spicetap_add \"$cur\" --help -h --version\n"
    "        return\n"
    "    fi\n"
    "    case $command in\n"
    "    help | --help | -h)\n"
    "        ((COMP_CWORD > 2)) || _spicetap_add \"$cur\" \"${commands[@]}\"\n"
    "        return ;;\n"
    "    esac\n"
    "    for word in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do\n"
    "        [[ $word != -- ]] || ended=1\n"
    "    done\n"
    "    # --option=value is three words, or one where COMP_WORDBREAKS has no =\n"
    "    [[ ${COMP_WORDS[COMP_CWORD]} != '=' ]] || cur=''\n"
    "    [[ ${COMP_WORDS[i]} != '=' ]] || i=$((i - 1))\n"
    "    option=${COMP_WORDS[i]}\n"
    "    if [[ $cur == --*=* ]]; then\n"
    "        option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}\n"
    "    fi\n"
    "    [[ -n $ended || $option != -* ]] || _spicetap_takes \"$command\" \"$option\"\n"
    "    if ((${#takes[@]} == 0)); then\n"
    "        if [[ -z $ended && $cur == -* ]]; then\n"
    "            _spicetap_options \"$command\"\n"
    "            _spicetap_add \"$cur\" \"${options[@]}\"\n"
    "            return\n"
    "        fi\n"
    "        [[ -n $prefix ]] || _spicetap_takes \"$command\" ''\n"
    "    fi\n"
    "    case ${takes[0]-} in\n"
    "    file) _spicetap_files -f \"$cur\" ;;\n"
    "    folder) _spicetap_files -d \"$cur\" ;;\n"
    "    domain) _spicetap_domains \"$cur\" ;;\n"
    "    word) _spicetap_add \"$cur\" \"${takes[@]:1}\" ;;\n"
    "    list) _spicetap_list \"$cur\" \"${takes[@]:1}\" ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _spicetap spicetap\n";

static void print_option(FILE *out, const struct command *c, const struct completion_option *o)
{
    const char letter[] = {o->letter, '\0'};
    (void)c;

    if (o->name) {
        fputs(" '--", out);
        completion_put(out, o->name, "", 1);
        fputc('\'', out);
    }
    if (o->letter) {
        fputs(" '-", out);
        completion_put(out, letter, "", 1);
        fputc('\'', out);
    }
}

/* "'COMMAND OPTION'", a pattern of `case`. */
static void print_pattern(FILE *out, const struct command *c, const char *dashes, const char *name)
{
    fputc('\'', out);
    completion_put(out, c->name, "", 1);
    fprintf(out, " %s", dashes);
    completion_put(out, name, "", 1);
    fputc('\'', out);
}

static void print_takes(FILE *out, const struct command *c, const struct completion_option *o)
{
    static const char *const names[] = {
        [TAKES_ANY] = "any",       [TAKES_FILE] = "file", [TAKES_FOLDER] = "folder",
        [TAKES_DOMAIN] = "domain", [TAKES_WORD] = "word", [TAKES_LIST] = "list",
    };
    const char letter[] = {o->letter, '\0'};

    if (o->takes == TAKES_NONE)
        return;
    fputs("    ", out);
    if (o->name)
        print_pattern(out, c, "--", o->name);
    if (o->name && o->letter)
        fputs(" | ", out);
    if (o->letter || !o->name)
        print_pattern(out, c, o->letter ? "-" : "", letter);
    fprintf(out, ") takes=(%s", names[o->takes]);
    for (size_t i = 0; o->word && o->word(i); i++) {
        fputc(' ', out);
        completion_quote(out, o->word(i));
    }
    fputs(") ;;\n", out);
}

void completion_bash(FILE *out, const struct command *list)
{
    fputs(beginning, out);
    fputs("_spicetap_commands() {\n    commands=(", out);
    for (const struct command *c = list; c->name; c++) {
        fputs(c == list ? "" : " ", out);
        completion_quote(out, c->name);
    }
    fputs(")\n}\n\n_spicetap_options() {\n    case $1 in\n", out);
    for (const struct command *c = list; c->name; c++) {
        fputs("    ", out);
        completion_quote(out, c->name);
        fputs(") options=(", out);
        completion_options_of(out, c, print_option);
        fputs(" ) ;;\n", out);
    }
    fputs("    esac\n}\n\n"
          "# What the option $2 of the command $1 takes; '' is its operand.\n"
          "_spicetap_takes() {\n    case \"$1 $2\" in\n",
          out);
    for (const struct command *c = list; c->name; c++) {
        struct completion_option operand;

        completion_options_of(out, c, print_takes);
        completion_operand(c, &operand);
        print_takes(out, c, &operand);
    }
    fputs("    esac\n}\n\n", out);
    fputs(end, out);
}
