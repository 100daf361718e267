/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Slow motion: the recorder reads the clock of a process under libfaketime, to the ns, or names why
 * it cannot; a client gets the same clock; run.json has it. */
#include <glob.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "clock/run_time.h"
#include "fake.h"
#include "loader/loader.h"
#include "record/client_clock.h"

#define SECOND  UINT64_C(1000000000)
#define LIBRARY "/usr/lib/*/faketime/libfaketimeMT.so.1" /* Debian's libfaketime */

static char *library(void)
{
    glob_t found;
    char *path;

    if (glob(LIBRARY, 0, NULL, &found))
        fail_msg("%s is not there: install Debian's libfaketime", LIBRARY);
    path = strdup(found.gl_pathv[0]);
    globfree(&found);
    return path;
}

/* libfaketime answered so between two times of the kernel's, on a real host. */
static void run_time_is_libfaketimes(void **state)
{
    static const struct run_time none = {0}, slow = {812517680479, 1795801820477019140, 0.1};
    (void)state;

    assert_int_equal(run_time_of(&none, 12345), 12345);
    assert_int_equal(run_time_lasts(&none, 12345), 12345);
    assert_true(run_time_scale(&none) == 1);
    assert_in_range(1795801820477027709, run_time_of(&slow, 812517764935),
                    run_time_of(&slow, 812517768791));
    assert_in_range(1795801820487262133, run_time_of(&slow, 812620107062),
                    run_time_of(&slow, 812620115615));
    assert_int_equal(run_time_of(&slow, slow.kernel + 86400 * SECOND), slow.run + 8640 * SECOND);
    assert_int_equal(run_time_lasts(&slow, 50), 500);
    assert_true(run_time_scale(&slow) == 10);
}

static void factors(void **state)
{
    static const char *const bad[] = {"",
                                      "0",
                                      "x0.1",
                                      "2020-01-01 00:00:00",
                                      "@2020-01-01 00:00:00",
                                      "+1h x0.1",
                                      "+0 i0.1",
                                      "+0 x",
                                      "+0 x0",
                                      "+0 x-1",
                                      "+0 x0.1 x2",
                                      "+0x0.1",
                                      "+0 xnan",
                                      "+inf x.1",
                                      "+0 x1e9",
                                      "%",
                                      "+0  x0.1",
                                      "+1e300"};
    int64_t offset;
    double factor;
    (void)state;

    assert_true(faketime_parse("+0 x0.1", &offset, &factor));
    assert_true(factor == 0.1);
    assert_int_equal(offset, 0);
    assert_true(faketime_parse("-1.5 x0.0625", &offset, &factor));
    assert_true(factor == 0.0625);
    assert_int_equal(offset, -1500000000);
    assert_true(faketime_parse("+3600", &offset, &factor));
    assert_true(factor == 1);
    assert_int_equal(offset, 3600 * (int64_t)SECOND);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (faketime_parse(bad[i], &offset, &factor))
            fail_msg("\"%s\" was taken", bad[i]);
}

/* A clock that began a minute ago. */
static struct vm_clock a_clock(const char *faketime)
{
    struct vm_clock clock = {.library = library(), .faketime = strdup(faketime)};
    struct timespec t;
    int64_t offset;

    clock_gettime(CLOCK_MONOTONIC, &t);
    clock.start.monotonic[0] = clock.start.raw[0] = clock.start.boot[0] = t.tv_sec - 60;
    clock.start.monotonic[1] = 123456789;
    clock.start.real[0] = 1700000000;
    clock.start.real[1] = 987654321;
    assert_true(faketime_parse(faketime, &offset, &clock.rate));
    clock.kernel = (uint64_t)clock.start.monotonic[0] * SECOND + 123456789;
    clock.run = 1700000000 * SECOND + 987654321 + (uint64_t)offset;
    return clock;
}

/* Starts a program on that clock; *out: what it prints. */
static pid_t start(const struct vm_clock *clock, char *const *argv, int *out)
{
    int ends[2];
    pid_t pid;

    assert_int_equal(client_clock_open(clock), 0);
    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (!pid) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        client_clock_take(clock);
        execvp(argv[0], argv);
        _exit(1);
    }
    close(ends[1]);
    *out = ends[0];
    return pid;
}

static uint64_t read_number(int fd)
{
    char text[64] = "";
    ssize_t n = read(fd, text, sizeof(text) - 1);

    assert_true(n > 0);
    return strtoull(text, NULL, 10);
}

static void finish(pid_t pid, int out, struct vm_clock *clock)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(out);
    client_clock_close(clock);
    vm_clock_free(clock);
}

/* It prints its CLOCK_MONOTONIC once, and waits. */
static char *const prints_clock[] = {
    "python3", "-c", "import time, signal; print(time.monotonic_ns(), flush=True); signal.pause()",
    NULL};

/* What the recorder reads of the process is what the process itself reads. */
static void clock_of_a_process(void **state)
{
    struct vm_clock clock = a_clock("+5 x0.125"), other = {0};
    struct run_time time = {clock.kernel, clock.run, clock.rate};
    struct loader_error e;
    uint64_t from = run_time_now(&time), printed;
    int out;
    pid_t pid = start(&clock, prints_clock, &out);
    (void)state;

    printed = read_number(out);
    assert_in_range(printed, from, run_time_now(&time));
    assert_int_equal(vm_clock_read(&other, pid, &e), 0);
    assert_true(other.rate == 0.125);
    assert_int_equal(other.kernel, clock.kernel);
    assert_int_equal(other.run, clock.run);
    assert_true(client_clock_same(&clock, pid));
    other.run++;
    assert_false(client_clock_same(&other, pid));
    vm_clock_free(&other);
    finish(pid, out, &clock);
}

static void no_slow_motion(void **state)
{
    struct vm_clock clock;
    struct loader_error e;
    (void)state;

    assert_int_equal(vm_clock_read(&clock, getpid(), &e), 0);
    assert_true(clock.rate == 0);
    assert_true(client_clock_same(&clock, getpid()));
    vm_clock_free(&clock);
}

static void refuses(const char *variable, const char *value, const char *names)
{
    struct vm_clock clock = a_clock("+0 x0.5"), other;
    struct loader_error e = {""};
    int out;
    pid_t pid;

    setenv(variable, value, 1);
    if (!strcmp(variable, "FAKETIME")) { /* client_clock_take sets it */
        free(clock.faketime);
        clock.faketime = strdup(value);
    }
    pid = start(&clock, prints_clock, &out);
    unsetenv(variable);
    read_number(out);
    assert_int_equal(vm_clock_read(&other, pid, &e), -ENOTSUP);
    if (!strstr(e.text, names))
        fail_msg("\"%s\" does not name %s", e.text, names);
    finish(pid, out, &clock);
}

static void clocks_that_are_no_line(void **state)
{
    (void)state;
    refuses("FAKETIME", "@2020-01-01 00:00:00", "FAKETIME is \"@2020-01-01 00:00:00\"");
    refuses("FAKETIME_DONT_FAKE_MONOTONIC", "1", "FAKETIME_DONT_FAKE_MONOTONIC=1");
    refuses("FAKETIME_START_AFTER_SECONDS", "9", "FAKETIME_START_AFTER_");
}

static void run_json_has_the_line(void **state)
{
    const struct run_time slow = {5 * SECOND, 70 * SECOND, 0.1};
    struct bundle_writer *b;
    struct bundle *read;
    const json_t *about;
    json_int_t ended;
    (void)state;

    assert_int_equal(bundle_create(&b, fake_path("slow")), 0);
    bundle_time(b, &slow);
    assert_int_equal(bundle_finish(b, "test"), 0);
    assert_int_equal(bundle_open(&read, fake_path("slow")), 0);
    about = bundle_about(read);
    assert_true(json_number_value(json_object_get(about, "time_scale")) == 10);
    about = json_object_get(about, "time_line");
    assert_int_equal(json_integer_value(json_object_get(about, "kernel")), 5 * SECOND);
    assert_int_equal(json_integer_value(json_object_get(about, "run")), 70 * SECOND);
    assert_true(json_number_value(json_object_get(about, "rate")) == 0.1);
    ended = json_integer_value(
        json_object_get(json_object_get(bundle_about(read), "ended"), "monotonic"));
    assert_in_range(ended, run_time_now(&slow) - SECOND, run_time_now(&slow));
    bundle_close(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_time_is_libfaketimes), cmocka_unit_test(factors),
        cmocka_unit_test(clock_of_a_process),       cmocka_unit_test(no_slow_motion),
        cmocka_unit_test(clocks_that_are_no_line),  cmocka_unit_test(run_json_has_the_line),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
