/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Progress is on a terminal, only there, and gone at the end. */
#include <stdlib.h>
#include <sys/wait.h>

#include "base/progress.h"
#include "cmd/commands.h"
#include "fake.h"

enum { EVENTS = 200000 };

static void make_run(const char *path)
{
    struct bundle_writer *b;
    struct tap_writer *w;

    assert_int_equal(bundle_create(&b, path), 0);
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &w), 0);
    for (uint64_t i = 0; i < EVENTS; i++)
        PUT(w, wakeup, 1000000 + i * 1000, .display = 0);
    assert_int_equal(bundle_log_close(b, w), 0);
    json_object_set_new(bundle_run(b), "window",
                        json_pack("{sI sI}", "from", (json_int_t)1000000, "to",
                                  (json_int_t)(1000000 + EVENTS * 1000)));
    assert_int_equal(bundle_finish(b, "time is up"), 0);
}

/* Runs info with standard error on a terminal, or in a pipe; what came out of it. */
static void run_with(const char *run, bool terminal, char *text, size_t size)
{
    int ends[2], status;
    size_t length = 0;
    ssize_t got;
    pid_t child;

    if (terminal) {
        ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
        assert_true(ends[0] >= 0 && !grantpt(ends[0]) && !unlockpt(ends[0]));
        ends[1] = open(ptsname(ends[0]), O_RDWR | O_NOCTTY);
    } else {
        assert_int_equal(pipe(ends), 0);
    }
    fflush(NULL);
    child = fork();
    if (!child) {
        dup2(ends[1], STDERR_FILENO);
        if (!freopen("/dev/null", "w", stdout))
            _exit(99);
        progress_after = 0;
        _exit(cmd_info(2, (char *[]){"info", (char *)run, NULL}));
    }
    close(ends[1]);
    while (length < size - 1 && (got = read(ends[0], text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void on_a_terminal(void **state)
{
    char *run = strdup(fake_path("run")), text[4096];
    size_t length;
    (void)state;

    make_run(run);
    run_with(run, true, text, sizeof(text));
    assert_non_null(strstr(text, "reading: 33%"));
    length = strlen(text);
    assert_string_equal(text + length - 4, "\r\033[K"); /* the line is gone */
    run_with(run, false, text, sizeof(text));
    assert_string_equal(text, "");
    free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(on_a_terminal)};

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
