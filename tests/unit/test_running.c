/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which streams run, for the live line: those that began before the recording too. */
#include "record/running.h"
#include "fake.h"

static void happens(struct running *r, uint16_t kind, uint64_t display, uint64_t stream)
{
    struct tap_event ev = {.kind = kind};

    ev.v[0] = display;
    ev.v[1] = stream;
    running_event(r, &ev);
}

static void expect(const struct running *r, unsigned running, unsigned known)
{
    assert_int_equal(running_count(r), running);
    assert_int_equal(r->known, known);
}

static void begins_and_ends(void **state)
{
    struct running r = {0};

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

/* The clip of 005b streams before anybody listens: the line said that no stream ran. */
static void from_before_the_recording(void **state)
{
    struct running r = {0};

    (void)state;
    happens(&r, EV_stream_attach, 0, 0);
    happens(&r, EV_stream_attach, 0, 0);
    expect(&r, 1, 1);
    happens(&r, EV_stream_stop, 0, 7); /* one from before that had no further frame */
    expect(&r, 1, 1);
    happens(&r, EV_stream_create, 0, 0); /* its end was lost */
    expect(&r, 1, 2);
}

static void numbers_that_cannot_be(void **state)
{
    struct running r = {0};

    (void)state;
    happens(&r, EV_stream_create, RUNNING_DISPLAYS, 0);
    happens(&r, EV_stream_attach, 0, RUNNING_STREAMS);
    happens(&r, EV_stream_create, UINT64_MAX, UINT64_MAX);
    happens(&r, EV_stream_stop, UINT32_MAX, 1);
    happens(&r, EV_stream_encode, 0, 1);
    expect(&r, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_and_ends),
        cmocka_unit_test(from_before_the_recording),
        cmocka_unit_test(numbers_that_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
