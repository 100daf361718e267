/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock of one guest's log, in several passes over it and over QEMU's log. The first pass takes
 * the pings: they need no partner, and are off by their round trip at most. Then many I/O writes
 * fit only one place in the guest's log, and no other write fits there: the second pass pairs
 * those. Its narrower band lets the third pass pair more. The last pass counts the pairs outside
 * the error that run.json will state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/fields.h"
#include "run/guest_clock.h"
#include "log/tap.h"

#define SECOND INT64_C(1000000000)

/* Classes of I/O writes that happen within a guest's event (qxl_io_notify_oom, qxl_ring_push). */
enum io_class { IO_OOM, IO_CMD, IO_CURSOR, IO_CLASSES };

enum {
    RING = 1 << 14, /* events of a class in memory; half are ahead of the one to be paired */
    HALF = RING / 2,
    FENCES = 1 << 12, /* that QEMU answered and the guest waits for */
    MISSES = 64,      /* a search for overlaps ends after so many events without one */
    PASSES = 2,       /* passes that pair writes */
    PROGRESS = 1 << 16,
};

/* A guest's event that may contain a write. low to high: where the fit of the pass before puts it
 * in host time. `unsure`: its neighbours may be missing. */
struct span {
    uint64_t begin, end;
    int64_t low, high;
    bool unsure;
};

struct io_ring {
    struct span span[RING]; /* read ahead: [count - RING, count) */
    uint64_t count;
    uint64_t host[RING]; /* writes that QEMU saw */
    uint64_t host_count;
};

struct fence {
    uint64_t id, host;
};

struct input {
    struct tap_reader *reader;
    struct tap_event raw, room;
    const struct tap_event *ev; /* one of the two */
    bool have;
};

struct pass {
    const char *guest, *qemu;
    const struct clock_fit *old; /* NULL: pings alone */
    struct clock_fit *fit;       /* being made; NULL: the last pass, which only counts */
    struct clock_map *map;       /* of the last pass */
    struct input ahead, follow, host;
    struct io_ring *io; /* IO_CLASSES */
    struct fence *fences;
    uint64_t next[IO_CLASSES]; /* number of the class' next event in `follow` */
    uint64_t first, last;      /* guest times of the log */
    uint64_t lost_at;          /* end of the latest loss in `ahead` */
    uint64_t events;
    void (*progress)(void);
};

/* ---- reading --------------------------------------------------------------------------------- */

static int input_open(struct input *in, const char *path)
{
    return tap_reader_open(&in->reader, path);
}

/* 1: in->ev is the next event, as the built-in table has it; else it is NULL. */
static int input_next(struct input *in)
{
    int more;

    do {
        more = tap_reader_next(in->reader, &in->raw);
        in->ev = more == 1 ? tap_reader_known(in->reader, &in->raw, &in->room) : NULL;
    } while (more == 1 && !in->ev);
    in->have = more == 1;
    return more;
}

static enum io_class class_of_guest(const struct tap_event *ev)
{
    if (ev->kind == EV_guest_oom)
        return IO_OOM;
    if (ev->kind != EV_guest_push)
        return IO_CLASSES;
    switch (FIELDS(ev, guest_push)->ring) {
    case GUEST_RING_command:
        return IO_CMD;
    case GUEST_RING_cursor:
        return IO_CURSOR;
    default:
        return IO_CLASSES;
    }
}

static enum io_class class_of_host(const struct tap_event *ev)
{
    if (ev->kind != EV_qxl_io_write)
        return IO_CLASSES;
    switch (FIELDS(ev, qxl_io_write)->port) {
    case QXL_IO_notify_oom:
        return IO_OOM;
    case QXL_IO_notify_cmd:
        return IO_CMD;
    case QXL_IO_notify_cursor:
        return IO_CURSOR;
    default:
        return IO_CLASSES;
    }
}

static uint64_t began(const struct tap_event *ev)
{
    int64_t took =
        ev->kind == EV_guest_oom ? FIELDS(ev, guest_oom)->took : FIELDS(ev, guest_push)->took;

    return took < 0 || (uint64_t)took > ev->time ? ev->time : ev->time - (uint64_t)took;
}

/* ---- ahead: the guest's events, with where they can be in host time ----------------------------
 */

/* Events beside the span of a loss may have lost a neighbour. */
static void met_loss(struct pass *p)
{
    uint64_t from, to;

    tap_reader_span(p->ahead.reader, &from, &to);
    p->lost_at = to == UINT64_MAX ? p->last : to;
    for (int c = 0; c < IO_CLASSES; c++) {
        struct io_ring *r = &p->io[c];

        for (uint64_t i = r->count; i && i + HALF > r->count; i--) {
            struct span *s = &r->span[(i - 1) % RING];

            if (s->end + 2 * SECOND < from)
                break;
            s->unsure = true;
        }
    }
}

static void put_ahead(struct pass *p, const struct tap_event *ev)
{
    enum io_class c = class_of_guest(ev);
    struct span *s;
    int64_t ignored;

    if (ev->kind == EV_loss)
        met_loss(p);
    if (c == IO_CLASSES)
        return;
    s = &p->io[c].span[p->io[c].count++ % RING];
    *s = (struct span){.begin = began(ev), .end = ev->time};
    s->unsure = s->begin < p->first + SECOND || s->begin < p->lost_at + 2 * SECOND ||
                !clock_fit_range(p->old, s->begin, &s->low, &ignored) ||
                !clock_fit_range(p->old, s->end, &ignored, &s->high);
}

/* Reads ahead until every event that could overlap the next one of its class is in the ring. */
static int run_ahead(struct pass *p, uint64_t time)
{
    int more = 1;

    while (more == 1 && (!p->ahead.have || p->ahead.ev->time < time + 2 * SECOND)) {
        for (int c = 0; c < IO_CLASSES; c++)
            if (p->io[c].count - p->next[c] >= HALF)
                return 0;
        more = input_next(&p->ahead);
        if (more == 1)
            put_ahead(p, p->ahead.ev);
    }
    return more < 0 ? more : 0;
}

/* ---- the host's side ----------------------------------------------------------------------------
 */

static int run_host(struct pass *p, int64_t until)
{
    int more = 1;

    while (more == 1 && (!p->host.have || (int64_t)p->host.ev->time <= until + SECOND)) {
        const struct tap_event *ev;
        enum io_class c;

        more = input_next(&p->host);
        if (more != 1)
            break;
        ev = p->host.ev;
        c = class_of_host(ev);
        if (c != IO_CLASSES) {
            p->io[c].host[p->io[c].host_count++ % RING] = ev->time;
        } else if (ev->kind == EV_virtio_gpu_fence_resp) {
            uint64_t id = FIELDS(ev, virtio_gpu_fence_resp)->fence;

            p->fences[id % FENCES] = (struct fence){id, ev->time};
        }
    }
    return more < 0 ? more : 0;
}

/* Finds the only write of the class from low to high; false: there is none, or several. */
static bool only_write(const struct io_ring *r, const struct span *s, uint64_t *host)
{
    uint64_t low = r->host_count > RING ? r->host_count - RING : 0, high = r->host_count;

    while (low < high) {
        uint64_t middle = (low + high) / 2;

        if ((int64_t)r->host[middle % RING] < s->low)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == r->host_count || (int64_t)r->host[low % RING] > s->high)
        return false;
    *host = r->host[low % RING];
    return low + 1 == r->host_count || (int64_t)r->host[(low + 1) % RING] > s->high;
}

static bool holds(const struct span *s, uint64_t host)
{
    return s->low <= (int64_t)host && (int64_t)host <= s->high;
}

/* Can no other event of the class contain the write? They are in order of their ends. */
static bool only_place(const struct io_ring *r, uint64_t at, uint64_t host)
{
    uint64_t oldest = r->count > RING ? r->count - RING : 0;
    unsigned misses = 0;

    for (uint64_t i = at; i > oldest && misses < MISSES; i--) {
        const struct span *s = &r->span[(i - 1) % RING];

        if (holds(s, host))
            return false;
        misses += s->high < (int64_t)host;
    }
    misses = 0;
    for (uint64_t i = at + 1; i < r->count && misses < MISSES; i++) {
        const struct span *s = &r->span[i % RING];

        if (holds(s, host))
            return false;
        misses += s->low > (int64_t)host;
    }
    return true;
}

/* ---- pairs
 * --------------------------------------------------------------------------------------- */

/* The last pass: is the pair within the map's error? */
static void check_pair(struct pass *p, const struct span *s, uint64_t host)
{
    uint64_t low = clock_map_host(p->map, s->begin), high = clock_map_host(p->map, s->end);
    uint64_t early = clock_map_error(p->map, low), late = clock_map_error(p->map, high);

    if (early == CLOCK_UNKNOWN || late == CLOCK_UNKNOWN)
        return;
    if ((low > early && host < low - early) || host > high + late)
        p->map->violations++;
}

static void check_fence(struct pass *p, uint64_t guest, uint64_t host)
{
    uint64_t seen = clock_map_host(p->map, guest), error = clock_map_error(p->map, seen);

    p->map->violations += error != CLOCK_UNKNOWN && host > seen + error;
}

static int pair_write(struct pass *p, enum io_class c)
{
    struct io_ring *r = &p->io[c];
    uint64_t at = p->next[c]++, host;
    const struct span *s = &r->span[at % RING];
    int err;

    if (at >= r->count || s->unsure || s->end + SECOND > p->last)
        return 0;
    err = run_host(p, s->high);
    if (err || !only_write(r, s, &host) || !only_place(r, at, host))
        return err;
    if (p->fit)
        return clock_fit_pair(p->fit, s->begin, s->end, host);
    check_pair(p, s, host);
    return 0;
}

static int pair_fence(struct pass *p, const struct tap_event *ev)
{
    uint64_t id = FIELDS(ev, guest_virtio_response)->fence;
    const struct fence *f = &p->fences[id % FENCES];
    int64_t low, high;
    int err;

    if (!id || !clock_fit_range(p->old, ev->time, &low, &high))
        return 0;
    err = run_host(p, high);
    if (err || f->id != id)
        return err;
    if (p->fit)
        clock_fit_fence(p->fit, ev->time, f->host);
    else
        check_fence(p, ev->time, f->host);
    return 0;
}

static int follow(struct pass *p, const struct tap_event *ev)
{
    enum io_class c;
    int err;

    if (ev->kind == EV_clock_ping)
        return p->fit ? clock_fit_ping(p->fit, ev->time, FIELDS(ev, clock_ping)->sent,
                                       FIELDS(ev, clock_ping)->received)
                      : 0;
    if (!p->old)
        return 0;
    err = run_ahead(p, ev->time);
    if (err)
        return err;
    if (ev->kind == EV_guest_virtio_response)
        return pair_fence(p, ev);
    c = class_of_guest(ev);
    return c == IO_CLASSES ? 0 : pair_write(p, c);
}

/* ---- a pass
 * --------------------------------------------------------------------------------------- */

static int open_pass(struct pass *p)
{
    int err = input_open(&p->follow, p->guest);

    if (err || !p->old)
        return err;
    p->io = calloc(IO_CLASSES, sizeof(*p->io));
    p->fences = calloc(FENCES, sizeof(*p->fences));
    if (!p->io || !p->fences)
        return -ENOMEM;
    err = input_open(&p->ahead, p->guest);
    return err ? err : input_open(&p->host, p->qemu);
}

static void close_pass(struct pass *p)
{
    tap_reader_close(p->follow.reader);
    tap_reader_close(p->ahead.reader);
    tap_reader_close(p->host.reader);
    free(p->io);
    free(p->fences);
}

static int run_pass(struct pass *p)
{
    int err = open_pass(p), more = err ? 0 : 1;

    while (!err && (more = input_next(&p->follow)) == 1) {
        const struct tap_event *ev = p->follow.ev;

        if (!p->old) { /* the first pass: how far the log goes */
            p->first = p->first && p->first < ev->time ? p->first : ev->time;
            p->last = p->last > ev->time ? p->last : ev->time;
        }
        err = follow(p, ev);
        if (p->progress && ++p->events % PROGRESS == 0)
            p->progress();
    }
    close_pass(p);
    return err ? err : more;
}

static int run_passes(struct pass *like, struct clock_fit fits[PASSES + 1], unsigned passes)
{
    int err = 0;

    for (unsigned i = 0; i <= passes && !err; i++) {
        struct pass p = *like;

        p.old = i ? &fits[i - 1] : NULL;
        p.fit = &fits[i];
        err = run_pass(&p);
        like->first = p.first;
        like->last = p.last;
    }
    return err;
}

int guest_clock_make(struct clock_map *m, const char *guest, const char *qemu,
                     void (*progress)(void))
{
    struct clock_fit fits[PASSES + 1] = {0};
    struct pass like = {.guest = guest, .qemu = qemu, .progress = progress};
    unsigned passes = qemu ? PASSES : 0;
    int err = run_passes(&like, fits, passes);

    *m = (struct clock_map){0};
    if (!err)
        err = clock_fit_map(&fits[passes], m, like.first, like.last);
    if (!err && passes) {
        struct pass check = like;

        check.old = &fits[passes];
        check.map = m;
        err = run_pass(&check);
    }
    for (unsigned i = 0; i <= PASSES; i++)
        clock_fit_free(&fits[i]);
    return err;
}

int guest_clock_from_pings(struct clock_map *m, const char *guest)
{
    return guest_clock_make(m, guest, NULL, NULL);
}
