/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict numbers; what is common to the options of all commands; full disks under their text. */
#include "base/options.h"
#include "base/out.h"
#include "cmd/commands.h"
#include "desktop.h"
#include "fake.h"

static void numbers(void **state)
{
    uint64_t v = 5;
    uint32_t w = 5;
    double d = 5;
    (void)state;

    assert_int_equal(number_u64("18446744073709551615", 0, UINT64_MAX, &v), 0);
    assert_true(v == UINT64_MAX);
    v = 5;
    assert_int_equal(number_u64("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
    assert_int_equal(number_u64("99999999999999999999999", 0, UINT64_MAX, &v), -ERANGE);
    assert_int_equal(number_u64("7", 8, 9, &v), -ERANGE);
    static const char *const junk[] = {"", " 1", "1 ", "+1", "-1", "0x1", "1e3", "1.0", "1,000"};
    for (unsigned i = 0; i < sizeof(junk) / sizeof(*junk); i++)
        assert_int_equal(number_u64(junk[i], 0, UINT64_MAX, &v), -EINVAL);
    assert_int_equal(v, 5); /* untouched by all of them */
    assert_int_equal(number_u32("4294967296", 0, UINT32_MAX, &w), -ERANGE);
    assert_int_equal(w, 5);
    assert_int_equal(number_u32("007", 0, UINT32_MAX, &w), 0);
    assert_int_equal(w, 7);
    assert_int_equal(number_decimal("12.5", 100, &d), 0);
    assert_true(d == 12.5);
    assert_int_equal(number_decimal("100", 100, &d), 0);
    assert_int_equal(number_decimal("100.1", 100, &d), -ERANGE);
    static const char *const no[] = {"", ".", "1.", ".5", "nan", "inf", "0x1", "1e2", "-0", "1s"};
    for (unsigned i = 0; i < sizeof(no) / sizeof(*no); i++)
        assert_int_equal(number_decimal(no[i], 100, &d), -EINVAL);
    assert_true(d == 100);
}

static void sizes_are_strict(void **state)
{
    const uint64_t most = UINT64_C(1) << 40;
    uint64_t v = 5;
    (void)state;

    static const char *const junk[] = {"", "G", "1k", "1 G", "1GB", "1GG", "-1", "1.5G", "0x1"};
    for (unsigned i = 0; i < sizeof(junk) / sizeof(*junk); i++)
        assert_int_equal(number_bytes(junk[i], most, &v), -EINVAL);
    assert_int_equal(number_bytes("2T", most, &v), -ERANGE);
    assert_int_equal(number_bytes("99999999999999999999G", most, &v), -ERANGE);
    assert_int_equal(number_bytes("18014398509481984K", UINT64_MAX, &v), -ERANGE);
    assert_int_equal(v, 5); /* untouched by all of them */
    assert_int_equal(number_bytes("0", most, &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(number_bytes("1T", most, &v), 0);
    assert_true(v == most);
    assert_int_equal(number_bytes("500M", most, &v), 0);
    assert_true(v == UINT64_C(500) << 20);
    assert_int_equal(number_bytes("7", most, &v), 0);
    assert_int_equal(v, 7);
}

/* ---- the numbers of a command line ---- */

struct asked {
    pid_t pid;
    unsigned word;
    const char *run;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    static const char *const words[] = {"text", "json"};
    struct asked *o = state->input;

    switch (key) {
    case 'p':
        return options_pid(state, "--pid", arg, &o->pid);
    case 'f':
        return options_word(state, "--format", arg, words, 2, &o->word);
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS:
        return options_one(state, key, arg, "run", &o->run);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static struct asked asked;

static int command(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"pid", 'p', "PID", 0, "A process", 0}, {"format", 'f', "F", 0, "A format", 0}, {0}};
    static const struct argp parser = {table, on_option, "RUN", "Does it.", NULL, NULL, NULL};

    asked = (struct asked){0};
    return options_parse(&parser, argc, argv, &asked);
}

static void has(const char *file, const char *what)
{
    char *text = fake_text(file);

    if (!strstr(text, what))
        fail_msg("no \"%s\" in %s: %s", what, file, text);
    free(text);
}

static void command_line(void **state)
{
    (void)state;
    assert_int_equal(RUN(command, "a", "-p", "17", "--format=json"), OPTIONS_GO);
    assert_int_equal(asked.pid, 17);
    assert_int_equal(asked.word, 1);
    assert_string_equal(asked.run, "a");
    /* 2^32 + 1 was once taken for process 1 */
    assert_int_equal(RUN(command, "a", "--pid", "4294967297"), EXIT_USAGE);
    has("err", "--pid 4294967297: not a process id");
    assert_int_equal(RUN(command, "a", "--pid", "0"), EXIT_USAGE);
    assert_int_equal(RUN(command, "a", "--pid", "1x"), EXIT_USAGE);
    assert_int_equal(RUN(command, "a", "-f", "xml"), EXIT_USAGE);
    has("err", "--format xml: not one of text, json");
    assert_int_equal(RUN(command), EXIT_USAGE);
    has("err", "no run given");
    assert_int_equal(RUN(command, "a", "b"), EXIT_USAGE);
    has("err", "one run at a time: b");
    assert_int_equal(RUN(command, "a", "--nothing"), EXIT_USAGE);
    has("err", "--nothing");
    assert_int_equal(RUN(command, "--help", "--nothing"), EXIT_DONE);
    has("out", "-p, --pid=PID");
}

/* ---- all commands ---- */

static void help(void **state)
{
    (void)state;
    for (const struct command *c = commands; c->name; c++) {
        char *first;

        if (!strcmp(c->name, "meter")) /* a program of its own, which may not be built */
            continue;
        assert_int_equal(RUN(spicetap, c->name, "--help"), EXIT_DONE);
        has("out", "Usage: spicetap ");
        has("out", c->name);
        first = fake_text("out");
        assert_int_equal(RUN(spicetap, "help", c->name), EXIT_DONE);
        has("out", first);
        free(first);
        assert_int_equal(RUN(spicetap, c->name, "-h"), EXIT_DONE);
        assert_int_equal(RUN(spicetap, c->name, "--no-such-option"), EXIT_USAGE);
        has("err", "no-such-option");
    }
    assert_int_equal(RUN(spicetap, "help"), EXIT_DONE);
    assert_int_equal(RUN(spicetap, "--version"), EXIT_DONE);
    assert_int_equal(RUN(spicetap), EXIT_USAGE);
    assert_int_equal(RUN(spicetap, "help", "nothing"), EXIT_USAGE);
    assert_int_equal(RUN(spicetap, "nothing"), EXIT_USAGE);
}

static void make_log(const char *path)
{
    struct desktop *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    desktop_init(d, fake_log(path, SOURCE_SPICE), NULL);
    for (int i = 0; i < 2000; i++)
        desktop_step(d);
    assert_int_equal(tap_writer_close(d->spice), 0);
    free(d);
}

/* A disk that is full under what a command prints is a failure, whatever the command. */
static void full_disk(void **state)
{
    char *log = strdup(fake_path("spice.tap"));
    char *const lines[][5] = {
        {"spicetap", "info", log, NULL},    {"spicetap", "info", log, "--json", NULL},
        {"spicetap", "explain", log, NULL}, {"spicetap", "explain", log, "--json", NULL},
        {"spicetap", "compare", log, NULL}, {"spicetap", "whatif", log, NULL},
        {"spicetap", "events", NULL},       {"spicetap", "--help", NULL}};
    (void)state;

    make_log(log);
    for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        char *argv[5];

        memcpy(argv, lines[i], sizeof(argv));
        assert_int_equal(fake_run(spicetap, "/dev/full", fake_path("err"), argv), EXIT_PART);
        has("err", "standard output: No space left on device");
    }
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),      cmocka_unit_test(sizes_are_strict),
        cmocka_unit_test(command_line), cmocka_unit_test(help),
        cmocka_unit_test(full_disk),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
