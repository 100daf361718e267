/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run's folder: its states, its run.json, and the merge of its logs. */
#include <signal.h>
#include <sys/wait.h>

#include "fake.h"
#include "run/cursor.h"

static void one_run(const char *path, bool finish)
{
    struct bundle_writer *b;
    struct tap_writer *spice, *qemu;

    assert_int_equal(bundle_create(&b, path), 0);
    json_object_set_new(bundle_run(b), "target", json_pack("{si}", "pid", 812));
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &spice), 0);
    assert_int_equal(bundle_log(b, SOURCE_QEMU, &qemu), 0);
    for (uint64_t i = 0; i < 10000; i++) {
        PUT(i % 3 ? spice : qemu, loss, 5000 + i, .count = i);
        if (i == 5000)
            tap_writer_flush(qemu);
    }
    assert_int_equal(tap_writer_close(spice), 0);
    assert_int_equal(tap_writer_close(qemu), 0);
    if (finish)
        assert_int_equal(bundle_finish(b, "time is up"), 0);
    else
        kill(getpid(), SIGKILL);
}

static unsigned count_events(struct bundle *b)
{
    struct run_cursor *c;
    struct run_event e;
    unsigned count = 0;

    assert_int_equal(cursor_open(&c, b), 0);
    while (cursor_next(c, &e) == 1)
        count++;
    cursor_close(c);
    return count;
}

static void complete(void **state)
{
    const char *path = fake_path("complete");
    const struct bundle_log *logs;
    struct bundle_writer *w;
    struct run_cursor *c;
    struct run_event e;
    struct bundle *b;
    const json_t *run;
    (void)state;

    one_run(path, true);
    assert_int_equal(bundle_create(&w, path), -EEXIST);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_state(b), BUNDLE_COMPLETE);
    run = bundle_about(b);
    assert_string_equal(json_string_value(json_object_get(run, "state")), "complete");
    assert_string_equal(json_string_value(json_object_get(run, "end")), "time is up");
    assert_true(json_integer_value(json_object_get(json_object_get(run, "ended"), "monotonic")) >=
                json_integer_value(json_object_get(json_object_get(run, "started"), "monotonic")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(run, "target"), "pid")),
                     812);
    assert_true(json_integer_value(json_object_get(json_object_get(run, "host"), "cores")) > 0);
    assert_true(json_is_string(json_object_get(json_object_get(run, "host"), "cpu_version")));
    assert_int_equal(bundle_logs(b, &logs), 2);
    assert_string_equal(logs[0].name, "qemu.tap");
    assert_string_equal(logs[1].name, "spice.tap");
    assert_int_equal(cursor_open(&c, b), 0);
    for (uint64_t i = 0; i < 10000; i++) { /* the merge brings back the order */
        assert_int_equal(cursor_next(c, &e), 1);
        assert_int_equal(e.raw->time, 5000 + i);
        assert_int_equal(e.source, i % 3 ? SOURCE_SPICE : SOURCE_QEMU);
    }
    assert_int_equal(cursor_next(c, &e), 0);
    cursor_close(c);
    bundle_close(b);
}

static void being_recorded(void **state)
{
    const char *path = fake_path("recording");
    struct bundle_writer *w;
    struct bundle *b;
    (void)state;

    assert_int_equal(bundle_create(&w, path), 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_state(b), BUNDLE_RECORDING);
    bundle_close(b);
    assert_int_equal(bundle_finish(w, "interrupted"), 0);
}

static void killed(void **state)
{
    const char *path = fake_path("killed");
    struct bundle *b;
    pid_t child = fork();
    (void)state;

    if (!child)
        one_run(path, false);
    waitpid(child, NULL, 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_state(b), BUNDLE_RECOVERED);
    assert_int_equal(count_events(b), 10000);
    bundle_close(b);
}

static void expect_open(const char *path, int want)
{
    struct bundle *b;

    assert_int_equal(bundle_open(&b, path), want);
    assert_true(strlen(bundle_strerror(want)) > 10);
}

static void bad_runs(void **state)
{
    static const char *const damaged[] = {"",
                                          "{",
                                          "[]",
                                          "{}",
                                          "{\"format\":{\"major\":1}}",
                                          "{\"format\":{\"major\":0},\"state\":\"complete\"}"};
    static const char newer[] = "{\"format\":{\"major\":2},\"state\":\"complete\"}";
    const char *folder = fake_path("bad"), *file = fake_path("bad/run.json");
    (void)state;

    expect_open(fake_path("no-such-run"), -ENOENT);
    mkdir(folder, 0700);
    expect_open(folder, -ENODATA);
    for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
        fake_store(file, damaged[i], strlen(damaged[i]));
        expect_open(folder, -EBADMSG);
    }
    fake_store(file, newer, strlen(newer));
    expect_open(folder, -EPROTO);
    expect_open(file, -ENODATA);
}

/* One log that is damaged or gone does not take the others with it. */
static void one_log_bad(void **state)
{
    const char *path = fake_path("partial"), *qemu = fake_path("partial/qemu.tap");
    const struct bundle_log *logs;
    struct bundle *b;
    (void)state;

    one_run(path, true);
    assert_int_equal(truncate(qemu, 100), 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_logs(b, &logs), 2);
    assert_int_equal(logs[0].error, -ENODATA);
    assert_null(logs[0].reader);
    assert_int_equal(count_events(b), 10000 - 3334);
    bundle_close(b);

    unlink(qemu);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_logs(b, &logs), 2);
    assert_int_equal(logs[1].error, -ENOENT);
    bundle_close(b);
    assert_int_equal(bundle_open(&b, fake_path("partial/spice.tap")), 0);
    bundle_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complete), cmocka_unit_test(being_recorded), cmocka_unit_test(killed),
        cmocka_unit_test(bad_runs), cmocka_unit_test(one_log_bad),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
