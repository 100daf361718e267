/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The relay's threads: each connection connects, then pumps bytes both ways and counts them. */
#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connect.h"
#include "line.h"
#include "relay.h"
#include "tls.h"

enum {
    CHUNK = 65536,        /* bytes read at once */
    SLOW_CHUNK = 512,     /* the least, when the rate is limited */
    CHUNKS_A_SECOND = 50, /* about so many reads a second, when the rate is limited */
    TEXT = 512,           /* bytes of a text for the user */
};

#define SECOND UINT64_C(1000000000)

/* One channel. */
struct connection {
    struct relay *relay;
    struct count_channel *channel;
    int session, server; /* sockets; server is -1 before it is connected */
    GIOStream *tls;
    pthread_t down, up, down_end, up_end;
    bool has_up;
    struct line_lane *down_lane, *up_lane; /* NULL: no link is played */
    atomic_bool left;                      /* the session hung up first */
    atomic_bool cut;                       /* what arrives cannot be handed on to the session */
    struct connection *next;
};

struct relay {
    const struct target *target;
    uint64_t rate;
    struct link_spec link;
    struct line *down_line, *up_line; /* NULL: no link is played */
    struct counts *counts;
    pthread_mutex_t *lock;
    struct connection *connections; /* only the session's thread changes the list */
    atomic_bool stop;
    pthread_mutex_t own; /* guards the following, and the descriptors of connections */
    uint64_t free_at;    /* when the limited rate has transmitted everything so far */
    enum relay_fault fault;
    char text[TEXT];
};

uint64_t relay_now(void)
{
    return line_now();
}

static void fault(struct relay *r, enum relay_fault kind, const char *text)
{
    pthread_mutex_lock(&r->own);
    if (r->fault == RELAY_OK && !r->stop) {
        r->fault = kind;
        snprintf(r->text, sizeof(r->text), "%s", text);
    }
    pthread_mutex_unlock(&r->own);
}

enum relay_fault relay_fault(struct relay *r, char *text, size_t size)
{
    enum relay_fault kind;

    pthread_mutex_lock(&r->own);
    kind = r->fault;
    snprintf(text, size, "%s", r->text);
    pthread_mutex_unlock(&r->own);
    return kind;
}

/* ---- reading and writing ----------------------------------------------------------------------
 */

static bool readable(int fd)
{
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) > 0;
}

static ssize_t socket_read(int fd, void *p, size_t n)
{
    ssize_t got;

    do
        got = recv(fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* *waited: the bytes were there already. */
static ssize_t session_read(const struct connection *c, void *p, size_t n, bool *waited)
{
    *waited = readable(c->session);
    return socket_read(c->session, p, n);
}

static ssize_t server_read(const struct connection *c, void *p, size_t n, bool *waited)
{
    GInputStream *stream = c->tls ? g_io_stream_get_input_stream(c->tls) : NULL;

    *waited = stream ? g_pollable_input_stream_is_readable(G_POLLABLE_INPUT_STREAM(stream))
                     : readable(c->server);
    return stream ? g_input_stream_read(stream, p, n, NULL, NULL) : socket_read(c->server, p, n);
}

static bool send_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool server_write(struct connection *c, const uint8_t *p, size_t n)
{
    gsize sent;

    return c->tls ? g_output_stream_write_all(g_io_stream_get_output_stream(c->tls), p, n, &sent,
                                              NULL, NULL)
                  : send_all(c->server, p, n);
}

/* --rate: waits until n more bytes may pass, one chunk after the other. A thread that woke up late
 * may catch up, but by no more than one chunk's time: an idle relay saves nothing for later. */
static void pass_slowly(struct relay *r, size_t n)
{
    const uint64_t slack = SECOND / CHUNKS_A_SECOND;
    uint64_t now = relay_now(), until;

    if (!r->rate)
        return;
    pthread_mutex_lock(&r->own);
    r->free_at = (r->free_at + slack > now ? r->free_at : now) + n * SECOND / r->rate;
    until = r->free_at;
    pthread_mutex_unlock(&r->own);
    line_sleep(until, &r->stop);
}

static size_t chunk_of(const struct relay *r)
{
    uint64_t part = r->rate / CHUNKS_A_SECOND;

    if (r->down_line)
        return line_piece_size(r->down_line);
    return !r->rate || part > CHUNK ? CHUNK : part < SLOW_CHUNK ? SLOW_CHUNK : (size_t)part;
}

/* ---- connecting -------------------------------------------------------------------------------
 */

/* Bytes of the receive buffer: small, or the kernel would hide the slowness from the server. With
 * --rate it stands for the queue of a slow link. --link has a queue of its own. 0: the kernel's. */
static int receive_buffer(const struct relay *r)
{
    uint64_t bytes = r->down_line ? r->link.rate / 50 : r->rate / 8;

    return !bytes ? 0 : bytes < 8192 ? 8192 : bytes > 1 << 20 ? 1 << 20 : (int)bytes;
}

/* A link's first round trip is the connection's own. */
static int connect_server(struct relay *r)
{
    const char *why = NULL;
    int fd = connect_to(r->target, receive_buffer(r), &r->stop, &why);

    if (fd < 0)
        fault(r, RELAY_NO_SERVER, why);
    else
        line_sleep(relay_now() + r->link.rtt, &r->stop);
    return fd;
}

static bool opens(struct connection *c)
{
    struct relay *r = c->relay;
    int fd = connect_server(r);
    char text[TEXT];

    if (fd < 0)
        return false;
    pthread_mutex_lock(&r->own);
    c->server = fd;
    pthread_mutex_unlock(&r->own);
    if (r->target->kind == TARGET_TLS && !r->stop) {
        c->tls = tls_open(r->target, fd, text, sizeof(text));
        if (!c->tls) {
            fault(r, RELAY_TLS, text);
            pthread_mutex_lock(&r->own);
            c->server = -1; /* closed */
            pthread_mutex_unlock(&r->own);
        }
        return c->tls != NULL;
    }
    return !r->stop;
}

/* ---- pumping ----------------------------------------------------------------------------------
 */

/* The client's bytes have arrived at the server. */
static bool arrive_up(struct connection *c, const uint8_t *p, size_t n)
{
    return server_write(c, p, n);
}

/* The server's bytes have arrived at the client. They are counted before they are passed on, so the
 * session cannot show what is not counted yet. */
static bool arrive_down(struct connection *c, const uint8_t *p, size_t n)
{
    struct relay *r = c->relay;
    int error;

    pthread_mutex_lock(r->lock);
    error = count_server(c->channel, p, n, (int64_t)relay_now());
    pthread_mutex_unlock(r->lock);
    if (error)
        fault(r, RELAY_NO_SPICE, "the server does not speak SPICE");
    return !error && send_all(c->session, p, n);
}

/* The far ends of the lanes. One that cannot hand on goes on taking, so that nobody waits for it.
 */
static void *end_up(void *data)
{
    struct connection *c = data;
    struct line_piece *p;
    bool good = true;

    while ((p = line_take(c->up_lane))) {
        good = good && arrive_up(c, p->bytes, p->size);
        free(p);
    }
    return NULL;
}

static void *end_down(void *data)
{
    struct connection *c = data;
    struct line_piece *p;

    while ((p = line_take(c->down_lane))) {
        if (!c->cut && !arrive_down(c, p->bytes, p->size)) {
            c->cut = true;
            shutdown(c->server, SHUT_RDWR);
        }
        free(p);
    }
    return NULL;
}

/* Nothing more is put; waits until all has arrived. */
static void end_lane(struct line_lane *lane, pthread_t end)
{
    line_close(lane);
    pthread_join(end, NULL);
}

static void *pump_up(void *data)
{
    struct connection *c = data;
    struct relay *r = c->relay;
    struct line_lane *lane = c->up_lane;
    uint8_t buffer[16384];
    size_t most = sizeof(buffer);
    bool waited;
    ssize_t n;

    if (lane && line_piece_size(r->up_line) < most)
        most = line_piece_size(r->up_line);
    while ((n = session_read(c, buffer, most, &waited)) > 0) {
        pthread_mutex_lock(r->lock);
        count_client(c->channel, buffer, (size_t)n, (int64_t)relay_now());
        pthread_mutex_unlock(r->lock);
        if (!(lane ? line_put(lane, buffer, (size_t)n, waited) : arrive_up(c, buffer, (size_t)n)))
            break;
    }
    c->left = n <= 0;
    if (lane)
        end_lane(lane, c->up_end);
    shutdown(c->server, SHUT_RDWR);
    return NULL;
}

static void pump_down(struct connection *c)
{
    struct relay *r = c->relay;
    struct line_lane *lane = c->down_lane;
    size_t chunk = chunk_of(r);
    uint8_t *buffer = malloc(chunk);
    bool gone, waited;
    ssize_t n = 1;

    while (buffer && (n = server_read(c, buffer, chunk, &waited)) > 0) {
        pass_slowly(r, (size_t)n);
        if (!(lane ? line_put(lane, buffer, (size_t)n, waited) : arrive_down(c, buffer, (size_t)n)))
            break;
    }
    gone = n <= 0 && !c->left && !c->cut;
    free(buffer);
    if (lane)
        end_lane(lane, c->down_end);
    if (gone)
        fault(r, RELAY_SERVER_GONE, "the server closed the connection");
}

/* The lanes and their far ends. False: no memory, and no thread was left. */
static bool open_lanes(struct connection *c)
{
    struct relay *r = c->relay;

    if (!r->down_line)
        return true;
    c->down_lane = line_lane_new(r->down_line);
    c->up_lane = line_lane_new(r->up_line);
    if (!c->down_lane || !c->up_lane || pthread_create(&c->down_end, NULL, end_down, c))
        return false;
    if (!pthread_create(&c->up_end, NULL, end_up, c))
        return true;
    end_lane(c->down_lane, c->down_end);
    return false;
}

static void pump(struct connection *c)
{
    c->has_up = !pthread_create(&c->up, NULL, pump_up, c);
    if (c->has_up) {
        pump_down(c);
    } else if (c->down_lane) {
        end_lane(c->up_lane, c->up_end);
        end_lane(c->down_lane, c->down_end);
    }
}

static void *run_down(void *data)
{
    struct connection *c = data;
    struct relay *r = c->relay;

    if (opens(c) && open_lanes(c))
        pump(c);
    pthread_mutex_lock(r->lock);
    count_close(c->channel, (int64_t)relay_now());
    pthread_mutex_unlock(r->lock);
    shutdown(c->session, SHUT_RDWR);
    if (c->server >= 0)
        shutdown(c->server, SHUT_RDWR);
    return NULL;
}

/* ---- start and end ----------------------------------------------------------------------------
 */

/* Both directions are alike. */
static bool play(struct relay *r, const struct link_spec *link)
{
    r->link = *link;
    if (!link->rate)
        return true;
    r->down_line = line_new(link);
    r->up_line = line_new(link);
    return r->down_line && r->up_line;
}

struct relay *relay_new(const struct target *target, uint64_t rate, const struct link_spec *link,
                        struct counts *counts, pthread_mutex_t *lock)
{
    struct relay *r = calloc(1, sizeof(*r));

    if (!r || !play(r, link)) {
        if (r)
            line_free(r->down_line);
        free(r);
        return NULL;
    }
    r->target = target;
    r->rate = rate;
    r->counts = counts;
    r->lock = lock;
    pthread_mutex_init(&r->own, NULL);
    return r;
}

static int start(struct relay *r, struct connection *c, int ends[2])
{
    pthread_mutex_lock(r->lock);
    c->channel = count_open(r->counts);
    pthread_mutex_unlock(r->lock);
    if (!c->channel)
        return -EMFILE;
    c->relay = r;
    c->server = -1;
    c->session = ends[0];
    return -pthread_create(&c->down, NULL, run_down, c);
}

int relay_channel(struct relay *r)
{
    struct connection *c = calloc(1, sizeof(*c));
    int ends[2], error;

    if (!c)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        free(c);
        return -errno;
    }
    error = start(r, c, ends);
    if (error) {
        close(ends[0]);
        close(ends[1]);
        free(c);
        return error;
    }
    c->next = r->connections;
    r->connections = c;
    return ends[1];
}

void relay_stop(struct relay *r)
{
    pthread_mutex_lock(&r->own);
    r->stop = true;
    for (struct connection *c = r->connections; c; c = c->next) {
        shutdown(c->session, SHUT_RDWR);
        if (c->server >= 0)
            shutdown(c->server, SHUT_RDWR);
    }
    pthread_mutex_unlock(&r->own);
    if (r->down_line) {
        line_stop(r->down_line);
        line_stop(r->up_line);
    }
    while (r->connections) {
        struct connection *c = r->connections;

        pthread_join(c->down, NULL);
        if (c->has_up)
            pthread_join(c->up, NULL);
        if (c->tls)
            g_object_unref(c->tls); /* also closes the server's socket */
        if (c->server >= 0 && r->target->kind != TARGET_TLS)
            close(c->server);
        close(c->session);
        line_lane_free(c->down_lane);
        line_lane_free(c->up_lane);
        r->connections = c->next;
        free(c);
    }
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    relay_stop(r);
    pthread_mutex_destroy(&r->own);
    line_free(r->down_line);
    line_free(r->up_line);
    free(r);
}
