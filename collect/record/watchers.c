/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/exit.h"
#include "record/watch.h"
#include "record/watchers.h"

enum {
    TICK_MS = 200,     /* how often processes that ended are collected */
    MOST_WAIT_S = 300, /* between two attempts at a VM that cannot be watched */
};

#define SECOND UINT64_C(1000000000)

struct place {
    pid_t vm, watcher;   /* 0: none */
    uint64_t next, wait; /* when a VM that failed is tried again; ns between the last two tries */
    bool seen;           /* in the last look */
};

struct watchers {
    const struct watchers_options *options;
    struct board *board;
    struct place places[BOARD_VMS];
    int stop[2]; /* whoever reads it ends when this process does */
    uint64_t look;
    pid_t show;
    uint32_t beyond;
};

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- a watcher ---- */

static void start(struct watchers *w, unsigned i, const char *name)
{
    struct place *p = &w->places[i];
    struct board_vm *on = &w->board->vms[i];

    board_set(on, BOARD_ATTACHING, p->vm, name, NULL);
    p->watcher = fork();
    if (!p->watcher) {
        close(w->stop[1]);
        _exit(watch(on, p->vm, name, w->stop[0]) ? EXIT_ENV : EXIT_DONE);
    }
    if (p->watcher < 0) {
        p->watcher = 0;
        board_set(on, BOARD_FAILED, p->vm, name, "no process for its watcher");
    }
}

static void retry_later(struct place *p)
{
    p->wait = p->wait ? p->wait * 2 : SECOND;
    if (p->wait > MOST_WAIT_S * SECOND)
        p->wait = MOST_WAIT_S * SECOND;
    p->next = now() + p->wait;
}

/* Of a watcher that ended by itself; it has put its reason there, if it could. */
static void ended(struct watchers *w, unsigned i, int status)
{
    struct place *p = &w->places[i];
    struct board_vm *on = &w->board->vms[i];
    struct board_vm last;

    p->watcher = 0;
    retry_later(p);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_DONE) { /* the VM ended */
        board_set(on, BOARD_FREE, 0, NULL, NULL);
        *p = (struct place){0};
    } else if (!board_get(on, &last) || last.state != BOARD_FAILED) {
        board_set(on, BOARD_FAILED, p->vm, last.name, "its watcher ended unexpectedly");
    }
}

static void collect(struct watchers *w)
{
    for (unsigned i = 0; i < BOARD_VMS; i++) {
        pid_t pid = w->places[i].watcher;
        int status;

        if (pid && waitpid(pid, &status, WNOHANG) == pid)
            ended(w, i, status);
    }
}

/* ---- looking for VMs ---- */

static bool is_asked_for(const struct watchers_options *o, const char *name)
{
    for (unsigned i = 0; i < o->domain_count; i++)
        if (!strcmp(o->domains[i], name))
            return true;
    return !o->domain_count;
}

static void look_at(void *context, pid_t pid, const char *name)
{
    struct watchers *w = context;
    struct place *p = NULL;

    if (!is_asked_for(w->options, name))
        return;
    for (unsigned i = 0; i < BOARD_VMS; i++) {
        if (w->places[i].vm == pid) {
            w->places[i].seen = true;
            if (!w->places[i].watcher && now() >= w->places[i].next)
                start(w, i, name);
            return;
        }
        if (!p && !w->places[i].vm)
            p = &w->places[i];
    }
    if (!p) {
        w->beyond++;
        return;
    }
    *p = (struct place){.vm = pid, .seen = true};
    start(w, (unsigned)(p - w->places), name);
}

static void look(struct watchers *w)
{
    w->beyond = 0;
    for (unsigned i = 0; i < BOARD_VMS; i++)
        w->places[i].seen = false;
    vm_each(look_at, w);
    w->board->beyond = w->beyond;
    for (unsigned i = 0; i < BOARD_VMS; i++) {
        struct place *p = &w->places[i];

        if (p->vm && !p->seen && !p->watcher) { /* one that could not be watched has ended */
            board_set(&w->board->vms[i], BOARD_FREE, 0, NULL, NULL);
            *p = (struct place){0};
        }
    }
    w->look = now() + w->options->look_seconds * SECOND;
}

static void say_ready(struct watchers *w)
{
    for (unsigned i = 0; i < BOARD_VMS; i++)
        if (w->board->vms[i].state == BOARD_ATTACHING)
            return;
    __atomic_store_n(&w->board->ready, 1, __ATOMIC_RELEASE);
}

/* ---- the process that shows ---- */

static int give_up_rights(void)
{
    static const char *const nowhere[] = {NULL};
    struct confine_user user;
    struct confine_lacks lacks;
    const char *what;
    int error = confine_user_find(&user);

    return error ? error : confine(&user, nowhere, -1, &lacks, &what);
}

static int start_show(struct watchers *w)
{
    const struct watchers_options *o = w->options;

    w->show = fork();
    if (w->show < 0)
        return -errno;
    if (w->show)
        return 0;
    close(w->stop[1]);
    if (!o->rights && give_up_rights())
        exit(EXIT_ENV);
    exit(o->show(w->board, w->stop[0], o->who));
}

/* ---- all ---- */

static bool show_ended(struct watchers *w, int *code)
{
    int status;

    if (waitpid(w->show, &status, WNOHANG) != w->show)
        return false;
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_PART;
    w->show = 0;
    return true;
}

static void run(struct watchers *w, int signals, int *code)
{
    struct pollfd fd = {.fd = signals, .events = POLLIN};

    while (!fd.revents && !show_ended(w, code)) {
        collect(w);
        if (now() >= w->look)
            look(w);
        say_ready(w);
        poll(&fd, 1, TICK_MS);
    }
}

static void finish(struct watchers *w, int *code)
{
    int status;

    close(w->stop[1]);
    if (w->show && waitpid(w->show, &status, 0) == w->show)
        *code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_PART;
    for (unsigned i = 0; i < BOARD_VMS; i++)
        if (w->places[i].watcher)
            waitpid(w->places[i].watcher, NULL, 0);
    close(w->stop[0]);
}

/* They stay blocked: the program ends after this. */
static int open_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int watchers_run(const struct watchers_options *options, int *code, struct loader_error *e)
{
    struct watchers w = {.options = options, .board = board_open()};
    int error, signals;

    if (!w.board || pipe2(w.stop, O_CLOEXEC)) {
        board_close(w.board);
        return loader_fail(e, -ENOMEM, "out of memory");
    }
    signals = open_signals();
    look(&w);
    error = start_show(&w);
    if (!error)
        run(&w, signals, code);
    finish(&w, code);
    close(signals);
    board_close(w.board);
    return error ? loader_fail(e, error, "no process to show with: %s", strerror(-error)) : 0;
}
