/* SPDX-License-Identifier: GPL-2.0-or-later */
/* spicetap record: a VM's events into a bundle, until time is up, Ctrl-C or the VM's end. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "loader/loader.h"
#include "run/bundle.h"
#include "event/clip_place.h"
#include "cmd/commands.h"
#include "event/compression.h"
#include "event/fields.h"
#include "record/client.h"
#include "record/guest.h"
#include "record/running.h"
#include "run/vmlog.h"
#include "record/worker_cpu.h"

static const char help_record[] =
    "Usage: spicetap record --domain NAME | --pid PID [OPTIONS]\n\n"
    "Records what the SPICE server and QEMU of a running VM do into a folder, for `spicetap "
    "info`,\n"
    "`explain`, `export` and others, which need neither the VM nor any right.\n\n"
    "  -d, --domain NAME    the VM, by its libvirt domain (or QEMU's -name)\n"
    "  -p, --pid PID        the VM, by its process\n"
    "  -o, --output RUN     the folder to make; default run-NAME-TIME\n"
    "  -t, --time SECONDS   how long; default until Ctrl-C or the VM's end\n"
    "      --buffer MIB     size of the kernel's ring buffer, a power of two; default 16\n"
    "      --no-qemu        only spice-server's probes, not QEMU's own\n"
    "      --guest PATH     the guest's events too, from spicetap-guest in it: PATH is the unix\n"
    "                       socket of its port org.spicetap.0, or `auto`\n"
    "      --client URI     a headless client (spicetap meter) for the time of the recording\n"
    "      --client-rate N  the client takes at most N bytes a second\n"
    "      --client-compression NAME\n"
    "                       the client asks for this image compression\n"
    "      --client-clip X,Y[,WxH]\n"
    "                       where the client looks for the clip; default 50,50,1024x768\n"
    "  -q, --quiet          no live line\n\n"
    "Needs root, or the capabilities CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE, on older kernels\n"
    "CAP_SYS_ADMIN besides: see spicetap-record(1). All are given up once attached.\n"
    "The VM must run on a spice-server with probes: see spicetap-stack(7).\n";

enum {
    DEFAULT_BUFFER_MIB = 16,
    MAX_BUFFER_MIB = 1024,
    DRAIN_MS = 50,          /* the ring buffer is looked at this often */
    DRAIN_EVENTS = 1 << 16, /* at most so many before time and signals are looked at */
    LIVE_EVERY = 10,        /* seconds between live lines where no terminal overwrites them */
    RESERVE_BYTES = 1 << 16,
};

#define SECOND UINT64_C(1000000000)

struct options {
    const char *domain, *output, *guest, *client, *client_compression, *client_clip;
    unsigned long client_rate; /* 0: no limit */
    pid_t pid;
    unsigned seconds; /* 0: no end */
    bool quiet;
    struct tracer_options tracer;
};

struct recording {
    const struct options *options;
    char *path; /* of the bundle */
    struct vm vm;
    struct tracer *tracer;
    struct bundle_writer *bundle;
    struct tap_writer *logs[SOURCE_QEMU + 1];
    struct vmlog vmlog;
    struct record_client client;
    struct worker_cpu workers;
    json_t *worker_times;     /* at the end */
    struct guest_port *guest; /* NULL: not asked for, or there is none */
    int signals, reserve;
    unsigned attached[SOURCE_QEMU + 1];
    /* What the events say, for the live line and the summary. */
    uint64_t seen[EV_MAX], events, lost, lost_by[2], sent;
    struct running running;
    uint64_t started, ended; /* ns, CLOCK_MONOTONIC: between them every event counts */
    const char *end;         /* why it ended */
    int error;               /* of a log: it ended because of that */
};

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* ---- options -------------------------------------------------------------------------------- */

static bool number(const char *text, unsigned long min, unsigned long max, unsigned long *value)
{
    char *end;

    errno = 0;
    *value = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *value >= min && *value <= max;
}

static bool parse_number(const char *option, const char *text, unsigned long min, unsigned long max,
                         unsigned long *value)
{
    if (number(text, min, max, value)) {
        return true;
    }
    fprintf(stderr, "spicetap record: %s %s: not a number from %lu to %lu\n", option, text, min,
            max);
    return false;
}

static bool parse_buffer(const char *text, unsigned *mib)
{
    unsigned long value;

    if (!parse_number("--buffer", text, 1, MAX_BUFFER_MIB, &value)) {
        return false;
    }
    *mib = (unsigned)value;
    if (value & (value - 1)) {
        fprintf(stderr, "spicetap record: --buffer %s: not a power of two\n", text);
        return false;
    }
    return true;
}

static bool parse_compression(const char *name)
{
    if (compression_number(name)) {
        return true;
    }
    fprintf(stderr, "spicetap record: --client-compression %s: not " COMPRESSION_NAMES "\n", name);
    return false;
}

static bool parse_clip(const char *place)
{
    struct clip_place unused;

    if (clip_place_parse(&unused, place)) {
        return true;
    }
    fprintf(stderr, "spicetap record: --client-clip %s: not X,Y or X,Y,WIDTHxHEIGHT, in pixels\n",
            place);
    return false;
}

enum {
    OPT_BUFFER = 256,
    OPT_NO_QEMU,
    OPT_GUEST,
    OPT_CLIENT,
    OPT_CLIENT_RATE,
    OPT_CLIENT_COMPRESSION,
    OPT_CLIENT_CLIP
};

static bool parse_option(struct options *o, int option)
{
    unsigned long value = 0;

    switch (option) {
    case 'd':
        o->domain = optarg;
        return true;
    case 'p':
        if (!parse_number("--pid", optarg, 1, INT32_MAX, &value)) {
            return false;
        }
        o->pid = (pid_t)value;
        return true;
    case 'o':
        o->output = optarg;
        return true;
    case 't':
        if (!parse_number("--time", optarg, 1, 10000000, &value)) {
            return false;
        }
        o->seconds = (unsigned)value;
        return true;
    case 'q':
        o->quiet = true;
        return true;
    case OPT_NO_QEMU:
        o->tracer.no_qemu = true;
        return true;
    case OPT_GUEST:
        o->guest = optarg;
        return true;
    case OPT_CLIENT:
        o->client = optarg;
        return true;
    case OPT_CLIENT_RATE:
        return parse_number("--client-rate", optarg, 1000, 1UL << 39, &o->client_rate);
    case OPT_CLIENT_COMPRESSION:
        o->client_compression = optarg;
        return parse_compression(optarg);
    case OPT_CLIENT_CLIP:
        o->client_clip = optarg;
        return parse_clip(optarg);
    case OPT_BUFFER:
        return parse_buffer(optarg, &o->tracer.buffer_mib);
    default:
        return false; /* getopt has said why */
    }
}

static bool parse_options(struct options *o, int argc, char **argv)
{
    static const struct option longs[] = {
        {"domain", required_argument, NULL, 'd'},
        {"pid", required_argument, NULL, 'p'},
        {"output", required_argument, NULL, 'o'},
        {"time", required_argument, NULL, 't'},
        {"quiet", no_argument, NULL, 'q'},
        {"buffer", required_argument, NULL, OPT_BUFFER},
        {"no-qemu", no_argument, NULL, OPT_NO_QEMU},
        {"guest", required_argument, NULL, OPT_GUEST},
        {"client", required_argument, NULL, OPT_CLIENT},
        {"client-rate", required_argument, NULL, OPT_CLIENT_RATE},
        {"client-compression", required_argument, NULL, OPT_CLIENT_COMPRESSION},
        {"client-clip", required_argument, NULL, OPT_CLIENT_CLIP},
        {0},
    };
    int option;

    *o = (struct options){.tracer.buffer_mib = DEFAULT_BUFFER_MIB};
    while ((option = getopt_long(argc, argv, "d:p:o:t:q", longs, NULL)) != -1) {
        if (!parse_option(o, option)) {
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr,
                "spicetap record: %s: not an option; a VM is named with --domain or --pid\n",
                argv[optind]);
        return false;
    }
    if ((o->client_rate || o->client_compression || o->client_clip) && !o->client) {
        fprintf(stderr, "spicetap record: --client-rate, --client-compression and --client-clip "
                        "are of the client that --client URI starts\n");
        return false;
    }
    if (!o->domain == !o->pid) {
        fprintf(stderr, "spicetap record: name the VM with --domain NAME or --pid PID\n");
        return false;
    }
    return true;
}

/* ---- what run.json says of it -----------------------------------------------------------------
 */

static json_t *describe_image(const struct image *image)
{
    return json_pack("{s:s, s:s, s:b}", "path", image->name, "build_id", image->probes.build_id,
                     "replaced_on_disk", image->replaced);
}

/* "nop", "nop5", or "mixed": which kind of site a library was built with. */
static const char *nops(const struct probe_file *file, const char *provider)
{
    const char *kind = NULL;

    for (size_t i = 0; i < file->count; i++) {
        const char *here = nop_kind_name(file->sites[i].nop);

        if (!strcmp(file->sites[i].provider, provider)) {
            kind = !kind || kind == here ? here : "mixed";
        }
    }
    return kind ? kind : "none";
}

/* A bundle is handed on: -spice password=..., and secrets given on the command line, stay here. */
static bool holds_secret(const char *arg)
{
    return strstr(arg, "password") || (strstr(arg, "secret") && strstr(arg, "data"));
}

static json_t *describe_args(char *const *args)
{
    json_t *list = json_array();

    for (size_t i = 0; args[i]; i++) {
        json_array_append_new(
            list,
            json_string(holds_secret(args[i]) ? "(left out: it may hold a secret)" : args[i]));
    }
    return list;
}

static int describe(struct recording *r)
{
    const struct vm *vm = &r->vm;
    json_t *run = bundle_run(r->bundle);
    const json_t *missing = tracer_missing(r->tracer);

    json_object_set_new(run, "target",
                        json_pack("{s:i, s:s?, s:o, s:o, s:o}", "pid", vm->pid, "domain",
                                  vm->domain, "spice", describe_image(&vm->spice), "qemu",
                                  describe_image(&vm->exe), "command_line",
                                  describe_args(vm->args)));
    json_object_set_new(run, "devices", vm_devices(vm->args));
    json_object_set_new(run, "probes",
                        json_pack("{s:{s:i, s:s}, s:{s:i, s:s}, s:O}", "spice", "attached",
                                  r->attached[SOURCE_SPICE], "sites",
                                  nops(&vm->spice.probes, "spice"), "qemu", "attached",
                                  r->attached[SOURCE_QEMU], "sites", nops(&vm->exe.probes, "qemu"),
                                  "missing", missing));
    json_object_set_new(
        run, "buffers",
        json_pack("{s:I}", "ring_bytes", (json_int_t)r->options->tracer.buffer_mib << 20));
    return bundle_save(r->bundle);
}

static void describe_end(struct recording *r)
{
    json_t *run = bundle_run(r->bundle), *kinds = json_object();

    for (size_t i = 0; i < tap_kind_count; i++) {
        uint64_t count = r->seen[tap_kinds[i].kind];

        if (count) {
            json_object_set_new(kinds, tap_kinds[i].name, json_integer((json_int_t)count));
        }
    }
    json_object_set_new(run, "counters",
                        json_pack("{s:I, s:o, s:{s:I, s:I}}", "events", (json_int_t)r->events,
                                  "kinds", kinds, "lost", "ring_full", (json_int_t)r->lost_by[0],
                                  "bad_memory", (json_int_t)r->lost_by[1]));
    json_object_set_new(
        run, "window",
        json_pack("{s:I, s:I}", "from", (json_int_t)r->started, "to", (json_int_t)r->ended));
    if (json_array_size(r->worker_times))
        json_object_set(run, "workers", r->worker_times);
    json_decref(r->worker_times);
    if (r->error) {
        json_object_set_new(run, "error", json_string(strerror(-r->error)));
    }
}

/* ---- events ------------------------------------------------------------------------------------
 */

static uint8_t source_of[EV_MAX]; /* of a kind: looked up once */

static void learn_kinds(void)
{
    for (size_t i = 0; i < tap_kind_count; i++) {
        source_of[tap_kinds[i].kind] = (uint8_t)tap_kinds[i].source;
    }
}

static int on_event(void *context, const struct tap_event *ev)
{
    struct recording *r = context;

    r->events++;
    r->seen[ev->kind]++;
    if (ev->kind == EV_sent) {
        r->sent += FIELDS(ev, sent)->size;
    }
    running_event(&r->running, ev);
    return tap_write(r->logs[source_of[ev->kind]], ev);
}

static int record_losses(struct recording *r)
{
    struct tracer_loss loss;
    int error = 0;

    while (!error && tracer_loss(r->tracer, &loss)) {
        r->lost += loss.count;
        r->lost_by[loss.reason] += loss.count;
        error = tap_write_loss(r->logs[loss.source], loss.time, loss.count, loss.reason);
    }
    return error;
}

static void log_failed(struct recording *r, int error)
{
    r->error = error;
    r->end = error == -ENOSPC ? "the disk is full" : "the log cannot be written";
}

/* How many events there were; a log's error ends the recording. */
static int drain(struct recording *r)
{
    int count = tracer_drain(r->tracer, DRAIN_EVENTS, on_event, r);
    int error = count < 0 ? count : record_losses(r);

    if (error) {
        log_failed(r, error);
        return 0;
    }
    return count;
}

/* ---- the live line
 * -------------------------------------------------------------------------------- */

struct live {
    uint64_t next, before, events, sent;
    bool tty;
};

static void human(char *text, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    size_t unit = 0;

    for (; bytes >= 1000 && unit + 1 < sizeof(units) / sizeof(*units); unit++) {
        bytes /= 1000;
    }
    snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void print_live(const struct recording *r, struct live *l, uint64_t t)
{
    double seconds = (double)(t - l->before) / (double)SECOND;
    char sent[32];

    human(sent, sizeof(sent), (double)(r->sent - l->sent) / seconds);
    fprintf(stderr,
            "%s%" PRIu64 " s  %.0f events/s  %" PRIu64 " OOMs  streams %u of %" PRIu64
            "  %s/s sent  %" PRIu64 " lost%s",
            l->tty ? "\r" : "", (t - r->started) / SECOND,
            (double)(r->events - l->events) / seconds, r->seen[EV_oom_begin],
            running_count(&r->running), r->running.known, sent, r->lost, l->tty ? "\033[K" : "\n");
    l->before = t;
    l->events = r->events;
    l->sent = r->sent;
}

/* ---- the loop
 * --------------------------------------------------------------------------------------- */

/* Once a second: a chunk that nothing is added to would otherwise wait in memory for the next
 * event. */
static void tick(struct recording *r, struct live *l, uint64_t t)
{
    if (t < l->next) {
        return;
    }
    l->next += SECOND;
    for (int s = SOURCE_SPICE; s <= SOURCE_QEMU; s++) {
        if (r->logs[s] && r->events == l->events && !r->error) {
            r->error = tap_writer_flush(r->logs[s]);
        }
    }
    if (!r->options->quiet && (l->tty || (t - r->started) / SECOND % LIVE_EVERY == 0)) {
        print_live(r, l, t);
    }
}

static void wait_or_end(struct recording *r, int timeout)
{
    struct pollfd fds[] = {
        {.fd = r->signals, .events = POLLIN},
        {.fd = r->vm.pidfd, .events = POLLIN},
        {.fd = r->guest ? guest_port_fd(r->guest) : -1, .events = POLLIN},
    };

    if (r->guest) {
        timeout = guest_port_timeout(r->guest, timeout);
    }
    poll(fds, sizeof(fds) / sizeof(*fds), timeout);
    if (fds[0].revents) {
        r->end = "interrupted";
    } else if (fds[1].revents) {
        r->end = "the VM ended";
    } else if (r->options->seconds && now() - r->started >= r->options->seconds * SECOND) {
        r->end = "time is up";
    }
}

static void guest_turn(struct recording *r)
{
    int error = r->guest ? guest_port_run(r->guest) : 0;

    if (error && !r->error) {
        log_failed(r, error);
    }
}

static void loop(struct recording *r)
{
    struct live live = {.next = r->started + SECOND, .before = r->started};
    int count = 0;

    live.tty = isatty(STDERR_FILENO);
    while (!r->end) {
        wait_or_end(r, count == DRAIN_EVENTS ? 0 : DRAIN_MS);
        guest_turn(r); /* first: when an answer came is part of it */
        count = drain(r);
        tick(r, &live, now());
    }
    tracer_switch(r->tracer, false);
    r->ended = now();
    r->worker_times = worker_cpu_end(&r->workers, r->vm.pid);
    while (!r->error && drain(r) > 0) {
    }
    if (live.tty && !r->options->quiet) {
        fputc('\n', stderr);
    }
}

/* ---- beginning and end
 * -------------------------------------------------------------------------------- */

static int fault(const char *text, int exit_code)
{
    fprintf(stderr, "spicetap record: %s\n", text);
    return exit_code;
}

static char *default_path(const struct vm *vm)
{
    char when[32], *path = NULL;
    time_t t = time(NULL);
    struct tm tm;

    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&t, &tm));
    if ((vm->domain ? asprintf(&path, "run-%s-%s", vm->domain, when)
                    : asprintf(&path, "run-%d-%s", vm->pid, when)) < 0) {
        return NULL;
    }
    for (char *c = path; *c; c++) {
        *c = *c == '/' ? '_' : *c;
    }
    return path;
}

static int no_folder(const char *path, int error)
{
    if (error == -EEXIST) {
        fprintf(stderr, "spicetap record: %s exists already: name another folder with -o\n", path);
        return EXIT_USAGE;
    }
    fprintf(stderr, "spicetap record: cannot make the folder %s: %s\n", path, strerror(-error));
    return EXIT_ENV;
}

/* Room that is given back at the end, so that a full disk does not keep run.json from saying so. */
static int open_reserve(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd >= 0 && posix_fallocate(fd, 0, RESERVE_BYTES)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_logs(struct recording *r)
{
    int error = bundle_log(r->bundle, SOURCE_SPICE, &r->logs[SOURCE_SPICE]);

    if (!error && r->attached[SOURCE_QEMU]) {
        error = bundle_log(r->bundle, SOURCE_QEMU, &r->logs[SOURCE_QEMU]);
    }
    return error ? error : describe(r);
}

static int begin(struct recording *r, struct loader_error *e)
{
    int error;

    for (int s = SOURCE_SPICE; s <= SOURCE_QEMU; s++) {
        r->attached[s] = tracer_attached(r->tracer, (enum tap_source)s);
    }
    error = bundle_create(&r->bundle, r->path);
    if (error) {
        return no_folder(r->path, error);
    }
    r->reserve = open_reserve(r->path);
    vmlog_open(&r->vmlog, r->vm.pid, r->vm.domain);
    error = open_logs(r);
    if (error) {
        fprintf(stderr, "spicetap record: cannot write to %s: %s\n", r->path, strerror(-error));
        return EXIT_PART;
    }
    if (rights_drop(e)) {
        return fault(e->text, EXIT_ENV);
    }
    if (r->guest) {
        guest_port_begin(r->guest, r->bundle);
        record_guest_wait(r->guest, r->signals);
    }
    r->client = (struct record_client){.uri = r->options->client,
                                       .rate = r->options->client_rate,
                                       .compression = r->options->client_compression,
                                       .clip = r->options->client_clip};
    record_client_start(&r->client, r->path, r->signals);
    return EXIT_DONE;
}

static void say_attached(const struct recording *r)
{
    const json_t *entry, *missing = tracer_missing(r->tracer);
    size_t i;

    if (r->vm.spice.replaced) {
        fprintf(stderr,
                "spicetap record: %s was replaced on disk since the VM started; what it runs is "
                "traced (build id %s)\n",
                r->vm.spice.name, r->vm.spice.probes.build_id);
    }
    if (!r->options->tracer.no_qemu && !probe_file_has(&r->vm.exe.probes, "qemu")) {
        fprintf(stderr, "spicetap record: %s has no probes, a stock build: recording without\n",
                r->vm.exe.name);
    }
    json_array_foreach(missing, i, entry)
    {
        fprintf(stderr, "spicetap record: not recorded: %s:%s: %s\n",
                json_string_value(json_object_get(entry, "provider")),
                json_string_value(json_object_get(entry, "name")),
                json_string_value(json_object_get(entry, "why")));
    }
    fprintf(stderr, "recording %d (%s) to %s: attached to %u spice and %u qemu probes\n", r->vm.pid,
            r->vm.domain ? r->vm.domain : "no name", r->path, r->attached[SOURCE_SPICE],
            r->attached[SOURCE_QEMU]);
    fflush(stderr);
}

static void say_end(const struct recording *r, uint64_t bytes)
{
    char size[32], sent[32];

    human(size, sizeof(size), (double)bytes);
    human(sent, sizeof(sent), (double)r->sent);
    printf("%s: %.1f s, %" PRIu64 " events in %s, %" PRIu64 " OOMs, %" PRIu64 " evictions, %" PRIu64
           " streams created and %" PRIu64 " ended, %s sent, %" PRIu64 " events lost; %s\n",
           r->path, (double)(r->ended - r->started) / (double)SECOND, r->events, size,
           r->seen[EV_oom_begin], r->seen[EV_evict], r->seen[EV_stream_create],
           r->seen[EV_stream_stop], sent, r->lost, r->end);
}

static uint64_t close_logs(struct recording *r)
{
    uint64_t bytes = 0;

    for (int s = SOURCE_SPICE; s <= SOURCE_QEMU; s++) {
        int error = 0;

        if (r->logs[s]) {
            tap_writer_flush(r->logs[s]);
            bytes += tap_writer_bytes(r->logs[s]);
            error = tap_writer_close(r->logs[s]);
            r->logs[s] = NULL;
        }
        if (error && !r->error) {
            log_failed(r, error);
        }
    }
    return bytes;
}

/* The guest is taken leave of first: it may have events that belong to those of the host. */
static uint64_t close_guest(struct recording *r)
{
    uint64_t bytes = 0;
    int error;

    if (r->guest) {
        error = guest_port_end(r->guest, &bytes);
        r->events += guest_port_events(r->guest);
        r->lost += guest_port_lost(r->guest);
        if (error && !r->error) {
            log_failed(r, error);
        }
    }
    return bytes;
}

/* A bundle is always left complete, whatever ended it. */
static int end(struct recording *r)
{
    bool qemu = r->logs[SOURCE_QEMU];
    uint64_t bytes = close_guest(r);
    int error;

    bytes += close_logs(r);
    record_client_end(&r->client, bundle_run(r->bundle), r->path);
    describe_end(r);
    if (r->guest) {
        record_guest_clocks(r->bundle, qemu);
    }
    vmlog_close(&r->vmlog, r->bundle,
                r->path); /* if it cannot be copied, the run is whole without */
    if (r->reserve >= 0) {
        close(r->reserve);
        r->reserve = -1;
    }
    error = bundle_finish(r->bundle, r->end);
    r->bundle = NULL;
    say_end(r, bytes);
    if (r->error || error) {
        fprintf(stderr, "spicetap record: %s: %s; what was recorded before is kept in %s\n", r->end,
                strerror(r->error ? -r->error : -error), r->path);
        return EXIT_PART;
    }
    return EXIT_DONE;
}

static int record(struct recording *r, struct loader_error *e)
{
    int result = begin(r, e);

    if (result) {
        r->end = "could not begin";
        if (r->bundle) {
            record_client_end(&r->client, bundle_run(r->bundle), r->path);
            close_guest(r);
            close_logs(r);
            bundle_finish(r->bundle, r->end);
        }
        return result;
    }
    r->started = now();
    worker_cpu_begin(&r->workers, r->vm.pid);
    tracer_switch(r->tracer, true);
    say_attached(r);
    loop(r);
    return end(r);
}

static int open_signals(void)
{
    sigset_t set;

    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error of write(), like a full disk */
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int find_vm(struct recording *r, struct loader_error *e)
{
    const struct options *o = r->options;
    int error = o->domain ? vm_find_domain(&r->vm, o->domain, e) : vm_find_pid(&r->vm, o->pid, e);

    if (error) {
        return fault(e->text, EXIT_ENV);
    }
    r->path = o->output ? strdup(o->output) : default_path(&r->vm);
    if (!r->path) {
        return fault("no memory", EXIT_ENV);
    }
    return access(r->path, F_OK) ? EXIT_DONE : no_folder(r->path, -EEXIST);
}

int cmd_record(int argc, char **argv)
{
    struct options options;
    struct recording r = {.options = &options, .reserve = -1, .vm.pidfd = -1};
    struct loader_error e = {""};
    int result;

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(help_record, stdout);
        return EXIT_DONE;
    }
    if (!parse_options(&options, argc, argv)) {
        return EXIT_USAGE;
    }
    learn_kinds();
    result = find_vm(&r, &e);
    if (!result) {
        r.signals = open_signals();
        /* the agent attaches while we do */
        if (options.guest && record_guest_open(&r.guest, &r.vm, options.guest)) {
            fault("no memory for the guest's port", EXIT_ENV);
        }
        result = tracer_open(&r.tracer, &r.vm, &options.tracer, &e) ? fault(e.text, EXIT_ENV)
                                                                    : record(&r, &e);
        close(r.signals);
    }
    tracer_close(r.tracer);
    guest_port_close(r.guest);
    vm_close(&r.vm);
    free(r.path);
    return result;
}
