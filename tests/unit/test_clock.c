/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest's clock: made logs of clocks that are known, and what is found of them. */
#include <inttypes.h>

#include "run/guest_clock.h"
#include "fake.h"
#include "run/cursor.h"

#define US     INT64_C(1000)
#define MS     INT64_C(1000000)
#define SECOND INT64_C(1000000000)
#define UPTIME (3600 * SECOND) /* of the host, when the guest's clock shows `START` */
#define START  (40 * SECOND)

/* A guest's clock: from `guest` on it shows the host's `host`, and runs so much slower. */
struct leg {
    int64_t guest, host, ppb;
};

struct world {
    const struct leg *legs;
    unsigned count;
    struct tap_writer *guest, *qemu;
    unsigned pushes, ooms, notified; /* what was written */
};

static int64_t any(int64_t from, int64_t to)
{
    return from + (int64_t)(fake_random() % (uint64_t)(to - from + 1));
}

static uint64_t truth(const struct world *w, int64_t guest)
{
    const struct leg *l = w->legs;

    for (unsigned i = 1; i < w->count && guest >= w->legs[i].guest; i++)
        l = &w->legs[i];
    return (uint64_t)(l->host + (guest - l->guest) +
                      (int64_t)((__int128)(guest - l->guest) * l->ppb / SECOND));
}

static void ping(struct world *w, int64_t g, int64_t back_and_forth)
{
    uint64_t host = truth(w, g);
    int64_t before = any(0, back_and_forth);

    PUT(w->guest, clock_ping, (uint64_t)g, .sent = host - (uint64_t)before,
        .received = host + (uint64_t)(back_and_forth - before));
}

/* The same both ways each time: however many there are, they say no more than one. */
static void dull_ping(struct world *w, int64_t g)
{
    PUT(w->guest, clock_ping, (uint64_t)g, .sent = truth(w, g) - (uint64_t)(10 * MS),
        .received = truth(w, g) + (uint64_t)(10 * MS));
}

static void oom(struct world *w, int64_t g)
{
    int64_t took = any(60 * US, 400 * US);

    PUT(w->guest, guest_oom, (uint64_t)(g + took), .took = took);
    PUT(w->qemu, qxl_io_write, truth(w, g + any(20 * US, took - 20 * US)), .port = 4);
    w->ooms++;
}

/* A burst: the server sleeps, so the first push wakes it, the others are silent. */
static void burst(struct world *w, int64_t g, int count)
{
    for (int i = 0; i < count; i++) {
        int64_t took = i ? any(2 * US, 9 * US) : any(40 * US, 150 * US);

        if (!i) {
            PUT(w->qemu, qxl_io_write, truth(w, g + any(10 * US, took - 10 * US)), .port = 0);
            w->notified++;
        }
        PUT(w->guest, guest_push, (uint64_t)(g + took), .ring = 0, .type = 1, .took = took);
        w->pushes++;
        g += took + any(20 * US, 900 * US);
    }
}

/* So many seconds of a desktop in a slow guest. */
static void live(struct world *w, const char *name, int seconds, bool qxl, int64_t gap)
{
    char guest[32], qemu[32];
    int64_t next_ping = START, next_oom = START + 300 * MS, next_burst = START + 5 * MS;
    int64_t end = START + seconds * SECOND;

    snprintf(guest, sizeof(guest), "%s-guest.tap", name);
    snprintf(qemu, sizeof(qemu), "%s-qemu.tap", name);
    w->guest = fake_log(fake_path(guest), SOURCE_GUEST);
    w->qemu = fake_log(fake_path(qemu), SOURCE_QEMU);
    for (int64_t g = START; g < end; g += MS) {
        if (g >= next_ping) {
            ping(w, g, any(0, 9) ? any(2 * MS, 30 * MS) : any(600 * US, 2 * MS));
            next_ping = g + 250 * MS;
        } else if (qxl && g >= next_oom) {
            oom(w, g);
            next_oom = g + any(100 * MS, gap);
        } else if (qxl && g >= next_burst) {
            burst(w, g, (int)any(1, 25));
            next_burst = g + any(30 * MS, 120 * MS);
            g += 25 * MS;
        }
    }
    assert_int_equal(tap_writer_close(w->guest), 0);
    assert_int_equal(tap_writer_close(w->qemu), 0);
}

static void make(struct clock_map *m, const char *name, bool qemu)
{
    char guest[32], host[32];

    snprintf(guest, sizeof(guest), "%s-guest.tap", name);
    snprintf(host, sizeof(host), "%s-qemu.tap", name);
    assert_int_equal(guest_clock_make(m, fake_path(guest), qemu ? fake_path(host) : NULL, NULL), 0);
}

static uint64_t off(const struct world *w, const struct clock_map *m, int64_t g)
{
    uint64_t host = clock_map_host(m, (uint64_t)g), true_host = truth(w, g);

    return host > true_host ? host - true_host : true_host - host;
}

/* The truth is within the error everywhere, and the map never goes back. */
static void check(const struct world *w, const struct clock_map *m, int seconds)
{
    uint64_t before = 0;

    for (int64_t g = START; g < START + seconds * SECOND; g += 777 * US) {
        uint64_t host = clock_map_host(m, (uint64_t)g), error = clock_map_error(m, host);

        assert_true(host >= before);
        assert_true(error != CLOCK_UNKNOWN || g > START + (seconds - 1) * SECOND);
        if (error != CLOCK_UNKNOWN && off(w, m, g) > error)
            fail_msg("at %" PRId64 " ms: off by %" PRIu64 ", told %" PRIu64, (g - START) / MS,
                     off(w, m, g), error);
        before = host;
    }
    assert_int_equal(m->violations, 0);
}

static void io_pairs(void **state)
{
    static const int64_t drifts[] = {0, 37000, -412345, 3000000, -8000000};
    (void)state;

    for (size_t i = 0; i < sizeof(drifts) / sizeof(*drifts); i++) {
        struct leg leg = {START, UPTIME, drifts[i]};
        struct world w = {.legs = &leg, .count = 1};
        struct clock_map m;
        char name[16];

        snprintf(name, sizeof(name), "io%zu", i);
        live(&w, name, 90, true, 900 * MS);
        make(&m, name, true);
        check(&w, &m, 90);
        assert_int_equal(m.count, 2);
        for (size_t s = 0; s < m.count; s++) {
            assert_int_equal(m.segments[s].method, CLOCK_IO);
            assert_true(m.segments[s].error < 40 * US);
            assert_true(llabs(m.segments[s].drift_ppb - drifts[i]) < 5000);
        }
        assert_int_equal(m.rejected, 0);
        assert_true(m.pairs > w.ooms / 2 + w.notified / 2);
        clock_map_free(&m);
    }
}

static void pings_alone(void **state)
{
    struct leg leg = {START, UPTIME, 21000};
    struct world w = {.legs = &leg, .count = 1};
    struct clock_map m, again;
    (void)state;

    live(&w, "ping", 70, false, 0);
    make(&m, "ping", true);
    check(&w, &m, 70);
    assert_int_equal(m.segments[0].method, CLOCK_PING);
    assert_true(m.segments[0].error > 50 * US && m.segments[0].error < 3 * MS);
    assert_int_equal(m.pairs, 0);
    assert_int_equal(guest_clock_from_pings(&again, fake_path("ping-guest.tap")), 0);
    assert_int_equal(again.segments[0].host_at, m.segments[0].host_at);
    clock_map_free(&again);
    clock_map_free(&m);
}

/* The last moments of a recording, with no pair left for them, are as well known as the rest. */
static void a_short_end(void **state)
{
    struct leg leg = {START, UPTIME, -7577};
    struct world w = {.legs = &leg, .count = 1};
    struct clock_map m;
    (void)state;

    live(&w, "end", 61, true, 900 * MS);
    make(&m, "end", true);
    check(&w, &m, 61);
    assert_int_equal(m.count, 1);
    assert_int_equal(m.segments[0].method, CLOCK_IO);
    assert_true(m.segments[0].error < 40 * US);
    clock_map_free(&m);
}

/* A pause of five seconds that the guest's clock does not see, and one it does more than see. */
static void jumps(void **state)
{
    static const int64_t leaps[] = {5 * SECOND, 40 * MS, -20 * MS}; /* smaller: dev/clocks.md */
    (void)state;

    for (size_t i = 0; i < sizeof(leaps) / sizeof(*leaps); i++) {
        struct leg legs[2] = {{START, UPTIME, 5000}};
        struct world w = {.legs = legs, .count = 1};
        struct clock_map m;
        size_t bridges = 0;
        char name[16];

        legs[1] = (struct leg){START + 25 * SECOND,
                               (int64_t)truth(&w, START + 25 * SECOND) + leaps[i], 9000};
        w.count = 2;
        snprintf(name, sizeof(name), "jump%zu", i);
        live(&w, name, 50, true, 400 * MS);
        make(&m, name, true);
        for (size_t s = 0; s < m.count; s++)
            bridges += m.segments[s].bridge;
        assert_int_equal(bridges, 1);
        for (size_t s = 0; s < m.count; s++)
            assert_true(m.segments[s].bridge || m.segments[s].error < 100 * US);
        /* A leap smaller than a ping's round trip is in the pings' band before it is noticed, so
         * that the pairs found with that can be wrong ones: some us beyond the error were seen. */
        if (leaps[i] >= 40 * MS)
            check(&w, &m, 50);
        assert_true(off(&w, &m, START + 20 * SECOND) < (uint64_t)(100 * US));
        assert_true(off(&w, &m, START + 30 * SECOND) < (uint64_t)(100 * US));
        clock_map_free(&m);
    }
}

/* Virtio: what QEMU answered was answered before the guest saw it. */
static void fences(void **state)
{
    struct leg leg = {START, UPTIME, -30000};
    struct world w = {.legs = &leg, .count = 1};
    struct clock_map m;
    (void)state;

    w.guest = fake_log(fake_path("fence-guest.tap"), SOURCE_GUEST);
    w.qemu = fake_log(fake_path("fence-qemu.tap"), SOURCE_QEMU);
    for (int i = 0; i < 4000; i++) {
        int64_t g = START + i * 10 * MS;

        if (i % 25 == 0)
            ping(&w, g, any(MS, 20 * MS));
        PUT(w.guest, guest_virtio_response, (uint64_t)(g + MS), .fence = (uint64_t)i + 1);
        PUT(w.qemu, virtio_gpu_fence_resp, truth(&w, g + MS - any(30 * US, MS)),
            .fence = (uint64_t)i + 1);
    }
    tap_writer_close(w.guest);
    tap_writer_close(w.qemu);
    make(&m, "fence", true);
    check(&w, &m, 39);
    assert_int_equal(m.segments[0].method, CLOCK_FENCE);
    assert_int_equal(m.rejected, 0);
    assert_true(m.pairs > 3000);
    clock_map_free(&m);
}

/* Pairs that cannot be told apart are left out, and so are those beside a loss. */
static void inconclusive(void **state)
{
    struct leg leg = {START, UPTIME, 0};
    struct world w = {.legs = &leg, .count = 1};
    struct clock_map m;
    (void)state;

    w.guest = fake_log(fake_path("dense-guest.tap"), SOURCE_GUEST);
    w.qemu = fake_log(fake_path("dense-qemu.tap"), SOURCE_QEMU);
    for (int64_t g = START; g < START + 20 * SECOND; g += 500 * US) {
        if (g % (250 * MS) == 0)
            dull_ping(&w, g); /* far wider than what lies between two */
        PUT(w.guest, guest_push, (uint64_t)g, .took = 100 * US, .ring = 0);
        PUT(w.qemu, qxl_io_write, truth(&w, g - 50 * US), .port = 0);
    }
    tap_writer_close(w.guest);
    tap_writer_close(w.qemu);
    make(&m, "dense", true);
    check(&w, &m, 19);
    assert_int_equal(m.pairs, 0);
    assert_int_equal(m.segments[0].method, CLOCK_PING);
    clock_map_free(&m);

    /* Every second push is lost, so that the one left would seem to be the place of both. */
    w.guest = fake_log(fake_path("lossy-guest.tap"), SOURCE_GUEST);
    w.qemu = fake_log(fake_path("lossy-qemu.tap"), SOURCE_QEMU);
    for (int64_t g = START; g < START + 20 * SECOND; g += 50 * MS) {
        if (g % (250 * MS) == 0)
            dull_ping(&w, g);
        if (g / (50 * MS) % 2)
            PUT(w.guest, guest_push, (uint64_t)(g + 2 * MS), .took = 100 * US, .ring = 0);
        else
            tap_write_loss(w.guest, (uint64_t)g, 1, 4);
        PUT(w.qemu, qxl_io_write, truth(&w, g), .port = 0);
    }
    tap_writer_close(w.guest);
    tap_writer_close(w.qemu);
    make(&m, "lossy", true);
    check(&w, &m, 19);
    assert_int_equal(m.pairs, 0);
    clock_map_free(&m);
}

/* A pair that cannot be is left out, counted, and shown. */
static void outliers(void **state)
{
    struct clock_fit f = {0};
    struct clock_map m;
    (void)state;

    for (int64_t i = 0; i < 200; i++) {
        uint64_t g = (uint64_t)(START + i * 100 * MS), h = g + (uint64_t)UPTIME;

        assert_int_equal(clock_fit_ping(&f, g, h - (uint64_t)MS, h + (uint64_t)MS), 0);
        h += i % 50 == 49 ? (uint64_t)(500 * US) : 0;
        assert_int_equal(clock_fit_pair(&f, g - 50000, g + 50000, h), 0);
    }
    assert_int_equal(f.pairs, 195); /* the first begins before the first ping */
    assert_int_equal(f.rejected, 4);
    assert_int_equal(clock_fit_map(&f, &m, START, START + 20 * SECOND), 0);
    assert_int_equal(m.count, 1);
    assert_true(m.segments[0].error <= 60 * US);
    clock_map_free(&m);
    clock_fit_free(&f);
}

/* Whatever order and size of numbers: no crash, and a map that never goes back. */
static void nonsense(void **state)
{
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct clock_fit f = {0};
        struct clock_map m;
        uint64_t before = 0;

        for (int i = 0; i < 100; i++) {
            uint64_t a = fake_random() >> (2 + fake_random() % 50),
                     b = fake_random() >> (2 + fake_random() % 50);

            clock_fit_ping(&f, a, b, b + (fake_random() >> (3 + fake_random() % 50)));
            clock_fit_pair(&f, a, a + (fake_random() >> (3 + fake_random() % 50)), b);
            clock_fit_fence(&f, a, b);
        }
        assert_int_equal(clock_fit_map(&f, &m, 0, UINT64_MAX >> 2), 0);
        for (uint64_t g = 1; g < UINT64_MAX >> 2; g += g / 8 + 1) {
            assert_true(clock_map_host(&m, g) >= before);
            before = clock_map_host(&m, g);
            clock_map_error(&m, before);
        }
        clock_map_free(&m);
        clock_fit_free(&f);
    }
}

/* ---- as run.json has it ---------------------------------------------------------------------- */

static void to_json_and_back(void **state)
{
    struct leg leg = {START, UPTIME, 5000};
    struct world w = {.legs = &leg, .count = 1};
    struct clock_map m, back;
    json_t *clocks = json_array();
    (void)state;

    live(&w, "json", 70, true, 900 * MS);
    make(&m, "json", true);
    json_array_append_new(clocks, clock_map_json(&m, "guest.tap"));
    assert_int_equal(clock_map_parse(&back, clocks, "guest-2.tap"), -ENOENT);
    assert_int_equal(clock_map_parse(&back, clocks, "guest.tap"), 0);
    assert_int_equal(back.count, m.count);
    assert_int_equal(back.pairs, m.pairs);
    for (int64_t g = START; g < START + 70 * SECOND; g += 10 * MS)
        assert_int_equal(clock_map_host(&m, (uint64_t)g), clock_map_host(&back, (uint64_t)g));
    json_decref(clocks);
    clock_map_free(&m);
    clock_map_free(&back);
}

static void bad_json(void **state)
{
    static const char *const bad[] = {
        "[]",
        "{}",
        "[{\"log\":\"guest.tap\"}]",
        "[{\"log\":\"guest.tap\",\"segments\":[]}]",
        "[{\"log\":\"guest.tap\",\"segments\":[7]}]",
#define SEGMENT(from, to, at, host, drift)                                                         \
    "{\"guest_from\":" from ",\"guest_to\":" to ",\"guest_at\":" at ",\"host_at\":" host           \
    ",\"drift_ppb\":" drift ",\"error_ns\":5,\"pairs\":1,\"method\":\"io\"}"
#define CLOCKS(segments) "[{\"log\":\"guest.tap\",\"segments\":[" segments "]}]"
        CLOCKS(SEGMENT("9", "5", "5", "5", "0")),
        CLOCKS(SEGMENT("-1", "5", "5", "5", "0")),
        CLOCKS(SEGMENT("1", "5", "5", "5", "10000001")),
        CLOCKS(SEGMENT("1", "5", "5", "9223372036854775807", "0")),
        CLOCKS(SEGMENT("1", "5", "5", "5", "\"x\"")),
        CLOCKS(SEGMENT("1", "5", "5", "5", "0") "," SEGMENT("4", "9", "5", "5", "0")),
    };
    static const char good[] =
        CLOCKS(SEGMENT("10", "50", "10", "1000", "0") "," SEGMENT("70", "90", "70", "1010", "0"));
    struct clock_map m;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        json_t *clocks = json_loads(bad[i], 0, NULL);

        assert_true(clock_map_parse(&m, clocks, "guest.tap") < 0);
        json_decref(clocks);
    }
    {
        json_t *clocks = json_loads(good, 0, NULL);

        assert_int_equal(clock_map_parse(&m, clocks, "guest.tap"), 0);
        assert_int_equal(clock_map_host(&m, 5), 995);
        assert_int_equal(clock_map_host(&m, 20), 1010);
        assert_int_equal(clock_map_host(&m, 50), 1040);
        assert_int_equal(clock_map_host(&m, 60), 1040); /* not behind the next one's start */
        assert_int_equal(clock_map_host(&m, 75), 1040); /* and that not before this one's end */
        assert_int_equal(clock_map_host(&m, 95), 1040);
        assert_int_equal(clock_map_error(&m, 1020), 5);
        assert_true(clock_map_error(&m, 999) == CLOCK_UNKNOWN);
        clock_map_free(&m);
        json_decref(clocks);
    }
}

/* ---- in a run -----------------------------------------------------------------------------------
 */

/* The merge is by the host's time, with run.json's clocks and without them. */
static void merged(void **state)
{
    const char *path = fake_path("run");
    struct bundle_writer *b;
    struct tap_writer *spice, *guest;
    (void)state;

    assert_int_equal(bundle_create(&b, path), 0);
    assert_int_equal(bundle_log(b, SOURCE_SPICE, &spice), 0);
    assert_int_equal(bundle_log_numbered(b, SOURCE_GUEST, 2, &guest), 0);
    for (int64_t i = 0; i < 1000; i++) {
        uint64_t host = (uint64_t)(UPTIME + i * 10 * MS), g = (uint64_t)(START + i * 10 * MS);

        PUT(spice, cmd, host, .release_id = (uint64_t)i);
        PUT(guest, clock_ping, g + (uint64_t)(5 * MS), .sent = host + (uint64_t)(4 * MS),
            .received = host + (uint64_t)(6 * MS));
    }
    tap_writer_close(spice);
    tap_writer_close(guest);
    for (int round = 0; round < 2; round++) {
        struct run_cursor *c;
        struct run_event e;
        struct bundle *r;

        assert_int_equal(bundle_open(&r, path), 0);
        assert_int_equal(cursor_open(&c, r), 0);
        for (int64_t i = 0; i < 2000; i++) {
            uint64_t want = (uint64_t)(UPTIME + i * 5 * MS), error;

            assert_int_equal(cursor_next(c, &e), 1);
            assert_int_equal(e.source, i % 2 ? SOURCE_GUEST : SOURCE_SPICE);
            error = e.clock_error;
            assert_true(llabs((int64_t)(e.raw->time - want)) <= (int64_t)error);
            if (i % 2)
                assert_true(round ? error == 77 : error > 0 && error < (uint64_t)(2 * MS));
            else
                assert_int_equal(error, 0);
        }
        assert_int_equal(cursor_next(c, &e), 0);
        cursor_close(c);
        bundle_close(r);
        if (!round) {
            json_t *clocks = json_pack("[{ss s[{sI sI sI sI si si si ss}]}]", "log", "guest-2.tap",
                                       "segments", "guest_from", (json_int_t)START, "guest_to",
                                       (json_int_t)(START + 60 * SECOND), "guest_at",
                                       (json_int_t)START, "host_at", (json_int_t)UPTIME + 7,
                                       "drift_ppb", 0, "error_ns", 77, "pairs", 5, "method", "io");

            json_object_set_new(bundle_run(b), "clocks", clocks);
            assert_int_equal(bundle_finish(b, "time is up"), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_pairs), cmocka_unit_test(pings_alone),      cmocka_unit_test(jumps),
        cmocka_unit_test(fences),   cmocka_unit_test(inconclusive),     cmocka_unit_test(outliers),
        cmocka_unit_test(nonsense), cmocka_unit_test(to_json_and_back), cmocka_unit_test(bad_json),
        cmocka_unit_test(merged),   cmocka_unit_test(a_short_end),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
