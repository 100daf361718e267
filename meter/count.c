/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <spice/enums.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/fields.h"
#include "count.h"

enum { PRIMARY = 0 }; /* number of the surface that is the screen */

/* ns: spice-gtk's clock counts ms, and it reads that clock a moment after us. */
#define CLOCK_SLACK INT64_C(2000000)

void count_emit(struct counts *c, uint16_t kind, int64_t time, const void *fields)
{
    const struct tap_kind_desc *desc = tap_kind_find(kind);
    struct tap_event ev = {.time = (uint64_t)time, .tid = (uint32_t)gettid(), .kind = kind};

    if (!c->emit)
        return;
    ev.slots = desc->slots;
    memcpy(ev.v, fields, ev.slots * sizeof(*ev.v));
    c->emit(c->context, &ev);
}

static void add(struct tally *t, uint64_t bytes)
{
    t->messages++;
    t->bytes += bytes;
}

static struct tap_rect rect(struct wire_rect r)
{
    return (struct tap_rect){r.left, r.top, r.right, r.bottom};
}

/* ---- streams -------------------------------------------------------------------------------- */

static struct count_stream *stream_at(struct count_channel *ch, uint32_t number)
{
    if (!ch->streams)
        ch->streams = calloc(COUNT_STREAMS, sizeof(*ch->streams));
    if (!ch->streams || number >= COUNT_STREAMS)
        return NULL;
    ch->streams[number].used = true;
    ch->streams[number].number = number;
    return &ch->streams[number];
}

static void stream_begins(struct count_channel *ch, const struct wire_stream *s)
{
    struct count_stream *to = stream_at(ch, s->stream);

    if (to) {
        to->running = true;
        to->created++;
        to->codec = s->codec;
        to->dest = s->dest;
        to->first = to->count = 0;
        to->last_picture = 0;
    }
    EMIT(ch->all, ch->now, client_stream, .display = ch->id, .stream = s->stream, .created = true,
         .codec = s->codec, .box = rect(s->dest));
}

static void stream_ends(struct count_channel *ch, uint32_t number)
{
    struct count_stream *s = stream_at(ch, number);

    if (!s)
        return;
    s->ended += s->running;
    s->running = false;
    s->first = s->count = 0;
    EMIT(ch->all, ch->now, client_stream, .display = ch->id, .stream = number, .codec = s->codec,
         .box = rect(s->dest));
}

static void streams_end(struct count_channel *ch, uint32_t number)
{
    if (number != UINT32_MAX) {
        stream_ends(ch, number);
        return;
    }
    for (uint32_t i = 0; ch->streams && i < COUNT_STREAMS; i++)
        if (ch->streams[i].running)
            stream_ends(ch, i);
}

/* ns until a frame is due, by the server's multimedia clock. 0: the main channel has not sent it.
 */
static int64_t wait_of(const struct counts *c, uint32_t mm_time, int64_t now)
{
    uint32_t here;

    if (!c->has_clock)
        return 0;
    here = c->mm_time + (uint32_t)((now - c->mm_at) / 1000000);
    return (int64_t)(int32_t)(mm_time - here) * 1000000;
}

static void frame_comes(struct count_channel *ch, const struct wire_message *m,
                        const struct wire_frame *f)
{
    struct count_stream *s = stream_at(ch, f->stream);
    int64_t wait = wait_of(ch->all, f->mm_time, ch->now);

    add(s ? &s->frames : &ch->other_streams, m->bytes);
    if (s) {
        if (f->sized)
            s->dest = f->dest;
        if (s->count == COUNT_FRAMES) {
            s->first++;
            s->count--;
        }
        s->pending[(s->first + s->count++) % COUNT_FRAMES] =
            (struct count_frame){ch->now, wait, m->bytes};
    }
    EMIT(ch->all, ch->now, client_frame, .display = ch->id, .stream = f->stream, .size = m->bytes,
         .mm_time = f->mm_time, .wait = wait);
}

/* ---- messages ------------------------------------------------------------------------------- */

static void draw_comes(struct count_channel *ch, const struct wire_draw *d)
{
    if (!ch->draws)
        ch->draws = calloc(COUNT_PENDING, sizeof(*ch->draws));
    if (!ch->draws || d->surface != PRIMARY)
        return;
    if (ch->draw_count == COUNT_PENDING) {
        ch->first_draw++;
        ch->draw_count--;
        ch->draws_unseen++;
    }
    ch->draws[(ch->first_draw + ch->draw_count++) % COUNT_PENDING] =
        (struct count_draw){ch->now, d->box, d->image};
}

/* Counts what is in a display's message, and returns the type of the image in it. */
static uint8_t display_message(struct count_channel *ch, const struct wire_message *m)
{
    struct wire_draw draw;
    struct wire_frame frame;
    struct wire_stream stream;
    uint32_t number;

    if (wire_get_frame(m, &frame)) {
        frame_comes(ch, m, &frame);
    } else if (wire_get_draw(m, &draw)) {
        draw_comes(ch, &draw);
        add(&ch->images[draw.image], m->bytes);
        return draw.image;
    } else if (wire_get_stream(m, &stream)) {
        stream_begins(ch, &stream);
    } else if (wire_get_stream_end(m, &number)) {
        streams_end(ch, number);
    } else if (wire_get_surface_gone(m, &number) && number == PRIMARY) {
        ch->first_draw = ch->draw_count = 0;
    }
    return IMAGE_TYPE_none;
}

static void on_message(void *context, const struct wire_message *m)
{
    struct count_channel *ch = context;
    uint8_t image = IMAGE_TYPE_none;

    add(&ch->total, m->bytes);
    add(&ch->types[m->type < COUNT_TYPES ? m->type : COUNT_TYPES - 1], m->bytes);
    if (ch->type == SPICE_CHANNEL_DISPLAY) {
        image = display_message(ch, m);
    } else if (ch->type == SPICE_CHANNEL_MAIN && wire_get_mm_time(m, &ch->all->mm_time)) {
        ch->all->has_clock = true;
        ch->all->mm_at = ch->now;
    }
    EMIT(ch->all, ch->now, client_message, .channel = ch->type, .id = ch->id, .msg = m->type,
         .size = m->bytes, .image = image);
}

/* ---- connections ---------------------------------------------------------------------------- */

struct count_channel *count_open(struct counts *c)
{
    struct count_channel *ch = c->count < COUNT_CHANNELS ? calloc(1, sizeof(*ch)) : NULL;

    if (ch) {
        ch->all = c;
        wire_init(&ch->wire, on_message, ch);
        c->channels[c->count++] = ch;
    }
    return ch;
}

void count_client(struct count_channel *ch, const uint8_t *p, size_t n, int64_t now)
{
    ch->now = now;
    ch->up += n;
    wire_client(&ch->wire, p, n);
    ch->type = ch->wire.channel;
    ch->id = ch->wire.id;
}

static void report_linked(struct count_channel *ch)
{
    if (!ch->linked && ch->wire.state >= WIRE_MESSAGES && !ch->wire.link_error) {
        ch->linked = true;
        EMIT(ch->all, ch->now, client_connected, .channel = ch->type, .id = ch->id,
             .mini = ch->wire.mini);
    }
}

int count_server(struct count_channel *ch, const uint8_t *p, size_t n, int64_t now)
{
    int error = 0;

    ch->now = now;
    /* Byte by byte, so that the end of the link is reported before the first message. */
    while (n && !error && ch->wire.state < WIRE_MESSAGES) {
        error = wire_server(&ch->wire, p++, 1);
        n--;
    }
    report_linked(ch);
    if (n) {
        int rest = wire_server(&ch->wire, p, n);

        error = error ? error : rest;
    }
    return error;
}

void count_close(struct count_channel *ch, int64_t now)
{
    if (ch->linked && !ch->ended)
        EMIT(ch->all, now, client_disconnected, .channel = ch->type, .id = ch->id,
             .messages = ch->total.messages, .bytes = ch->total.bytes, .rest = ch->wire.rest);
    ch->ended = true;
}

void counts_total(const struct counts *c, struct tally *all, uint64_t *link_bytes)
{
    *all = (struct tally){0};
    *link_bytes = 0;
    for (unsigned i = 0; i < c->count; i++) {
        all->messages += c->channels[i]->total.messages;
        all->bytes += c->channels[i]->total.bytes;
        *link_bytes += c->channels[i]->wire.link_bytes;
    }
}

void counts_free(struct counts *c)
{
    for (unsigned i = 0; i < c->count; i++) {
        free(c->channels[i]->streams);
        free(c->channels[i]->draws);
        free(c->channels[i]);
    }
    samples_free(&c->frame_took);
    samples_free(&c->frame_beyond);
    samples_free(&c->draw_took);
    *c = (struct counts){0};
}

/* ---- the picture ---------------------------------------------------------------------------- */

static bool same(struct wire_rect a, struct wire_rect b)
{
    return a.left == b.left && a.top == b.top && a.right == b.right && a.bottom == b.bottom;
}

/* Finds the drawing of a box. The client draws in the order of messages, so older ones are done. */
static bool take_draw(struct count_channel *ch, struct wire_rect box, struct count_draw *d)
{
    for (unsigned i = 0; i < ch->draw_count; i++) {
        *d = ch->draws[(ch->first_draw + i) % COUNT_PENDING];
        if (same(d->box, box)) {
            ch->first_draw = (ch->first_draw + i + 1) % COUNT_PENDING;
            ch->draw_count -= i + 1;
            return true;
        }
    }
    return false;
}

/*
 * Takes the frame that is in the picture now, by the rule of spice-gtk's decoders
 * (mjpeg_decoder_schedule in channel-display-mjpeg.c, schedule_frame in channel-display-gst.c):
 * the first frame that was not yet due, neither when it arrived nor when the frame before it was
 * shown. If there is none, the newest.
 */
static bool take_frame(struct count_stream *s, int64_t now, struct count_frame *f)
{
    unsigned at = s->count - 1;

    if (!s->count)
        return false;
    for (unsigned i = 0; i < s->count; i++) {
        const struct count_frame *here = &s->pending[(s->first + i) % COUNT_FRAMES];

        if (here->wait >= -CLOCK_SLACK &&
            here->time + here->wait >= s->last_picture - CLOCK_SLACK) {
            at = i;
            break;
        }
    }
    *f = s->pending[(s->first + at) % COUNT_FRAMES];
    s->first = (s->first + at + 1) % COUNT_FRAMES;
    s->count -= at + 1;
    s->last_picture = now;
    s->pictures++;
    return true;
}

static struct count_stream *stream_of(struct count_channel *ch, struct wire_rect box)
{
    for (unsigned i = 0; ch->streams && i < COUNT_STREAMS; i++)
        if (ch->streams[i].running && ch->streams[i].count && same(ch->streams[i].dest, box))
            return &ch->streams[i];
    return NULL;
}

static bool drawing_ready(struct counts *c, const struct count_channel *ch,
                          const struct count_draw *d, int64_t now)
{
    samples_add(&c->draw_took, now - d->time);
    EMIT(c, now, client_picture, .display = ch->id, .box = rect(d->box), .stream = -1,
         .image = d->image, .took = now - d->time);
    return true;
}

static bool frame_ready(struct counts *c, const struct count_channel *ch,
                        const struct count_stream *s, const struct count_frame *f, int64_t now,
                        int64_t *held)
{
    int64_t took = now - f->time, wait = f->wait > 0 ? f->wait : 0;

    samples_add(&c->frame_took, took);
    samples_add(&c->frame_beyond, took > wait ? took - wait : 0);
    EMIT(c, now, client_picture, .display = ch->id, .box = rect(s->dest),
         .stream = (int64_t)s->number, .image = IMAGE_TYPE_none, .took = took, .wait = wait);
    *held = wait;
    return true;
}

static struct count_channel *display_of(struct counts *c, uint8_t display)
{
    for (unsigned i = c->count; i-- > 0;)
        if (c->channels[i]->linked && c->channels[i]->type == SPICE_CHANNEL_DISPLAY &&
            c->channels[i]->id == display)
            return c->channels[i];
    return NULL;
}

bool count_picture(struct counts *c, uint8_t display, struct wire_rect box, int64_t now,
                   int64_t *held)
{
    struct count_channel *ch = display_of(c, display);
    struct count_stream *s = ch ? stream_of(ch, box) : NULL;
    struct count_frame frame;
    struct count_draw draw;

    *held = 0;
    c->pictures++;
    if (ch && take_draw(ch, box, &draw))
        return drawing_ready(c, ch, &draw, now);
    if (s && take_frame(s, now, &frame))
        return frame_ready(c, ch, s, &frame, now, held);
    c->unmatched++;
    EMIT(c, now, client_picture, .display = display, .box = rect(box), .stream = -2,
         .image = IMAGE_TYPE_none);
    return false;
}
