/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "record/client.h"

enum {
    READY_MS = 20000, /* an emulated guest's first picture takes its time */
    END_MS = 10000,   /* the client ends within a second or two, or it hangs */
    LOOK_MS = 50,
};

/* In the child: signals as a program expects them, a process group of its own so that Ctrl-C
 * reaches the recorder alone, and an end when the recorder ends. */
static void become_client(const struct record_client *c, const char *folder, int ready)
{
    char tap[PATH_MAX], summary[PATH_MAX], log[PATH_MAX], number[16], rate[24];
    char *argv[14] = {"spicetap-meter", (char *)c->uri, "--tap",      tap,    "--json",
                      summary,          "-q",           "--ready-fd", number, NULL};
    int argc = 9;
    sigset_t none;
    int fd;

    snprintf(tap, sizeof(tap), "%s/client.tap", folder);
    snprintf(summary, sizeof(summary), "%s/client.json", folder);
    snprintf(log, sizeof(log), "%s/client.log", folder);
    snprintf(number, sizeof(number), "%d", ready);
    if (c->rate) {
        snprintf(rate, sizeof(rate), "%lu", c->rate);
        argv[argc++] = "--rate";
        argv[argc++] = rate;
    }
    if (c->compression) {
        argv[argc++] = "--compression";
        argv[argc++] = (char *)c->compression;
    }
    if (c->clip) {
        argv[argc++] = "--clip";
        argv[argc++] = (char *)c->clip;
    }
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGINT);
    fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    _exit(cmd_meter(argc, argv));
}

void record_client_start(struct record_client *c, const char *folder, int signals)
{
    struct pollfd fds[2] = {{.events = POLLIN}, {.fd = signals, .events = POLLIN}};
    int ends[2];
    char byte;

    if (!c->uri || pipe(ends)) {
        return;
    }
    c->pid = fork();
    if (!c->pid) {
        close(ends[0]);
        become_client(c, folder, ends[1]);
    }
    close(ends[1]);
    fds[0].fd = ends[0];
    fprintf(stderr, "client: connecting to %s\n", c->uri);
    if (c->pid > 0 && poll(fds, 2, READY_MS) > 0 && fds[0].revents &&
        read(ends[0], &byte, 1) == 1) {
        fprintf(stderr, "client: connected, and shows a picture\n");
    } else {
        fprintf(stderr,
                "spicetap record: the client shows no picture of %s; going on without: see "
                "%s/client.log\n",
                c->uri, folder);
    }
    close(ends[0]);
}

/* Its exit status, or -1. */
static int wait_for(pid_t pid)
{
    int status;

    kill(pid, SIGINT);
    for (int waited = 0; waited < END_MS; waited += LOOK_MS) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        poll(NULL, 0, LOOK_MS);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

void record_client_end(struct record_client *c, json_t *run, const char *folder)
{
    char tap[PATH_MAX], summary[PATH_MAX];
    int status;

    if (c->pid <= 0) {
        return;
    }
    status = wait_for(c->pid);
    c->pid = 0;
    snprintf(tap, sizeof(tap), "%s/client.tap", folder);
    if (!access(tap, R_OK)) {
        json_array_append_new(json_object_get(run, "logs"), json_string("client.tap"));
    }
    snprintf(summary, sizeof(summary), "%s/client.json", folder);
    /* a bundle is handed on: what stands behind a question mark may be a password */
    json_object_set_new(run, "client",
                        json_pack("{s:s%, s:i, s:s*}", "uri", c->uri, strcspn(c->uri, "?"), "exit",
                                  status, "summary", access(summary, R_OK) ? NULL : "client.json"));
    if (status) {
        fprintf(stderr, "spicetap record: the client ended with status %d: see %s/client.log\n",
                status, folder);
    }
}
