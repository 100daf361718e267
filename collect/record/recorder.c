/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/confine_calls.h"
#include "base/program.h"
#include "record/describe.h"
#include "record/guest.h"
#include "record/recorder.h"
#include "record/worker_cpu.h"
#include "run/vmlog.h"

enum {
    DRAIN_MS = 50,           /* how often the ring buffer is emptied */
    DRAIN_EVENTS = 1 << 16,  /* at most before clock, signals and guest get a turn */
    RESERVE_BYTES = 1 << 16, /* more than run.json takes at the end */
};

#define SECOND UINT64_C(1000000000)

struct recorder {
    const struct recorder_options *options;
    char *path;
    struct vm vm;
    struct run_time time; /* of all that the recorder writes; the tracer's is the kernel's */
    struct tracer *tracer;
    struct bundle_writer *bundle;
    struct tap_writer *logs[SOURCE_QEMU + 1];
    uint64_t written[SOURCE_QEMU + 1]; /* events in each log a second ago */
    uint8_t source_of[EV_MAX];         /* of each kind: an array is faster than tap_kind_find */
    struct vmlog vmlog;
    struct record_client client;
    struct worker_cpu workers;
    struct guest_port *guest; /* NULL: not asked for, or there is none */
    int reserve;              /* a file that keeps disk space for the end; -1: none */
    struct record_counts counts;
    uint64_t started, ended, bytes;
    uint64_t second;      /* the kernel's: when the next second of the host begins */
    uint64_t losses_read; /* when the tracer's losses were asked for last */
    const char *end;
    int error; /* of a log: it ended the recording */
    bool disk_short;
};

static const struct run_time kernel_time = {0};

static uint64_t now(const struct recorder *r)
{
    return run_time_now(&r->time);
}

/* Keeps the first error; it ends the recording. */
static void log_failed(struct recorder *r, int error)
{
    if (!error || r->error)
        return;
    r->error = error;
    r->end = error == -ENOSPC ? "the disk is full" : "a log cannot be written";
}

/* ---- opening ---- */

static char *default_path(const struct vm *vm)
{
    char when[32], *path = NULL;
    time_t t = time(NULL);
    struct tm tm;

    strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&t, &tm));
    if ((vm->domain ? asprintf(&path, "run-%s-%s", vm->domain, when)
                    : asprintf(&path, "run-%d-%s", vm->pid, when)) < 0)
        return NULL;
    for (char *c = path; *c; c++)
        *c = *c == '/' ? '_' : *c;
    return path;
}

static int no_folder(const struct recorder *r, int error, struct loader_error *e)
{
    if (error == -EEXIST)
        return loader_fail(e, error, "%s exists already: name another folder with -o", r->path);
    return loader_fail(e, error, "cannot make the folder %s: %s", r->path, strerror(-error));
}

static int too_little(const struct recorder *r, struct loader_error *e)
{
    const unsigned mib = 1 << 20;
    uint64_t bytes, floor = r->options->disk.free;

    if (!floor || !disk_free(r->path, &bytes) || bytes >= floor)
        return 0;
    return loader_fail(e, -EBUSY,
                       "only %" PRIu64 " MiB are free where %s would be, and %" PRIu64 " MiB must "
                       "stay free: name another place with -o, or less with --min-free",
                       bytes / mib, r->path, floor / mib);
}

static int find_vm(struct recorder *r, struct loader_error *e)
{
    const struct recorder_options *o = r->options;
    int error = o->domain ? vm_find_domain(&r->vm, o->domain, e) : vm_find_pid(&r->vm, o->pid, e);
    const struct vm_clock *clock = &r->vm.clock;

    if (!error)
        error = vm_clock_read(&r->vm.clock, r->vm.pid, e);
    if (error)
        return error;
    r->time = (struct run_time){.kernel = clock->kernel, .run = clock->run, .rate = clock->rate};
    r->path = o->output ? strdup(o->output) : default_path(&r->vm);
    if (!r->path)
        return loader_fail(e, -ENOMEM, "out of memory");
    return access(r->path, F_OK) ? too_little(r, e) : no_folder(r, -EEXIST, e);
}

int recorder_open(struct recorder **out, const struct recorder_options *options,
                  struct loader_error *e)
{
    struct recorder *r = calloc(1, sizeof(*r));
    int error;

    if (!r)
        return loader_fail(e, -ENOMEM, "out of memory");
    r->options = options;
    r->reserve = r->vm.pidfd = r->vmlog.fd = r->client.program = -1;
    r->client.options = options->client;
    r->client.clock = &r->vm.clock;
    for (size_t i = 0; i < tap_kind_count; i++)
        r->source_of[tap_kinds[i].kind] = (uint8_t)tap_kinds[i].source;
    error = find_vm(r, e);
    /* The guest's agent attaches while we do, so it is asked first. */
    if (!error && options->guest &&
        record_guest_open(&r->guest, &r->vm, options->guest, &r->time, &options->say))
        record_say(&options->say, "guest: out of memory; recording without the guest");
    if (!error)
        error = tracer_open(&r->tracer, &r->vm, &options->tracer, e);
    if (error) {
        recorder_close(r);
        return error;
    }
    *out = r;
    return 0;
}

void recorder_close(struct recorder *r)
{
    if (!r)
        return;
    tracer_close(r->tracer);
    guest_port_close(r->guest);
    if (r->client.program >= 0)
        close(r->client.program);
    vm_close(&r->vm);
    free(r->path);
    free(r);
}

/* ---- beginning ---- */

/* Disk space that is freed at the end, so that run.json fits even on a full disk. */
static int open_reserve(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

    if (fd >= 0 && posix_fallocate(fd, 0, RESERVE_BYTES)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_logs(struct recorder *r)
{
    int error = bundle_log(r->bundle, SOURCE_SPICE, &r->logs[SOURCE_SPICE]);

    if (!error && tracer_attached(r->tracer, SOURCE_QEMU))
        error = bundle_log(r->bundle, SOURCE_QEMU, &r->logs[SOURCE_QEMU]);
    if (error)
        return error;
    describe_vm(bundle_run(r->bundle), &r->vm, r->tracer, r->options->tracer.buffer_mib);
    return bundle_save(r->bundle);
}

static int cannot_write(const struct recorder *r, int error, struct loader_error *e)
{
    return loader_fail(e, error, "cannot write to %s: %s", r->path, strerror(-error));
}

static void say_confined(const struct recorder *r, const struct confine_lacks *lacks)
{
    const struct record_say *say = &r->options->say;

    if (lacks->landlock)
        record_say(say,
                   "this kernel has no Landlock: what records may write wherever its user may");
    else if (lacks->scopes)
        record_say(say, "this kernel is older than Linux 6.12: what records may signal its user's "
                        "other processes");
    if (lacks->seccomp)
        record_say(say, "this kernel has no seccomp: what records has all system calls");
}

/* From here on the process is the user's who asked. */
static int give_up_rights(struct recorder *r, struct loader_error *e)
{
    const char *writable[] = {bundle_path(r->bundle), NULL, NULL};
    struct confine_user user;
    struct confine_lacks lacks;
    const char *what;
    int error = confine_user_find(&user);

    if (error)
        return loader_fail(e, error, "there is no user to record as: make a user named spicetap");
    error = bundle_give(r->bundle, user.uid, user.gid);
    if (error)
        return cannot_write(r, error, e);
    if (r->time.rate > 0)
        writable[1] = "/dev/shm"; /* client_clock.c */
    error = confine(&user, writable, -1, &lacks, &what);
    if (error)
        return loader_fail(e, error, "cannot give up %s: %s", what, strerror(-error));
    say_confined(r, &lacks);
    return 0;
}

static int open_run(struct recorder *r, struct loader_error *e)
{
    int error = bundle_create(&r->bundle, r->path);

    if (error)
        return no_folder(r, error, e);
    bundle_time(r->bundle, &r->time);
    vmlog_open(&r->vmlog, r->vm.pid, r->vm.domain);
    if (r->options->client.uri)
        r->client.program = program_open_meter();
    error = give_up_rights(r, e);
    if (error)
        return error;
    r->reserve = open_reserve(bundle_path(r->bundle));
    error = open_logs(r);
    return error ? cannot_write(r, error, e) : 0;
}

int recorder_begin(struct recorder *r, struct loader_error *e)
{
    const struct recorder_options *o = r->options;
    int error = open_run(r, e);

    if (error) {
        r->end = "could not begin";
        r->error = error; /* run.json names it */
        if (r->bundle)
            recorder_end(r);
        return error;
    }
    r->losses_read = now(r);
    tracer_switch(r->tracer, RECORD_EARLY);
    record_client_start(&r->client, bundle_path(r->bundle), o->stop, &o->say);
    error = confine_to_files(r->guest && guest_port_connects(r->guest));
    if (error) {
        log_failed(r, error);
        recorder_end(r);
        return loader_fail(e, error, "cannot give up system calls: %s", strerror(-error));
    }
    if (r->guest) { /* not a byte of it was read before */
        guest_port_begin(r->guest, r->bundle);
        record_guest_wait(r->guest, o->stop, &r->time, &o->say);
    }
    worker_cpu_begin(&r->workers, r->vm.pid);
    tracer_switch(r->tracer, RECORD_ALL);
    r->started = now(r); /* after the switch: all probes are on */
    json_object_set_new(bundle_run(r->bundle), "window",
                        json_pack("{s:I}", "from", (json_int_t)r->started));
    log_failed(r, bundle_save(r->bundle)); /* for a reader whose recorder was killed */
    record_client_go(&r->client);
    r->second = run_time_now(&kernel_time) + SECOND;
    return 0;
}

/* ---- the loop ---- */

/* The door for the tracer's events: behind it all times are run time. */
static int on_event(void *context, const struct tap_event *ev)
{
    struct recorder *r = context;
    struct tap_event slow;

    ev = run_time_event(&r->time, ev, &slow);
    counts_event(&r->counts, ev);
    return tap_write(r->logs[r->source_of[ev->kind]], ev);
}

static int record_losses(struct recorder *r)
{
    uint64_t since = r->losses_read; /* what is lost now was lost after the last look */
    struct tracer_loss loss;
    int error = 0;

    r->losses_read = now(r);
    while (!error && tracer_loss(r->tracer, &loss)) {
        counts_loss(&r->counts, loss.reason, loss.count);
        error = tap_write_loss_since(r->logs[loss.source], since, run_time_of(&r->time, loss.time),
                                     loss.count, loss.reason);
    }
    return error;
}

/* Takes what the ring buffer has, up to DRAIN_EVENTS. How many events there were. */
static int drain(struct recorder *r)
{
    int count = tracer_drain(r->tracer, DRAIN_EVENTS, on_event, r);
    int error = count < 0 ? count : record_losses(r);

    log_failed(r, error);
    return error ? 0 : count;
}

/* Ends the chunks of logs that had no event for a second: they would wait for the next event. */
static void flush_quiet_logs(struct recorder *r)
{
    for (int s = SOURCE_SPICE; s <= SOURCE_QEMU; s++) {
        uint64_t count = r->logs[s] ? tap_writer_events(r->logs[s]) : 0;

        if (r->logs[s] && count == r->written[s])
            log_failed(r, tap_writer_flush(r->logs[s]));
        r->written[s] = count;
    }
}

static void look_at_disk(struct recorder *r)
{
    enum disk_state state = disk_look(&r->options->disk, bundle_path(r->bundle));

    if (state == DISK_GOOD || r->end)
        return;
    r->disk_short = state == DISK_SHORT;
    r->end = r->disk_short ? "little space is left on the disk (--min-free)"
                           : "the run has reached --max-size";
}

static void wait_or_end(struct recorder *r, int timeout)
{
    struct pollfd fds[] = {
        {.fd = r->options->stop, .events = POLLIN},
        {.fd = r->vm.pidfd, .events = POLLIN},
        {.fd = r->guest ? guest_port_fd(r->guest) : -1, .events = POLLIN},
    };
    uint64_t length = r->options->seconds * SECOND;

    if (r->guest)
        timeout = guest_port_timeout(r->guest, timeout);
    poll(fds, sizeof(fds) / sizeof(*fds), timeout);
    if (fds[0].revents)
        r->end = "interrupted";
    else if (fds[1].revents)
        r->end = "the VM ended";
    else if (length && now(r) - r->started >= length)
        r->end = "time is up";
}

void recorder_run(struct recorder *r, void (*second)(void *who, const struct recorder *r),
                  void *who)
{
    int count = 0;

    while (!r->end) {
        wait_or_end(r, count == DRAIN_EVENTS ? 0 : DRAIN_MS);
        if (r->guest) /* before the drain: a late look at a ping's answer widens the guest's clock
                       */
            log_failed(r, guest_port_run(r->guest));
        count = drain(r);
        if (run_time_now(&kernel_time) < r->second)
            continue;
        r->second += SECOND;
        flush_quiet_logs(r);
        look_at_disk(r);
        second(who, r);
    }
    r->ended = now(r); /* before the switch: all probes are on */
    tracer_switch(r->tracer, RECORD_OFF);
}

/* ---- the end ---- */

/* Takes all that is left in the ring buffer. Both sources share it, so a record that never became
 * ready may hide events of both. */
static void drain_to_end(struct recorder *r)
{
    uint64_t since = r->losses_read;

    while (!r->error && drain(r) > 0) {
    }
    if (r->error || !tracer_holds(r->tracer))
        return;
    for (int s = SOURCE_SPICE; s <= SOURCE_QEMU; s++)
        if (r->logs[s]) {
            counts_loss(&r->counts, LOSS_REASON_unready, 0);
            log_failed(r,
                       tap_write_loss_since(r->logs[s], since, r->ended, 0, LOSS_REASON_unready));
        }
}

static void close_logs(struct recorder *r)
{
    for (int s = SOURCE_SPICE; s <= SOURCE_QEMU; s++)
        if (r->logs[s]) {
            tap_writer_flush(r->logs[s]);
            r->bytes += tap_writer_bytes(r->logs[s]);
            log_failed(r, bundle_log_close(r->bundle, r->logs[s]));
            r->logs[s] = NULL;
        }
}

static void describe_end(struct recorder *r, json_t *workers)
{
    json_t *run = bundle_run(r->bundle);

    describe_counts(run, &r->counts);
    if (r->started)
        json_object_set_new(
            run, "window",
            json_pack("{s:I, s:I}", "from", (json_int_t)r->started, "to", (json_int_t)r->ended));
    if (json_array_size(workers))
        json_object_set(run, "workers", workers);
    if (r->error)
        json_object_set_new(run, "error", json_string(strerror(-r->error)));
}

int recorder_end(struct recorder *r)
{
    const struct record_say *say = &r->options->say;
    bool qemu = r->logs[SOURCE_QEMU];
    json_t *workers = r->started ? worker_cpu_end(&r->workers, r->vm.pid) : NULL;
    int error;

    if (r->guest) { /* first: it may still send events that belong to the host's */
        uint64_t bytes = 0;

        log_failed(r, guest_port_end(r->guest, &bytes));
        r->bytes += bytes;
    }
    if (r->started) {
        tracer_detach(r->tracer); /* then no record is being written any more */
        drain_to_end(r);
    }
    close_logs(r);
    record_client_end(&r->client, bundle_run(r->bundle), bundle_path(r->bundle), say);
    describe_end(r, workers);
    json_decref(workers);
    if (r->guest)
        record_guest_clocks(r->bundle, qemu, r->bytes, say);
    vmlog_close(&r->vmlog, r->bundle); /* without QEMU's log the run is still whole */
    if (r->reserve >= 0)
        close(r->reserve);
    r->reserve = -1;
    error = bundle_finish(r->bundle, r->end);
    r->bundle = NULL;
    if (!error && r->disk_short)
        error = -ENOSPC;
    return r->error ? r->error : error;
}

void recorder_look(const struct recorder *r, struct recorder_view *v)
{
    *v = (struct recorder_view){
        .vm = &r->vm,
        .path = r->path,
        .counts = &r->counts,
        .started = r->started,
        .ended = r->ended,
        .now = now(r),
        .scale = run_time_scale(&r->time),
        .events = r->counts.events,
        .lost = counts_lost(&r->counts),
        .unknown = r->counts.unknown,
        .bytes = r->bytes,
        .spice = tracer_attached(r->tracer, SOURCE_SPICE),
        .qemu = tracer_attached(r->tracer, SOURCE_QEMU),
        .stock = tracer_is_stock(r->tracer),
        .missing = tracer_missing(r->tracer),
        .end = r->end,
    };
    if (r->guest) {
        v->events += guest_port_events(r->guest);
        v->lost += guest_port_lost(r->guest);
        v->unknown += guest_port_unknown(r->guest);
    }
}
