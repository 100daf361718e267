/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the recorder's files until it has gone, however that comes about. A process that is killed
 * closes its files with the signal pending, and then the kernel may fail to take a uprobe out of
 * the VM: uprobe_unregister_nosync() in kernel/events/uprobes.c gives up a killable lock, and says
 * "leaking uprobe". The probe would stay on. The keeper shares the recorder's table of files and
 * outlives it for a moment: it closes them calmly.
 *
 * It has no capability, runs in a session of its own so that no signal to the recorder's group ends
 * it, and does nothing but wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/tracer.h"

enum {
    NOBODY = 65534,
    MOST_FILES = 4096, /* of a recorder: its probes, logs and sockets are fewer than 1000 */
};

static void keep(int recorder, int told)
{
    struct pollfd over[] = {{.fd = recorder, .events = POLLIN}, {.fd = told, .events = POLLIN}};
    cap_t none = cap_init();
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setsid();
    /* Root has no more use. Who is not root has capabilities alone. */
    if (!getuid() && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
                      setresuid(NOBODY, NOBODY, NOBODY))) {
        _exit(1);
    }
    if (none) {
        cap_set_proc(none);
        cap_free(none);
    }
    prctl(PR_SET_NAME, "spicetap-keeper");
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    poll(over, 2, -1);
    /* The run's lock was opened last. It goes first: probes take a while, and a reader would take
     * the run for one that is still being recorded. */
    for (int fd = MOST_FILES; fd > 2 && !(over[1].revents & POLLIN); fd--) {
        close(fd);
    }
    _exit(0);
}

void keeper_start(struct keeper *k)
{
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0), ends[2];

    *k = (struct keeper){.told = -1};
    if (self < 0) {
        return;
    }
    if (pipe2(ends, O_CLOEXEC)) {
        close(self);
        return;
    }
    /* As fork() does, but with one table of files. */
    k->pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (!k->pid) {
        keep(self, ends[0]);
    }
    if (k->pid < 0) { /* a recorder can record without it */
        close(self);
        close(ends[0]);
        close(ends[1]);
        return;
    }
    k->self = self;
    k->read = ends[0];
    k->told = ends[1];
}

void keeper_end(struct keeper *k)
{
    if (k->told < 0) {
        return;
    }
    if (write(k->told, "", 1) == 1) {
        while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    close(k->self);
    close(k->told);
    close(k->read);
    k->told = -1;
}
