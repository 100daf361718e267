/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pass over a run: each event goes to the parts that need it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

int model_new(struct model **out)
{
    struct model *x = calloc(1, sizeof(*x));

    if (x) {
        x->facts = calloc(1, sizeof(*x->facts));
        x->streams = calloc(MODEL_STREAMS, sizeof(*x->streams));
        x->episodes = calloc(MODEL_EPISODES, sizeof(*x->episodes));
    }
    if (!x || !x->facts || !x->streams || !x->episodes) {
        model_free(x);
        return -ENOMEM;
    }
    *out = x;
    return 0;
}

void model_free(struct model *x)
{
    if (!x)
        return;
    free(x->facts);
    free(x->streams);
    free(x->episodes);
    free(x);
}

struct model_display *model_display_of(struct model *x, uint64_t id)
{
    for (int i = 0; i < MODEL_DISPLAYS; i++) {
        struct model_display *d = &x->displays[i];

        if (!d->used) {
            *d = (struct model_display){.used = true, .id = (uint32_t)id};
            x->display_count++;
        }
        if (d->id == (uint32_t)id)
            return d;
    }
    return &x->displays[MODEL_DISPLAYS - 1]; /* model_add lets no other in */
}

bool model_has_place(const struct model *x, uint32_t display)
{
    for (uint32_t i = 0; i < x->display_count; i++)
        if (x->displays[i].id == display)
            return true;
    return x->display_count < MODEL_DISPLAYS;
}

/* All of spice-server's kinds that are used here have their display in the first field. */
static bool left_out(struct model *x, const struct tap_event *ev)
{
    if (ev->kind > EV_blocked && ev->kind != EV_qxl_io_write)
        return false;
    if (model_has_place(x, (uint32_t)ev->v[0]))
        return false;
    x->displays_over++;
    return true;
}

uint64_t model_error(const struct model *x, uint64_t time)
{
    uint64_t error = x->from ? bundle_clock_error(x->from, time) : 0;

    return error < time ? error : time;
}

/* Boxes of the same shape at nearly the same place: 8 pixels, and none of them small. */
bool model_near(const int32_t *a, const int32_t *b, uint32_t *off)
{
    uint32_t most = 0;

    for (int i = 0; i < 4; i++) {
        int64_t d = (int64_t)a[i] - b[i];
        uint64_t far = (uint64_t)(d < 0 ? -d : d);

        if (far > 8)
            return false;
        if (far > most)
            most = (uint32_t)far;
    }
    *off = most;
    if (!most)
        return true;
    return (int64_t)a[2] - a[0] >= 64 && (int64_t)a[3] - a[1] >= 64 && (int64_t)b[2] - b[0] >= 64 &&
           (int64_t)b[3] - b[1] >= 64;
}

uint64_t model_stalled(const struct model_display *d, uint64_t now)
{
    /* Told that there is no memory, and nothing was given since: it waits still. */
    if (d->chain && !d->given && now > d->chain_at)
        return d->stalled + (now - d->chain_at);
    return d->stalled;
}

uint64_t model_blocked(const struct model_display *d, uint64_t now)
{
    return d->blocked + (d->blocked_from && now > d->blocked_from ? now - d->blocked_from : 0);
}

uint64_t model_waited(const struct model_display *d, uint64_t now)
{
    return d->waited + (d->waiting && now > d->waiting_from ? now - d->waiting_from : 0);
}

void model_interval(struct model_histogram *h, uint64_t ns, uint64_t at)
{
    uint64_t slot = ns / MODEL_INTERVAL;

    h->count[slot < MODEL_INTERVALS ? slot : MODEL_INTERVALS]++;
    h->all++;
    if (ns > h->longest) {
        h->longest = ns;
        h->longest_at = at;
    }
}

uint64_t model_quantile(const struct model_histogram *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->all), sum = 0;

    for (unsigned i = 0; i < MODEL_INTERVALS; i++) {
        sum += h->count[i];
        if (sum > want)
            return i * MODEL_INTERVAL + MODEL_INTERVAL / 2;
    }
    return h->longest;
}

/* The events lost are younger than the source's event before. */
static void loss(struct model *x, const struct run_event *e)
{
    uint64_t count = e->loss.count == RUN_UNKNOWN ? 0 : e->loss.count;
    enum tap_source source = e->source;

    x->losses_of[source]++;
    x->lost_of[source] += count;
    episodes_loss(x, source, count);
    if (source == SOURCE_SPICE || source == SOURCE_META)
        held_loss(x);
    streams_loss(x, source, count);
    regions_loss(x, source, count);
}

void model_add(struct model *x, const struct run_event *e)
{
    const struct tap_event *known = e->event;

    x->attr = (struct model_attr){0};
    x->from = e->log;
    facts_add(x->facts, e);
    if (e->raw->kind == EV_loss) {
        loss(x, e);
        return;
    }
    x->last_of[e->source] = e->raw->time;
    if (!known)
        return;
    traffic_add(x, known, e->source);
    if (e->source == SOURCE_CLIENT || left_out(x, known))
        return;
    held_add(x, known);
    episodes_add(x, known);
    if (known->kind == EV_stream_stop)
        regions_add(x, known);
    streams_add(x, known);
    if (known->kind != EV_stream_stop)
        regions_add(x, known);
}

void model_end(struct model *x)
{
    facts_end(x->facts);
    regions_end(x);
    streams_end(x);
    episodes_end(x);
}

static void about_device(struct model *x)
{
    const json_t *devices = json_object_get(bundle_about(x->bundle), "devices");

    for (size_t i = 0; i < json_array_size(devices); i++) {
        const char *driver =
            json_string_value(json_object_get(json_array_get(devices, i), "driver"));

        x->qxl |= driver && strstr(driver, "qxl");
        x->virtio |= driver && strstr(driver, "virtio");
    }
}

int model_gather(struct model *x)
{
    const struct bundle_log *logs;
    struct run_cursor *c = NULL;
    struct run_event e;
    size_t count = bundle_logs(x->bundle, &logs);
    int err = cursor_open(&c, x->bundle);

    if (err)
        return err;

    for (size_t i = 0; i < count; i++) {
        x->has_guest |= logs[i].source == SOURCE_GUEST && logs[i].reader;
        x->has_qemu |= logs[i].source == SOURCE_QEMU && logs[i].reader;
        x->has_client |= logs[i].source == SOURCE_CLIENT && logs[i].reader;
    }
    about_device(x);
    x->has_client_box = clip_of_client(x->run, bundle_about(x->bundle), x->client_box);
    bundle_window(x->bundle, &x->start, &x->end);
    while (cursor_next(c, &e) == 1)
        model_add(x, &e);
    cursor_close(c);
    if (!x->start)
        x->start = x->facts->first;
    if (!x->end)
        x->end = x->facts->last;
    if (x->end < x->start)
        x->end = x->start;
    x->seconds = (double)(x->end - x->start) / 1e9;
    model_end(x);
    return 0;
}

const struct model_region *model_kept(const struct model *x, uint32_t id)
{
    return id && id <= x->region_count && id <= MODEL_REGIONS ? &x->boxes[x->kept[id - 1]] : NULL;
}

const struct model_stream *model_stream(const struct model *x, uint32_t id)
{
    return id && id <= x->stream_count && id <= MODEL_STREAMS ? &x->streams[id - 1] : NULL;
}

const struct model_episode *model_episode(const struct model *x, uint32_t id)
{
    return id && id <= model_episodes(x) ? &x->episodes[id - 1] : NULL;
}

uint32_t model_episodes(const struct model *x)
{
    return x->episode_count <= MODEL_EPISODES ? x->episode_count : MODEL_EPISODES - 1;
}
