/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "run/cursor.h"
#include "run/bundle_parts.h"

/* Events of one log are read so far ahead and sorted: chunks overlap in time. */
enum { AHEAD = 512 };

/* One log, read ahead. */
struct lane {
    struct bundle_log *log;
    struct tap_event *slots;
    uint64_t *since;       /* beside each slot: when the lost events of a loss begin */
    uint16_t order[AHEAD]; /* a ring of slots; `count` from `first` are filled, by time */
    unsigned first, count;
    uint64_t before; /* time of the event before in the log */
};

struct run_cursor {
    uint64_t from, to; /* the window, both ends included */
    struct lane *lanes;
    size_t count;
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

/* Clips a loss to the window; false: it is outside. */
static bool clip_loss(const struct run_cursor *c, struct tap_event *ev, uint64_t *since)
{
    if (*since > ev->time)
        *since = ev->time;
    if (ev->time < c->from || *since > c->to)
        return false;
    if (ev->time > c->to)
        ev->time = c->to;
    if (*since < c->from)
        *since = c->from;
    return true;
}

/* Reads ahead by one event that is in the window. */
static void read_one(const struct run_cursor *c, struct lane *l)
{
    struct bundle_log *log = l->log;
    uint16_t slot = l->order[ring(l->first + l->count)];
    struct tap_event *ev = &l->slots[slot];
    bool inside;
    int more;

    do {
        more = log->error ? 0 : tap_reader_next(log->reader, ev);
        if (more < 0)
            log->error = more;
        if (more != 1)
            return;
        if (log->clock)
            ev->time = clock_map_host(log->clock, ev->time);
        l->since[slot] = l->before;
        if (ev->kind == EV_loss) {
            inside = clip_loss(c, ev, &l->since[slot]);
        } else {
            inside = ev->time >= c->from && ev->time <= c->to;
            l->before = ev->time;
        }
    } while (!inside);
    sort_in(l, ev->time);
}

static int open_lane(const struct run_cursor *c, struct lane *l, struct bundle_log *log)
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
        if (b->logs[i].reader)
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

static void hand_over(struct run_cursor *c, const struct lane *l, struct run_event *e)
{
    uint16_t slot = l->order[l->first];
    const struct tap_event *ev = &l->slots[slot];

    e->raw = ev;
    e->log = l->log;
    e->source = l->log->source;
    e->clock_error = bundle_clock_error(l->log, ev->time);
    e->event = tap_reader_known(l->log->reader, ev, &c->translated);
    if (ev->kind == EV_loss)
        e->loss = (struct run_loss){.from = l->since[slot],
                                    .to = ev->time,
                                    .count = ev->v[0] ? ev->v[0] : RUN_UNKNOWN,
                                    .reason = (unsigned)ev->v[1]};
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
    return 1;
}

void cursor_close(struct run_cursor *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->lanes && i < c->count; i++) {
        free(c->lanes[i].slots);
        free(c->lanes[i].since);
    }
    free(c->lanes);
    free(c);
}
