/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripts for the shells: the options of --help and no others; hostile words stay words. */
#include "base/options.h"
#include "cmd/completion_scripts.h"
#include "fake.h"

enum { BASH, ZSH, FISH, SHELLS };
static void (*const writers[SHELLS])(FILE *, const struct command *) = {
    completion_bash, completion_zsh, completion_fish};
static const char *const shells[SHELLS] = {"bash", "zsh", "fish"};

static char *script(int shell, const struct command *list)
{
    FILE *f = fopen(fake_path(shells[shell]), "we");

    assert_non_null(f);
    writers[shell](f, list);
    assert_int_equal(fclose(f), 0);
    return fake_text(shells[shell]);
}

static bool starts(const char *text, const char *with)
{
    return !strncmp(text, with, strlen(with));
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

static void has(const char *text, const char *what)
{
    if (!strstr(text, what))
        fail_msg("no \"%s\" in %s", what, text);
}

/* ---- the options of a command, in each script ---- */

/* What is between `from` and `to`, for the caller to free. */
static char *between(const char *text, const char *from, const char *to)
{
    const char *a = strstr(text, from), *b;

    if (!a)
        fail_msg("no \"%s\"", from);
    a += strlen(from);
    b = strstr(a, to);
    assert_non_null(b);
    return strndup(a, (size_t)(b - a));
}

static char *part_of_fish(const char *text, const char *name)
{
    char beginning[128], *part = calloc(1, strlen(text) + 1);

    snprintf(beginning, sizeof(beginning), "complete -c spicetap -n '__spicetap_command %s' ",
             name);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        size_t length = strlen(beginning);

        if (starts(line, beginning))
            strncat(part, line + length - 1, strcspn(line + length - 1, "\n") + 1);
    }
    return part;
}

static char *part_of(int shell, const char *text, const char *name)
{
    char beginning[128];

    if (shell == FISH)
        return part_of_fish(text, name);
    snprintf(beginning, sizeof(beginning), "    '%s')%s", name,
             shell == BASH ? " options=(" : "\n        _arguments -s -S");
    return between(text, beginning, " ;;");
}

static unsigned options_in(int shell, const char *part)
{
    switch (shell) {
    case BASH:
        return count(part, " '-");
    case ZSH:
        return count(part, "\n            '-") + count(part, "\n            '(-");
    default:
        return count(part, " -l '") + count(part, " -s '");
    }
}

/* `dashes` and `name`: an option as --help prints it. */
static void has_option(int shell, const char *part, const char *dashes, const char *name)
{
    char with[128], without[128];

    if (shell == ZSH) { /* with an argument or without */
        snprintf(with, sizeof(with), "%s%s%c[", dashes, name, dashes[1] ? '=' : '+');
        snprintf(without, sizeof(without), "%s%s[", dashes, name);
        if (!strstr(part, with))
            has(part, without);
        return;
    }
    snprintf(with, sizeof(with), shell == BASH ? " '%s%s'" : " %s '%s'",
             shell == BASH ? dashes
             : dashes[1]   ? "-l"
                           : "-s",
             name);
    has(part, with);
}

static const struct command *asked;

static int parser_alone(int argc, char **argv)
{
    argv[0] = (char *)(uintptr_t)asked->name;
    return options_parse(&asked->options->parser, argc, argv, NULL);
}

/* The options in --help: "  -f, --format=FORMAT", "      --source=S,...". */
static void compare(const struct command *c, char *const *scripts)
{
    char *parts[SHELLS], *help;
    unsigned options = 0;

    asked = c;
    if (strcmp(c->name, "meter")) /* it is a program of its own */
        assert_int_equal(RUN(spicetap, "help", c->name), EXIT_DONE);
    else
        assert_int_equal(RUN(parser_alone, "--help"), EXIT_DONE);
    help = fake_text("out");
    for (int s = 0; s < SHELLS; s++)
        parts[s] = part_of(s, scripts[s], c->name);
    for (const char *line = help; *line; line = strchr(line, '\n') + 1) {
        const char *dashes = starts(line, "  -") ? strstr(line, "--") : line + strlen("      ");
        const char letter[] = {line[3], '\0'};
        char name[64];

        if (!starts(line, "  -") && !starts(line, "      --"))
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(dashes + 2, "= \n"), dashes + 2);
        options += starts(line, "  -") ? 2 : 1;
        for (int s = 0; s < SHELLS; s++) {
            has_option(s, parts[s], "--", name);
            if (starts(line, "  -"))
                has_option(s, parts[s], "-", letter);
        }
    }
    assert_true(options >= 4);
    for (int s = 0; s < SHELLS; s++) {
        if (options_in(s, parts[s]) != options)
            fail_msg("%s, %s: %u options in %s, %u in --help", shells[s], c->name,
                     options_in(s, parts[s]), parts[s], options);
        free(parts[s]);
    }
    free(help);
}

static void options_are_those_of_help(void **state)
{
    char *scripts[SHELLS];
    (void)state;

    for (int s = 0; s < SHELLS; s++) {
        char *printed;

        scripts[s] = script(s, commands);
        assert_int_equal(RUN(spicetap, "completion", shells[s]), EXIT_DONE);
        printed = fake_text("out");
        assert_string_equal(printed, scripts[s]);
        free(printed);
    }
    for (const struct command *c = commands; c->name; c++)
        compare(c, scripts);
    for (int s = 0; s < SHELLS; s++)
        free(scripts[s]);
}

static void words_come_from_the_commands(void **state)
{
    char *bash = script(BASH, commands);
    (void)state;

    has(bash, "'export --format' | 'export -f') takes=(word 'jsonl' 'csv' 'sqlite' 'perfetto')");
    has(bash, "'export --source') takes=(list 'spice' 'qemu' 'guest' 'client')");
    has(bash, "'compare --format' | 'compare -f') takes=(word 'text' 'markdown' 'csv' 'json')");
    has(bash, "'whatif --assume') takes=(word 'natural' 'text')");
    has(bash, "'record --domain' | 'record -d') takes=(domain)");
    has(bash, "'record --client-compression') takes=(word 'off'");
    has(bash, "'meter --compression') takes=(word 'off'");
    has(bash, "'meter --pictures') takes=(folder)");
    has(bash, "'export --output' | 'export -o') takes=(file)");
    has(bash, "'explain --at') takes=(any)");
    has(bash, "'explain ') takes=(file)");
    has(bash, "'probes ') takes=(file)");
    has(bash, "'events ') takes=(word '");
    has(bash, "'completion ') takes=(word 'bash' 'zsh' 'fish')");
    assert_null(strstr(bash, "'record ') "));
    assert_null(strstr(bash, "ready-fd")); /* hidden */
    free(bash);
}

static void usage(void **state)
{
    char *text;
    (void)state;

    assert_int_equal(RUN(spicetap, "completion"), EXIT_USAGE);
    assert_int_equal(RUN(spicetap, "completion", "bash", "zsh"), EXIT_USAGE);
    assert_int_equal(RUN(spicetap, "completion", "csh"), EXIT_USAGE);
    text = fake_text("err");
    has(text, "csh: not one of bash, zsh, fish");
    free(text);
}

/* ---- hostile words ---- */

#define TOUCH "$(touch pwned)`touch pwned`"

static const char *const hostile[] = {"a'b", TOUCH, "two words", "back\\slash", ";touch pwned;"};
enum { HOSTILE = sizeof(hostile) / sizeof(*hostile) };

static const char *hostile_word(size_t i)
{
    return i < HOSTILE ? hostile[i] : NULL;
}

static const struct argp_option hostile_table[] = {
    {"it's" TOUCH, 'x', "ARG:" TOUCH, 0, "It's [a] \\ " TOUCH, 0},
    {"list", '\'', "L", 0, "' list", 0},
    {"old", 'y', NULL, 0, "Does it", 1},
    {"new", 0, NULL, OPTION_ALIAS, NULL, 1},
    {"secret", 300, NULL, OPTION_HIDDEN, "Not for all", 2},
    {NULL, 0, NULL, 0, "A headline:", 3},
    {0},
};

static const struct command_options hostile_options = {
    .parser = {hostile_table, NULL, "FILE", NULL, NULL, NULL, NULL},
    .words = {{'x', hostile_word, false}, {'\'', hostile_word, true}},
};

static const struct command hostile_list[] = {
    {"com'mand;" TOUCH, NULL, &hostile_options, "It's: a 'command' " TOUCH},
    {0},
};

/* Sources the script in a folder of its own, and asks for the words behind `words`. */
static char *ask_bash(const char *words, const char *current)
{
    char command[PATH_MAX];
    FILE *f = fopen(fake_path("ask"), "we");

    assert_non_null(f);
    fprintf(f,
            "set -eu; cd '%s'; . ./bash\n"
            "COMP_WORDS=(spicetap %s %s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
            "_spicetap spicetap %s x\n"
            "printf '%%s\\n' \"${COMPREPLY[@]}\"\n",
            fake_dir, words, current, current);
    assert_int_equal(fclose(f), 0);
    snprintf(command, sizeof(command), "bash %s/ask > %s/out", fake_dir, fake_dir);
    assert_int_equal(system(command), 0);
    assert_int_equal(access(fake_path("pwned"), F_OK), -1);
    return fake_text("out");
}

static void hostile_words_in_bash(void **state)
{
#define COMMAND "'com'\\''mand;" TOUCH "'"
    char *text = script(BASH, hostile_list);
    (void)state;

    free(text);
    text = ask_bash("", "com");
    assert_string_equal(text, "com'mand;" TOUCH "\n");
    free(text);
    text = ask_bash(COMMAND, "--");
    assert_string_equal(text,
                        "--help\n--usage\n--version\n--it's" TOUCH "\n--list\n--old\n--new\n");
    free(text);
    text = ask_bash(COMMAND " -x", "''");
    assert_string_equal(text, "a'b\n" TOUCH "\ntwo words\nback\\slash\n;touch pwned;\n");
    free(text);
    text = ask_bash(COMMAND " '--it'\\''s" TOUCH "' =", "'$'");
    assert_string_equal(text, TOUCH "\n");
    free(text);
    text = ask_bash(COMMAND " --list", "'" TOUCH ",t'");
    assert_string_equal(text, TOUCH ",two words\n");
    free(text);
}

/* Both evaluate an action once more: a word has quotes within quotes. */
static void hostile_words_in_others(void **state)
{
#define TWICE_IN_ZSH                                                                               \
    "(-x --it'\\''s" TOUCH ")-x+[It'\\''s \\[a\\] \\\\ " TOUCH "]:ARG\\:" TOUCH ":("
#define QUOTE_IN_ZSH  "'\\''"
#define QUOTE_IN_FISH "\\'"
    char *text = script(ZSH, hostile_list);
    (void)state;

    has(text, TWICE_IN_ZSH QUOTE_IN_ZSH "a" QUOTE_IN_ZSH "\\" QUOTE_IN_ZSH QUOTE_IN_ZSH
                                        "b" QUOTE_IN_ZSH " " QUOTE_IN_ZSH TOUCH QUOTE_IN_ZSH " ");
    has(text, "'com'\\''mand;" TOUCH ":It'\\''s: a '\\''command'\\'' " TOUCH "'\n");
    assert_null(strstr(text, "secret"));
    free(text);
    text = script(FISH, hostile_list);
    has(text, " -s 'x' -l 'it\\'s" TOUCH "' -x -a '" QUOTE_IN_FISH "a\\\\\\'b" QUOTE_IN_FISH
              " " QUOTE_IN_FISH TOUCH QUOTE_IN_FISH " ");
    has(text, " -d 'It\\'s [a] \\\\ " TOUCH "'\n");
    assert_null(strstr(text, "secret"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_those_of_help),
        cmocka_unit_test(words_come_from_the_commands),
        cmocka_unit_test(usage),
        cmocka_unit_test(hostile_words_in_bash),
        cmocka_unit_test(hostile_words_in_others),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
