/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap completion: a script for the shell, made from the tables of options. */
#include <string.h>

#include "base/options.h"
#include "cmd/completion_scripts.h"

enum { BASH, ZSH, FISH, SHELLS };
static const char *const shells[SHELLS] = {"bash", "zsh", "fish"};

static const char *shell_word(size_t i)
{
    return i < SHELLS ? shells[i] : NULL;
}

static const char doc[] =
    "Prints a script for SHELL (bash, zsh or fish) that completes spicetap's command line: "
    "commands, options, files, libvirt domains, and words such as formats."
    "\v`make install` puts the three scripts where the shells look for them. To try one in bash: "
    "source <(spicetap completion bash). See spicetap-completion(1).";

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    const char **shell = state->input;
    unsigned unused;

    switch (key) {
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS:
        return options_one(state, key, arg, "shell", shell);
    case ARGP_KEY_END:
        return options_word(state, "shell", *shell, shells, SHELLS, &unused);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct command_options completion_options = {
    .parser = {NULL, on_option, "SHELL", doc, NULL, NULL, NULL},
    .words = {{ARGP_KEY_ARG, shell_word, false}},
};

int cmd_completion(int argc, char **argv)
{
    static void (*const scripts[SHELLS])(FILE *, const struct command *) = {
        completion_bash, completion_zsh, completion_fish};
    const char *shell = NULL;
    int code = options_parse(&completion_options.parser, argc, argv, &shell);

    for (int i = 0; code == OPTIONS_GO && i < SHELLS; i++)
        if (!strcmp(shell, shells[i])) {
            scripts[i](stdout, commands);
            code = EXIT_DONE;
        }
    return code;
}
