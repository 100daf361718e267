/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/exit.h"
#include "base/out.h"
#include "base/signals.h"
#include "clock/run_time.h"
#include "record/watch.h"
#include "record/watchers.h"

enum {
    END_STEP_MS = 20,
    TICK_MS = 200,     /* how often processes that ended are collected */
    MOST_WAIT_S = 300, /* between two attempts at a VM that cannot be watched */
    READY_S = 10,      /* a VM that takes longer to attach to is shown as attaching */
    END_S = 5,         /* what a watcher has for its end; its keeper cleans up behind it */
};

#define SECOND UINT64_C(1000000000)

struct place {
    pid_t vm, watcher;     /* 0: none */
    char name[BOARD_NAME]; /* as it is shown: no two places have the same */
    uint64_t next, wait;   /* when a VM that failed is tried again; ns between the last two tries */
    bool seen;             /* in the last look */
};

struct watchers {
    const struct watchers_options *options;
    struct board *board;
    struct place places[BOARD_VMS];
    int stop[2]; /* whoever reads it ends when this process does */
    uint64_t look, began;
    pid_t show;
    uint32_t beyond;
};

/* The kernel's CLOCK_MONOTONIC, ns. */
static uint64_t now(void)
{
    return run_time_now(&(struct run_time){0});
}

/* ---- a watcher ---- */

static void start(struct watchers *w, unsigned i)
{
    struct place *p = &w->places[i];
    struct board_vm *on = &w->board->vms[i];
    const char *name = p->name;

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
    } else if (!board_get(on, &last) ||
               (last.state != BOARD_FAILED && last.state != BOARD_NO_SPICE)) {
        board_set(on, BOARD_FAILED, p->vm, p->name, "its watcher ended unexpectedly");
    } else if (last.state == BOARD_NO_SPICE && w->options->domain_count) { /* it was asked for */
        board_set(on, BOARD_FAILED, p->vm, p->name, last.why);
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

/* Two VMs of one name would be one to whoever reads the figures. */
static void name_place(struct watchers *w, struct place *p, const char *name)
{
    bool taken = false;

    snprintf(p->name, sizeof(p->name), "%s", name);
    for (unsigned i = 0; i < BOARD_VMS; i++)
        taken =
            taken || (&w->places[i] != p && w->places[i].vm && !strcmp(w->places[i].name, p->name));
    if (taken)
        snprintf(p->name, sizeof(p->name), "%.*s (pid %d)", BOARD_NAME - 32, name, p->vm);
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
                start(w, i);
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
    name_place(w, p, name);
    start(w, (unsigned)(p - w->places));
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
    bool late = now() >= w->began + READY_S * SECOND;

    for (unsigned i = 0; i < BOARD_VMS; i++)
        if (w->places[i].watcher && w->board->vms[i].state != BOARD_WATCHED && !late)
            return;
    __atomic_store_n(&w->board->ready, 1, __ATOMIC_RELEASE);
}

/* ---- the process that shows ---- */

static int show(const struct watchers *w)
{
    const struct watchers_options *o = w->options;
    const char *what;
    int code, error = o->rights ? 0 : confine_nowhere(&what);

    if (error) {
        fprintf(stderr, "spicetap: cannot give up %s: %s\n", what, strerror(-error));
        return EXIT_ENV;
    }
    code = o->show(w->board, w->stop[0], o->who);
    error = out_finish(stdout);
    if (!error || error == -EPIPE)
        return code;
    fprintf(stderr, "spicetap: standard output: %s\n", strerror(-error));
    return code == EXIT_DONE ? EXIT_PART : code;
}

static int start_show(struct watchers *w)
{
    w->show = fork();
    if (w->show < 0)
        return -errno;
    if (w->show)
        return 0;
    close(w->stop[1]);
    exit(show(w));
}

/* ---- all ---- */

static int exit_code(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "spicetap: the process that shows was ended by signal %d\n", WTERMSIG(status));
    return EXIT_PART;
}

static bool show_ended(struct watchers *w, int *code)
{
    int status;

    if (waitpid(w->show, &status, WNOHANG) != w->show)
        return false;
    *code = exit_code(status);
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

static bool watching(const struct watchers *w)
{
    for (unsigned i = 0; i < BOARD_VMS; i++)
        if (w->places[i].watcher)
            return true;
    return false;
}

static void finish(struct watchers *w, int *code)
{
    int status;

    close(w->stop[1]);
    if (w->show && waitpid(w->show, &status, 0) == w->show)
        *code = exit_code(status);
    for (uint64_t last = now() + END_S * SECOND; watching(w) && now() < last;) {
        poll(NULL, 0, END_STEP_MS);
        collect(w);
    }
    for (unsigned i = 0; i < BOARD_VMS; i++)
        if (w->places[i].watcher) { /* it hangs: its keeper cleans up */
            kill(w->places[i].watcher, SIGKILL);
            waitpid(w->places[i].watcher, NULL, 0);
        }
    close(w->stop[0]);
}

int watchers_run(const struct watchers_options *options, int *code, struct loader_error *e)
{
    struct watchers w = {.options = options, .board = board_open()};
    int error, signals;

    if (!w.board || pipe2(w.stop, O_CLOEXEC)) {
        board_close(w.board);
        return loader_fail(e, -ENOMEM, "out of memory");
    }
    signals = signals_open();
    w.began = now();
    look(&w);
    error = start_show(&w);
    if (!error)
        run(&w, signals, code);
    finish(&w, code);
    close(signals);
    board_close(w.board);
    return error ? loader_fail(e, error, "no process to show with: %s", strerror(-error)) : 0;
}
