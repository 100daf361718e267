/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/progress.h"
#include "run/cursor.h"
#include "run/bundle_parts.h"
#include "log/tap_format.h"

/* Events of one log are read so far ahead and sorted: chunks overlap in time. */
enum { AHEAD = 512, PROGRESS = 65536 };

/* One log, read ahead. */
struct lane {
    struct bundle_log *log;
    struct tap_event *slots;
    uint64_t *since;       /* beside each slot: where the span of a loss begins */
    uint16_t order[AHEAD]; /* a ring of slots; `count` from `first` on are filled, by time */
    unsigned first, count;
    uint64_t last; /* time of the last event that was read */
    bool done;
};

struct run_cursor {
    uint64_t from, to; /* the window, both ends included */
    uint64_t latest;   /* time that was handed over */
    uint64_t events;   /* that were */
    struct lane *lanes;
    size_t count;
    bool damaged;       /* a log misses something */
    struct lane *taken; /* its first event was handed over */
    struct tap_event translated;
};

static unsigned ring(unsigned at)
{
    return at % AHEAD;
}

/* Puts the slot behind the last that is not younger. */
static void sort_in(struct lane *l, uint64_t time)
{
    uint16_t slot = l->order[ring(l->first + l->count)];
    unsigned at = l->count++;

    for (; at && l->slots[l->order[ring(l->first + at - 1)]].time > time; at--)
        l->order[ring(l->first + at)] = l->order[ring(l->first + at - 1)];
    l->order[ring(l->first + at)] = slot;
}

static uint64_t host_time(const struct lane *l, uint64_t time)
{
    bool maps = l->log->clock && time != UINT64_MAX;

    return maps ? clock_map_host(l->log->clock, time) : time;
}

/* Puts the part of a loss that is in the window into `ev`; false: there is none. */
static bool clip_loss(const struct run_cursor *c, struct tap_event *ev, uint64_t from, uint64_t to,
                      uint64_t *since)
{
    if (to < c->from || from > c->to)
        return false;
    *since = from > c->from ? from : c->from;
    ev->time = to < c->to ? to : c->to;
    ev->v[2] = *since;
    return true;
}

static bool take_loss(const struct run_cursor *c, struct lane *l, struct tap_event *ev,
                      uint64_t *since)
{
    uint64_t from, to;

    tap_reader_span(l->log->reader, &from, &to);
    return clip_loss(c, ev, host_time(l, from), host_time(l, to), since);
}

/* A log that cannot be read, or not any further: the rest of it is lost. */
static bool lose_rest(const struct run_cursor *c, struct lane *l, struct tap_event *ev,
                      uint64_t *since)
{
    const struct tap_end *end = &l->log->end;

    *ev = (struct tap_event){.kind = EV_loss, .slots = 3};
    ev->v[0] = l->log->reader || end->events > TAP_MAX_LOST ? 0 : end->events;
    ev->v[1] = LOSS_REASON_damaged;
    return (l->log->reader || !end->chunks || end->events) &&
           clip_loss(c, ev, l->last, UINT64_MAX, since);
}

static bool is_early(const struct lane *l, const struct tap_event *ev)
{
    return l->log->source == SOURCE_SPICE && EV_IS_EARLY(ev->kind);
}

/* Reads the next event into `ev`. false: it is outside the window, or there is none. */
static bool read_event(const struct run_cursor *c, struct lane *l, struct tap_event *ev,
                       uint64_t *since)
{
    int more = l->log->error ? l->log->error : tap_reader_next(l->log->reader, ev);

    if (more != 1) {
        l->log->error = more;
        l->done = true;
        return more < 0 && lose_rest(c, l, ev, since);
    }
    if (ev->kind == EV_loss)
        return take_loss(c, l, ev, since);
    if (l->log->clock)
        ev->time = clock_map_host(l->log->clock, ev->time);
    l->last = ev->time;
    return (ev->time >= c->from || is_early(l, ev)) && ev->time <= c->to;
}

/* Are events missing in the file itself, and not only in what the recorder could keep? */
static bool is_missing(const struct tap_event *ev)
{
    return ev->kind == EV_loss &&
           (ev->v[1] == LOSS_REASON_damaged || ev->v[1] == LOSS_REASON_truncated);
}

/* Reads ahead by one event that is in the window. */
static void read_one(struct run_cursor *c, struct lane *l)
{
    uint16_t slot = l->order[ring(l->first + l->count)];

    while (!l->done)
        if (read_event(c, l, &l->slots[slot], &l->since[slot])) {
            c->damaged |= is_missing(&l->slots[slot]);
            sort_in(l, l->slots[slot].time);
            return;
        }
}

static int open_lane(struct run_cursor *c, struct lane *l, struct bundle_log *log)
{
    l->log = log;
    l->slots = malloc(AHEAD * sizeof(*l->slots));
    l->since = malloc(AHEAD * sizeof(*l->since));
    if (!l->slots || !l->since)
        return -ENOMEM;
    for (unsigned i = 0; i < AHEAD; i++)
        l->order[i] = (uint16_t)i;
    for (unsigned i = 0; i < AHEAD && l->count == i; i++)
        read_one(c, l);
    return 0;
}

/* Without a window (a log alone, or a recorder that was killed) everything is inside. */
static void find_window(struct run_cursor *c, const struct bundle *b)
{
    const json_t *window = json_object_get(b->about, "window");
    json_int_t from = json_integer_value(json_object_get(window, "from"));
    json_int_t to = json_integer_value(json_object_get(window, "to"));

    c->from = from > 0 ? (uint64_t)from : 0;
    c->to = to > 0 ? (uint64_t)to : UINT64_MAX;
}

int cursor_open(struct run_cursor **out, struct bundle *b)
{
    struct run_cursor *c = calloc(1, sizeof(*c));
    int err = 0;

    if (!c)
        return -ENOMEM;
    find_window(c, b);
    c->lanes = calloc(BUNDLE_MAX_LOGS, sizeof(*c->lanes));
    if (!c->lanes)
        err = -ENOMEM;
    for (size_t i = 0; i < b->count && !err; i++)
        err = open_lane(c, &c->lanes[c->count++], &b->logs[i]);
    if (err) {
        cursor_close(c);
        return err;
    }
    *out = c;
    return 0;
}

static uint64_t head_time(const struct lane *l)
{
    return l->slots[l->order[l->first]].time;
}

static struct lane *earliest(const struct run_cursor *c)
{
    struct lane *first = NULL;
    uint64_t time = 0;

    for (size_t i = 0; i < c->count; i++) {
        struct lane *l = &c->lanes[i];

        if (l->count && (!first || head_time(l) < time)) {
            first = l;
            time = head_time(l);
        }
    }
    return first;
}

/* A loss at the end of a log in a run whose end is not known reaches to the run's last event. */
static void hand_over_loss(struct run_cursor *c, struct tap_event *ev, uint64_t since,
                           struct run_loss *loss)
{
    if (ev->time == UINT64_MAX)
        ev->time = c->latest > since ? c->latest : since;
    if (ev->v[0] > TAP_MAX_LOST)
        ev->v[0] = 0;
    *loss = (struct run_loss){.from = since,
                              .to = ev->time,
                              .count = ev->v[0] ? ev->v[0] : RUN_UNKNOWN,
                              .reason = (unsigned)ev->v[1]};
}

/* Logs whose next event is a loss that began already. */
static unsigned missing_at(const struct run_cursor *c, uint64_t time)
{
    unsigned sources = 0;

    for (size_t i = 0; i < c->count; i++) {
        const struct lane *l = &c->lanes[i];
        uint16_t slot = l->order[l->first];

        if (l->count && is_missing(&l->slots[slot]) && l->since[slot] <= time)
            sources |= 1u << l->log->source;
    }
    return sources;
}

static void hand_over(struct run_cursor *c, const struct lane *l, struct run_event *e)
{
    uint16_t slot = l->order[l->first];
    struct tap_event *ev = &l->slots[slot];

    if (ev->kind == EV_loss)
        hand_over_loss(c, ev, l->since[slot], &e->loss);
    if (ev->time > c->latest)
        c->latest = ev->time;
    e->missing = c->damaged ? missing_at(c, ev->time) : 0;
    e->raw = ev;
    e->log = l->log;
    e->source = l->log->source;
    e->clock_error = bundle_clock_error(l->log, ev->time);
    e->event = ev->kind == EV_loss ? ev : tap_reader_known(l->log->reader, ev, &c->translated);
}

static void say_progress(const struct run_cursor *c)
{
    bool known = c->to != UINT64_MAX && c->to > c->from && c->latest >= c->from;

    progress_at(known ? (double)(c->latest - c->from) / (double)(c->to - c->from) : -1);
}

int cursor_next(struct run_cursor *c, struct run_event *e)
{
    struct lane *l = c->taken;

    if (l) { /* its slot is free only now: the caller had pointers to it */
        l->first = ring(l->first + 1);
        l->count--;
        read_one(c, l);
    }
    c->taken = l = earliest(c);
    if (!l)
        return 0;
    hand_over(c, l, e);
    if (++c->events % PROGRESS == 0)
        say_progress(c);
    return 1;
}

void cursor_close(struct run_cursor *c)
{
    progress_done();
    if (!c)
        return;
    for (size_t i = 0; c->lanes && i < c->count; i++) {
        free(c->lanes[i].slots);
        free(c->lanes[i].since);
    }
    free(c->lanes);
    free(c);
}
