/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <time.h>

#include "clock/run_time.h"

/* The arithmetic is libfaketime's (timespecmul of its time_ops.h): the product of a double, cut. */
uint64_t run_time_of(const struct run_time *t, uint64_t kernel)
{
    if (t->rate <= 0)
        return kernel;
    return t->run + (uint64_t)(int64_t)(t->rate * (double)(int64_t)(kernel - t->kernel));
}

uint64_t run_time_now(const struct run_time *t)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return run_time_of(t, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
}

uint64_t run_time_lasts(const struct run_time *t, uint64_t run)
{
    return t->rate <= 0 ? run : (uint64_t)((double)run / t->rate);
}

double run_time_scale(const struct run_time *t)
{
    return t->rate <= 0 ? 1 : 1 / t->rate;
}

const struct tap_event *run_time_event(const struct run_time *t, const struct tap_event *ev,
                                       struct tap_event *room)
{
    if (!(t->rate > 0))
        return ev;
    /* A tracer's event has its own values alone behind it, and cannot be written. */
    memcpy(room, ev, offsetof(struct tap_event, v) + ev->slots * sizeof(ev->v[0]));
    room->time = run_time_of(t, ev->time);
    return room;
}
