/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pass over a run: each event goes to the parts that need it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

int model_new(struct model **out)
{
    struct model *x = calloc(1, sizeof(*x));

    if (!x)
        return -ENOMEM;
    waits_init(&x->waits);
    pacing_init(&x->pacing, &x->streams);
    regions_init(&x->regions, &x->streams, &x->losses);
    alternates_init(&x->alternates, &x->losses);
    client_init(&x->client, &x->waits, &x->regions, &x->losses);
    if (streams_init(&x->streams, &x->waits, &x->bytes, &x->losses) ||
        memory_init(&x->memory, &x->waits, &x->streams, &x->regions)) {
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
    streams_free(&x->streams);
    regions_free(&x->regions);
    alternates_free(&x->alternates);
    client_free(&x->client);
    memory_free(&x->memory);
    free(x);
}

static void loss(struct model *x, const struct run_event *e)
{
    uint64_t count = e->loss.count == RUN_UNKNOWN ? 0 : e->loss.count;
    enum tap_source source = e->source;

    x->losses.places[source]++;
    x->losses.events[source] += count;
    waits_loss(&x->waits, source, e->loss.from, e->loss.to);
    memory_loss(&x->memory, source, count, &x->attr);
    streams_loss(&x->streams, source, count);
    regions_loss(&x->regions, source, count);
    alternates_loss(&x->alternates, source, count);
    if (source == SOURCE_CLIENT)
        client_loss(&x->client, e->loss.from, e->loss.to);
}

static void settle(struct model *x, unsigned slot)
{
    enum outcome o;
    const struct model_candidate *c = regions_settle(&x->regions, slot, &o);

    if (!c)
        return;
    streams_refused(&x->streams, c, o);
    x->attr.group = alternates_redraw(&x->alternates, c, o);
    if (x->decided)
        x->decided(x, c, o);
}

static void of_host(struct model *x, const struct model_seen *e, enum tap_source source)
{
    struct wait_step step;

    bytes_sent_to(&x->bytes, e->slot, e->ev);
    waits_add(&x->waits, e, source, &step, &x->attr);
    memory_add(&x->memory, e, &step, &x->attr);
    if (!x->lives_only && regions_decides(e->ev))
        settle(x, e->slot);
    streams_add(&x->streams, e, &x->attr);
    pacing_add(&x->pacing, e->ev);
    if (!x->lives_only)
        regions_add(&x->regions, e, &x->attr);
}

/* Does the recorder say that the agent of this log had its probes on the guest's waits? */
static bool waits_probed(const struct model *x, const char *log)
{
    const json_t *logs = json_object_get(json_object_get(bundle_about(x->bundle), "guest"), "logs");
    unsigned found = 0;

    for (size_t i = 0; i < json_array_size(logs); i++) {
        const json_t *about = json_array_get(logs, i);
        const char *name = json_string_value(json_object_get(about, "log"));
        const json_t *probes = json_object_get(json_object_get(about, "hello"), "attached");

        for (size_t k = 0; name && !strcmp(name, log) && k < json_array_size(probes); k++) {
            const char *probe = json_string_value(json_array_get(probes, k));

            found |= probe && !strcmp(probe, "guest_wait_begin") ? 1 : 0;
            found |= probe && !strcmp(probe, "guest_wait_end") ? 2 : 0;
        }
    }
    return found == 3;
}

/* Each boot of the guest has a log of its own. */
static void guest_session(struct model *x, const struct run_event *e)
{
    x->guest_log = e->log;
    guest_waits_session(&x->waits.guest, waits_probed(x, e->log->name), e->raw->time);
}

void model_add(struct model *x, const struct run_event *e)
{
    struct model_seen seen = {.ev = e->event};

    x->attr = (struct model_attr){0};
    counts_add(&x->counts, e);
    if (e->raw->kind == EV_loss) {
        loss(x, e);
        return;
    }
    x->losses.last[e->source] = e->raw->time;
    if (!e->event)
        return;
    if (e->missing & 1u << SOURCE_SPICE) /* what ended the waits may be among the missing */
        waits_loss(&x->waits, SOURCE_SPICE, e->raw->time, e->raw->time);
    if (e->missing & 1u << SOURCE_CLIENT)
        client_missing(&x->client, e->raw->time);
    if (e->source == SOURCE_CLIENT) {
        client_add(&x->client, e->event);
        return;
    }
    bytes_add(&x->bytes, e->event);
    if (displays_of(e->event, &seen.display)) {
        int slot = displays_slot(&x->displays, seen.display);

        if (slot < 0)
            return;
        seen.slot = (unsigned)slot;
    }
    /* Never more than the time itself: a sum of both must not overflow. */
    seen.error = e->clock_error < e->raw->time ? e->clock_error : e->raw->time;
    if (e->source == SOURCE_GUEST && e->log != x->guest_log)
        guest_session(x, e);
    of_host(x, &seen, e->source);
}

/* -1: no clip. */
static int clip_slot(const struct model *x)
{
    const struct model_region *clip = model_clip(x);

    for (uint32_t i = 0; clip && i < x->displays.places.count; i++)
        if (x->displays.ids[i] == clip->display)
            return (int)i;
    return -1;
}

void model_end(struct model *x)
{
    for (unsigned i = 0; i < MODEL_DISPLAYS; i++)
        settle(x, i);
    regions_end(&x->regions);
    alternates_end(&x->alternates);
    streams_end(&x->streams, x->end);
    client_end(&x->client, clip_slot(x));
    waits_end(&x->waits, x->end);
    memory_end(&x->memory);
}

static void about_device(struct model *x)
{
    const json_t *devices = json_object_get(bundle_about(x->bundle), "devices");
    unsigned qxl = 0;

    for (size_t i = 0; i < json_array_size(devices); i++) {
        const char *driver =
            json_string_value(json_object_get(json_array_get(devices, i), "driver"));

        qxl += driver && strstr(driver, "qxl");
        x->virtio |= driver && strstr(driver, "virtio");
    }
    x->qxl = qxl > 0;
    x->waits.several = qxl > 1;
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
    x->regions.has_client_box = clip_of_client(x->bundle, x->regions.client_box);
    bundle_window(x->bundle, &x->start, &x->end);
    client_window(&x->client, x->start, x->end);
    while (cursor_next(c, &e) == 1)
        model_add(x, &e);
    cursor_close(c);
    if (!x->start)
        x->start = x->counts.first;
    if (!x->end)
        x->end = x->counts.last;
    if (x->end < x->start)
        x->end = x->start;
    x->seconds = (double)(x->end - x->start) / 1e9;
    model_end(x);
    return 0;
}

const struct model_region *model_kept(const struct model *x, uint32_t id)
{
    return regions_kept(&x->regions, id);
}

const struct model_region *model_clip(const struct model *x)
{
    return regions_clip(&x->regions);
}

const struct model_stream *model_stream_at(const struct model *x, uint32_t id)
{
    const struct model_streams *s = &x->streams;

    return id && id <= s->kept.count ? &s->list[id - 1] : NULL;
}

const struct model_episode *model_episode_at(const struct model *x, uint32_t id)
{
    return id && id <= model_episodes(x) ? &x->memory.episodes[id - 1] : NULL;
}

uint32_t model_episodes(const struct model *x)
{
    return x->memory.kept.count;
}

bool model_in_pieces(const struct model *x)
{
    const struct model_regions *r = &x->regions;

    return r->has_client_box && r->clip_by != CLIP_BY_CLIENT && r->pieces_all;
}

bool model_numbered(const struct model *x)
{
    return x->client.numbered;
}

uint32_t model_freeze_draws(const struct model *x, const struct model_freeze *z)
{
    const struct model_region *clip = model_clip(x);

    return clip ? z->draws[clip - x->regions.boxes] : 0;
}
