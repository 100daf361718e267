/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exit.h"
#include "base/options.h"

/* ---- --help, --usage, --version ---- */

enum { KEY_HELP = 'h', KEY_USAGE = OPTIONS_LONG + 0x10000, KEY_VERSION };

struct parse {
    void *input;         /* the command's */
    const char *program; /* for --version */
    bool done;           /* --help, --usage or --version was given and is printed */
};

/* argp's own versions of these end the process, so they are off (ARGP_NO_HELP). */
const struct argp_option options_shared[] = {
    {"help", KEY_HELP, NULL, 0, "Print this text", -1},
    {"usage", KEY_USAGE, NULL, 0, "Print the options in short", -1},
    {"version", KEY_VERSION, NULL, 0, "Print the version", -1},
    {0},
};

static error_t on_shared(int key, char *arg, struct argp_state *state)
{
    struct parse *p = state->input;
    (void)arg;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = p->input;
        return 0;
    case KEY_HELP:
        argp_state_help(state, stdout, ARGP_HELP_SHORT_USAGE | ARGP_HELP_LONG | ARGP_HELP_DOC);
        break;
    case KEY_USAGE:
        argp_state_help(state, stdout, ARGP_HELP_USAGE);
        break;
    case KEY_VERSION:
        printf("%s " SPICETAP_VERSION "\n", p->program);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    p->done = true;
    return ECANCELED; /* nothing after it is read */
}

/* A short option takes the argument of its long one: everybody expects that. */
static char *without_note(int key, const char *text, void *input)
{
    (void)input;
    return key == ARGP_KEY_HELP_DUP_ARGS_NOTE ? NULL : (char *)(uintptr_t)text;
}

/* `name`: what messages begin with. */
static int parse(const struct argp *parser, const char *program, const char *name, int argc,
                 char **argv, void *input)
{
    const struct argp_child children[] = {{parser, 0, NULL, 0}, {0}};
    const struct argp whole = {options_shared, on_shared, NULL, NULL, children, without_note, NULL};
    struct parse p = {.input = input, .program = program};
    char first[64], *own = argv[0];
    error_t error;

    snprintf(first, sizeof(first), "%s", name);
    argv[0] = first;
    error = argp_parse(&whole, argc, argv, ARGP_NO_HELP | ARGP_NO_EXIT, NULL, &p);
    argv[0] = own;
    if (p.done)
        return EXIT_DONE;
    if (error == ENOMEM)
        fprintf(stderr, "%s: out of memory\n", name);
    return !error ? OPTIONS_GO : error == ENOMEM ? EXIT_ENV : EXIT_USAGE;
}

int options_parse(const struct argp *parser, int argc, char **argv, void *input)
{
    char name[64];

    snprintf(name, sizeof(name), "spicetap %s", argv[0]);
    return parse(parser, "spicetap", name, argc, argv, input);
}

int options_parse_program(const struct argp *parser, const char *program, const char *name,
                          int argc, char **argv, void *input)
{
    return parse(parser, program, name, argc, argv, input);
}

error_t options_one(struct argp_state *state, int key, char *arg, const char *what,
                    const char **out)
{
    if (key == ARGP_KEY_ARG && !*out) {
        *out = arg;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "one %s at a time: %s is too many", what, arg);
    else
        argp_error(state, "no %s given", what);
    return EINVAL;
}

/* ---- numbers ---- */

int number_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (!*text || text[strspn(text, "0123456789")])
        return -EINVAL;
    for (const char *c = text; *c; c++)
        if (__builtin_mul_overflow(v, UINT64_C(10), &v) ||
            __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
            return -ERANGE;
    if (v < min || v > max)
        return -ERANGE;
    *out = v;
    return 0;
}

int number_u32(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t v;
    int error = number_u64(text, min, max, &v);

    if (!error)
        *out = (uint32_t)v;
    return error;
}

int number_decimal(const char *text, double max, double *out)
{
    size_t whole = strspn(text, "0123456789"), part = 0;
    double v;

    if (text[whole] == '.')
        part = 1 + strspn(text + whole + 1, "0123456789");
    if (!isdigit((unsigned char)*text) || text[whole + part] || part == 1)
        return -EINVAL;
    v = strtod(text, NULL);
    if (!(v <= max))
        return -ERANGE;
    *out = v;
    return 0;
}

int number_bytes(const char *text, uint64_t max, uint64_t *out)
{
    static const char units[] = "KMGT";
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
    char number[24];
    uint64_t v;
    int error;

    if (digits >= sizeof(number) || (text[digits] && (!unit || text[digits + 1])))
        return -EINVAL;
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    error = number_u64(number, 0, max, &v);
    for (const char *u = units; unit && u <= unit && !error; u++)
        error = __builtin_mul_overflow(v, UINT64_C(1024), &v) || v > max ? -ERANGE : 0;
    if (!error)
        *out = v;
    return error;
}

error_t options_u64(struct argp_state *state, const char *name, const char *text, uint64_t min,
                    uint64_t max, uint64_t *out)
{
    if (!number_u64(text, min, max, out))
        return 0;
    argp_error(state, "%s %s: not a number from %" PRIu64 " to %" PRIu64, name, text, min, max);
    return EINVAL;
}

error_t options_u32(struct argp_state *state, const char *name, const char *text, uint32_t min,
                    uint32_t max, uint32_t *out)
{
    uint64_t v;

    if (options_u64(state, name, text, min, max, &v))
        return EINVAL;
    *out = (uint32_t)v;
    return 0;
}

error_t options_bytes(struct argp_state *state, const char *name, const char *text, uint64_t max,
                      uint64_t *out)
{
    if (!number_bytes(text, max, out))
        return 0;
    argp_error(state, "%s %s: not a size up to %" PRIu64 " GiB, such as 500M or 2G", name, text,
               max >> 30);
    return EINVAL;
}

error_t options_pid(struct argp_state *state, const char *name, const char *text, pid_t *out)
{
    uint32_t v;

    if (number_u32(text, 1, INT32_MAX, &v)) {
        argp_error(state, "%s %s: not a process id", name, text);
        return EINVAL;
    }
    *out = (pid_t)v;
    return 0;
}

error_t options_seconds(struct argp_state *state, const char *name, const char *text, double max,
                        double *out)
{
    if (!number_decimal(text, max, out))
        return 0;
    argp_error(state, "%s %s: not a number of seconds from 0 to %.0f", name, text, max);
    return EINVAL;
}

error_t options_word(struct argp_state *state, const char *name, const char *text,
                     const char *const *words, size_t count, unsigned *out)
{
    char list[256] = "";

    for (size_t i = 0, at = 0; i < count; i++) {
        if (!strcmp(words[i], text)) {
            *out = (unsigned)i;
            return 0;
        }
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", words[i]);
        if (at >= sizeof(list))
            at = sizeof(list) - 1;
    }
    argp_error(state, "%s %s: not one of %s", name, text, list);
    return EINVAL;
}
