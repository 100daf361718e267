/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The relay's threads: each link connects, then pumps bytes both ways and counts them. */
#include <errno.h>
#include <gio/gio.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"
#include "tls.h"

enum {
    CHUNK = 65536,        /* bytes read at once */
    SLOW_CHUNK = 512,     /* the least, when the rate is limited */
    CHUNKS_A_SECOND = 50, /* about so many reads a second, when the rate is limited */
    CONNECT_SECONDS = 10,
    TEXT = 512, /* bytes of a text for the user */
};

#define SECOND UINT64_C(1000000000)

/* One channel. */
struct link {
    struct relay *relay;
    struct count_channel *channel;
    int session, server; /* sockets; server is -1 before it is connected */
    GIOStream *tls;
    pthread_t down, up;
    bool has_up;
    atomic_bool left; /* the session hung up first */
    struct link *next;
};

struct relay {
    const struct target *target;
    uint64_t rate;
    struct counts *counts;
    pthread_mutex_t *lock;
    struct link *links; /* only the session's thread changes the list */
    atomic_bool stop;
    pthread_mutex_t own;  /* guards the following, and the descriptors of links */
    pthread_cond_t woken; /* `stop` was set */
    uint64_t free_at;     /* when the slow link has transmitted everything so far */
    enum relay_fault fault;
    char text[TEXT];
};

uint64_t relay_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
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

static ssize_t server_read(struct link *l, void *p, size_t n)
{
    ssize_t got;

    if (l->tls)
        return g_input_stream_read(g_io_stream_get_input_stream(l->tls), p, n, NULL, NULL);
    do
        got = recv(l->server, p, n, 0);
    while (got < 0 && errno == EINTR);
    return got;
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

static bool server_write(struct link *l, const uint8_t *p, size_t n)
{
    gsize sent;

    return l->tls ? g_output_stream_write_all(g_io_stream_get_output_stream(l->tls), p, n, &sent,
                                              NULL, NULL)
                  : send_all(l->server, p, n);
}

/* Waits until the slow link has transmitted n more bytes. It transmits one chunk after the other. A
 * thread that woke up late may catch up, but by no more than one chunk's time: an idle link saves
 * nothing for later. */
static void pass_slowly(struct relay *r, size_t n)
{
    const uint64_t slack = SECOND / CHUNKS_A_SECOND;
    struct timespec until;
    uint64_t now = relay_now();

    if (!r->rate)
        return;
    pthread_mutex_lock(&r->own);
    r->free_at = (r->free_at + slack > now ? r->free_at : now) + n * SECOND / r->rate;
    until = (struct timespec){(time_t)(r->free_at / SECOND), (long)(r->free_at % SECOND)};
    while (!r->stop && pthread_cond_timedwait(&r->woken, &r->own, &until) != ETIMEDOUT) {
    }
    pthread_mutex_unlock(&r->own);
}

static size_t chunk_of(const struct relay *r)
{
    uint64_t part = r->rate / CHUNKS_A_SECOND;

    return !r->rate || part > CHUNK ? CHUNK : part < SLOW_CHUNK ? SLOW_CHUNK : (size_t)part;
}

/* ---- connecting -------------------------------------------------------------------------------
 */

static int connect_unix(const struct target *t)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, t->path, sizeof(a.sun_path));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* A slow link gets a small receive buffer, or the kernel would hide the slowness from the server.
 */
static void prepare(const struct relay *r, int fd)
{
    struct timeval limit = {.tv_sec = CONNECT_SECONDS};
    int one = 1, bytes = r->rate / 8 < 8192      ? 8192
                         : r->rate / 8 > 1 << 20 ? 1 << 20
                                                 : (int)(r->rate / 8);

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* limits connect() too */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (r->rate)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

static int connect_first(const struct relay *r, const struct addrinfo *list)
{
    int error = EHOSTUNREACH;

    for (const struct addrinfo *a = list; a && !r->stop; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        struct timeval none = {0};

        if (fd < 0)
            continue;
        prepare(r, fd);
        if (!connect(fd, a->ai_addr, a->ai_addrlen)) {
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
            return fd;
        }
        error = errno == EINPROGRESS ? ETIMEDOUT : errno;
        close(fd);
    }
    errno = error;
    return -1;
}

static int connect_server(struct relay *r)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    const struct target *t = r->target;
    struct addrinfo *list;
    int fd, failed;

    if (t->kind == TARGET_UNIX) {
        fd = connect_unix(t);
    } else {
        failed = getaddrinfo(t->host, t->port, &hints, &list);
        if (failed) {
            fault(r, RELAY_NO_SERVER, gai_strerror(failed));
            return -1;
        }
        fd = connect_first(r, list);
        freeaddrinfo(list);
    }
    if (fd < 0)
        fault(r, RELAY_NO_SERVER, strerror(errno));
    return fd;
}

static bool link_opens(struct link *l)
{
    struct relay *r = l->relay;
    int fd = connect_server(r);
    char text[TEXT];

    if (fd < 0)
        return false;
    pthread_mutex_lock(&r->own);
    l->server = fd;
    pthread_mutex_unlock(&r->own);
    if (r->target->kind == TARGET_TLS && !r->stop) {
        l->tls = tls_open(r->target, fd, text, sizeof(text));
        if (!l->tls) {
            fault(r, RELAY_TLS, text);
            pthread_mutex_lock(&r->own);
            l->server = -1; /* closed */
            pthread_mutex_unlock(&r->own);
        }
        return l->tls != NULL;
    }
    return !r->stop;
}

/* ---- pumping ----------------------------------------------------------------------------------
 */

static void *pump_up(void *data)
{
    struct link *l = data;
    struct relay *r = l->relay;
    uint8_t buffer[16384];
    ssize_t n;

    while ((n = recv(l->session, buffer, sizeof(buffer), 0)) > 0 || (n < 0 && errno == EINTR)) {
        if (n < 0)
            continue;
        pthread_mutex_lock(r->lock);
        count_client(l->channel, buffer, (size_t)n, (int64_t)relay_now());
        pthread_mutex_unlock(r->lock);
        if (!server_write(l, buffer, (size_t)n))
            break;
    }
    l->left = n <= 0;
    shutdown(l->server, SHUT_RDWR);
    return NULL;
}

/* Counts bytes before it passes them on, so the session cannot show what is not counted yet. */
static void pump_down(struct link *l)
{
    struct relay *r = l->relay;
    size_t chunk = chunk_of(r);
    uint8_t *buffer = malloc(chunk);
    ssize_t n;

    while (buffer && (n = server_read(l, buffer, chunk)) > 0) {
        int error;

        pass_slowly(r, (size_t)n);
        pthread_mutex_lock(r->lock);
        error = count_server(l->channel, buffer, (size_t)n, (int64_t)relay_now());
        pthread_mutex_unlock(r->lock);
        if (error)
            fault(r, RELAY_NO_SPICE, "the server does not speak SPICE");
        if (error || !send_all(l->session, buffer, (size_t)n)) {
            free(buffer);
            return;
        }
    }
    free(buffer);
    if (!l->left)
        fault(r, RELAY_SERVER_GONE, "the server closed the connection");
}

static void *run_down(void *data)
{
    struct link *l = data;
    struct relay *r = l->relay;

    if (link_opens(l)) {
        l->has_up = !pthread_create(&l->up, NULL, pump_up, l);
        if (l->has_up)
            pump_down(l);
    }
    pthread_mutex_lock(r->lock);
    count_close(l->channel, (int64_t)relay_now());
    pthread_mutex_unlock(r->lock);
    shutdown(l->session, SHUT_RDWR);
    if (l->server >= 0)
        shutdown(l->server, SHUT_RDWR);
    return NULL;
}

/* ---- start and end ----------------------------------------------------------------------------
 */

struct relay *relay_new(const struct target *target, uint64_t rate, struct counts *counts,
                        pthread_mutex_t *lock)
{
    struct relay *r = calloc(1, sizeof(*r));
    pthread_condattr_t clock;

    if (!r)
        return NULL;
    r->target = target;
    r->rate = rate;
    r->counts = counts;
    r->lock = lock;
    pthread_mutex_init(&r->own, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&r->woken, &clock);
    pthread_condattr_destroy(&clock);
    return r;
}

static int start(struct relay *r, struct link *l, int ends[2])
{
    pthread_mutex_lock(r->lock);
    l->channel = count_open(r->counts);
    pthread_mutex_unlock(r->lock);
    if (!l->channel)
        return -EMFILE;
    l->relay = r;
    l->server = -1;
    l->session = ends[0];
    return -pthread_create(&l->down, NULL, run_down, l);
}

int relay_channel(struct relay *r)
{
    struct link *l = calloc(1, sizeof(*l));
    int ends[2], error;

    if (!l)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        free(l);
        return -errno;
    }
    error = start(r, l, ends);
    if (error) {
        close(ends[0]);
        close(ends[1]);
        free(l);
        return error;
    }
    l->next = r->links;
    r->links = l;
    return ends[1];
}

void relay_stop(struct relay *r)
{
    pthread_mutex_lock(&r->own);
    r->stop = true;
    pthread_cond_broadcast(&r->woken);
    for (struct link *l = r->links; l; l = l->next) {
        shutdown(l->session, SHUT_RDWR);
        if (l->server >= 0)
            shutdown(l->server, SHUT_RDWR);
    }
    pthread_mutex_unlock(&r->own);
    while (r->links) {
        struct link *l = r->links;

        pthread_join(l->down, NULL);
        if (l->has_up)
            pthread_join(l->up, NULL);
        if (l->tls)
            g_object_unref(l->tls); /* also closes the server's socket */
        if (l->server >= 0 && r->target->kind != TARGET_TLS)
            close(l->server);
        close(l->session);
        r->links = l->next;
        free(l);
    }
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    relay_stop(r);
    pthread_mutex_destroy(&r->own);
    pthread_cond_destroy(&r->woken);
    free(r);
}
