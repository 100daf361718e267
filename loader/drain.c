/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads events from the ring buffer, and counts those that did not fit. The programs never wake the
 * reader: a wakeup would cost the traced thread more than an event does. The caller polls, about
 * every 50 ms. In that time even a thread that only hits probes fills a part of the buffer.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tracer.h"

#define IN_FLIGHT_US 5000 /* a program takes microseconds; preemption can add some ms */

int tracer_sample(void *context, void *data, size_t size)
{
    struct tracer *t = context;
    const struct tap_event *ev = data;

    if (size < offsetof(struct tap_event, v) ||
        size < offsetof(struct tap_event, v) + ev->slots * sizeof(ev->v[0])) {
        return 0; /* impossible: our own programs wrote it */
    }
    t->stopped = t->fn(t->context, ev);
    if (t->stopped) {
        return t->stopped < 0 ? t->stopped : -ECANCELED;
    }
    t->cut = ++t->done >= t->budget;
    return t->cut ? -EAGAIN : 0;
}

void tracer_switch(struct tracer *t, enum record_level level)
{
    for (unsigned i = 0; i < t->part_count; i++) {
        __atomic_store_n(&t->parts[i].shared->recording, level, __ATOMIC_RELEASE);
    }
    if (level == RECORD_OFF) {
        usleep(IN_FLIGHT_US); /* lets programs finish that saw it on */
    }
}

int tracer_drain(struct tracer *t, unsigned budget, tracer_event_fn *fn, void *context)
{
    int result;

    t->fn = fn;
    t->context = context;
    t->done = 0;
    t->budget = budget;
    t->stopped = 0;
    t->cut = false;
    result = ring_buffer__consume(t->ring);
    if (t->stopped) {
        return t->stopped;
    }
    return result < 0 && !t->cut ? result : (int)t->done;
}

/* The first two pages of the ring buffer's map hold the positions of consumer and producer. libbpf
 * shows them from 1.3 on; Debian 12 has 1.1. */
bool tracer_holds(const struct tracer *t)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const char *pages = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, t->ring_fd, 0);
    bool holds;

    if (pages == MAP_FAILED) {
        return false;
    }
    holds = __atomic_load_n((const unsigned long *)pages, __ATOMIC_ACQUIRE) !=
            __atomic_load_n((const unsigned long *)(pages + page), __ATOMIC_ACQUIRE);
    munmap((void *)pages, 2 * page);
    return holds;
}

static uint64_t total(const struct shared *shared, unsigned reason)
{
    uint64_t sum = 0;

    for (unsigned kind = 0; kind < LOST_KINDS; kind++) {
        sum += __atomic_load_n(&shared->lost[reason][kind], __ATOMIC_RELAXED);
    }
    return sum;
}

int tracer_loss(struct tracer *t, struct tracer_loss *loss)
{
    for (unsigned i = 0; i < t->part_count; i++) {
        struct tracer_part *part = &t->parts[i];

        for (unsigned reason = 0; reason < LOST_REASONS; reason++) {
            uint64_t now = total(part->shared, reason);

            if (now != part->lost_before[reason]) {
                *loss = (struct tracer_loss){
                    .source = part->source,
                    .reason = reason,
                    .count = now - part->lost_before[reason],
                    .time = __atomic_load_n(&part->shared->last_lost, __ATOMIC_RELAXED),
                };
                part->lost_before[reason] = now;
                return 1;
            }
        }
    }
    return 0;
}
