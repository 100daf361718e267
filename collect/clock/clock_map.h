/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a guest's time to the host's: the `clocks` of run.json (docs/dev/format.md), one map for
 * each log of a guest. Times are ns of the two CLOCK_MONOTONICs.
 *
 * Within a segment host = host_at + (g - guest_at) * (1 + drift_ppb / 1e9). Segments follow each
 * other without a gap, and the map never goes back: a later guest time has no earlier host time.
 */
#ifndef SPICETAP_CLOCK_MAP_H
#define SPICETAP_CLOCK_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#define CLOCK_UNKNOWN UINT64_MAX /* an error that is not known */

enum {
    CLOCK_MAX_SEGMENTS = 8192, /* a minute each: more than five days */
    CLOCK_MAX_DRIFT_PPM = 10000,
};

enum clock_method {
    CLOCK_PING,  /* from the port's pings alone */
    CLOCK_FENCE, /* and from fences: virtio-gpu */
    CLOCK_IO,    /* and from I/O writes that both sides saw: qxl */
};

struct clock_segment {
    uint64_t guest_from, guest_to;
    uint64_t guest_at, host_at;
    int64_t drift_ppb;
    uint64_t error; /* at most, anywhere in the segment, ns; CLOCK_UNKNOWN */
    uint64_t pairs; /* what it rests on: I/O writes, fences or pings, by `method` */
    enum clock_method method;
    bool bridge;                 /* between two segments, across a jump of the guest's clock */
    uint64_t host_from, host_to; /* made by clock_map_settle() */
};

struct clock_map {
    struct clock_segment *segments;
    size_t count;
    uint64_t pairs;      /* I/O writes and fences found on both sides */
    uint64_t rejected;   /* of them left out: they contradict the others */
    uint64_t violations; /* of them outside their segment's error: there should be none */
};

/* Room for one more at the end, or NULL: no memory, or CLOCK_MAX_SEGMENTS are there. */
struct clock_segment *clock_map_add(struct clock_map *m);
/* After the last segment: fills in host_from and host_to, so that the map never goes back. */
void clock_map_settle(struct clock_map *m);
void clock_map_free(struct clock_map *m);

/* An empty map leaves times as they are; their error is CLOCK_UNKNOWN. */
uint64_t clock_map_host(const struct clock_map *m, uint64_t guest);
/* How far the host time of an event can be from the truth: CLOCK_UNKNOWN outside the segments. */
uint64_t clock_map_error(const struct clock_map *m, uint64_t host);
uint64_t clock_map_worst(const struct clock_map *m); /* over all segments; CLOCK_UNKNOWN if empty */

const char *clock_method_name(enum clock_method method);
json_t *clock_map_json(const struct clock_map *m, const char *log); /* an entry of `clocks` */
/* The entry of `log` in `clocks`, checked: -ENOENT: there is none, -EBADMSG: it is nonsense. */
int clock_map_parse(struct clock_map *m, const json_t *clocks, const char *log);

#endif
