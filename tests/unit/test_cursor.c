/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cursor: order, window, losses as events. */
#include "fake.h"
#include "run/cursor.h"

static struct bundle_writer *run;
static struct tap_writer *spice, *qemu;

static void begin(const char *name)
{
    assert_int_equal(bundle_create(&run, fake_path(name)), 0);
    assert_int_equal(bundle_log(run, SOURCE_SPICE, &spice), 0);
    assert_int_equal(bundle_log(run, SOURCE_QEMU, &qemu), 0);
}

static void finish(json_int_t from, json_int_t to)
{
    assert_int_equal(tap_writer_close(spice), 0);
    assert_int_equal(tap_writer_close(qemu), 0);
    json_object_set_new(bundle_run(run), "window", json_pack("{sI sI}", "from", from, "to", to));
    assert_int_equal(bundle_finish(run, "test"), 0);
}

static struct bundle *bundle;
static struct run_cursor *cursor;
static struct run_event e;

static void open_run(const char *name)
{
    assert_int_equal(bundle_open(&bundle, fake_path(name)), 0);
    assert_int_equal(cursor_open(&cursor, bundle), 0);
}

static void close_run(void)
{
    assert_int_equal(cursor_next(cursor, &e), 0);
    assert_int_equal(cursor_next(cursor, &e), 0);
    cursor_close(cursor);
    bundle_close(bundle);
}

static void expect(uint64_t time, enum tap_source source)
{
    assert_int_equal(cursor_next(cursor, &e), 1);
    assert_int_equal(e.raw->time, time);
    assert_int_equal(e.source, source);
    assert_int_equal(e.clock_error, 0);
}

/* What stands outside the window is not handed over; its ends are inside. */
static void window(void **state)
{
    (void)state;
    begin("window");
    for (uint64_t t = 998; t <= 2002; t += 2)
        PUT(spice, wakeup, t, .display = 0);
    finish(1000, 2000);
    open_run("window");
    for (uint64_t t = 1000; t <= 2000; t += 2)
        expect(t, SOURCE_SPICE);
    close_run();
}

/* A loss counts if any of its span is in the window, and only that part is given. */
static void losses_at_the_window(void **state)
{
    (void)state;
    begin("losses");
    PUT(spice, loss, 500, .count = 1); /* all of it before */
    PUT(spice, wakeup, 600, .display = 0);
    PUT(spice, loss, 1100, .count = 2); /* from 600: across the beginning */
    PUT(spice, wakeup, 1200, .display = 0);
    PUT(spice, loss, 1300, .count = 0); /* how many is not known */
    PUT(spice, loss, 2500, .count = 3); /* noticed after the end */
    PUT(spice, wakeup, 2600, .display = 0);
    PUT(spice, loss, 2700, .count = 4); /* all of it behind */
    finish(1000, 2000);
    open_run("losses");
    expect(1100, SOURCE_SPICE);
    assert_int_equal(e.loss.from, 1000);
    assert_int_equal(e.loss.to, 1100);
    assert_int_equal(e.loss.count, 2);
    expect(1200, SOURCE_SPICE);
    expect(1300, SOURCE_SPICE);
    assert_int_equal(e.loss.from, 1200);
    assert_true(e.loss.count == RUN_UNKNOWN);
    expect(2000, SOURCE_SPICE);
    assert_int_equal(e.loss.from, 1200);
    assert_int_equal(e.loss.to, 2000);
    assert_int_equal(e.loss.count, 3);
    close_run();
}

/* Chunks overlap in time: the cursor sorts across their border, and keeps the order of equals. */
static void chunks_that_overlap(void **state)
{
    (void)state;
    begin("overlap");
    PUT(spice, wakeup, 1100, .display = 1);
    PUT(spice, wakeup, 1300, .display = 2);
    PUT(spice, wakeup, 1300, .display = 3);
    tap_writer_flush(spice);
    PUT(spice, wakeup, 1200, .display = 4);
    PUT(spice, wakeup, 1300, .display = 5);
    finish(1000, 2000);
    open_run("overlap");
    for (uint64_t i = 0; i < 5; i++) {
        static const uint64_t times[] = {1100, 1200, 1300, 1300, 1300}, who[] = {1, 4, 2, 3, 5};

        expect(times[i], SOURCE_SPICE);
        assert_int_equal(FIELDS(e.event, wakeup)->display, who[i]);
    }
    close_run();
}

/* What was decided as the client connected comes from before the window; nothing else does. */
static void before_the_window(void **state)
{
    (void)state;
    begin("early");
    PUT(spice, net_test, 500, .client = 1);
    PUT(spice, draw, 600, .display = 0);
    PUT(qemu, qxl_io_write, 600, .port = 0);
    PUT(spice, stream_first_rate, 700, .client = 1);
    PUT(spice, stream_rate, 710, .client = 1);
    PUT(spice, delay_ask, 720, .client = 1);
    PUT(spice, delay_order, 730, .client = 1);
    PUT(spice, stream_encode, 740, .client = 1);
    PUT(spice, wakeup, 1500, .display = 0);
    PUT(spice, delay_order, 2500, .client = 1);
    finish(1000, 2000);
    open_run("early");
    expect(500, SOURCE_SPICE);
    expect(700, SOURCE_SPICE);
    expect(710, SOURCE_SPICE);
    expect(720, SOURCE_SPICE);
    expect(730, SOURCE_SPICE);
    expect(1500, SOURCE_SPICE);
    close_run();
}

/* Of two logs with an event at one time, the one whose name sorts first comes first. */
static void ties_between_logs(void **state)
{
    (void)state;
    begin("ties");
    for (uint64_t t = 1000; t < 1100; t++) {
        PUT(spice, wakeup, t, .display = 0);
        PUT(qemu, qxl_io_write, t, .port = 0);
    }
    finish(1000, 2000);
    open_run("ties");
    for (uint64_t t = 1000; t < 1100; t++) {
        expect(t, SOURCE_QEMU);
        expect(t, SOURCE_SPICE);
    }
    close_run();
}

/* While a log misses events, the others' events say so: its silence is no evidence. */
static void missing_meanwhile(void **state)
{
    (void)state;
    begin("missing");
    PUT(spice, wakeup, 1100, .display = 0);
    tap_writer_flush(spice);
    for (uint64_t t = 1050; t < 1200; t += 50)
        PUT(qemu, qxl_io_write, t, .port = 0);
    finish(1000, 2000);
    assert_int_equal(truncate(fake_path("missing/spice.tap"), 60), 0);
    open_run("missing");
    for (uint64_t t = 1050; t < 1200; t += 50) {
        expect(t, SOURCE_QEMU);
        assert_int_equal(e.missing, 1 << SOURCE_SPICE);
    }
    expect(2000, SOURCE_SPICE);
    assert_int_equal(e.loss.from, 1000);
    close_run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window),
        cmocka_unit_test(losses_at_the_window),
        cmocka_unit_test(chunks_that_overlap),
        cmocka_unit_test(ties_between_logs),
        cmocka_unit_test(before_the_window),
        cmocka_unit_test(missing_meanwhile),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
