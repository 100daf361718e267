/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket of the guest's port: when to connect and to send, and how much to read. */
#include <errno.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log/tap_format.h"
#include "record/connector.h"
#include "record/guest_port.h"
#include "record/guest_session.h"

enum {
    READ_BYTES = 1 << 16,
    QUICK_PINGS = 20, /* at a session's start, so that the clock is known early */
};

#define MS          UINT64_C(1000000)
#define TICK        (50 * MS)
#define QUICK_PING  (50 * MS)
#define PING_EVERY  (250 * MS)
#define ASK_EVERY   (1000 * MS) /* START, and connecting */
#define SILENCE     (5000 * MS) /* an emulated guest was seen to stand still for 2 s */
#define LAST_WORDS  (2000 * MS)
#define QUIET_AFTER (1000 * MS)

struct guest_port {
    char *path; /* of the socket */
    struct connector connector;
    int fd;            /* -1: not connected */
    int connect_error; /* why not */
    struct wire_parser parser;
    const struct run_time *time;
    uint64_t now, next_connect, next_start, next_ping, next_tick; /* ns, run time */
    uint32_t sent;                                                /* frames */
    uint64_t sessions, pings; /* the session that is served, and its pings */
    double may_bytes;         /* that may be read now */
    uint64_t refilled, tick_bytes, bytes;
    struct guest_session session;
};

/* ---- connecting ---- */

static void disconnect(struct guest_port *g)
{
    if (g->fd >= 0)
        close(g->fd);
    g->fd = -1;
    g->next_connect = g->now + ASK_EVERY;
    wire_parser_reset(&g->parser);
    guest_session_gone(&g->session);
    g->next_start = 0;
}

static void reach(struct guest_port *g)
{
    int fd = connector_connect(&g->connector);

    g->next_connect = g->now + ASK_EVERY;
    g->connect_error = fd < 0 ? fd : 0;
    if (fd < 0)
        return;
    g->fd = fd;
    g->next_start = 0;
}

/* ---- sending ---- */

/* Has QEMU read all that we sent? It stops reading while the guest does, and a frame sent meanwhile
 * would be old when it arrives. */
static bool taken(const struct guest_port *g)
{
    int waiting = 0;

    return !ioctl(g->fd, SIOCOUTQ, &waiting) && !waiting;
}

static bool send_frame(struct guest_port *g, enum wire_type type, uint64_t value, size_t length)
{
    uint8_t frame[WIRE_HEADER + 8], payload[8];

    put_le(payload, value, 8);
    length = wire_frame_make(frame, type, g->sent++, payload, length);
    return send(g->fd, frame, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static void ask_start(struct guest_port *g)
{
    if (g->now < g->next_start || !taken(g))
        return;
    send_frame(g, WIRE_START, guest_session_ask(&g->session, run_time_now(g->time)), 8);
    g->next_start = g->now + ASK_EVERY;
}

static void ask_ping(struct guest_port *g)
{
    if (g->sessions != g->session.sessions) { /* a new one */
        g->sessions = g->session.sessions;
        g->next_ping = g->pings = 0;
    }
    if (g->now < g->next_ping || !taken(g))
        return;
    send_frame(g, WIRE_PING, guest_session_ping(&g->session, run_time_now(g->time)), 8);
    g->next_ping = g->now + (++g->pings < QUICK_PINGS ? QUICK_PING : PING_EVERY);
}

static void end_session(struct guest_port *g)
{
    guest_session_gone(&g->session);
    g->next_start = 0;
}

static void ask(struct guest_port *g)
{
    const struct guest_session *s = &g->session;

    if (g->fd < 0) {
        if (g->now >= g->next_connect)
            reach(g);
        if (g->fd < 0)
            return;
    }
    if (s->open && (g->now - s->heard > SILENCE || guest_session_astray(s)))
        end_session(g);
    if (!s->open)
        ask_start(g);
    else
        ask_ping(g);
}

/* ---- reading ---- */

static void refill(struct guest_port *g)
{
    double passed = (double)(g->now - g->refilled) / 1e9;

    g->refilled = g->now;
    g->may_bytes += passed * GUEST_BYTES_A_SECOND;
    if (g->may_bytes > (double)GUEST_BURST_SECONDS * GUEST_BYTES_A_SECOND)
        g->may_bytes = (double)GUEST_BURST_SECONDS * GUEST_BYTES_A_SECOND;
    guest_budget_refill(&g->session.budget, passed);
    if (g->now >= g->next_tick) {
        g->next_tick = g->now + TICK;
        g->tick_bytes = 0;
    }
}

static void take_bytes(struct guest_port *g, size_t bytes)
{
    bool was_open = g->session.open;
    struct wire_frame frame;

    g->bytes += bytes;
    g->tick_bytes += bytes;
    if (g->may_bytes < (double)bytes) {
        guest_session_flood(&g->session, bytes);
        wire_parser_reset(&g->parser);
        return;
    }
    g->may_bytes -= (double)bytes;
    wire_parser_filled(&g->parser, bytes);
    while (wire_parser_next(&g->parser, &frame))
        guest_session_frame(&g->session, &frame);
    guest_session_nonsense(&g->session, g->parser.bad_headers + g->parser.bad_payloads);
    if (was_open && !g->session.open) /* the agent left */
        g->next_start = 0;
}

static void take_all(struct guest_port *g)
{
    while (g->fd >= 0 && g->tick_bytes < GUEST_BYTES_A_TICK && !g->session.error) {
        size_t room;
        uint8_t *to = wire_parser_room(&g->parser, &room);
        ssize_t n = recv(g->fd, to, room < READ_BYTES ? room : READ_BYTES, MSG_DONTWAIT);

        guest_session_now(&g->session, g->now, run_time_now(g->time));
        if (n > 0)
            take_bytes(g, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            disconnect(g);
        if (n <= 0)
            return;
    }
}

static void set_now(struct guest_port *g)
{
    g->now = run_time_now(g->time);
    guest_session_now(&g->session, g->now, g->session.received);
}

int guest_port_run(struct guest_port *g)
{
    set_now(g);
    refill(g);
    if (g->session.bundle && g->fd >= 0)
        take_all(g);
    set_now(g);
    ask(g);
    guest_session_tick(&g->session);
    return g->session.error;
}

int guest_port_fd(const struct guest_port *g)
{
    return g->session.bundle && g->tick_bytes < GUEST_BYTES_A_TICK ? g->fd : -1;
}

int guest_port_timeout(const struct guest_port *g, int most)
{
    uint64_t t = run_time_now(g->time);
    uint64_t next = g->fd < 0 ? g->next_connect : g->session.open ? g->next_ping : g->next_start;
    uint64_t ms = next > t ? (run_time_lasts(g->time, next - t) + MS - 1) / MS : 5;

    return ms < (uint64_t)most ? (int)(ms < 5 ? 5 : ms) : most;
}

/* ---- beginning and end ---- */

int guest_port_open(struct guest_port **out, const char *path, pid_t owner,
                    const struct run_time *time)
{
    struct guest_port *g = calloc(1, sizeof(*g));
    int err = g ? wire_parser_open(&g->parser) : -ENOMEM;

    if (g) {
        g->time = time;
        g->fd = g->connector.folder = g->connector.helper = -1;
        g->path = err ? NULL : strdup(path);
        err = g->path ? connector_open(&g->connector, g->path, owner) : -ENOMEM;
    }
    if (err) {
        guest_port_close(g);
        return err;
    }
    g->refilled = run_time_now(g->time);
    set_now(g);
    g->may_bytes = GUEST_BYTES_A_SECOND;
    guest_budget_refill(&g->session.budget, 1);
    ask(g);
    *out = g;
    return 0;
}

bool guest_port_connects(const struct guest_port *g)
{
    return connector_alone(&g->connector);
}

void guest_port_begin(struct guest_port *g, struct bundle_writer *bundle)
{
    g->session.bundle = bundle;
}

bool guest_port_agent(const struct guest_port *g)
{
    return g->session.open;
}

/* Is the connection not accepted yet? Then /proc/net/unix shows the socket in state 02. */
static bool in_use(const struct guest_port *g)
{
    FILE *f = fopen("/proc/net/unix", "re");
    char line[512], state[8], path[256];
    bool waits = false;

    while (f && !waits && fgets(line, sizeof(line), f))
        waits = sscanf(line, "%*s %*s %*s %*s %*s %7s %*s %255s", state, path) == 2 &&
                !strcmp(state, "02") && !strcmp(path, g->path);
    if (f)
        fclose(f);
    return waits;
}

void guest_port_say(const struct guest_port *g, char *text, size_t size)
{
    if (g->session.open)
        guest_session_say(&g->session, text, size);
    else if (g->fd < 0)
        snprintf(text, size, "cannot connect to %s: %s; tries again each second", g->path,
                 strerror(-g->connect_error));
    else if (in_use(g))
        snprintf(text, size,
                 "another program uses %s (another recorder?); recording without the guest until "
                 "it is free",
                 g->path);
    else
        snprintf(text, size,
                 "no agent answers at %s; recording without the guest until one does. Is "
                 "spicetap-guest running in the guest?",
                 g->path);
}

uint64_t guest_port_events(const struct guest_port *g)
{
    return g->session.events;
}

uint64_t guest_port_lost(const struct guest_port *g)
{
    return guest_session_lost(&g->session);
}

uint64_t guest_port_unknown(const struct guest_port *g)
{
    return g->session.unknown;
}

/* Reads until the agent has left or is silent. */
static void last_words(struct guest_port *g)
{
    uint64_t end = run_time_now(g->time) + LAST_WORDS, quiet = 0;

    if (!g->session.open)
        return;
    send_frame(g, WIRE_STOP, 0, 0);
    while (g->session.open && g->fd >= 0 && !g->session.error && run_time_now(g->time) < end) {
        struct pollfd p = {.fd = g->fd, .events = POLLIN};
        uint64_t before = g->bytes;

        poll(&p, 1, 20);
        set_now(g);
        refill(g);
        take_all(g);
        quiet = g->bytes == before ? quiet + 1 : 0;
        if (quiet * 20 * MS > QUIET_AFTER)
            return;
    }
}

int guest_port_end(struct guest_port *g, uint64_t *bytes)
{
    struct guest_session *s = &g->session;

    last_words(g);
    *bytes = guest_session_end(s);
    if (s->bundle)
        json_object_set_new(bundle_run(s->bundle), "guest",
                            guest_session_about(s, g->path, g->bytes));
    return s->error;
}

void guest_port_close(struct guest_port *g)
{
    if (!g)
        return;
    guest_session_free(&g->session);
    if (g->fd >= 0)
        close(g->fd);
    connector_close(&g->connector);
    wire_parser_close(&g->parser);
    free(g->path);
    free(g);
}
