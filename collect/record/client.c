/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/exit.h"
#include "base/program.h"
#include "base/secret.h"
#include "record/client.h"
#include "record/client_clock.h"

enum {
    READY_MS = 20000, /* an emulated guest takes seconds to show its first picture */
    END_MS = 10000,   /* a client ends within a second or two; after this it hangs */
    LOOK_MS = 50,
    URI = 512, /* bytes of a URI that are stored and shown */
};

/* In the child. It gets default signals, a session of its own (Ctrl-C reaches the recorder alone),
 * and SIGINT when the recorder dies. */
static void become_client(const struct record_client *c, const char *folder, int ready, int go)
{
    const struct client_options *o = &c->options;
    char tap[PATH_MAX], summary[PATH_MAX], log[PATH_MAX], pictures[PATH_MAX];
    char number[16], rate[24], go_number[16], most[16];
    char *argv[32] = {"spicetap-meter", (char *)o->uri, "--tap",      tap,    "--json",
                      summary,          "-q",           "--ready-fd", number, NULL};
    int argc = 9, error;
    sigset_t none;
    int fd, into = open(folder, O_PATH | O_DIRECTORY); /* it stays open when the client begins */

    snprintf(log, sizeof(log), "%s/client.log", folder);
    snprintf(tap, sizeof(tap), "/proc/self/fd/%d/client.tap", into);
    snprintf(summary, sizeof(summary), "/proc/self/fd/%d/client.json", into);
    snprintf(pictures, sizeof(pictures), "/proc/self/fd/%d/pictures", into);
    snprintf(most, sizeof(most), "%" PRIu32, o->pictures);
    snprintf(number, sizeof(number), "%d", ready);
    snprintf(go_number, sizeof(go_number), "%d", go);
    snprintf(rate, sizeof(rate), "%" PRIu64, o->rate);
    const struct {
        const char *name, *value;
    } more[] = {
        {"--rate", o->rate ? rate : NULL},
        {"--link", o->link},
        {"--keys", o->keys},
        {"--go-fd", o->keys ? go_number : NULL},
        {"--compression", o->compression},
        {"--clip", o->clip},
        {"--pictures", o->pictures ? pictures : NULL},
        {"--picture-count", o->pictures ? most : NULL},
    };
    for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
        if (more[i].value) {
            argv[argc++] = (char *)more[i].name;
            argv[argc++] = (char *)more[i].value;
        }
    setsid(); /* without the terminal */
    if ((fd = open("/dev/null", O_RDONLY)) >= 0)
        dup2(fd, STDIN_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGINT);
    fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd >= 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
    }
    error = program_exec_meter(c->program, argv);
    dprintf(STDERR_FILENO, "cannot run spicetap-meter: %s\n", strerror(-error));
    _exit(EXIT_ENV);
}

/* Milliseconds of run time as those of the kernel's clock. */
static int lasts(const struct record_client *c, int ms)
{
    return c->clock->rate > 0 ? (int)(ms / c->clock->rate) : ms;
}

static bool wait_ready(const struct record_client *c, int ready, int stop)
{
    struct pollfd fds[2] = {{.fd = ready, .events = POLLIN}, {.fd = stop, .events = POLLIN}};
    char byte;

    return c->pid > 0 && poll(fds, 2, lasts(c, READY_MS)) > 0 && fds[0].revents &&
           read(ready, &byte, 1) == 1;
}

/* A client on another clock would put wrong times into the run. */
static void drop(const struct record_client *c, const char *folder)
{
    char tap[PATH_MAX];

    if (c->pid > 0)
        kill(c->pid, SIGKILL);
    snprintf(tap, sizeof(tap), "%s/client.tap", folder);
    unlink(tap);
}

void record_client_start(struct record_client *c, const char *folder, int stop,
                         const struct record_say *say)
{
    bool ready, same;
    char uri[URI];
    int ends[2], go[2];

    c->go = -1;
    if (!c->options.uri || pipe(ends))
        return;
    if (pipe(go)) {
        close(ends[0]);
        close(ends[1]);
        return;
    }
    secret_hide_uri(uri, sizeof(uri), c->options.uri);
    record_say(say, "client: connecting to %s", uri);
    client_clock_open(c->clock); /* if it cannot, client_clock_same finds out */
    c->pid = fork();
    if (!c->pid) {
        close(ends[0]);
        close(go[1]);
        client_clock_take(c->clock);
        become_client(c, folder, ends[1], go[0]);
    }
    close(ends[1]);
    close(go[0]);
    c->go = go[1];
    ready = wait_ready(c, ends[0], stop);
    close(ends[0]);
    same = client_clock_same(c->clock, c->pid);
    client_clock_close(c->clock);
    if (!same)
        drop(c, folder);
    if (ready && same)
        record_say(say, "client: connected, and shows a picture");
    else
        record_say(say, "the client %s; recording without it. The run's client.log says why",
                   ready ? "does not take the VM's slow clock" : "shows no picture");
}

void record_client_go(struct record_client *c)
{
    if (c->pid > 0 && c->go >= 0)
        close(c->go); /* the client sees the pipe's end */
    c->go = -1;
}

/* Interrupts the client and waits for it. Its exit status; -1: it was killed. */
static int wait_for(pid_t pid, int end_ms)
{
    int status;

    kill(pid, SIGINT);
    for (int waited = 0; waited < end_ms; waited += LOOK_MS) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        poll(NULL, 0, LOOK_MS);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

void record_client_end(struct record_client *c, json_t *run, const char *folder,
                       const struct record_say *say)
{
    char tap[PATH_MAX], summary[PATH_MAX], uri[URI];
    int status;

    if (c->pid <= 0)
        return;
    record_client_go(c);
    status = wait_for(c->pid, lasts(c, END_MS));
    c->pid = 0;
    snprintf(tap, sizeof(tap), "%s/client.tap", folder);
    if (!access(tap, R_OK))
        json_array_append_new(json_object_get(run, "logs"), json_string("client.tap"));
    snprintf(summary, sizeof(summary), "%s/client.json", folder);
    json_object_set_new(run, "client",
                        json_pack("{s:s, s:i, s:s*, s:s*}", "uri",
                                  secret_hide_uri(uri, sizeof(uri), c->options.uri), "exit", status,
                                  "link", c->options.link, "summary",
                                  access(summary, R_OK) ? NULL : "client.json"));
    if (status)
        record_say(say, "the client ended with status %d; the run's client.log says why", status);
}
