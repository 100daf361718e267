/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "connect.h"

enum { CONNECT_SECONDS = 10 };

/* Needs no receive buffer of its own: the kernel's for a unix socket are small. */
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

static void prepare(int fd, int receive_buffer)
{
    struct timeval limit = {.tv_sec = CONNECT_SECONDS};
    int one = 1;

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)); /* limits connect() too */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (receive_buffer)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
}

static int connect_first(const struct addrinfo *list, int receive_buffer, const atomic_bool *stop)
{
    int error = EHOSTUNREACH;

    for (const struct addrinfo *a = list; a && !*stop; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        struct timeval none = {0};

        if (fd < 0)
            continue;
        prepare(fd, receive_buffer);
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

int connect_to(const struct target *t, int receive_buffer, const atomic_bool *stop,
               const char **why)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list;
    int fd, failed;

    if (t->kind == TARGET_UNIX) {
        fd = connect_unix(t);
    } else {
        failed = getaddrinfo(t->host, t->port, &hints, &list);
        if (failed) {
            *why = gai_strerror(failed);
            return -1;
        }
        fd = connect_first(list, receive_buffer, stop);
        freeaddrinfo(list);
    }
    if (fd < 0)
        *why = strerror(errno);
    return fd;
}
