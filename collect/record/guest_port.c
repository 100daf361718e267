/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket of the guest's port: connecting, the clock of what is sent, and how much is read. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "record/guest_session.h"

enum {
    READ_BYTES = 1 << 16,
    QUICK_PINGS = 20, /* at a session's start the clock is found sooner */
};

#define MS          UINT64_C(1000000)
#define TICK        (50 * MS)
#define QUICK_PING  (50 * MS)
#define PING_EVERY  (250 * MS)
#define ASK_EVERY   (1000 * MS) /* START, and connecting */
#define SILENCE     (5000 * MS) /* an emulated guest has been seen to stand still for two seconds */
#define LAST_WORDS  (2000 * MS)
#define QUIET_AFTER (1000 * MS)

/* ---- connecting ------------------------------------------------------------------------------ */

/* The folder is kept open: its path may be longer than an address can hold, and not be one that
 * can be walked once rights are given up. */
static int open_folder(struct guest_port *g)
{
    char *slash = strrchr(g->path, '/'), *folder;

    g->name = slash ? slash + 1 : g->path;
    folder = slash ? strndup(g->path, (size_t)(slash - g->path) + 1) : strdup(".");
    if (!folder)
        return -ENOMEM;
    g->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    return 0;
}

static int address(const struct guest_port *g, struct sockaddr_un *a)
{
    int n;

    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (g->folder < 0)
        n = snprintf(a->sun_path, sizeof(a->sun_path), "%s", g->path);
    else
        n = snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%s", g->folder, g->name);
    return n < (int)sizeof(a->sun_path) ? 0 : -ENAMETOOLONG;
}

static void disconnect(struct guest_port *g)
{
    if (g->fd >= 0)
        close(g->fd);
    g->fd = -1;
    g->next_connect = g->now + ASK_EVERY;
    wire_parser_reset(&g->parser);
    session_gone(g);
}

static void reach(struct guest_port *g)
{
    struct sockaddr_un a;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    g->next_connect = g->now + ASK_EVERY;
    g->connect_error = fd < 0 ? -errno : address(g, &a);
    if (!g->connect_error && connect(fd, (struct sockaddr *)&a, sizeof(a)))
        g->connect_error = -errno;
    if (g->connect_error) {
        if (fd >= 0)
            close(fd);
        return;
    }
    g->fd = fd;
    g->next_start = 0;
}

/* ---- sending -----------------------------------------------------------------------------------
 */

/* QEMU has read all that we sent. As long as the guest does not read, it does not, and what would
 * be sent meanwhile would only be old when it arrived. */
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
    if (!g->asked) {
        if (getrandom(&g->nonce, sizeof(g->nonce), 0) != sizeof(g->nonce))
            g->nonce ^= g->now;
        g->asked = guest_now();
    }
    send_frame(g, WIRE_START, g->nonce, 8);
    g->next_start = g->now + ASK_EVERY;
}

static void ask_ping(struct guest_port *g)
{
    struct guest_ping *p = &g->pings[(g->ping_id + 1) % GUEST_PINGS];

    if (g->now < g->next_ping || !taken(g))
        return;
    *p = (struct guest_ping){.id = ++g->ping_id, .sent = guest_now()};
    send_frame(g, WIRE_PING, p->id, 8);
    g->next_ping = g->now + (++g->session_pings < QUICK_PINGS ? QUICK_PING : PING_EVERY);
}

static void ask(struct guest_port *g)
{
    if (g->fd < 0) {
        if (g->now >= g->next_connect)
            reach(g);
        if (g->fd < 0)
            return;
    }
    if (g->session && (g->now - g->heard > SILENCE || session_astray(g)))
        session_gone(g);
    if (!g->session)
        ask_start(g);
    else
        ask_ping(g);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static void refill(struct guest_port *g)
{
    double passed = (double)(g->now - g->refilled) / 1e9;

    g->refilled = g->now;
    g->may_bytes += passed * GUEST_BYTES_A_SECOND;
    g->may_events += passed * GUEST_EVENTS_A_SECOND;
    if (g->may_bytes > (double)GUEST_BURST_SECONDS * GUEST_BYTES_A_SECOND)
        g->may_bytes = (double)GUEST_BURST_SECONDS * GUEST_BYTES_A_SECOND;
    if (g->may_events > (double)GUEST_BURST_SECONDS * GUEST_EVENTS_A_SECOND)
        g->may_events = (double)GUEST_BURST_SECONDS * GUEST_EVENTS_A_SECOND;
    if (g->now >= g->next_tick) {
        g->next_tick = g->now + TICK;
        g->tick_bytes = 0;
    }
}

static void take_bytes(struct guest_port *g, size_t bytes)
{
    struct wire_frame frame;

    g->bytes += bytes;
    g->tick_bytes += bytes;
    if (g->may_bytes < (double)bytes) {
        session_flood(g, bytes);
        wire_parser_reset(&g->parser);
        return;
    }
    g->may_bytes -= (double)bytes;
    wire_parser_filled(&g->parser, bytes);
    while (wire_parser_next(&g->parser, &frame))
        session_frame(g, &frame);
    session_nonsense(g);
}

static void take_all(struct guest_port *g)
{
    while (g->fd >= 0 && g->tick_bytes < GUEST_BYTES_A_TICK && !g->error) {
        size_t room;
        uint8_t *to = wire_parser_room(&g->parser, &room);
        ssize_t n = recv(g->fd, to, room < READ_BYTES ? room : READ_BYTES, MSG_DONTWAIT);

        g->received = guest_now();
        if (n > 0)
            take_bytes(g, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EINTR))
            disconnect(g);
        if (n <= 0)
            return;
    }
}

int guest_port_run(struct guest_port *g)
{
    g->now = guest_now();
    refill(g);
    if (g->bundle && g->fd >= 0)
        take_all(g);
    g->now = guest_now();
    ask(g);
    session_tick(g);
    return g->error;
}

int guest_port_fd(const struct guest_port *g)
{
    return g->bundle && g->tick_bytes < GUEST_BYTES_A_TICK ? g->fd : -1;
}

int guest_port_timeout(const struct guest_port *g, int most)
{
    uint64_t now = guest_now();
    uint64_t next = g->fd < 0 ? g->next_connect : g->session ? g->next_ping : g->next_start;
    uint64_t ms = next > now ? (next - now + MS - 1) / MS : 5;

    return ms < (uint64_t)most ? (int)(ms < 5 ? 5 : ms) : most;
}

/* ---- beginning and end
 * ---------------------------------------------------------------------------- */

int guest_port_open(struct guest_port **out, const char *path)
{
    struct guest_port *g = calloc(1, sizeof(*g));
    int err = g ? wire_parser_open(&g->parser) : -ENOMEM;

    if (g) {
        g->fd = g->folder = -1;
        g->path = err ? NULL : strdup(path);
        err = g->path ? open_folder(g) : -ENOMEM;
    }
    if (err) {
        guest_port_close(g);
        return err;
    }
    g->now = g->refilled = guest_now();
    g->may_bytes = GUEST_BYTES_A_SECOND;
    g->may_events = GUEST_EVENTS_A_SECOND;
    ask(g);
    *out = g;
    return 0;
}

void guest_port_begin(struct guest_port *g, struct bundle_writer *bundle)
{
    g->bundle = bundle;
}

bool guest_port_agent(const struct guest_port *g)
{
    return g->session;
}

/* Connected, but not yet accepted: the kernel shows the other end without an owner, in state 02. */
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
    if (g->session)
        session_say(g, text, size);
    else if (g->fd < 0)
        snprintf(text, size, "cannot connect to %s: %s; will try again each second", g->path,
                 strerror(-g->connect_error));
    else if (in_use(g))
        snprintf(text, size,
                 "%s is in use by another program (another recorder?): recording without the "
                 "guest until that lets go",
                 g->path);
    else
        snprintf(text, size,
                 "no agent answers at %s: recording without the guest until one does (is "
                 "spicetap-guest running there?)",
                 g->path);
}

uint64_t guest_port_events(const struct guest_port *g)
{
    return g->events;
}

/* Until the agent has said goodbye, or has said nothing for a while. */
static void last_words(struct guest_port *g)
{
    uint64_t end = guest_now() + LAST_WORDS, quiet = 0;

    if (!g->session)
        return;
    send_frame(g, WIRE_STOP, 0, 0);
    g->stopping = true;
    while (g->session && g->fd >= 0 && !g->error && guest_now() < end) {
        struct pollfd p = {.fd = g->fd, .events = POLLIN};
        uint64_t before = g->bytes;

        poll(&p, 1, 20);
        g->now = guest_now();
        refill(g);
        take_all(g);
        quiet = g->bytes == before ? quiet + 1 : 0;
        if (quiet * 20 * MS > QUIET_AFTER)
            return;
    }
}

int guest_port_end(struct guest_port *g, uint64_t *bytes)
{
    last_words(g);
    session_end(g, bytes);
    return g->error;
}

void guest_port_close(struct guest_port *g)
{
    if (!g)
        return;
    session_free(g);
    if (g->fd >= 0)
        close(g->fd);
    if (g->folder >= 0)
        close(g->folder);
    wire_parser_close(&g->parser);
    free(g->path);
    free(g);
}
