/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's session over a socket instead of the port, with fake tracing: what it sends in which
 * order, and what it does with a full port, a second host, and garbage. */
#include "fake.h"
#include "../../guest/agent.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

static struct made_up {
    unsigned starts, stops, ready; /* `ready`: events that the next drain() passes on */
    uint64_t lost, made;           /* `made`: events so far; each carries its number */
    int ring;
} made_up;

static struct session session;
static struct wire_parser parser;
static int host;

static void up_start(void *self, json_t *hello)
{
    (void)self;
    made_up.starts++;
    json_object_set_new(hello, "drivers", json_array());
}

static void up_stop(void *self)
{
    (void)self;
    made_up.stops++;
}

static void up_drain(void *self, agent_event_fn *fn, void *context)
{
    struct tap_event ev = {.kind = EV_guest_oom, .slots = 1};

    (void)self;
    for (; made_up.ready; made_up.ready--) {
        ev.time = agent_now();
        ev.v[0] = ++made_up.made;
        fn(context, &ev);
    }
}

static int up_ring(void *self)
{
    (void)self;
    return made_up.ring;
}

static void up_sample(void *self, agent_event_fn *fn, void *context)
{
    (void)self;
    (void)fn;
    (void)context;
}

static uint64_t up_lost(void *self, unsigned reason)
{
    uint64_t lost = reason == LOSS_REASON_ring_full ? made_up.lost : 0;

    (void)self;
    made_up.lost -= lost;
    return lost;
}

static const struct agent_tracing ops = {.start = up_start,
                                         .stop = up_stop,
                                         .drain = up_drain,
                                         .ring = up_ring,
                                         .sample = up_sample,
                                         .lost = up_lost};

static int set_up(void **state)
{
    int ends[2];

    (void)state;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends)) {
        return -1;
    }
    host = ends[0];
    memset(&made_up, 0, sizeof(made_up));
    made_up.ring = eventfd(0, EFD_NONBLOCK);
    return session_init(&session, NULL, &ops) || session_port(&session, ends[1]) ||
           wire_parser_open(&parser);
}

static int tear_down(void **state)
{
    (void)state;
    session_close(&session);
    wire_parser_close(&parser);
    close(host);
    close(made_up.ring);
    return 0;
}

/* Lets the agent do everything that is pending. */
static void turn(void)
{
    for (int i = 0; i < 10; i++) {
        assert_int_equal(session_step(&session, -1, 0), 0);
    }
}

static void tell(enum wire_type type, uint64_t value, size_t length)
{
    uint8_t frame[WIRE_HEADER + 8], payload[8];

    put_le(payload, value, 8);
    length = wire_frame_make(frame, type, 0, payload, length);
    assert_int_equal(write(host, frame, length), length);
    turn();
}

static bool hear(struct wire_frame *f)
{
    for (;;) {
        size_t room;
        uint8_t *to;
        ssize_t n;

        if (wire_parser_next(&parser, f)) {
            return true;
        }
        to = wire_parser_room(&parser, &room);
        n = read(host, to, room);
        if (n <= 0) {
            return false;
        }
        wire_parser_filled(&parser, n);
        turn();
    }
}

static void expect(enum wire_type type, struct wire_frame *f)
{
    assert_true(hear(f));
    assert_int_equal(f->type, type);
}

static void begin(void)
{
    struct wire_frame f;

    tell(WIRE_START, 7, 8);
    expect(WIRE_HELLO, &f);
    assert_int_equal(f.sequence, 0);
    assert_int_equal(get_le(f.payload, 8), 7);
}

static void nothing_before_start(void **state)
{
    struct wire_frame f;
    (void)state;

    made_up.ready = 3;
    tell(WIRE_PING, 1, 8);
    assert_false(hear(&f));
    assert_int_equal(made_up.starts, 0);
    begin();
    assert_int_equal(made_up.starts, 1);
}

static void a_ping_brings_the_events_behind_its_pong(void **state)
{
    struct wire_frame f;
    (void)state;

    begin();
    made_up.ready = 3;
    turn();
    assert_false(hear(&f)); /* events alone do not wake it */
    tell(WIRE_PING, 42, 8);
    expect(WIRE_PONG, &f);
    assert_int_equal(get_le(f.payload, 8), 42);
    expect(WIRE_EVENTS, &f);
    assert_int_equal(f.length, 3 * 24);
    assert_int_equal(get_le(f.payload + 16, 8), 1);
    assert_false(hear(&f));
}

static void a_burst_wakes_it(void **state)
{
    struct wire_frame f;
    uint64_t one = 1;
    (void)state;

    begin();
    for (int i = 0; i < 2; i++) { /* edge-triggered: each write must wake it again */
        made_up.ready = 5;
        assert_int_equal(write(made_up.ring, &one, sizeof(one)), sizeof(one));
        turn();
        expect(WIRE_EVENTS, &f);
        assert_int_equal(f.length, 5 * 24);
    }
}

static void once_a_second_without_pings(void **state)
{
    const struct timespec wait = {.tv_sec = 1, .tv_nsec = 100000000};
    struct wire_frame f;
    (void)state;

    begin();
    made_up.ready = 1;
    nanosleep(&wait, NULL);
    turn();
    expect(WIRE_EVENTS, &f);
}

static void losses_stand_before_what_follows(void **state)
{
    struct wire_frame f;
    (void)state;

    begin();
    made_up.lost = 9;
    made_up.ready = 1;
    tell(WIRE_PING, 1, 8);
    expect(WIRE_PONG, &f);
    expect(WIRE_LOSS, &f);
    assert_int_equal(get_le(f.payload + 8, 8), 9);
    assert_int_equal(get_le(f.payload + 16, 2), LOSS_REASON_ring_full);
    expect(WIRE_EVENTS, &f);
}

static void stop_sends_what_is_there(void **state)
{
    struct wire_frame f;
    (void)state;

    begin();
    made_up.ready = 2;
    tell(WIRE_STOP, 0, 0);
    assert_int_equal(made_up.stops, 1);
    expect(WIRE_EVENTS, &f);
    assert_int_equal(f.length, 2 * 24);
    made_up.ready = 1;
    tell(WIRE_PING, 1, 8);
    assert_false(hear(&f));
}

/* While a host reads nothing, each turn of the agent ends at once and its memory is bounded. In the
 * end every event was either sent or counted as lost. */
static void a_full_port_blocks_nothing(void **state)
{
    uint64_t began = agent_now(), sent = 0, lost = 0, last = 0;
    struct wire_frame f;
    (void)state;

    begin();
    for (int i = 0; i < 200; i++) {
        made_up.ready = 1000;
        tell(WIRE_PING, i + 1, 8);
    }
    assert_in_range((agent_now() - began) / 1000000, 0, 20000);
    assert_int_equal(made_up.made, 200000);
    while (hear(&f)) {
        for (uint32_t at = 0; f.type == WIRE_EVENTS && at < f.length; at += 24) {
            uint64_t number = get_le(f.payload + at + 16, 8);

            assert_true(number > last);
            last = number;
            sent++;
        }
        if (f.type == WIRE_LOSS) {
            assert_int_equal(get_le(f.payload + 16, 2), LOSS_REASON_port_full);
            lost += get_le(f.payload + 8, 8);
        }
    }
    tell(WIRE_PING, 1000, 8); /* there is room for the last losses */
    while (hear(&f)) {
        lost += f.type == WIRE_LOSS ? get_le(f.payload + 8, 8) : 0;
    }
    assert_true(lost > 0);
    assert_int_equal(sent + lost, 200000);
}

/* A host does not get what the host before it did not read. */
static void another_host(void **state)
{
    struct wire_frame f;
    (void)state;

    begin();
    made_up.ready = 4;
    tell(WIRE_START, 8, 8);
    expect(WIRE_HELLO, &f);
    assert_int_equal(get_le(f.payload, 8), 8);
    assert_int_equal(f.sequence, 0);
    assert_int_equal(made_up.starts, 1);
    tell(WIRE_PING, 1, 8);
    expect(WIRE_PONG, &f);
    assert_false(hear(&f));
}

static void rubbish(void **state)
{
    uint8_t bytes[5000];
    struct wire_frame f;
    (void)state;

    for (int i = 0; i < 100; i++) {
        for (size_t b = 0; b < sizeof(bytes); b++) {
            bytes[b] = (uint8_t)fake_random();
        }
        if (write(host, bytes, sizeof(bytes)) > 0) {
            turn();
        }
    }
    tell(WIRE_PING, 1, 3); /* wrong lengths */
    tell(WIRE_START, 1, 0);
    assert_int_equal(made_up.starts, 0);
    begin();
    assert_false(hear(&f));
}

static void the_host_goes(void **state)
{
    (void)state;

    begin();
    shutdown(host, SHUT_RDWR);
    for (int i = 0; i < 3 && !made_up.stops; i++) {
        turn();
    }
    assert_int_equal(made_up.stops, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(nothing_before_start),
        T(a_ping_brings_the_events_behind_its_pong),
        T(a_burst_wakes_it),
        T(once_a_second_without_pings),
        T(losses_stand_before_what_follows),
        T(stop_sends_what_is_there),
        T(a_full_port_blocks_nothing),
        T(another_host),
        T(rubbish),
        T(the_host_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
