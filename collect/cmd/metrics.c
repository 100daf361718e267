/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/options.h"
#include "base/whole.h"
#include "cmd/commands.h"
#include "cmd/watching.h"
#include "report/live.h"

enum {
    OPT_LISTEN = OPTIONS_LONG,
    DEFAULT_EVERY = 15, /* s; Prometheus and node_exporter ask about as often */
    MOST_EVERY = 3600,
    LOOK_SECONDS = 5,
    CONNECTIONS = 16,
    PATIENCE_S = 10, /* of a connection that says nothing */
};

#define OLD_TYPE  "text/plain; version=0.0.4; charset=utf-8"
#define OPEN_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

static const struct argp_option option_table[] = {
    {"domain", 'd', "NAME", 0, "Only this VM; may be given several times (default: all)", 0},
    {"output", 'o', "FILE", 0,
     "Write the file again and again, for node_exporter's textfile collector; its name ends in "
     ".prom",
     1},
    {"every", 'e', "SECONDS", 0, "How often the file is written (default: 15)", 1},
    {"listen", OPT_LISTEN, "PORT", 0, "Answer Prometheus at http://127.0.0.1:PORT/metrics", 2},
    {"once", '1', NULL, 0, "Print the figures once, and end", 3},
    {0},
};

static const char doc[] =
    "Counts streams, frames, out-of-memory, evictions and bytes of all VMs of this host that run "
    "on a spice-server with probes, for Prometheus. VMs may come and go."
    "\vWrites nothing else. Needs the rights that `spicetap record` needs. The process that "
    "attaches reads no data; what counts and what listens has no rights.\n"
    "spicetap-metrics(1) lists the metrics, and says which alert to make of which.";

struct options {
    struct watchers_options watch;
    const char *output;
    unsigned every, port; /* 0: none */
    bool once;
    int listener;
    struct live *live;
};

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;

    switch (key) {
    case 'd':
        return watching_domain(state, &o->watch, arg);
    case 'o':
        o->output = arg;
        return 0;
    case 'e':
        return options_u32(state, "--every", arg, 1, MOST_EVERY, &o->every);
    case OPT_LISTEN:
        return options_u32(state, "--listen", arg, 1, UINT16_MAX, &o->port);
    case '1':
        o->once = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "%s: VMs are named with --domain, a port with --listen", arg);
        return EINVAL;
    case ARGP_KEY_END:
        if (o->every && !o->output) {
            argp_error(state, "--every needs --output");
            return EINVAL;
        }
        if (!o->every)
            o->every = DEFAULT_EVERY;
        if ((o->output != NULL) + (o->port != 0) + o->once == 1)
            return 0;
        argp_error(state, "say where to: one of --output FILE, --listen and --once");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- a file ---- */

static int write_file(const struct options *o)
{
    static struct whole file; /* its paths are long */
    int error = whole_begin(&file, o->output);
    FILE *f;

    if (error)
        return error;
    f = fopen(file.part, "we");
    error = f ? 0 : -errno;
    if (f) {
        live_metrics(f, o->live, false);
        error = fflush(f) ? -errno : 0;
        if (!error && ferror(f)) /* an earlier write, whose errno is gone */
            error = -EIO;
        if (fclose(f) && !error)
            error = -errno;
    }
    return whole_end(&file, error);
}

/* A full disk may have room again: only the first attempt ends the program. */
static int keep_file(const struct board *board, int stop, const struct options *o)
{
    struct pollfd fd = {.fd = stop, .events = POLLIN};
    int error = 0, before = 0;
    bool first = true;

    watching_wait(board, stop);
    do {
        live_take(o->live, board);
        error = write_file(o);
        if (error && error != before)
            fprintf(stderr, "spicetap metrics: %s: %s\n", o->output,
                    error == -EINVAL ? "not a regular file" : strerror(-error));
        if (error && first)
            return EXIT_ENV;
        first = false;
        before = error;
    } while (!poll(&fd, 1, (int)o->every * 1000));
    return error ? EXIT_PART : EXIT_DONE;
}

/* ---- HTTP ---- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned status, const char *type,
                              char *text, size_t size)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (!r) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    result = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *why)
{
    return answer(c, status, "text/plain; charset=utf-8", strdup(why), strlen(why));
}

struct served {
    const struct board *board;
    const struct options *options;
};

static enum MHD_Result on_request(void *context, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request)
{
    const struct served *s = context;
    const char *accept = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
    bool open = accept && strstr(accept, "application/openmetrics-text");
    char *text = NULL;
    size_t size = 0;
    FILE *f;

    (void)version, (void)upload, (void)request;
    if (*upload_size)
        return MHD_NO;
    if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
        return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    if (strcmp(url, "/metrics"))
        return refuse(c, MHD_HTTP_NOT_FOUND, "the metrics are at /metrics\n");
    f = open_memstream(&text, &size);
    if (!f)
        return MHD_NO;
    live_take(s->options->live, s->board);
    live_metrics(f, s->options->live, open);
    if (fclose(f))
        return MHD_NO;
    return answer(c, MHD_HTTP_OK, open ? OPEN_TYPE : OLD_TYPE, text, size);
}

/* Loopback alone: the names of VMs are nobody else's business, and nothing asks for a password. */
static int open_listener(unsigned port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!bind(fd, (const struct sockaddr *)&address, sizeof(address)) && !listen(fd, CONNECTIONS))
        return fd;
    on = -errno;
    close(fd);
    return on;
}

static int serve(const struct board *board, int stop, const struct options *o)
{
    const struct served s = {board, o};
    struct MHD_Daemon *http =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, (void *)&s,
                         MHD_OPTION_LISTEN_SOCKET, o->listener, MHD_OPTION_CONNECTION_LIMIT,
                         CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE_S, MHD_OPTION_END);
    const union MHD_DaemonInfo *info;
    struct pollfd fds[2] = {{.fd = stop, .events = POLLIN}};

    info = http ? MHD_get_daemon_info(http, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        fprintf(stderr, "spicetap metrics: cannot serve HTTP\n");
        return EXIT_ENV;
    }
    fds[1] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
    while (!fds[0].revents) {
        MHD_UNSIGNED_LONG_LONG wait;
        bool limited = MHD_get_timeout(http, &wait) == MHD_YES;

        poll(fds, 2, limited ? (int)wait : -1);
        MHD_run(http);
    }
    MHD_stop_daemon(http);
    return EXIT_DONE;
}

/* ---- the command ---- */

static int print_once(const struct board *board, int stop, const struct options *o)
{
    watching_wait(board, stop);
    live_take(o->live, board);
    live_metrics(stdout, o->live, false);
    return watching_complain("metrics", o->live, &o->watch);
}

static int show(const struct board *board, int stop, void *who)
{
    const struct options *o = who;

    if (o->once)
        return print_once(board, stop, o);
    return o->output ? keep_file(board, stop, o) : serve(board, stop, o);
}

const struct command_options metrics_options = {
    .parser = {option_table, on_option, "--output FILE\n--listen PORT\n--once", doc, NULL, NULL,
               NULL},
};

static int prepare(struct options *o)
{
    o->live = calloc(1, sizeof(*o->live));
    if (!o->live) {
        fprintf(stderr, "spicetap metrics: out of memory\n");
        return EXIT_ENV;
    }
    if (!o->port)
        return 0;
    o->listener = open_listener(o->port);
    if (o->listener >= 0)
        return 0;
    fprintf(stderr, "spicetap metrics: 127.0.0.1 port %u: %s\n", o->port, strerror(-o->listener));
    return EXIT_ENV;
}

int cmd_metrics(int argc, char **argv)
{
    struct options o = {.watch = {.look_seconds = LOOK_SECONDS, .show = show, .who = &o},
                        .listener = -1};
    int code = options_parse(&metrics_options.parser, argc, argv, &o);

    if (code != OPTIONS_GO)
        return code;
    o.watch.rights = o.output; /* node_exporter's folder is root's */
    code = prepare(&o);
    if (!code)
        code = watching_run("metrics", &o.watch);
    if (o.listener >= 0)
        close(o.listener);
    free(o.live);
    return code;
}
