/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/confine.h"
#include "base/confine_calls.h"
#include "clock/run_time.h"
#include "event/fields.h"
#include "loader/loader.h"
#include "record/watch.h"

enum {
    PUT_MS = 250,           /* how often the ring buffer is emptied and the board written */
    DRAIN_EVENTS = 1 << 16, /* at most before the board is written */
    BUFFER_MIB = 4,         /* a quarter of a second of 300,000 events a second */
};

const uint16_t watch_kinds[] = {
    EV_stream_create,
    EV_stream_attach,
    EV_stream_stop,
    EV_stream_encode,
    EV_stream_drop,
    EV_oom_begin,
    EV_oom_end,
    EV_evict,
    EV_blocked,
    EV_sent,
    0,
};

struct watcher {
    struct vm vm;
    struct run_time time;
    struct tracer *tracer;
    struct watch_counts counts;
};

/* ---- counting ---- */

static void follow_oom(struct watch_counts *c, const struct tap_event *ev)
{
    uint32_t display = FIELDS(ev, oom_begin)->display; /* oom_end has it in the same place */
    uint64_t *since;

    if (display >= COUNTS_DISPLAYS)
        return;
    since = &c->oom_since[display];
    if (ev->kind == EV_oom_end && *since && ev->time >= *since)
        c->oom_ns += ev->time - *since;
    *since = ev->kind == EV_oom_begin ? ev->time : 0;
}

void watch_event(struct watch_counts *c, const struct tap_event *ev)
{
    counts_event(&c->counts, ev);
    if (ev->kind == EV_oom_begin || ev->kind == EV_oom_end)
        follow_oom(c, ev);
    else if (ev->kind == EV_stream_stop)
        c->ended[FIELDS(ev, stream_stop)->reason % BOARD_REASONS]++;
    else if (ev->kind == EV_stream_drop)
        c->dropped[FIELDS(ev, stream_drop)->reason % BOARD_REASONS]++;
}

/* Never goes back, though an episode may have ended just before the last look at it. */
static uint64_t oom_until(struct watch_counts *c, uint64_t now)
{
    uint64_t ns = c->oom_ns;

    for (unsigned d = 0; d < COUNTS_DISPLAYS; d++)
        if (c->oom_since[d] && now > c->oom_since[d])
            ns += now - c->oom_since[d];
    if (ns > c->oom_shown)
        c->oom_shown = ns;
    return c->oom_shown;
}

void watch_figures(struct watch_counts *c, uint64_t now, struct board_figures *f)
{
    const uint64_t *kinds = c->counts.kinds;

    *f = (struct board_figures){
        .since = c->since,
        .now = now,
        .streams_created = kinds[EV_stream_create],
        .streams_running = counts_running(&c->counts),
        .frames = kinds[EV_stream_create] + kinds[EV_stream_attach],
        .frames_encoded = kinds[EV_stream_encode],
        .ooms = kinds[EV_oom_begin],
        .oom_ns = oom_until(c, now),
        .evictions = kinds[EV_evict],
        .blocked = kinds[EV_blocked],
        .sent = c->counts.sent,
        .lost = counts_lost(&c->counts),
    };
    memcpy(f->streams_ended, c->ended, sizeof(c->ended));
    memcpy(f->frames_dropped, c->dropped, sizeof(c->dropped));
}

/* ---- the process ---- */

static int on_event(void *context, const struct tap_event *ev)
{
    struct watcher *w = context;
    struct tap_event slow;

    watch_event(&w->counts, run_time_event(&w->time, ev, &slow));
    return 0;
}

static int drain(struct watcher *w, struct board_vm *on)
{
    uint64_t now = run_time_now(&w->time); /* what comes during the drain may be in it already */
    struct tracer_loss loss;
    struct board_figures f;
    int count = tracer_drain(w->tracer, DRAIN_EVENTS, on_event, w);

    while (tracer_loss(w->tracer, &loss))
        counts_loss(&w->counts.counts, loss.reason, loss.count);
    watch_figures(&w->counts, now, &f);
    board_put(on, &f);
    return count;
}

/* A probe that is not there would be a count of 0. */
static int refuse_missing(const struct tracer *t, struct loader_error *e)
{
    const json_t *first = json_array_get(tracer_missing(t), 0);

    if (!first)
        return 0;
    return loader_fail(e, -ENOENT, "its spice-server lacks the probe %s, or has another: %s",
                       json_string_value(json_object_get(first, "name")),
                       json_string_value(json_object_get(first, "why")));
}

static int attach(struct watcher *w, pid_t pid, struct loader_error *e)
{
    const struct tracer_options options = {
        .buffer_mib = BUFFER_MIB, .no_qemu = true, .kinds = watch_kinds};
    const struct vm_clock *clock = &w->vm.clock;
    int error = vm_find_pid(&w->vm, pid, e);

    if (!error)
        error = vm_clock_read(&w->vm.clock, pid, e);
    if (error)
        return error;
    w->time = (struct run_time){.kernel = clock->kernel, .run = clock->run, .rate = clock->rate};
    error = tracer_open(&w->tracer, &w->vm, &options, e);
    return error ? error : refuse_missing(w->tracer, e);
}

static int give_up_rights(struct loader_error *e)
{
    const char *what;
    int error = confine_nowhere(&what);

    if (!error) {
        what = "system calls";
        error = confine_to_files(false);
    }
    return error ? loader_fail(e, error, "cannot give up %s: %s", what, strerror(-error)) : 0;
}

static void count(struct watcher *w, struct board_vm *on, int stop)
{
    struct pollfd fds[] = {{.fd = stop, .events = POLLIN}, {.fd = w->vm.pidfd, .events = POLLIN}};

    while (!fds[0].revents && !fds[1].revents) {
        int timeout = drain(w, on) == DRAIN_EVENTS ? 0 : PUT_MS;

        poll(fds, sizeof(fds) / sizeof(*fds), timeout);
    }
    tracer_switch(w->tracer, RECORD_OFF);
    while (drain(w, on) > 0) {
    }
}

int watch(struct board_vm *on, pid_t pid, const char *name, int stop)
{
    struct watcher w = {.vm.pidfd = -1};
    struct loader_error e = {""};
    struct board_figures f;
    int error = attach(&w, pid, &e);

    if (!error)
        error = give_up_rights(&e);
    if (error == -ENOEXEC) {
        board_set(on, BOARD_NO_SPICE, pid, name, e.text);
    } else if (error) {
        loader_clean(e.text);
        board_set(on, BOARD_FAILED, pid, name, e.text);
    } else {
        tracer_switch(w.tracer, RECORD_ALL);
        w.counts.since = run_time_now(&w.time);
        watch_figures(&w.counts, w.counts.since, &f);
        board_set(on, BOARD_WATCHED, pid, name, NULL);
        board_put(on, &f);
        count(&w, on, stop);
    }
    tracer_close(w.tracer);
    vm_close(&w.vm);
    return error;
}
