/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of a command, by argp. A command has a table of argp_option, a parser and a text. Here
 * are --help, --usage, --version, the exit codes, and strict readers of numbers.
 */
#ifndef SPICETAP_OPTIONS_H
#define SPICETAP_OPTIONS_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Keys of long options without a letter start here. */
enum { OPTIONS_LONG = 256 };

enum { OPTIONS_GO = -1 }; /* the command line is good: go on */

/* --help, --usage and --version, which every command has. */
extern const struct argp_option options_shared[];

/*
 * Parses argv, where argv[0] is the command's own name. `parser` needs no children; its input is
 * `input`. Returns OPTIONS_GO, or the exit code to end with: EXIT_DONE after --help, --usage or
 * --version (printed to stdout), EXIT_USAGE after an error (printed to stderr), EXIT_ENV without
 * memory. Never exits by itself. `parser` gets argp's keys, and returns 0, ARGP_ERR_UNKNOWN or
 * EINVAL after argp_error().
 */
int options_parse(const struct argp *parser, int argc, char **argv, void *input);
/* The same for a program of its own. --version prints `program`; messages begin with `name`. */
int options_parse_program(const struct argp *parser, const char *program, const char *name,
                          int argc, char **argv, void *input);

/*
 * For commands with exactly one argument, such as RUN: call it for ARGP_KEY_ARG and
 * ARGP_KEY_NO_ARGS. `what` names it ("run"); *out keeps the pointer. EINVAL: a second one, or none.
 */
error_t options_one(struct argp_state *state, int key, char *arg, const char *what,
                    const char **out);

/*
 * Numbers, the whole text and nothing else: no sign, no space, no hexadecimal. 0, -EINVAL: not a
 * number, -ERANGE: below `min` or above `max`. *out is set only if it is 0.
 */
int number_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);
int number_u32(const char *text, uint32_t min, uint32_t max, uint32_t *out);
/* Decimal, with a fraction or without: "12", "12.5". From 0 up to `max`, included. */
int number_decimal(const char *text, double max, double *out);

/* Bytes: a whole number, with K, M, G or T behind it for powers of 1024. */
int number_bytes(const char *text, uint64_t max, uint64_t *out);

/* The same for an option: `name` is its name with dashes. EINVAL: the error is printed. */
error_t options_u64(struct argp_state *state, const char *name, const char *text, uint64_t min,
                    uint64_t max, uint64_t *out);
error_t options_u32(struct argp_state *state, const char *name, const char *text, uint32_t min,
                    uint32_t max, uint32_t *out);
error_t options_bytes(struct argp_state *state, const char *name, const char *text, uint64_t max,
                      uint64_t *out);
error_t options_pid(struct argp_state *state, const char *name, const char *text, pid_t *out);
error_t options_seconds(struct argp_state *state, const char *name, const char *text, double max,
                        double *out);
/* One of `count` words: *out is its place. */
error_t options_word(struct argp_state *state, const char *name, const char *text,
                     const char *const *words, size_t count, unsigned *out);

#endif
