/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap-guest: reads its options, then runs sessions or --check. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent.h"
#include "base/exit.h"
#include "base/options.h"

#define DEFAULT_PORT "/dev/virtio-ports/" WIRE_PORT

enum { PORT = OPTIONS_LONG, CHECK };

struct options {
    const char *port;
    bool check;
};

static const struct argp_option option_table[] = {
    {"port", PORT, "PATH", 0, "The port (default: " DEFAULT_PORT ")", 0},
    {"check", CHECK, NULL, 0,
     "Attach to everything this guest has, print what is attached and what is missing, and exit: "
     "0 if nothing is missing, 1 if something is, 3 if nothing could be attached",
     0},
    {0},
};

static const char doc[] =
    "Runs in a guest and sends what its qxl or virtio_gpu driver does to a recorder on the host, "
    "over a virtio-serial port. Needs root. Traces nothing while nobody records."
    "\vSee spicetap-guest(8).";

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case PORT:
        o->port = arg;
        return 0;
    case CHECK:
        o->check = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

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

/* A descriptor that becomes readable when a signal asks the agent to end. */
static int end_signals(void)
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
    int end = end_signals(), result = session_init(&session, port, &ops);

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

/* Under its unit it has these already. */
static int take_what_needs_rights(void)
{
    static const struct rlimit no_limit = {RLIM_INFINITY, RLIM_INFINITY};

    /* Before Linux 5.11 BPF maps count as locked memory. */
    setrlimit(RLIMIT_MEMLOCK, &no_limit);
    /* The recorder reads the guest's clock from our answers to PING: a busy guest must not delay
     * them. The agent itself needs little. */
    setpriority(PRIO_PROCESS, 0, -10);
    tracefs_folder(); /* mounts it, as the next does */
    debugfs_folder();
    return rights_drop();
}

int main(int argc, char **argv)
{
    static const struct argp parser = {option_table, on_option, NULL, doc, NULL, NULL, NULL};
    struct options options = {.port = DEFAULT_PORT};
    struct trace *t;
    int code, error;

    code = options_parse_program(&parser, "spicetap-guest", "spicetap-guest", argc, argv, &options);
    if (code != OPTIONS_GO)
        return code;
    if (geteuid()) {
        fputs("spicetap-guest: only root can trace the kernel\n", stderr);
        return EXIT_ENV;
    }
    t = trace_new();
    if (!t) {
        fputs("spicetap-guest: no memory\n", stderr);
        return EXIT_ENV;
    }
    error = take_what_needs_rights();
    if (error) {
        fprintf(stderr, "spicetap-guest: cannot give up capabilities: %s\n", strerror(-error));
        trace_free(t);
        return EXIT_ENV;
    }
    code = options.check ? check(t) : run(t, options.port);
    trace_free(t);
    return code;
}
