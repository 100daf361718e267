/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap-meter: options, and what is written at the end. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/compression.h"
#include "meter.h"

static const char help[] =
    "Usage: spicetap meter URI [OPTIONS]\n\n"
    "A SPICE client without a window that counts what comes and how it is shown.\n"
    "URI: spice://HOST:PORT, spice+tls://HOST:PORT, spice+unix:///PATH. A password is taken from\n"
    "--password-file or SPICETAP_PASSWORD; for TLS, SPICETAP_CA_FILE and SPICETAP_HOST_SUBJECT\n"
    "stand for the options.\n\n"
    "  -t, --time SECONDS        how long; default until Ctrl-C\n"
    "      --rate BYTES          bytes a second from the server, at most\n"
    "      --compression NAME    to ask the server for, in place of its own: off, auto_glz,\n"
    "                            auto_lz, quic, glz, lz or lz4\n"
    "      --json FILE           all numbers\n"
    "      --tap FILE            every message and picture, a log (must not exist)\n"
    "      --clip X,Y[,WxH]      where the clip is; default 50,50,1024x768\n"
    "      --password-file FILE  its first line\n"
    "      --ca-file FILE        PEM; --host-subject SUBJECT: of the certificate\n"
    "  -q, --quiet               no live line, no summary\n";

enum { RATE = 256, COMPRESSION, JSON, TAP, CLIP, PASSWORD, CA, SUBJECT, READY };

static bool option(struct options *o, int c)
{
    char rest;

    switch (c) {
    case 't':
        return sscanf(optarg, "%u%c", &o->seconds, &rest) == 1 && o->seconds;
    case RATE:
        return sscanf(optarg, "%lu%c", &o->rate, &rest) == 1 && o->rate >= 1000 &&
               o->rate < UINT64_C(1) << 40;
    case COMPRESSION:
        o->compression = optarg;
        return compression_number(optarg);
    case CLIP:
        return clip_place_parse(&o->clip, optarg);
    case READY:
        return sscanf(optarg, "%d%c", &o->ready_fd, &rest) == 1;
    case JSON:
        o->json = optarg;
        return true;
    case TAP:
        o->tap = optarg;
        return true;
    case PASSWORD:
        o->password_file = optarg;
        return true;
    case CA:
        o->target.ca_file = optarg;
        return true;
    case SUBJECT:
        o->target.host_subject = optarg;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    default:
        return false;
    }
}

static bool parse(struct options *o, int argc, char **argv)
{
    static const struct option longs[] = {{"time", 1, 0, 't'},
                                          {"rate", 1, 0, RATE},
                                          {"compression", 1, 0, COMPRESSION},
                                          {"json", 1, 0, JSON},
                                          {"tap", 1, 0, TAP},
                                          {"clip", 1, 0, CLIP},
                                          {"password-file", 1, 0, PASSWORD},
                                          {"ca-file", 1, 0, CA},
                                          {"host-subject", 1, 0, SUBJECT},
                                          {"ready-fd", 1, 0, READY},
                                          {"quiet", 0, 0, 'q'},
                                          {0}};
    const char *why, *ca, *subject;
    int c;

    while ((c = getopt_long(argc, argv, "t:q", longs, NULL)) != -1)
        if (!option(o, c)) {
            if (c != '?')
                fprintf(stderr, "spicetap meter: %s: not a value for this option\n", optarg);
            return false;
        }
    if (optind + 1 != argc) {
        fprintf(stderr, "spicetap meter: name one server: spicetap meter URI\n");
        return false;
    }
    ca = o->target.ca_file ? o->target.ca_file : getenv("SPICETAP_CA_FILE");
    subject = o->target.host_subject ? o->target.host_subject : getenv("SPICETAP_HOST_SUBJECT");
    o->uri = argv[optind];
    if (!target_parse(&o->target, o->uri, &why)) {
        fprintf(stderr, "spicetap meter: bad URI: %s\n", why);
        return false;
    }
    o->target.ca_file = ca;
    o->target.host_subject = subject;
    return true;
}

static const char *password(const struct options *o)
{
    static char line[256];
    FILE *f = o->password_file ? fopen(o->password_file, "re") : NULL;

    if (!o->password_file)
        return getenv("SPICETAP_PASSWORD");
    if (!f || !fgets(line, sizeof(line), f)) {
        fprintf(stderr, "spicetap meter: %s: cannot be read\n", o->password_file);
        exit(EXIT_ENV);
    }
    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static void on_event(void *context, const struct tap_event *ev)
{
    struct meter *m = context;

    if (m->tap && !m->tap_error)
        m->tap_error = tap_write(m->tap, ev);
}

static int finish(struct meter *m)
{
    int error = m->tap ? tap_writer_close(m->tap) : 0;
    int json = m->options->json ? report_json(m) : 0;

    if (m->opened && !m->options->quiet)
        report_text(m);
    if (m->error[0])
        fprintf(stderr, "spicetap meter: %s: %s\n", m->options->uri, m->error);
    if (error || json)
        fprintf(stderr, "spicetap meter: %s: %s\n", error ? m->options->tap : m->options->json,
                strerror(error ? -error : -json));
    return m->result ? m->result : error || json ? EXIT_PART : EXIT_DONE;
}

static void no_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
    (void)domain, (void)level, (void)text, (void)data;
}

int main(int argc, char **argv)
{
    static struct options o = {.clip = CLIP_PLACE, .ready_fd = -1};
    static struct meter m = {.options = &o, .lock = PTHREAD_MUTEX_INITIALIZER};
    const char *debug;
    int error;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
        return fputs(help, stdout) < 0;
    if (!parse(&o, argc, argv))
        return EXIT_USAGE;
    signal(SIGPIPE, SIG_IGN);
    debug = getenv("G_MESSAGES_DEBUG");
    if (!debug || !*debug)
        g_log_set_default_handler(no_log, NULL);
    m.password = password(&o);
    error = o.tap ? tap_writer_open(&m.tap, o.tap, SOURCE_CLIENT) : 0;
    if (error) {
        fprintf(stderr, "spicetap meter: %s: %s\n", o.tap, strerror(-error));
        return EXIT_ENV;
    }
    m.counts.emit = on_event;
    m.counts.context = &m;
    clip_init(&m.clip, &o.clip);
    m.relay = relay_new(&o.target, o.rate, &m.counts, &m.lock);
    if (!m.relay)
        return EXIT_ENV;
    session_run(&m);
    return finish(&m);
}
