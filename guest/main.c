/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent.h"
#include "base/exit.h"

static const char help[] =
    "usage: spicetap-guest [--port PATH]\n"
    "       spicetap-guest --check\n"
    "\n"
    "The part of spicetap that runs in the guest: waits for a recorder at the other end of a\n"
    "virtio-serial port, and tells it what the qxl or virtio_gpu driver does. Needs root.\n"
    "Nothing is traced while nobody records.\n"
    "\n"
    "  --port PATH   the port (/dev/virtio-ports/" WIRE_PORT ")\n"
    "  --check       attach to all there is, say what that is and what is missing, and end:\n"
    "                0 all that this guest's drivers have, 1 not all, 3 nothing\n"
    "  --help, --version\n"
    "\n"
    "See spicetap-guest(8).\n";

static int check(struct trace *t)
{
    struct agent_tracing ops = trace_ops(t);
    json_t *hello = json_object();
    struct trace_event_state state;
    unsigned attached = 0, lacking = 0;
    uint64_t began = agent_now(), took;

    ops.start(ops.self, hello);
    json_decref(hello);
    took = agent_now() - began;
    for (unsigned i = 0; trace_state(t, i, &state); i++) {
        printf("%-22s %s%s\n", state.name, state.why ? "- " : "attached",
               state.why ? state.why : "");
        attached += !state.why;
        lacking += state.why && !state.foreign;
    }
    began = agent_now();
    ops.stop(ops.self);
    printf("%u attached in %llu ms, detached in %llu ms\n", attached,
           (unsigned long long)took / 1000000, (unsigned long long)(agent_now() - began) / 1000000);
    if (!attached) {
        return EXIT_ENV;
    }
    return lacking ? EXIT_PART : EXIT_DONE;
}

/* A descriptor that can be read once we are to end. */
static int ending(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int run(struct trace *t, const char *port)
{
    static struct session session;
    struct agent_tracing ops = trace_ops(t);
    int end = ending(), result = session_init(&session, port, &ops);

    /* a PING is answered soon even when the guest is busy; the agent itself needs little */
    setpriority(PRIO_PROCESS, 0, -10);
    while (!result) {
        result = session_step(&session, end, -1);
    }
    session_close(&session);
    if (result < 0) {
        fprintf(stderr, "spicetap-guest: %s\n", strerror(-result));
        return EXIT_PART;
    }
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"check", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {},
    };
    const char *port = "/dev/virtio-ports/" WIRE_PORT;
    bool check_only = false;
    struct trace *t;
    int option, code;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        switch (option) {
        case 'p':
            port = optarg;
            break;
        case 'c':
            check_only = true;
            break;
        case 'h':
            fputs(help, stdout);
            return EXIT_DONE;
        case 'v':
            puts("spicetap-guest " SPICETAP_VERSION);
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    if (geteuid()) {
        fputs("spicetap-guest: only root can trace the kernel\n", stderr);
        return EXIT_ENV;
    }
    t = trace_new();
    if (!t) {
        return EXIT_ENV;
    }
    code = check_only ? check(t) : run(t, port);
    trace_free(t);
    return code;
}
