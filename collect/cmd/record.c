/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap record: options and messages; record/recorder.h does the work. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/options.h"
#include "base/secret.h"
#include "cmd/commands.h"
#include "cmd/record_many.h"
#include "event/clip_place.h"
#include "event/compression.h"
#include "event/keys_spec.h"
#include "event/link_spec.h"
#include "record/recorder.h"

enum {
    DEFAULT_BUFFER_MIB = 16,
    MAX_BUFFER_MIB = 1024,
    MAX_SECONDS = 10000000,
    LEAST_RATE = 1000, /* bytes a second; the same limits as spicetap-meter's --rate */
    LIVE_EVERY = 10,   /* seconds between live lines where no terminal overwrites them */
};

#define MAX_RATE (UINT64_C(1) << 39)
#define SECOND   1000000000

#define MOST_BYTES   (UINT64_C(1) << 50)
#define DEFAULT_FREE (UINT64_C(1) << 30)

/* ---- options ---- */

enum {
    OPT_ALL = OPTIONS_LONG,
    OPT_MAX_SIZE,
    OPT_MIN_FREE,
    OPT_BUFFER,
    OPT_STOCK,
    OPT_NO_QEMU,
    OPT_GUEST,
    OPT_CLIENT,
    OPT_CLIENT_RATE,
    OPT_CLIENT_LINK,
    OPT_CLIENT_KEYS,
    OPT_CLIENT_COMPRESSION,
    OPT_CLIENT_CLIP,
    OPT_CLIENT_PICTURES
};

static const struct argp_option option_table[] = {
    {"domain", 'd', "NAME", 0,
     "The VM, by its libvirt domain or QEMU's -name; may be given several times", 0},
    {"pid", 'p', "PID", 0, "The VM, by its process", 0},
    {"all", OPT_ALL, NULL, 0, "All VMs that run now", 0},
    {"output", 'o', "RUN", 0,
     "The folder to make (default: run-NAME-TIME); of several VMs, a folder with a run for each",
     1},
    {"time", 't', "SECONDS", 0,
     "How long to record, in the VM's time (default: until Ctrl-C or the VM's end)", 1},
    {"quiet", 'q', NULL, 0, "Print no live line", 1},
    {"max-size", OPT_MAX_SIZE, "SIZE", 0,
     "End when the run has this size, such as 500M or 2G (default: no bound)", 1},
    {"min-free", OPT_MIN_FREE, "SIZE", 0,
     "End, or do not begin, with less than this free on the disk (default: 1G; 0: no bound)", 1},
    {"buffer", OPT_BUFFER, "MIB", 0,
     "Size of the kernel's ring buffer, a power of two up to 1024 (default: 16)", 1},
    {"stock", OPT_STOCK, NULL, 0,
     "Record a spice-server without probes too: QEMU's calls of it, and nothing of its inside", 1},
    {"no-qemu", OPT_NO_QEMU, NULL, 0, "Record spice-server's probes and not QEMU's", 1},
    {"guest", OPT_GUEST, "PATH", 0,
     "Record the guest's events too, from spicetap-guest. PATH is the unix socket of its port "
     "org.spicetap.0, or `auto`",
     2},
    {"client", OPT_CLIENT, "URI", 0, "Run a client without a window (spicetap meter) meanwhile", 3},
    {"client-rate", OPT_CLIENT_RATE, "N", 0, "The client reads at most N bytes a second", 3},
    {"client-link", OPT_CLIENT_LINK, "LINK", 0,
     "The client is behind a slow link: RTT/RATE[/QUEUE], such as 80ms/10mbit", 3},
    {"client-keys", OPT_CLIENT_KEYS, "KEYS", 0,
     "The client presses keys and measures until the picture answers: N[,MS[,X,Y,WxH]]", 3},
    {"client-compression", OPT_CLIENT_COMPRESSION, "NAME", 0,
     "The client asks for this image compression", 3},
    {"client-clip", OPT_CLIENT_CLIP, "X,Y[,WxH]", 0,
     "Where the client looks for the clip (default: 50,50,1024x768)", 3},
    {"client-pictures", OPT_CLIENT_PICTURES, "N", 0,
     "The client keeps up to N pictures of the clip, as PNG files in the run's folder pictures", 3},
    {0},
};

static const char doc[] =
    "Records what the SPICE server and QEMU of a running VM do into a folder. `spicetap info`, "
    "`explain`, `export` and others read it without the VM and without rights."
    "\vNeeds root, or the capabilities CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE; older kernels "
    "need CAP_SYS_ADMIN too: see spicetap-record(1). Gives all of them up once it is attached.\n"
    "The VM must run on a spice-server with probes: see spicetap-stack(7). --stock records what a "
    "library without them gives.\n"
    "Where the VM runs in slow motion (under libfaketime), all times are the VM's.";

static const char *speaker = "spicetap record"; /* begins each message */

static error_t parse_buffer(struct argp_state *state, const char *text, unsigned *mib)
{
    uint32_t value;

    if (options_u32(state, "--buffer", text, 1, MAX_BUFFER_MIB, &value))
        return EINVAL;
    *mib = value;
    if (!(value & (value - 1)))
        return 0;
    argp_error(state, "--buffer %s: not a power of two", text);
    return EINVAL;
}

/* Does not print the URI: it holds the secret. */
static error_t parse_client(struct argp_state *state, const char *uri)
{
    if (!secret_in_uri(uri))
        return 0;
    argp_error(state, "--client: a user or password in the URI would be visible to every user and "
                      "in the run; set SPICETAP_PASSWORD instead");
    return EINVAL;
}

static error_t parse_client_option(struct argp_state *state, int key, const char *arg,
                                   struct client_options *client)
{
    struct clip_place unused;
    struct link_spec link;
    struct keys_spec keys;
    enum { LEAST_PICTURES = 2, MOST_PICTURES = 1000 };

    switch (key) {
    case OPT_CLIENT_PICTURES:
        return options_u32(state, "--client-pictures", arg, LEAST_PICTURES, MOST_PICTURES,
                           &client->pictures);
    case OPT_CLIENT:
        client->uri = arg;
        return parse_client(state, arg);
    case OPT_CLIENT_RATE:
        return options_u64(state, "--client-rate", arg, LEAST_RATE, MAX_RATE, &client->rate);
    case OPT_CLIENT_LINK:
        client->link = arg;
        if (link_spec_parse(&link, arg))
            return 0;
        argp_error(state, "--client-link %s: not " LINK_SPEC_WORDS, arg);
        return EINVAL;
    case OPT_CLIENT_KEYS:
        client->keys = arg;
        if (keys_spec_parse(&keys, arg))
            return 0;
        argp_error(state, "--client-keys %s: not " KEYS_SPEC_WORDS, arg);
        return EINVAL;
    case OPT_CLIENT_COMPRESSION:
        client->compression = arg;
        if (compression_number(arg))
            return 0;
        argp_error(state, "--client-compression %s: not " COMPRESSION_NAMES, arg);
        return EINVAL;
    case OPT_CLIENT_CLIP:
        client->clip = arg;
        if (clip_place_parse(&unused, arg))
            return 0;
        argp_error(state, "--client-clip %s: not X,Y or X,Y,WIDTHxHEIGHT, in pixels", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool is_several(const struct record_command *o)
{
    return o->all || o->domain_count > 1;
}

static error_t check_options(struct argp_state *state, struct record_command *command)
{
    struct recorder_options *o = &command->recorder;
    const struct client_options *c = &o->client;

    if ((command->domain_count > 0) + (o->pid > 0) + command->all != 1)
        argp_error(state, "name the VM with --domain NAME or --pid PID, or take --all");
    else if (!c->uri && (c->rate || c->link || c->keys || c->compression || c->clip || c->pictures))
        argp_error(state, "--client-rate, --client-link, --client-keys, --client-compression, "
                          "--client-clip and --client-pictures need --client");
    else if (c->rate && c->link)
        argp_error(state, "--client-rate and --client-link exclude each other: a link has a rate");
    else if (is_several(command) && (c->uri || (o->guest && strcmp(o->guest, "auto"))))
        argp_error(state, "--client and the path of --guest are those of one VM: record it alone");
    else {
        o->domain = command->domain_count ? command->domains[0] : NULL;
        return 0;
    }
    return EINVAL;
}

static error_t add_domain(struct argp_state *state, struct record_command *o, const char *name)
{
    if (o->domain_count < RECORD_VMS) {
        o->domains[o->domain_count++] = name;
        return 0;
    }
    argp_error(state, "--domain: at most %d", RECORD_VMS);
    return EINVAL;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct record_command *command = state->input;
    struct recorder_options *o = &command->recorder;

    switch (key) {
    case 'd':
        return add_domain(state, command, arg);
    case OPT_ALL:
        command->all = true;
        return 0;
    case 'p':
        return options_pid(state, "--pid", arg, &o->pid);
    case 'o':
        o->output = arg;
        return 0;
    case 't':
        return options_u32(state, "--time", arg, 1, MAX_SECONDS, &o->seconds);
    case 'q':
        command->quiet = true;
        return 0;
    case OPT_MAX_SIZE:
        return options_bytes(state, "--max-size", arg, MOST_BYTES, &o->disk.most);
    case OPT_MIN_FREE:
        return options_bytes(state, "--min-free", arg, MOST_BYTES, &o->disk.free);
    case OPT_BUFFER:
        return parse_buffer(state, arg, &o->tracer.buffer_mib);
    case OPT_STOCK:
        o->tracer.stock = true;
        return 0;
    case OPT_NO_QEMU:
        o->tracer.no_qemu = true;
        return 0;
    case OPT_GUEST:
        o->guest = arg;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "%s: name the VM with --domain or --pid, or take --all", arg);
        return EINVAL;
    case ARGP_KEY_END:
        return check_options(state, command);
    default:
        return parse_client_option(state, key, arg, &o->client);
    }
}

/* ---- messages ---- */

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "%s: ", speaker);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static void say(void *who, const char *text)
{
    (void)who;
    tell("%s", text);
}

static const char *human(char *text, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    size_t unit = 0;

    for (; bytes >= 1000 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
        bytes /= 1000;
    snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

/* "3 events lost", or "3 events lost and 2 losses of unknown size". */
static const char *losses(char *text, size_t size, const struct recorder_view *v)
{
    int n = snprintf(text, size, "%" PRIu64 " event%s lost", v->lost, v->lost == 1 ? "" : "s");

    if (v->unknown)
        snprintf(text + n, size - (size_t)n, " and %" PRIu64 " loss%s of unknown size", v->unknown,
                 v->unknown == 1 ? "" : "es");
    return text;
}

static void print_missing(const json_t *missing, bool stock)
{
    const json_t *entry;
    size_t i;

    if (stock)
        tell("this spice-server has no probes (a stock build): only QEMU's "
             "calls of it are recorded, nothing of streams, evictions and clients");
    json_array_foreach(missing, i, entry)
    {
        if (stock && !strcmp(json_string_value(json_object_get(entry, "provider")), "spice"))
            continue;
        tell("not recorded: %s:%s: %s", json_string_value(json_object_get(entry, "provider")),
             json_string_value(json_object_get(entry, "name")),
             json_string_value(json_object_get(entry, "why")));
    }
}

static void print_attached(const struct recorder *r, const struct recorder_options *o)
{
    struct recorder_view v;

    recorder_look(r, &v);
    if (v.vm->spice.replaced)
        tell("%s was replaced on disk since the VM started. The VM's own copy "
             "is traced (build id %s)",
             v.vm->spice.name, v.vm->spice.probes.build_id);
    if (!o->tracer.no_qemu && !vm_has_qemu_probes(v.vm))
        tell("%s has no probes (a stock build): recording without QEMU's", v.vm->exe.name);
    print_missing(v.missing, v.stock);
    fprintf(stderr, "recording %d (%s) to %s: attached to %u %s and %u qemu probes\n", v.vm->pid,
            v.vm->domain ? v.vm->domain : "no name", v.path, v.spice,
            v.stock ? "functions of spice-server" : "spice", v.qemu);
    if (v.scale != 1)
        tell("the VM runs in slow motion (libfaketime). All times are the "
             "VM's: 1 s takes %g s",
             v.scale);
    fflush(stderr);
}

struct live {
    bool quiet, tty;
    uint64_t seconds;
    uint64_t before, events, sent; /* when the last line was printed, and what it had */
};

static void print_live(void *who, const struct recorder *r)
{
    struct live *l = who;
    struct recorder_view v;
    char sent[32], lost[96];
    double seconds;

    l->seconds++;
    if (l->quiet || (!l->tty && l->seconds % LIVE_EVERY))
        return;
    recorder_look(r, &v);
    seconds = (double)(v.now - (l->before ? l->before : v.started)) / SECOND;
    human(sent, sizeof(sent), (double)(v.counts->sent - l->sent) / seconds);
    fprintf(stderr, "%s%" PRIu64 " s  %.0f events/s  ", l->tty ? "\r" : "",
            (v.now - v.started) / SECOND, (double)(v.events - l->events) / seconds);
    if (v.stock)
        fprintf(stderr, "%" PRIu64 " calls for memory  ", v.counts->kinds[EV_spice_qxl_oom]);
    else
        fprintf(stderr, "%" PRIu64 " OOMs  streams %u of %" PRIu64 "  %s/s sent  ",
                v.counts->kinds[EV_oom_begin], counts_running(v.counts), v.counts->streams, sent);
    fprintf(stderr, "%s%s", losses(lost, sizeof(lost), &v), l->tty ? "\033[K" : "\n");
    l->before = v.now;
    l->events = v.events;
    l->sent = v.counts->sent;
}

static void print_end(const struct recorder *r)
{
    char size[32], sent[32], lost[96];
    struct recorder_view v;

    recorder_look(r, &v);
    printf("%s: %.1f s, %" PRIu64 " events in %s, ", v.path, (double)(v.ended - v.started) / SECOND,
           v.events, human(size, sizeof(size), (double)v.bytes));
    if (v.stock)
        printf("%" PRIu64 " calls for memory, ", v.counts->kinds[EV_spice_qxl_oom]);
    else
        printf("%" PRIu64 " OOMs, %" PRIu64 " evictions, %" PRIu64 " streams created and %" PRIu64
               " ended, %s sent, ",
               v.counts->kinds[EV_oom_begin], v.counts->kinds[EV_evict],
               v.counts->kinds[EV_stream_create], v.counts->kinds[EV_stream_stop],
               human(sent, sizeof(sent), (double)v.counts->sent));
    printf("%s; %s\n", losses(lost, sizeof(lost), &v), v.end);
}

/* ---- the command ---- */

/* Signals arrive at a descriptor, where the recorder's poll sees them. */
static int open_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN); /* whoever read our messages is gone: the run is still to be ended */
    signal(SIGXFSZ, SIG_IGN); /* a file size limit becomes an error of write(), as a full disk is */
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int failed(const struct loader_error *e, int error)
{
    say(NULL, e->text);
    if (error == -EEXIST)
        return EXIT_USAGE;
    return error == -ENOSPC || error == -EFBIG || error == -EDQUOT ? EXIT_PART : EXIT_ENV;
}

static int record(struct recorder *r, const struct record_command *o)
{
    struct live live = {.quiet = o->quiet, .tty = isatty(STDERR_FILENO)};
    struct loader_error e = {""};
    struct recorder_view v;
    int error = recorder_begin(r, &e);

    if (error)
        return failed(&e, error);
    print_attached(r, &o->recorder);
    recorder_run(r, print_live, &live);
    if (live.tty && !live.quiet)
        fputc('\n', stderr);
    error = recorder_end(r);
    print_end(r);
    if (!error)
        return EXIT_DONE;
    recorder_look(r, &v);
    tell("%s: %s; what was recorded before is kept in %s", v.end, strerror(-error), v.path);
    return EXIT_PART;
}

/* Readable when one of the two is. */
static int either(int signals, int stop)
{
    struct epoll_event readable = {.events = EPOLLIN};
    int both = epoll_create1(EPOLL_CLOEXEC);

    if (both >= 0 && (epoll_ctl(both, EPOLL_CTL_ADD, signals, &readable) ||
                      epoll_ctl(both, EPOLL_CTL_ADD, stop, &readable))) {
        close(both);
        both = -1;
    }
    return both;
}

int record_one(const struct record_command *command, int stop, const char *who)
{
    struct record_command o = *command;
    struct recorder *r = NULL;
    struct loader_error e = {""};
    int code, error;

    speaker = who;
    if (stop >= 0)
        o.recorder.stop = either(o.recorder.stop, stop);
    error = recorder_open(&r, &o.recorder, &e);
    code = error ? failed(&e, error) : record(r, &o);
    recorder_close(r);
    return code;
}

const struct command_options record_options = {
    .parser = {option_table, on_option, "--domain NAME\n--pid PID\n--all", doc, NULL, NULL, NULL},
    .words = {{OPT_CLIENT_COMPRESSION, compression_name, false}},
};

int cmd_record(int argc, char **argv)
{
    struct record_command o = {.recorder = {.tracer.buffer_mib = DEFAULT_BUFFER_MIB,
                                            .disk.free = DEFAULT_FREE,
                                            .say.line = say}};
    int code = options_parse(&record_options.parser, argc, argv, &o);

    if (code != OPTIONS_GO)
        return code;
    o.recorder.stop = open_signals();
    code = is_several(&o) ? record_many(&o) : record_one(&o, -1, speaker);
    close(o.recorder.stop);
    return code;
}
