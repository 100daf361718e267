/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The link that the meter's relay plays (--link), through the whole relay: a server that sends raw
 * bytes, and channels without a SPICE session. Delay and rate must be exact to 5% in both
 * directions. The clock is the relay's own, so this also holds under libfaketime.
 */
#include "fake.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "../../meter/line.h"
#include "../../meter/relay.h"

#define MS UINT64_C(1000000)

enum { CHANNELS = 2, PROBES = 9, PROBE = 64, RATE_BYTES = 524288 };

/* Both ends of the relay. */
struct ends {
    int listener;
    struct target target;
    struct counts counts;
    pthread_mutex_t lock;
    struct relay *relay;
    int server[CHANNELS], session[CHANNELS];
};

static void read_all(int fd, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = recv(fd, (char *)bytes + done, size - done, 0);

        assert_true(n > 0);
        done += (size_t)n;
    }
}

static void write_all(int fd, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);

        assert_true(n > 0);
        done += (size_t)n;
    }
}

/* The shortest answer of a SPICE server: reply without capabilities, result, and the header of a
 * message that has no end in these tests. */
static void say_hello(int fd)
{
    uint8_t hello[16 + 178 + 4 + 18] = {'R', 'E', 'D', 'Q', 2, 0, 0, 0, 2, 0, 0, 0, 178};

    hello[16 + 174] = 178; /* where the capabilities would be */
    memset(hello + 16 + 178 + 4 + 10, 0xff, 4);
    write_all(fd, hello, sizeof(hello));
}

static void open_ends(struct ends *e, const char *words)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(a);
    struct link_spec link = {0};
    int small = 32768;

    memset(e, 0, sizeof(*e));
    assert_true(link_spec_parse(&link, words));
    e->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(e->listener, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    assert_int_equal(bind(e->listener, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(e->listener, 4), 0);
    assert_int_equal(getsockname(e->listener, (struct sockaddr *)&a, &size), 0);
    strcpy(e->target.host, "127.0.0.1");
    snprintf(e->target.port, sizeof(e->target.port), "%d", ntohs(a.sin_port));
    pthread_mutex_init(&e->lock, NULL);
    e->relay = relay_new(&e->target, 0, &link, &e->counts, &e->lock);
    assert_non_null(e->relay);
    for (int i = 0; i < CHANNELS; i++) {
        uint8_t hello[16 + 178 + 4 + 18];

        e->session[i] = relay_channel(e->relay);
        assert_true(e->session[i] >= 0);
        e->server[i] = accept(e->listener, NULL, NULL);
        assert_true(e->server[i] >= 0);
        say_hello(e->server[i]);
        read_all(e->session[i], hello, sizeof(hello));
    }
}

static void close_ends(struct ends *e)
{
    relay_free(e->relay);
    for (int i = 0; i < CHANNELS; i++) {
        close(e->server[i]);
        close(e->session[i]);
    }
    close(e->listener);
    counts_free(&e->counts);
    pthread_mutex_destroy(&e->lock);
}

/* ---- what goes one way ------------------------------------------------------------------------
 */

/* Bytes brought and taken; the most that were on the way between. Of all flows that share it. */
struct on_the_way {
    atomic_size_t in, out, most;
};

struct flow {
    int from, to;
    size_t bytes;
    struct on_the_way *way;
    uint64_t delay;       /* the shortest of the probes' */
    uint64_t first, last; /* arrivals: of the first byte, of the last */
    size_t first_bytes;   /* what came at `first` */
    uint64_t sent;        /* when the last byte had left the sender */
    bool intact;
    pthread_t sender, reader;
};

static void *send_probes(void *data)
{
    struct flow *f = data;

    for (int i = 0; i < PROBES; i++) {
        uint64_t probe[PROBE / 8] = {line_now()};

        write_all(f->from, probe, sizeof(probe));
        line_sleep(line_now() + 20 * MS, &(atomic_bool){false});
    }
    return NULL;
}

static void *read_probes(void *data)
{
    struct flow *f = data;

    for (int i = 0; i < PROBES; i++) {
        uint64_t probe[PROBE / 8];

        read_all(f->to, probe, sizeof(probe));
        if (!i || line_now() - probe[0] < f->delay)
            f->delay = line_now() - probe[0];
    }
    return NULL;
}

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + i / 251);
}

static void *send_bulk(void *data)
{
    struct flow *f = data;
    uint8_t bytes[4096];

    for (size_t done = 0; done < f->bytes; done += sizeof(bytes)) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = byte_at(done + i);
        write_all(f->from, bytes, sizeof(bytes));
        f->way->in += sizeof(bytes);
        if (f->way->in - f->way->out > f->way->most)
            f->way->most = f->way->in - f->way->out;
    }
    f->sent = line_now();
    return NULL;
}

static void *read_bulk(void *data)
{
    struct flow *f = data;
    uint8_t bytes[8192];

    f->intact = true;
    for (size_t done = 0; done < f->bytes;) {
        ssize_t n = recv(f->to, bytes, sizeof(bytes), 0);

        assert_true(n > 0);
        f->last = line_now();
        if (!done) {
            f->first = f->last;
            f->first_bytes = (size_t)n;
        }
        for (ssize_t i = 0; i < n; i++)
            f->intact = f->intact && bytes[i] == byte_at(done + (size_t)i);
        done += (size_t)n;
        f->way->out += (size_t)n;
    }
    return NULL;
}

static void go(struct flow *f, void *(*sends)(void *), void *(*reads)(void *))
{
    assert_int_equal(pthread_create(&f->reader, NULL, reads, f), 0);
    assert_int_equal(pthread_create(&f->sender, NULL, sends, f), 0);
}

static void wait_for(struct flow *f)
{
    pthread_join(f->sender, NULL);
    pthread_join(f->reader, NULL);
}

static void near(const char *what, double got, double expected)
{
    if (got < expected * 0.95 || got > expected * 1.05)
        fail_msg("%s: %g, expected %g to within 5%%", what, got, expected);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* The shortest: a probe may wait for a processor, but none comes early. */
static void delay_is_half_the_rtt(void **state)
{
    struct ends e;
    struct flow ways[2];
    (void)state;

    open_ends(&e, "200ms/100mbit");
    ways[0] = (struct flow){.from = e.server[0], .to = e.session[0]};
    ways[1] = (struct flow){.from = e.session[0], .to = e.server[0]};
    for (int i = 0; i < 2; i++)
        go(&ways[i], send_probes, read_probes);
    for (int i = 0; i < 2; i++) {
        wait_for(&ways[i]);
        near(i ? "delay to the server, ms" : "delay to the client, ms", (double)ways[i].delay / 1e6,
             100);
    }
    close_ends(&e);
}

/* Two channels in each direction share its rate: 800,000 bytes a second. */
static void rate_is_of_all_channels(void **state)
{
    struct ends e;
    struct flow ways[2][CHANNELS];
    struct on_the_way way[2] = {0};
    (void)state;

    open_ends(&e, "20ms/6400kbit");
    for (int c = 0; c < CHANNELS; c++) {
        ways[0][c] = (struct flow){.from = e.server[c], .to = e.session[c], .way = &way[0]};
        ways[1][c] = (struct flow){.from = e.session[c], .to = e.server[c], .way = &way[1]};
        ways[0][c].bytes = ways[1][c].bytes = RATE_BYTES;
    }
    for (int i = 0; i < 2; i++)
        for (int c = 0; c < CHANNELS; c++)
            go(&ways[i][c], send_bulk, read_bulk);
    for (int i = 0; i < 2; i++) {
        uint64_t first = UINT64_MAX, last = 0;

        for (int c = 0; c < CHANNELS; c++) {
            wait_for(&ways[i][c]);
            assert_true(ways[i][c].intact);
            first = ways[i][c].first < first ? ways[i][c].first : first;
            last = ways[i][c].last > last ? ways[i][c].last : last;
        }
        near(i ? "bytes a second to the server" : "bytes a second to the client",
             (CHANNELS * (double)RATE_BYTES - (double)ways[i][0].first_bytes) /
                 ((double)(last - first) / 1e9),
             800000);
    }
    close_ends(&e);
}

/* 1,000,000 bytes a second, and a queue of 100,000 that the channels share. What the queue and the
 * kernel's socket buffers do not hold has to wait at the senders, and all of it arrives. */
static void a_full_queue_holds_the_senders_back(void **state)
{
    enum { QUEUE = 100000, SOCKETS = CHANNELS * 131072 };
    struct ends e;
    struct flow flows[CHANNELS];
    struct on_the_way way = {0};
    (void)state;

    open_ends(&e, "0ms/8mbit/100ms");
    for (int c = 0; c < CHANNELS; c++) {
        flows[c] = (struct flow){.from = e.server[c], .to = e.session[c], .way = &way};
        flows[c].bytes = RATE_BYTES;
        go(&flows[c], send_bulk, read_bulk);
    }
    for (int c = 0; c < CHANNELS; c++) {
        wait_for(&flows[c]);
        assert_true(flows[c].intact);
        if ((flows[c].last - flows[c].sent) / MS > (QUEUE + SOCKETS) / 1000)
            fail_msg("sender %d was done %d ms before its reader", c,
                     (int)((flows[c].last - flows[c].sent) / MS));
    }
    if (way.most < QUEUE || way.most > QUEUE + SOCKETS)
        fail_msg("%zu bytes were on the way at once", (size_t)way.most);
    close_ends(&e);
}

/* The server's last bytes are on the way when it hangs up, and arrive. */
static void what_was_sent_before_the_end_arrives(void **state)
{
    struct ends e;
    uint8_t bytes[5000], got[5000];
    char text[64];
    uint64_t start;
    (void)state;

    open_ends(&e, "100ms/10mbit");
    memset(bytes, 7, sizeof(bytes));
    start = line_now();
    write_all(e.server[0], bytes, sizeof(bytes));
    shutdown(e.server[0], SHUT_RDWR);
    read_all(e.session[0], got, sizeof(got));
    assert_true(line_now() - start >= 50 * MS);
    assert_memory_equal(bytes, got, sizeof(got));
    assert_int_equal(recv(e.session[0], got, 1, 0), 0);
    assert_int_equal(relay_fault(e.relay, text, sizeof(text)), RELAY_SERVER_GONE);
    close_ends(&e);
}

/* relay_stop waits for nothing that is on the way. */
static void stopping_does_not_wait(void **state)
{
    struct ends e;
    uint64_t start;
    (void)state;

    open_ends(&e, "20ms/64kbit/9999ms");
    for (int i = 0; i < 8; i++) { /* four seconds of the rate, in each direction */
        uint8_t bytes[4096] = {0};

        write_all(e.session[i % CHANNELS], bytes, sizeof(bytes));
        write_all(e.server[i % CHANNELS], bytes, sizeof(bytes));
    }
    start = line_now();
    relay_stop(e.relay);
    assert_true(line_now() - start < 1000 * MS);
    close_ends(&e);
}

static void words_of_a_link(void **state)
{
    static const char *const bad[] = {"",
                                      "80ms",
                                      "80/10mbit",
                                      "80ms/10",
                                      "80ms/0mbit",
                                      "80ms/1kbit",
                                      "80ms/10mbit/",
                                      "80ms/10mbit/5ms",
                                      "-1ms/1mbit",
                                      "10000ms/1mbit",
                                      "80ms/10mbit/1s",
                                      " 80ms/10mbit",
                                      "80ms/10mbits",
                                      "80ms/99999999mbit",
                                      "80ms/10mbit/100msx"};
    struct link_spec s;
    (void)state;

    assert_true(link_spec_parse(&s, "80ms/10mbit"));
    assert_int_equal(s.rtt, 80 * MS);
    assert_int_equal(s.rate, 1250000);
    assert_int_equal(s.queue, 100000); /* one RTT's worth */
    assert_true(link_spec_parse(&s, "0ms/8mbit"));
    assert_int_equal(s.queue, 20000); /* 20 ms's worth */
    assert_true(link_spec_parse(&s, "20ms/1000mbit/300ms"));
    assert_int_equal(s.queue, 37500000);
    assert_true(link_spec_parse(&s, "20ms/64kbit"));
    assert_int_equal(s.queue, LINK_QUEUE_BYTES);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (link_spec_parse(&s, bad[i]))
            fail_msg("%s is taken for a link", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_link),
        cmocka_unit_test(delay_is_half_the_rtt),
        cmocka_unit_test(rate_is_of_all_channels),
        cmocka_unit_test(a_full_queue_holds_the_senders_back),
        cmocka_unit_test(what_was_sent_before_the_end_arrives),
        cmocka_unit_test(stopping_does_not_wait),
    };

    return cmocka_run_group_tests(tests, fake_setup, fake_clean);
}
