/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/confine_calls.h"
#include "record/connector.h"

/* Opens the socket's file without following a link, which its folder's owner could make. */
static int open_file(const struct connector *c)
{
    const int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    int fd = c->folder < 0 ? open(c->path, flags) : openat(c->folder, c->name, flags);
    struct stat st;
    int error = fd < 0 ? -errno : fstat(fd, &st) ? -errno : S_ISSOCK(st.st_mode) ? 0 : -ENOTSOCK;

    if (error && fd >= 0)
        close(fd);
    return error ? error : fd;
}

static bool is_libvirt(pid_t pid)
{
    char path[32], name[32] = "";
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/comm", pid);
    f = fopen(path, "re");
    if (f) {
        if (!fgets(name, sizeof(name), f))
            name[0] = '\0';
        fclose(f);
    }
    return !strcmp(name, "libvirtd\n") || !strcmp(name, "virtqemud\n");
}

/* Whoever called listen(): the VM's process, or libvirt, which hands it the socket. */
static bool is_owners(const struct connector *c, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return !c->owner || (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
                         (peer.pid == c->owner || is_libvirt(peer.pid)));
}

static int connect_to(const struct connector *c, int file)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX}; /* the path may be too long for it */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? -errno : 0;

    snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d", file);
    if (!error && connect(fd, (struct sockaddr *)&a, sizeof(a)))
        error = -errno;
    if (!error && !is_owners(c, fd))
        error = -EPERM;
    if (error && fd >= 0)
        close(fd);
    return error ? error : fd;
}

static int reach(const struct connector *c)
{
    int file = open_file(c), fd;

    if (file < 0)
        return file;
    fd = connect_to(c, file);
    close(file);
    return fd;
}

/* ---- the helper ---- */

/* An answer: an error, or 0 and the connection. */
struct answer {
    int error;
    struct iovec part;
    struct msghdr message;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } with;
};

static void answer_init(struct answer *a)
{
    *a = (struct answer){.part = {&a->error, sizeof(a->error)}};
    a->message = (struct msghdr){.msg_iov = &a->part,
                                 .msg_iovlen = 1,
                                 .msg_control = &a->with,
                                 .msg_controllen = sizeof(a->with)};
}

static bool answer_send(int to, int fd)
{
    struct answer a;

    answer_init(&a);
    if (fd < 0) {
        a.error = fd;
        a.message.msg_controllen = 0;
    } else {
        a.with.head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof(fd)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&a.with.head), &fd, sizeof(fd));
    }
    return sendmsg(to, &a.message, MSG_NOSIGNAL) == sizeof(a.error);
}

/* Ends when the recorder does. */
static void help(struct connector *c, int from)
{
    const char *const nowhere[] = {NULL}, *what;
    struct confine_lacks lacks;
    struct confine_user user;
    char byte;

    prctl(PR_SET_NAME, "spicetap-port");
    if (confine_user_find(&user) || confine(&user, nowhere, CAP_DAC_OVERRIDE, &lacks, &what) ||
        lacks.landlock || lacks.seccomp || confine_to_files(true))
        _exit(1); /* with that right it could write any file */
    while (recv(from, &byte, 1, 0) == 1) {
        int fd = reach(c);
        bool told = answer_send(from, fd);

        if (fd >= 0)
            close(fd);
        if (!told)
            break;
    }
    _exit(0);
}

static void begin_helper(struct connector *c)
{
    const struct timeval patience = {.tv_sec = 1}; /* the recorder must not stand still */
    int ends[2];

    if (geteuid() || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return;
    c->pid = fork();
    if (!c->pid) {
        close(ends[0]);
        help(c, ends[1]);
    }
    close(ends[1]);
    c->helper = ends[0];
    setsockopt(c->helper, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (c->pid < 0) {
        c->pid = 0;
        close(c->helper);
        c->helper = -1;
    }
}

/* -EPIPE or -ECONNRESET: it has ended. */
static int ask_helper(const struct connector *c)
{
    struct answer a;
    ssize_t n;
    int fd;

    answer_init(&a);
    if (send(c->helper, "", 1, MSG_NOSIGNAL) != 1)
        return -EPIPE;
    n = recvmsg(c->helper, &a.message, MSG_CMSG_CLOEXEC);
    if (n != sizeof(a.error))
        return n < 0 ? -errno : -EPIPE;
    if (a.error)
        return a.error;
    if (a.message.msg_controllen < CMSG_LEN(sizeof(fd)) || a.with.head.cmsg_type != SCM_RIGHTS)
        return -EPROTO;
    memcpy(&fd, CMSG_DATA(&a.with.head), sizeof(fd));
    return fd;
}

/* ---- for the port ---- */

int connector_open(struct connector *c, const char *path, pid_t owner)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");

    *c = (struct connector){
        .path = path, .name = slash ? slash + 1 : path, .folder = -1, .owner = owner, .helper = -1};
    if (!folder)
        return -ENOMEM;
    c->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    begin_helper(c);
    return 0;
}

bool connector_alone(const struct connector *c)
{
    return c->helper < 0;
}

int connector_connect(struct connector *c)
{
    int fd;

    if (connector_alone(c))
        return reach(c);
    fd = ask_helper(c);
    if (fd != -EPIPE && fd != -ECONNRESET)
        return fd;
    close(c->helper);
    c->helper = -1;
    return reach(c);
}

void connector_close(struct connector *c)
{
    if (c->helper >= 0)
        close(c->helper);
    if (c->pid > 0)
        waitpid(c->pid, NULL, 0);
    if (c->folder >= 0)
        close(c->folder);
    *c = (struct connector){.folder = -1, .helper = -1};
}
