/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts bytes and messages by channel, message type, image type and stream, and measures how long
 * a frame took from its last byte to the picture. Knows neither sockets nor GLib. Times are ns of
 * CLOCK_MONOTONIC. Callers must hold a lock of their own: only one thread may call at a time.
 */
#ifndef SPICETAP_COUNT_H
#define SPICETAP_COUNT_H

#include "../bpf/events.h"
#include "samples.h"
#include "wire.h"

enum {
    COUNT_TYPES = 512,    /* message types counted apart; higher ones share the last */
    COUNT_IMAGES = 256,   /* image types: a uint8_t */
    COUNT_STREAMS = 64,   /* stream numbers of a display counted apart; spice-server has 50 */
    COUNT_PENDING = 4096, /* drawings of a display that are not in the picture yet */
    COUNT_FRAMES = 128,   /* frames of a stream that are not in the picture yet */
    COUNT_CHANNELS = 32,  /* connections */
};

struct tally {
    uint64_t messages, bytes;
};

struct count_frame {
    int64_t time; /* of its last byte */
    int64_t wait; /* ns from then until it is due; negative: late */
    uint64_t bytes;
};

struct count_stream {
    uint32_t number;
    bool used, running;
    uint8_t codec;
    struct wire_rect dest;
    uint64_t created, ended; /* how often, since numbers are used again */
    struct tally frames;
    uint64_t pictures; /* frames seen in the picture */
    int64_t last_picture;
    struct count_frame pending[COUNT_FRAMES]; /* ring */
    unsigned first, count;
};

struct count_draw {
    int64_t time;
    struct wire_rect box;
    uint8_t image;
};

/* One connection of a channel. A channel that reconnects gets another one. */
struct count_channel {
    struct counts *all;
    struct wire wire;
    uint8_t type, id;
    bool linked, ended;
    int64_t now; /* time of the bytes that are being counted */
    uint64_t up; /* bytes to the server */
    struct tally total, types[COUNT_TYPES];
    /* Of a display channel: */
    struct tally images[COUNT_IMAGES];
    struct count_stream *streams; /* COUNT_STREAMS of them; NULL before the first stream */
    struct tally other_streams;   /* frames of streams with higher numbers */
    struct count_draw *draws;     /* ring of COUNT_PENDING; NULL before the first drawing */
    unsigned first_draw, draw_count;
    uint64_t draws_unseen; /* drawings that the full ring dropped */
};

struct counts {
    struct count_channel *channels[COUNT_CHANNELS];
    unsigned count;
    bool has_clock;
    uint32_t mm_time; /* the server's multimedia clock, ms, at mm_at */
    int64_t mm_at;
    uint64_t pictures;           /* parts of the picture that changed */
    uint64_t unmatched;          /* those that belong to no known frame or drawing */
    struct samples frame_took;   /* ns from a frame's last byte to the picture */
    struct samples frame_beyond; /* ns of that beyond the time when the frame was due */
    struct samples draw_took;    /* ns from a drawing's last byte to the picture */
    /* Gets each event as it happens; NULL: nobody. */
    void (*emit)(void *context, const struct tap_event *ev);
    void *context;
};

/* A new connection, which counts_free() frees. NULL: no memory, or too many connections. */
struct count_channel *count_open(struct counts *c);
/* Count n bytes to the server, and from it. -EPROTO: the server does not speak SPICE. */
void count_client(struct count_channel *ch, const uint8_t *p, size_t n, int64_t now);
int count_server(struct count_channel *ch, const uint8_t *p, size_t n, int64_t now);
/* The connection ended. Its counts stay. */
void count_close(struct count_channel *ch, int64_t now);
/* A part of a display's picture is ready. True: it is exactly one frame or one drawing. *held: ns
 * that the client kept that frame until it was due; 0: no frame. */
bool count_picture(struct counts *c, uint8_t display, struct wire_rect box, int64_t now,
                   int64_t *held);
/* Sums over all connections; *link_bytes: those from the server before the first messages. */
void counts_total(const struct counts *c, struct tally *all, uint64_t *link_bytes);
void counts_free(struct counts *c);

/* Emits an event, with its fields by name: EMIT(counts, time, client_frame, .display = 0, ...). */
void count_emit(struct counts *c, uint16_t kind, int64_t time, const void *fields);
#define EMIT(c, at, name, ...) count_emit(c, EV_##name, at, &(struct fields_##name){__VA_ARGS__})

#endif
