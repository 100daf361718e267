/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap-meter: reads its options, runs the session, writes the results. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/options.h"
#include "base/out.h"
#include "event/compression.h"
#include "meter.h"
#include "option_table.h"

#define MIN_RATE UINT64_C(1000) /* bytes a second: below it a handshake takes minutes */
#define MAX_RATE (UINT64_C(1) << 40)

static const char doc[] =
    "Connects to a SPICE server as a viewer without a window, and measures what arrives and how it "
    "is shown."
    "\vURI is spice://HOST:PORT, spice+tls://HOST:PORT or spice+unix:///PATH.\n\n"
    "The password comes from --password-file or the variable SPICETAP_PASSWORD. "
    "SPICETAP_CA_FILE and SPICETAP_HOST_SUBJECT stand in for the two TLS options.";

static bool number_in(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *value >= low && *value <= high;
}

/* NULL: `arg` is good and stored. Else what it should have been. */
static const char *set_number(struct options *o, int key, const char *arg)
{
    uint64_t value;

    switch (key) {
    case 't':
        if (!number_in(arg, 1, UINT32_MAX, &value))
            return "a number of seconds";
        o->seconds = (unsigned)value;
        return NULL;
    case RATE:
        if (!number_in(arg, MIN_RATE, MAX_RATE, &value))
            return "a number of bytes a second, 1000 or more";
        o->rate = value;
        return NULL;
    case KEYS_LIMIT:
        if (!number_in(arg, 1, 600000, &value))
            return "a number of ms up to 600000";
        o->keys_limit = (unsigned)value;
        return NULL;
    case PICTURE_COUNT:
        if (!number_in(arg, 2, PICTURES_MOST, &value))
            return "a number of pictures, 2 to 1000";
        o->picture_count = (unsigned)value;
        return NULL;
    default:
        if (!number_in(arg, 0, INT32_MAX, &value))
            return "a file descriptor";
        *(key == READY ? &o->ready_fd : &o->go_fd) = (int)value;
        return NULL;
    }
}

/* The same for options that take a name or a place. */
static const char *set_text(struct options *o, int key, const char *arg)
{
    switch (key) {
    case LINK:
        o->link_words = arg;
        return link_spec_parse(&o->link, arg) ? NULL : LINK_SPEC_WORDS;
    case COMPRESSION:
        o->compression = arg;
        return compression_number(arg) ? NULL : COMPRESSION_NAMES;
    case KEYS:
        return keys_spec_parse(&o->keys, arg) ? NULL : KEYS_SPEC_WORDS;
    case CLIP:
        return clip_place_parse(&o->clip, arg) ? NULL : "X,Y or X,Y,WIDTHxHEIGHT";
    case PICTURES:
        o->pictures = arg;
        return NULL;
    case JSON:
        o->json = arg;
        return NULL;
    case TAP:
        o->tap = arg;
        return NULL;
    case PASSWORD:
        o->password_file = arg;
        return NULL;
    case CA:
        o->ca_file = arg;
        return NULL;
    default:
        o->host_subject = arg;
        return NULL;
    }
}

/* The variables apply where the options are not given. */
static error_t set_target(struct options *o, const struct argp_state *state)
{
    const char *why;

    if (o->rate && o->link_words) {
        argp_error(state, "--rate and --link exclude each other: a link has a rate");
        return EINVAL;
    }
    if (!target_parse(&o->target, o->uri, &why)) {
        argp_error(state, "bad URI: %s", why);
        return EINVAL;
    }
    o->target.ca_file = o->ca_file ? o->ca_file : getenv("SPICETAP_CA_FILE");
    o->target.host_subject = o->host_subject ? o->host_subject : getenv("SPICETAP_HOST_SUBJECT");
    return 0;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    const char *wanted;

    switch (key) {
    case 'q':
        o->quiet = true;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_NO_ARGS: /* not options_one(): a URI can hold a password, so it is not printed */
        if (key == ARGP_KEY_ARG && !o->uri) {
            o->uri = arg;
            return 0;
        }
        argp_error(state, "name one server: spicetap meter URI");
        return EINVAL;
    case ARGP_KEY_END:
        return set_target(o, state);
    case 't':
    case RATE:
    case READY:
    case GO:
    case KEYS_LIMIT:
    case PICTURE_COUNT:
        wanted = set_number(o, key, arg);
        break;
    default:
        if (key < LINK || (key > SUBJECT && key != KEYS))
            return ARGP_ERR_UNKNOWN;
        wanted = set_text(o, key, arg);
    }
    if (!wanted)
        return 0;
    argp_error(state, "%s is not %s", arg, wanted);
    return EINVAL;
}

/* EXIT_DONE and *password, NULL if there is none; or EXIT_ENV after printing why. */
static int read_password(const struct options *o, const char **password)
{
    static char line[256];
    FILE *f;

    *password = getenv("SPICETAP_PASSWORD");
    if (!o->password_file)
        return EXIT_DONE;
    f = fopen(o->password_file, "re");
    if (!f || !fgets(line, sizeof(line), f)) {
        fprintf(stderr, "spicetap meter: %s: %s\n", o->password_file,
                f ? "cannot read a first line" : strerror(errno));
        if (f)
            fclose(f);
        return EXIT_ENV;
    }
    fclose(f);
    line[strcspn(line, "\r\n")] = '\0';
    *password = line;
    return EXIT_DONE;
}

static void on_event(void *context, const struct tap_event *ev)
{
    struct meter *m = context;

    if (m->tap && !m->tap_error)
        m->tap_error = tap_write(m->tap, ev);
}

/* The exit code: a disk that is full under what was printed is a failure. */
static int end(int code)
{
    int error = out_finish(stdout);

    if (error)
        fprintf(stderr, "spicetap meter: standard output: %s\n", strerror(-error));
    return error && !code ? EXIT_PART : code;
}

static void complain(const char *path, int error)
{
    if (error)
        fprintf(stderr, "spicetap meter: %s: %s\n", path, strerror(-error));
}

static int finish(struct meter *m)
{
    int error = m->tap ? tap_writer_close(m->tap) : 0;
    int json = m->options->json ? report_json(m) : 0;
    char server[TARGET_TEXT];

    if (m->opened && !m->options->quiet)
        report_text(m);
    target_text(&m->options->target, server, sizeof(server));
    if (m->error[0])
        fprintf(stderr, "spicetap meter: %s: %s\n", server, m->error);
    complain(m->options->tap, error);
    complain(m->options->json, json);
    complain(m->options->pictures, m->pictures_error);
    pictures_free(&m->pictures);
    return end(m->result ? m->result : error || json || m->pictures_error ? EXIT_PART : EXIT_DONE);
}

/* GLib's warnings are for its developers: ours say what matters to the user. */
static void no_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer data)
{
    (void)domain, (void)level, (void)text, (void)data;
}

int main(int argc, char **argv)
{
    static const struct argp parser = {
        meter_option_table, on_option, METER_OPERAND, doc, NULL, NULL, NULL};
    static struct options o = {
        .ready_fd = -1, .go_fd = -1, .keys_limit = 30000, .picture_count = PICTURES_DEFAULT};
    static struct meter m = {.options = &o, .lock = PTHREAD_MUTEX_INITIALIZER};
    const char *debug = getenv("G_MESSAGES_DEBUG");
    int error;

    o.clip = CLIP_PLACE;
    error = options_parse_program(&parser, "spicetap-meter", "spicetap meter", argc, argv, &o);
    if (error != OPTIONS_GO)
        return end(error);
    signal(SIGPIPE, SIG_IGN);
    if (!debug || !*debug)
        g_log_set_default_handler(no_log, NULL);
    if (read_password(&o, &m.password))
        return EXIT_ENV;
    error = o.tap ? tap_writer_open(&m.tap, o.tap, SOURCE_CLIENT) : 0;
    complain(o.tap, error);
    if (error)
        return EXIT_ENV;
    error = o.pictures ? pictures_open(&m.pictures, o.pictures, o.picture_count) : 0;
    complain(o.pictures, error);
    if (error)
        return EXIT_ENV;
    m.counts.emit = on_event;
    m.counts.context = &m;
    clip_init(&m.clip, &o.clip);
    m.relay = relay_new(&o.target, o.rate, &o.link, &m.counts, &m.lock);
    if (!m.relay || keys_init(&m.keys, &o.keys, o.keys_limit * INT64_C(1000000))) {
        fprintf(stderr, "spicetap meter: no memory\n");
        return EXIT_ENV;
    }
    session_run(&m);
    return finish(&m);
}
