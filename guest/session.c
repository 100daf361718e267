/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's loop: one thread with one epoll for the port, for the BPF ring when it fills up, and
 * for a timer. Once a second the timer looks for a missing port, or samples the device's memory.
 *
 * Wakeups are most of what the agent costs an emulated guest. So no timer drains the ring: the
 * agent drains it when a PING has woken it anyway.
 *
 * The port is watched edge-triggered. While no host is connected, a virtio port reports POLLHUP,
 * and a level-triggered epoll would spin. virtio_console wakes its waiters whenever the host
 * connects, disconnects, sends, or takes a buffer (handle_control_message, in_intr, out_intr).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent.h"

#define SECOND_NS 1000000000

/* A hang-up must last for so many looks, so long apart. */
#define HANG_UP_LOOKS 10
#define HANG_UP_US    10000

static void timer_set(int fd, uint64_t ns)
{
    struct timespec t = {.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
    struct itimerspec both = {.it_interval = t, .it_value = t};

    timerfd_settime(fd, 0, &both, NULL);
}

static int watch(struct session *s, int op, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    return epoll_ctl(s->epoll, op, fd, &ev) ? -errno : 0;
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static void on_event(void *context, const struct tap_event *ev)
{
    queue_event(context, ev);
}

static void drop_event(void *context, const struct tap_event *ev)
{
    (void)context;
    (void)ev;
}

static void tracing_off(struct session *s)
{
    if (s->on) {
        s->on = false;
        if (s->ring >= 0) {
            watch(s, EPOLL_CTL_DEL, s->ring, 0);
            s->ring = -1;
        }
        timer_set(s->second_timer, 0);
        s->tracing.stop(s->tracing.self);
    }
    queue_reset(&s->queue);
}

/* Asks epoll for room in the port only while the port is full. Otherwise each buffer that the host
 * takes would wake the agent. */
static void port_wants(struct session *s, bool room)
{
    if (room != s->waits_for_room) {
        s->waits_for_room = room;
        watch(s, EPOLL_CTL_MOD, s->port, EPOLLIN | EPOLLET | (room ? EPOLLOUT : 0));
    }
}

static void port_gone(struct session *s)
{
    tracing_off(s);
    queue_cut(&s->queue);
    close(s->port);
    s->port = -1;
    timer_set(s->second_timer, SECOND_NS);
}

static void send_queued(struct session *s)
{
    int error = s->port < 0 ? 0 : queue_write(&s->queue, s->port);

    if (error == -EAGAIN) {
        port_wants(s, true);
    } else if (error == -EPIPE) {
        tracing_off(s);
    } else if (error) {
        port_gone(s);
    } else if (s->port >= 0) {
        port_wants(s, false);
    }
}

static void drain(struct session *s)
{
    if (!s->on) {
        return;
    }
    s->tracing.drain(s->tracing.self, on_event, &s->queue);
    for (unsigned reason = 0; reason < QUEUE_LOSS_REASONS; reason++) {
        queue_lost(&s->queue, reason, s->tracing.lost(s->tracing.self, reason));
    }
    queue_flush(&s->queue);
    send_queued(s);
}

/* ---- receiving --------------------------------------------------------------------------------
 */

static void switch_on(struct session *s)
{
    json_decref(s->hello);
    s->hello = json_object();
    hello_system(s->hello);
    s->tracing.start(s->tracing.self, s->hello);
    s->ring = s->tracing.ring(s->tracing.self);
    if (s->ring >= 0) {
        watch(s, EPOLL_CTL_ADD, s->ring, EPOLLIN | EPOLLET);
    }
    timer_set(s->second_timer, SECOND_NS);
    s->on = true;
}

/* A second START while tracing is on comes from another recorder: drop what was for the first. */
static void drop_pending(struct session *s)
{
    s->tracing.drain(s->tracing.self, drop_event, NULL);
    for (unsigned reason = 0; reason < QUEUE_LOSS_REASONS; reason++) {
        s->tracing.lost(s->tracing.self, reason);
    }
}

static void start(struct session *s, const uint8_t *nonce)
{
    static uint8_t payload[WIRE_MAX_PAYLOAD];
    size_t length;

    queue_reset(&s->queue);
    if (s->on) {
        drop_pending(s);
    } else {
        switch_on(s);
    }
    memcpy(payload, nonce, 8);
    put_le(payload + 8, agent_now(), 8);
    length = json_dumpb(s->hello, (char *)payload + 16, sizeof(payload) - 16, JSON_COMPACT);
    if (length > sizeof(payload) - 16) { /* too long: send HELLO without JSON */
        length = 0;
    }
    queue_frame(&s->queue, WIRE_HELLO, payload, (uint32_t)(16 + length));
}

static void on_frame(struct session *s, const struct wire_frame *f)
{
    uint8_t pong[16];

    if (f->type == WIRE_START && f->length == 8) {
        start(s, f->payload);
    } else if (f->type == WIRE_PING && f->length == 8 && s->on) {
        memcpy(pong, f->payload, 8);
        put_le(pong + 8, agent_now(), 8);
        queue_urgent(&s->queue, WIRE_PONG, pong);
        send_queued(s);
        drain(s);
    } else if (f->type == WIRE_STOP) {
        drain(s);
        tracing_off(s);
    }
}

/* True: there may be more to read. */
static bool port_read(struct session *s)
{
    struct wire_frame frame;
    size_t room;
    uint8_t *data = wire_parser_room(&s->parser, &room);
    ssize_t n = read(s->port, data, room);

    if (n > 0) {
        wire_parser_filled(&s->parser, (size_t)n);
        while (s->port >= 0 && wire_parser_next(&s->parser, &frame)) {
            on_frame(s, &frame);
        }
        return s->port >= 0;
    }
    if (!n) { /* virtio_console's way to report that no host is connected */
        s->hung_up = true;
    } else if (errno == EINTR) {
        return true;
    } else if (errno != EAGAIN) {
        port_gone(s);
    }
    return false;
}

/* The news that a host connected uses another virtqueue than what it sends, and can arrive later.
 * So a hang-up counts only if it lasts. */
static bool host_gone(int port)
{
    struct pollfd fd = {.fd = port, .events = POLLIN};

    for (int i = 0; i < HANG_UP_LOOKS; i++) {
        fd.revents = 0;
        if (poll(&fd, 1, 0) <= 0 || !(fd.revents & POLLHUP)) {
            return false;
        }
        usleep(HANG_UP_US);
    }
    return true;
}

static void port_ready(struct session *s, uint32_t events)
{
    s->hung_up = events & EPOLLHUP;
    while (port_read(s)) {
    }
    if (s->port >= 0 && s->hung_up && host_gone(s->port)) {
        tracing_off(s);
        queue_cut(&s->queue);
        wire_parser_reset(&s->parser);
    }
    if (s->port >= 0) {
        send_queued(s);
    }
}

/* ---- the session ------------------------------------------------------------------------------
 */

static void second_over(struct session *s)
{
    if (s->port < 0 && s->path) {
        int fd = open(s->path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

        if (fd >= 0) {
            session_port(s, fd);
        }
    } else if (s->on) {
        s->tracing.sample(s->tracing.self, on_event, &s->queue);
        drain(s);
    }
}

int session_init(struct session *s, const char *path, const struct agent_tracing *tracing)
{
    int error;

    memset(s, 0, sizeof(*s));
    s->tracing = *tracing;
    s->path = path;
    s->port = s->ring = -1;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->second_timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (s->epoll < 0 || s->second_timer < 0) {
        return -errno;
    }
    error = watch(s, EPOLL_CTL_ADD, s->second_timer, EPOLLIN);
    if (!error) {
        error = queue_init(&s->queue);
    }
    if (!error) {
        error = wire_parser_open(&s->parser);
    }
    timer_set(s->second_timer, SECOND_NS);
    return error;
}

int session_port(struct session *s, int fd)
{
    int error = watch(s, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET);

    if (error) {
        close(fd);
        return error;
    }
    s->port = fd;
    s->waits_for_room = false;
    wire_parser_reset(&s->parser);
    timer_set(s->second_timer, 0);
    return 0;
}

static void timer_ready(struct session *s)
{
    uint64_t times;

    /* No read if the timer was set again since epoll reported it. */
    if (read(s->second_timer, &times, sizeof(times)) == sizeof(times)) {
        second_over(s);
    }
}

int session_step(struct session *s, int other, int timeout)
{
    struct pollfd fds[2] = {{.fd = s->epoll, .events = POLLIN}, {.fd = other, .events = POLLIN}};
    struct epoll_event ready[4];
    int count;

    if (s->path && s->port < 0) {
        second_over(s);
    }
    if (poll(fds, 2, timeout) < 0) {
        return errno == EINTR ? 0 : -errno;
    }
    if (fds[1].revents) {
        return 1;
    }
    count = epoll_wait(s->epoll, ready, 4, 0);
    for (int i = 0; i < count; i++) {
        if (ready[i].data.fd == s->port) {
            port_ready(s, ready[i].events);
        }
    }
    for (int i = 0; i < count; i++) {
        if (ready[i].data.fd == s->second_timer) {
            timer_ready(s);
        } else if (ready[i].data.fd == s->ring) {
            drain(s);
        }
    }
    return count < 0 && errno != EINTR ? -errno : 0;
}

void session_close(struct session *s)
{
    uint8_t time[8];

    drain(s);
    if (s->on) {
        put_le(time, agent_now(), 8);
        queue_frame(&s->queue, WIRE_BYE, time, sizeof(time));
        send_queued(s);
        tracing_off(s);
    }
    if (s->port >= 0) {
        close(s->port);
    }
    close(s->epoll);
    close(s->second_timer);
    queue_free(&s->queue);
    wire_parser_close(&s->parser);
    json_decref(s->hello);
}
