/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the recorder counts: running streams, also those from before the recording, and losses. */
#include "record/counts.h"
#include "fake.h"

static void happens(struct record_counts *r, uint16_t kind, uint64_t display, uint64_t stream)
{
    struct tap_event ev = {.kind = kind};

    ev.v[0] = display;
    ev.v[1] = stream;
    counts_event(r, &ev);
}

static void expect(const struct record_counts *r, unsigned running, unsigned known)
{
    assert_int_equal(counts_running(r), running);
    assert_int_equal(r->streams, known);
}

static void begins_and_ends(void **state)
{
    struct record_counts r = {0};

    (void)state;
    happens(&r, EV_stream_create, 0, 3);
    happens(&r, EV_stream_attach, 0, 3);
    happens(&r, EV_stream_create, 1, 3);
    expect(&r, 2, 2);
    happens(&r, EV_stream_stop, 0, 3);
    expect(&r, 1, 2);
    happens(&r, EV_stream_create, 0, 3);
    expect(&r, 2, 3);
}

/* A stream that began before the recording: the live line once said that no stream ran. */
static void from_before_the_recording(void **state)
{
    struct record_counts r = {0};

    (void)state;
    happens(&r, EV_stream_attach, 0, 0);
    happens(&r, EV_stream_attach, 0, 0);
    expect(&r, 1, 1);
    happens(&r, EV_stream_stop, 0, 7); /* began before, and had no frame since */
    expect(&r, 1, 1);
    happens(&r, EV_stream_create, 0, 0); /* its end was lost */
    expect(&r, 1, 2);
}

static void numbers_that_cannot_be(void **state)
{
    struct record_counts r = {0};

    (void)state;
    happens(&r, EV_stream_create, COUNTS_DISPLAYS, 0);
    happens(&r, EV_stream_attach, 0, COUNTS_STREAMS);
    happens(&r, EV_stream_create, UINT64_MAX, UINT64_MAX);
    happens(&r, EV_stream_stop, UINT32_MAX, 1);
    happens(&r, EV_stream_encode, 0, 1);
    expect(&r, 0, 0);
}

/* A loss of unknown count is no loss of 0 events. */
static void losses(void **state)
{
    struct record_counts c = {0};

    (void)state;
    counts_loss(&c, LOSS_REASON_ring_full, 3);
    counts_loss(&c, LOSS_REASON_bad_memory, 2);
    assert_int_equal(counts_lost(&c), 5);
    assert_int_equal(c.unknown, 0);
    counts_loss(&c, LOSS_REASON_gap, 0);
    counts_loss(&c, UINT32_MAX, 1);
    assert_int_equal(counts_lost(&c), 6);
    assert_int_equal(c.lost[LOSS_REASON_ring_full], 3);
    assert_int_equal(c.unknown, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_and_ends),
        cmocka_unit_test(from_before_the_recording),
        cmocka_unit_test(numbers_that_cannot_be),
        cmocka_unit_test(losses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
