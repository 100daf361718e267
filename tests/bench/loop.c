/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-loop: hits probes of the stand-in library and prints what that cost. Standard input has
 *   hit PROBE COUNT           prints "ns TOTAL COUNT": the thread's CPU time for COUNT hits
 *   rate PER_SECOND SECONDS   hits a mix of probes; prints "sent COUNT WALL_NS LATE_NS"
 *   stops SECONDS             hits the mix without a rest; prints "stops NS": the longest time
 * between two hits
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <inttypes.h>

#include "fake.h"

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static const struct fake_probe *probe_find(const char *name)
{
    for (int i = 0; i < fake_probe_count; i++)
        if (!strcmp(fake_probes[i].name, name))
            return &fake_probes[i];
    return NULL;
}

/* Address, release id and box change from event to event as a real drawable's do. */
static void next_hit(struct hit *h)
{
    h->address = 0x7f1200000000u + (h->number * 2654435761u & 0xfffff) * 64;
    h->signed64 = 40000000 + (int64_t)(h->number * 69069u >> 12);
    h->left_top = 100 + (h->number & 63) * 8 + ((uint64_t)(100 + (h->number >> 6 & 31) * 16) << 32);
    h->right_bottom = h->left_top + 64 + ((uint64_t)16 << 32);
    h->small = h->number & 1;
    h->number++;
}

static void run_hits(const char *name, unsigned long count)
{
    const struct fake_probe *p = probe_find(name);
    struct hit h = {.number = 1};
    if (!p) {
        printf("no such probe: %s\n", name);
        return;
    }
    uint64_t start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (unsigned long i = 0; i < count; i++) {
        next_hit(&h);
        p->hit(&h);
    }
    printf("ns %" PRIu64 " %lu\n", clock_ns(CLOCK_THREAD_CPUTIME_ID) - start, count);
}

/* The events of one drawing command of a busy guest, in their order. */
static const char *const mix[] = {"cmd",   "draw",      "match", "match", "match",  "match",
                                  "frame", "trace_add", "image", "sent",  "release"};
#define MIX (sizeof(mix) / sizeof(mix[0]))

static void run_rate(unsigned long rate, unsigned long seconds)
{
    const struct fake_probe *p[MIX];
    struct hit h = {.number = 1};
    uint64_t total = (uint64_t)rate * seconds, late = 0, now = 0;
    for (size_t i = 0; i < MIX; i++)
        p[i] = probe_find(mix[i]);
    uint64_t start = clock_ns(CLOCK_MONOTONIC);
    /* A hundred at a time, because a worker takes commands in batches and sleeps in between. */
    for (uint64_t i = 0; i < total; i++) {
        if (i % 100 == 0) {
            uint64_t due = start + i * 1000000000u / rate;
            struct timespec t = {.tv_sec = due / 1000000000u, .tv_nsec = due % 1000000000u};
            now = clock_ns(CLOCK_MONOTONIC);
            late = now > due && now - due > late ? now - due : late;
            if (now < due)
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
        }
        next_hit(&h);
        p[i % MIX]->hit(&h);
    }
    printf("sent %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", total, clock_ns(CLOCK_MONOTONIC) - start,
           late);
}

static void run_stops(unsigned long seconds)
{
    const struct fake_probe *p[MIX];
    struct hit h = {.number = 1};
    uint64_t now = clock_ns(CLOCK_MONOTONIC), end = now + seconds * 1000000000u, longest = 0;
    for (size_t i = 0; i < MIX; i++)
        p[i] = probe_find(mix[i]);
    for (uint64_t i = 0; now < end; i++) {
        uint64_t before = now;
        next_hit(&h);
        p[i % MIX]->hit(&h);
        now = clock_ns(CLOCK_MONOTONIC);
        longest = now - before > longest ? now - before : longest;
    }
    printf("stops %" PRIu64 "\n", longest);
}

int main(void)
{
    char line[128], name[64];
    unsigned long a, b;
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        if (sscanf(line, "hit %63s %lu", name, &a) == 2)
            run_hits(name, a);
        else if (sscanf(line, "rate %lu %lu", &a, &b) == 2)
            run_rate(a, b);
        else if (sscanf(line, "stops %lu", &a) == 1)
            run_stops(a);
        else
            printf("unknown command: %s", line);
        fflush(stdout);
    }
    return 0;
}
