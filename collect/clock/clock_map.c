/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The map of a guest's clock: applied, written to run.json, read back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock/clock_map.h"

#define BILLION  INT64_C(1000000000)
#define MAX_TIME (UINT64_C(1) << 62) /* 146 years */
#define MAX_PPB  (INT64_C(1000) * CLOCK_MAX_DRIFT_PPM)

static const char *const method_names[] = {
    [CLOCK_PING] = "ping", [CLOCK_FENCE] = "fence", [CLOCK_IO] = "io"};

const char *clock_method_name(enum clock_method method)
{
    return method_names[method];
}

struct clock_segment *clock_map_add(struct clock_map *m)
{
    struct clock_segment *s;

    if (m->count == CLOCK_MAX_SEGMENTS)
        return NULL;
    s = reallocarray(m->segments, m->count + 1, sizeof(*s));
    if (!s)
        return NULL;
    m->segments = s;
    s += m->count++;
    *s = (struct clock_segment){.error = CLOCK_UNKNOWN};
    return s;
}

void clock_map_free(struct clock_map *m)
{
    free(m->segments);
    *m = (struct clock_map){0};
}

/* ---- applying it ------------------------------------------------------------------------- */

static uint64_t line(const struct clock_segment *s, uint64_t guest)
{
    int64_t since = (int64_t)(guest - s->guest_at);
    __int128 host = (__int128)s->host_at + since + (__int128)since * s->drift_ppb / BILLION;

    return host < 0 ? 0 : host > (__int128)MAX_TIME ? MAX_TIME : (uint64_t)host;
}

/*
 * Two neighbours can differ where they meet, by their errors at most. Times that the second would
 * put before the first one's end are put at that end. The truth is within the first one's error of
 * that end, and within the second one's error of the time before it: the larger error bounds both.
 */
void clock_map_settle(struct clock_map *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct clock_segment *s = &m->segments[i], *before = i ? s - 1 : NULL;

        s->host_from = line(s, s->guest_from);
        if (before && s->host_from < before->host_to) {
            s->host_from = before->host_to;
            if (s->error < before->error)
                s->error = before->error;
        }
        s->host_to = line(s, s->guest_to);
        if (s->host_to < s->host_from)
            s->host_to = s->host_from;
    }
}

static const struct clock_segment *segment_of(const struct clock_map *m, uint64_t guest)
{
    size_t low = 0, high = m->count;

    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (m->segments[middle].guest_from <= guest)
            low = middle;
        else
            high = middle;
    }
    return &m->segments[low];
}

/* The limits of a guest time's host time: in the segment, before it or behind it. */
static void clock_limits(const struct clock_map *m, const struct clock_segment *s, uint64_t guest,
                         uint64_t *low, uint64_t *high)
{
    bool last = s == &m->segments[m->count - 1];

    if (guest < s->guest_from) {
        *low = 0;
        *high = s->host_from;
    } else if (guest <= s->guest_to) {
        *low = s->host_from;
        *high = s->host_to;
    } else {
        *low = s->host_to;
        *high = last ? MAX_TIME : s[1].host_from;
    }
}

uint64_t clock_map_host(const struct clock_map *m, uint64_t guest)
{
    const struct clock_segment *s;
    uint64_t host, low, high;

    if (!m->count)
        return guest;
    s = segment_of(m, guest);
    host = line(s, guest);
    clock_limits(m, s, guest, &low, &high);
    return host < low ? low : host > high ? high : host;
}

uint64_t clock_map_error(const struct clock_map *m, uint64_t host)
{
    size_t low = 0, high = m->count;

    if (!m->count || host < m->segments[0].host_from || host > m->segments[m->count - 1].host_to)
        return CLOCK_UNKNOWN;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (m->segments[middle].host_from <= host)
            low = middle;
        else
            high = middle;
    }
    /* On a border, or in a span of no length, either of two segments may have mapped the event. */
    if (low && host == m->segments[low].host_from &&
        m->segments[low - 1].error > m->segments[low].error)
        return m->segments[low - 1].error;
    return m->segments[low].error;
}

uint64_t clock_map_worst(const struct clock_map *m)
{
    uint64_t worst = m->count ? 0 : CLOCK_UNKNOWN;

    for (size_t i = 0; i < m->count; i++)
        if (m->segments[i].error > worst)
            worst = m->segments[i].error;
    return worst;
}

/* ---- run.json ----------------------------------------------------------------------------- */

static json_t *segment_json(const struct clock_segment *s)
{
    json_t *o =
        json_pack("{sI sI sI sI sI so sI ss}", "guest_from", (json_int_t)s->guest_from, "guest_to",
                  (json_int_t)s->guest_to, "guest_at", (json_int_t)s->guest_at, "host_at",
                  (json_int_t)s->host_at, "drift_ppb", (json_int_t)s->drift_ppb, "error_ns",
                  s->error == CLOCK_UNKNOWN ? json_null() : json_integer((json_int_t)s->error),
                  "pairs", (json_int_t)s->pairs, "method", clock_method_name(s->method));

    if (o && s->bridge)
        json_object_set_new(o, "jump", json_true());
    return o;
}

json_t *clock_map_json(const struct clock_map *m, const char *log)
{
    json_t *list = json_array();

    for (size_t i = 0; i < m->count; i++)
        json_array_append_new(list, segment_json(&m->segments[i]));
    return json_pack("{ss sI sI sI so}", "log", log, "pairs", (json_int_t)m->pairs, "rejected",
                     (json_int_t)m->rejected, "violations", (json_int_t)m->violations, "segments",
                     list);
}

static bool take(const json_t *o, const char *key, uint64_t *value)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v) || json_integer_value(v) < 0 ||
        (uint64_t)json_integer_value(v) > MAX_TIME)
        return false;
    *value = (uint64_t)json_integer_value(v);
    return true;
}

static bool take_method(const json_t *o, enum clock_method *method)
{
    const char *name = json_string_value(json_object_get(o, "method"));

    for (size_t i = 0; name && i < sizeof(method_names) / sizeof(*method_names); i++)
        if (!strcmp(name, method_names[i])) {
            *method = (enum clock_method)i;
            return true;
        }
    return false;
}

static bool parse_segment(struct clock_segment *s, const json_t *o)
{
    const json_t *drift = json_object_get(o, "drift_ppb"), *error = json_object_get(o, "error_ns");

    if (!take(o, "guest_from", &s->guest_from) || !take(o, "guest_to", &s->guest_to) ||
        !take(o, "guest_at", &s->guest_at) || !take(o, "host_at", &s->host_at) ||
        !take(o, "pairs", &s->pairs) || !take_method(o, &s->method))
        return false;
    if (!json_is_null(error) && !take(o, "error_ns", &s->error))
        return false;
    s->bridge = json_is_true(json_object_get(o, "jump"));
    s->drift_ppb = json_integer_value(drift);
    /* Across a jump the clock can stand still or leap: the limit of drift does not hold. */
    return json_is_integer(drift) && s->drift_ppb > -BILLION &&
           (s->bridge || (s->drift_ppb >= -MAX_PPB && s->drift_ppb <= MAX_PPB));
}

static int parse_segments(struct clock_map *m, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct clock_segment *s = clock_map_add(m);

        if (!s || !parse_segment(s, json_array_get(list, i)) || s->guest_to < s->guest_from ||
            (i && s->guest_from < s[-1].guest_to))
            return -EBADMSG;
    }
    return m->count ? 0 : -EBADMSG;
}

int clock_map_parse(struct clock_map *m, const json_t *clocks, const char *log)
{
    const json_t *entry = NULL;
    int err;

    *m = (struct clock_map){0};
    for (size_t i = 0; i < json_array_size(clocks); i++) {
        const char *name;

        entry = json_array_get(clocks, i);
        name = json_string_value(json_object_get(entry, "log"));
        if (name && !strcmp(name, log))
            break;
        entry = NULL;
    }
    if (!entry)
        return -ENOENT;
    err = parse_segments(m, json_object_get(entry, "segments"));
    if (err) {
        clock_map_free(m);
        return err;
    }
    take(entry, "pairs", &m->pairs);
    take(entry, "rejected", &m->rejected);
    take(entry, "violations", &m->violations);
    clock_map_settle(m);
    return 0;
}
