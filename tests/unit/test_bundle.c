/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run's folder: its states, its run.json, and the merge of its logs. */
#include <signal.h>
#include <sys/resource.h>
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
    if (!finish) {
        tap_writer_flush(spice);
        tap_writer_flush(qemu);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(bundle_log_close(b, spice), 0);
    assert_int_equal(bundle_log_close(b, qemu), 0);
    assert_int_equal(bundle_finish(b, "time is up"), 0);
}

/* Events, without what the reader finds missing: the last such loss goes to *loss. */
static unsigned count_events(struct bundle *b, struct run_event *loss)
{
    struct run_cursor *c;
    struct run_event e;
    unsigned count = 0;

    *loss = (struct run_event){0};
    assert_int_equal(cursor_open(&c, b), 0);
    while (cursor_next(c, &e) == 1)
        if (e.raw->kind == EV_loss && e.loss.reason >= LOSS_REASON_damaged)
            *loss = e;
        else
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

/* The end of each log is a loss of unknown count. */
static void killed(void **state)
{
    const char *path = fake_path("killed");
    struct run_event loss;
    struct bundle *b;
    pid_t child = fork();
    (void)state;

    if (!child)
        one_run(path, false);
    waitpid(child, NULL, 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_state(b), BUNDLE_RECOVERED);
    assert_int_equal(count_events(b, &loss), 10000);
    assert_int_equal(loss.source, SOURCE_SPICE); /* the last of two */
    assert_true(loss.loss.count == RUN_UNKNOWN);
    assert_int_equal(loss.loss.from, 14998);
    assert_int_equal(loss.loss.to, 14999);
    bundle_close(b);
}

/* The same of a run of 1.0, whose logs have no end even if the recorder ends in order. */
static void killed_of_1_0(void **state)
{
    static const char about[] = "{\"format\":{\"major\":1,\"minor\":0},\"state\":\"recording\"}";
    const char *folder = fake_path("killed-1-0"), *log = fake_path("killed-1-0/spice.tap");
    struct tap_writer *w;
    struct run_event loss;
    struct bundle *b;
    uint8_t *data;
    size_t size;
    (void)state;

    mkdir(folder, 0700);
    w = fake_log(log, SOURCE_SPICE);
    for (uint64_t t = 1; t <= 3; t++)
        PUT(w, oom_begin, t);
    assert_int_equal(tap_writer_close(w), 0);
    data = fake_load(log, &size);
    for (size_t at = 1; at < size; at++) /* without the last chunk, log_end */
        if (size - at > 4 && !memcmp(data + size - at - 4, TAP_CHUNK_MARK, 4)) {
            size -= at + 4;
            break;
        }
    data[10] = 0;
    put_le(data + 28, tap_crc(data, 28), 4);
    fake_store(log, data, size);
    free(data);
    fake_store(fake_path("killed-1-0/run.json"), about, strlen(about));
    assert_int_equal(bundle_open(&b, folder), 0);
    assert_int_equal(bundle_state(b), BUNDLE_RECOVERED);
    assert_int_equal(count_events(b, &loss), 3);
    assert_true(loss.loss.count == RUN_UNKNOWN);
    assert_int_equal(loss.loss.reason, LOSS_REASON_truncated);
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

/* A log that is damaged or gone is a loss, and the other logs can be read. */
static void one_log_bad(void **state)
{
    const char *path = fake_path("partial"), *qemu = fake_path("partial/qemu.tap");
    const struct bundle_log *logs;
    struct run_event loss;
    struct bundle *b;
    (void)state;

    one_run(path, true);
    assert_int_equal(truncate(qemu, 100), 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_logs(b, &logs), 2);
    assert_int_equal(logs[0].error, -ENODATA);
    assert_null(logs[0].reader);
    assert_int_equal(count_events(b, &loss), 10000 - 3334);
    assert_int_equal(loss.source, SOURCE_QEMU);
    assert_int_equal(loss.loss.count, 3334);
    bundle_close(b);

    unlink(qemu);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_logs(b, &logs), 2);
    assert_int_equal(logs[1].error, -ENOENT);
    bundle_close(b);
    assert_int_equal(bundle_open(&b, fake_path("partial/spice.tap")), 0);
    bundle_close(b);
}

/* Item by item: what is cut off a log of a whole run is lost, with its count, wherever it is cut.
 */
static void cut_anywhere(void **state)
{
    const char *path = fake_path("cut"), *file = fake_path("cut/spice.tap");
    uint8_t *data;
    size_t size;
    (void)state;

    one_run(path, true);
    data = fake_load(file, &size);
    for (size_t at = size, chunk = size; at > 2000; at -= at > chunk - 8 ? 1 : 997) {
        struct run_event loss;
        struct bundle *b;
        unsigned came;

        assert_int_equal(truncate(file, (off_t)at), 0);
        assert_int_equal(bundle_open(&b, path), 0);
        came = count_events(b, &loss);
        assert_int_equal(came < 10000, loss.raw != NULL);
        if (loss.raw)
            assert_int_equal(loss.source, SOURCE_SPICE);
        bundle_close(b);
    }
    free(data);
}

/* Cut exactly behind a chunk: the sum of what came and what is lost is what was recorded. */
static void cut_behind_a_chunk(void **state)
{
    const char *path = fake_path("edge"), *file = fake_path("edge/spice.tap");
    unsigned edges = 0;
    uint8_t *data;
    size_t size;
    (void)state;

    one_run(path, true);
    data = fake_load(file, &size);
    for (size_t at = size - TAP_CHUNK_SIZE; at > TAP_HEADER_SIZE; at--) {
        struct run_event loss;
        struct bundle *b;
        unsigned came;

        if (memcmp(data + at, TAP_CHUNK_MARK, 4) ||
            get_le(data + at + 52, 4) != tap_crc(data + at, 52))
            continue;
        assert_int_equal(truncate(file, (off_t)at), 0);
        assert_int_equal(bundle_open(&b, path), 0);
        came = count_events(b, &loss);
        assert_int_equal(came + (loss.raw ? loss.loss.count : 0), 10000);
        bundle_close(b);
        edges++;
    }
    assert_int_equal(edges, 3); /* 6666 events in two chunks, and the end */
    free(data);
}

static const char whole[] = "{\"format\":{\"major\":1},\"state\":\"complete\"}";

/* A FIFO, a link or a folder in place of a file is an error, and is not waited for. */
static void no_files(void **state)
{
    char *path = strdup(fake_path("odd")), *json = strdup(fake_path("odd/run.json"));
    char *log = strdup(fake_path("odd/spice.tap"));
    const struct bundle_log *logs;
    const struct bundle_bad *bad;
    struct bundle *b;
    json_t *o;
    (void)state;

    alarm(20);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkfifo(json, 0600), 0);
    expect_open(path, -EINVAL);
    unlink(json);
    assert_int_equal(symlink("/dev/zero", json), 0);
    expect_open(path, -ELOOP);
    unlink(json);
    assert_int_equal(mkdir(json, 0700), 0);
    expect_open(path, -EINVAL);
    rmdir(json);

    fake_store(json, whole, strlen(whole));
    assert_int_equal(mkfifo(log, 0600), 0);
    expect_open(log, -EINVAL);
    assert_int_equal(symlink("run.json", fake_path("odd/qemu.tap")), 0);
    assert_int_equal(mkfifo(fake_path("odd/client.json"), 0600), 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_logs(b, &logs), 2);
    assert_int_equal(logs[0].error, -ELOOP);
    assert_int_equal(logs[1].error, -EINVAL);
    assert_int_equal(bundle_json(b, "client.json", &o), -EINVAL);
    assert_int_equal(bundle_json(b, "none.json", &o), -ENOENT);
    assert_int_equal(bundle_json(b, "../odd/run.json", &o), -EINVAL);
    assert_int_equal(bundle_bad_files(b, &bad), 2);
    assert_string_equal(bad[0].name, "client.json");
    bundle_close(b);
    alarm(0);
    free(path);
    free(json);
    free(log);
}

/* No recorder writes JSON of more than 4 MiB; it is not read into memory. */
static void huge_json(void **state)
{
    const char *path = fake_path("huge"), *json = fake_path("huge/run.json");
    struct bundle *b;
    json_t *o;
    (void)state;

    assert_int_equal(mkdir(path, 0700), 0);
    fake_store(json, "", 0);
    assert_int_equal(truncate(json, 5 << 20), 0);
    expect_open(path, -EFBIG);
    fake_store(json, whole, strlen(whole));
    fake_store(fake_path("huge/experiment.json"), "", 0);
    assert_int_equal(truncate(fake_path("huge/experiment.json"), (off_t)1 << 40), 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_json(b, "experiment.json", &o), -EFBIG);
    assert_null(o);
    bundle_close(b);
}

/* An hour of torture found it: the empty log that was left could not be opened, and info failed. */
static void disk_full_as_it_begins(void **state)
{
    struct rlimit all, little = {1000, RLIM_INFINITY}; /* room for run.json, and for no log */
    const char *path = fake_path("disk-full");
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    struct bundle_writer *w;
    struct tap_writer *log;
    const struct bundle_log *logs;
    struct bundle *b;
    (void)state;

    assert_int_equal(bundle_create(&w, path), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    assert_int_equal(bundle_log(w, SOURCE_SPICE, &log), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    signal(SIGXFSZ, before);
    assert_int_equal(bundle_finish(w, "could not begin"), 0);
    assert_int_equal(bundle_open(&b, path), 0);
    assert_int_equal(bundle_logs(b, &logs), 0);
    bundle_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complete),
        cmocka_unit_test(being_recorded),
        cmocka_unit_test(disk_full_as_it_begins),
        cmocka_unit_test(killed),
        cmocka_unit_test(killed_of_1_0),
        cmocka_unit_test(bad_runs),
        cmocka_unit_test(one_log_bad),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(cut_behind_a_chunk),
        cmocka_unit_test(no_files),
        cmocka_unit_test(huge_json),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
