/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the meter counts: bytes and messages by channel, message, image and stream, and how long a
 * frame took from its last byte to the picture. Knows neither sockets nor GLib. Times are ns of
 * CLOCK_MONOTONIC. One thread at a time: whoever calls holds the caller's lock.
 */
#ifndef SPICETAP_COUNT_H
#define SPICETAP_COUNT_H

#include "../bpf/events.h"
#include "samples.h"
#include "wire.h"

enum {
    COUNT_TYPES = 512, /* message types that are told apart; higher ones share the last */
    COUNT_IMAGES = 256,
    COUNT_STREAMS = 64,   /* streams of a display told apart, by number; a server has 50 */
    COUNT_PENDING = 4096, /* drawings, and frames of a stream, not seen in the picture yet */
    COUNT_FRAMES = 128,
    COUNT_CHANNELS = 32,
};

struct tally {
    uint64_t messages, bytes;
};

struct count_frame {
    int64_t time, wait; /* of its last byte; until it is due */
    uint64_t bytes;
};

struct count_stream {
    uint32_t number;
    bool used, running;
    uint8_t codec;
    struct wire_rect dest;
    uint64_t created, ended;
    struct tally frames;
    uint64_t pictures; /* frames seen in the picture */
    int64_t last_picture;
    struct count_frame pending[COUNT_FRAMES];
    unsigned first, count;
};

struct count_draw {
    int64_t time;
    struct wire_rect box;
    uint8_t image;
};

/* A channel's connection. One that is linked again, after a loss, is another. */
struct count_channel {
    struct counts *all;
    struct wire wire;
    uint8_t type, id;
    bool linked, ended;
    int64_t now; /* of the bytes that are being counted */
    uint64_t up; /* bytes to the server */
    struct tally total, types[COUNT_TYPES];
    /* Of a display. */
    struct tally images[COUNT_IMAGES];
    struct count_stream *streams; /* COUNT_STREAMS of them, made with the first stream */
    struct tally other_streams;   /* frames of streams that have no place in it */
    struct count_draw *draws;     /* ring of COUNT_PENDING */
    unsigned first_draw, draw_count;
    uint64_t draws_unseen; /* the ring was full */
};

struct counts {
    struct count_channel *channels[COUNT_CHANNELS];
    unsigned count;
    bool has_clock;
    uint32_t mm_time; /* the server's multimedia clock, ms, at mm_at */
    int64_t mm_at;
    uint64_t pictures, unmatched; /* parts of the picture that changed; of what, is not known */
    struct samples frame_took, frame_beyond, draw_took; /* ns */
    /* Told of everything as it happens; may be NULL. */
    void (*emit)(void *context, const struct tap_event *ev);
    void *context;
};

/* Room for one more connection, or NULL: no memory, or too many. It lives until counts_free. */
struct count_channel *count_open(struct counts *c);
/* Bytes to the server, and from it. -EPROTO: the server does not speak SPICE. */
void count_client(struct count_channel *ch, const uint8_t *p, size_t n, int64_t now);
int count_server(struct count_channel *ch, const uint8_t *p, size_t n, int64_t now);
void count_close(struct count_channel *ch, int64_t now);
/* A part of a display's picture is ready. True: it is a stream's frame, or a drawing, as a whole.
 */
bool count_picture(struct counts *c, uint8_t display, struct wire_rect box, int64_t now);
void counts_total(const struct counts *c, struct tally *all, uint64_t *link_bytes);
void counts_free(struct counts *c);

/* An event laid out as events.def has it: EMIT(counts, time, client_frame, .display = 0, ...). */
void count_emit(struct counts *c, uint16_t kind, int64_t time, const void *fields);
#define EMIT(c, at, name, ...) count_emit(c, EV_##name, at, &(struct fields_##name){__VA_ARGS__})

#endif
