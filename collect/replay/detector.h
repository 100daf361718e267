/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of spice-server's stream detector (0.15.1 and 0.15.2, server/video-stream.cpp): what it
 * decides of a drawable, from what it knows of it. It does not know which drawables cover which:
 * its caller tells it what meets what in the tree (server/display-channel.cpp: current_add_equal,
 * __exclude_region), what leaves the tree, and when.
 *
 * Times are ns of CLOCK_MONOTONIC. A detector and its drawables belong to one display channel.
 */
#ifndef SPICETAP_DETECTOR_H
#define SPICETAP_DETECTOR_H

#include "event/fields.h"

enum {
    DETECTOR_STREAMS = 50,       /* NUM_STREAMS, server/display-limits.h */
    DETECTOR_TRACE_ITEMS = 4096, /* at most; ours */
    DETECTOR_FRAMES_RESET = 100, /* RED_STREAM_FRAMES_RESET_CONDITION, server/video-stream.h */
    DETECTOR_MAX_FPS = 30,       /* MAX_FPS, server/video-stream.h */
    DETECTOR_NO_STREAM = -1,
};

/* What a build of the server fixes; server/video-stream.h where nothing else is said. */
struct constants {
    uint32_t trace_items;      /* NUM_TRACE_ITEMS, server/display-channel-private.h; a power of 2 */
    uint64_t detection_delta;  /* RED_STREAM_DETECTION_MAX_DELTA, ns */
    uint64_t continuous_delta; /* RED_STREAM_CONTINUOUS_MAX_DELTA, ns */
    uint64_t timeout;          /* RED_STREAM_TIMEOUT, ns */
    int32_t frames_start;      /* RED_STREAM_FRAMES_START_CONDITION */
    double gradual;            /* RED_STREAM_GRADUAL_FRAMES_START_CONDITION */
    int64_t min_size;          /* RED_STREAM_MIN_SIZE, pixels */
    int32_t box_tolerance;     /* pixels an edge may be off; the server knows none: 0 */
};

extern const struct constants constants_built; /* as Debian builds it */

/* How far a drawable has come in one detector: the fields of struct Drawable. */
struct standing {
    uint64_t first; /* first_frame_time */
    int32_t frames, gradual, last_gradual;
    int16_t stream; /* place in detector.streams, or DETECTOR_NO_STREAM */
    bool streamable;
};

/* The facts of a drawable, the same for every detector. */
struct drawable {
    uint64_t address, release_id, created;
    struct tap_rect box;
    int32_t width, height; /* of the source area; copies only */
    int16_t graduality;    /* as recorded, else a guess; see graduality_known */
    int8_t top_down;       /* 1, 0; -1: not known, taken for the stream's */
    bool graduality_known;
    bool known; /* its draw is in the recording */
    bool copy, opaque;
    bool could_stream;    /* but for its size it may be streamed */
    bool in_tree;         /* as far as is known */
    bool touched;         /* something opaque lies over a part of it */
    int32_t older, newer; /* by age: places in the table, -1: none */
    int32_t chain;        /* in its hash bucket */
    struct standing *of;  /* by detector.number */
};

struct trace_item {
    uint64_t time, first;
    int32_t frames, gradual, last_gradual, width, height;
    struct tap_rect box;
    uint8_t known; /* TRACE_...: what is not known came from before the recording */
};

enum { TRACE_WHERE = 1, TRACE_SIZE = 2, TRACE_COUNTS = 4, TRACE_ALL = 7 };

struct stream {
    bool running;
    bool known; /* its beginning is in the recording */
    uint32_t number;
    uint32_t frames;
    uint64_t created, last;
    int32_t width, height;
    struct tap_rect box;
    int8_t top_down; /* -1: not known */
    struct drawable *current;
    void *owner; /* the caller's */
};

/* One decision, laid out as the server's own probe of it would be (bpf/events.def): kind and
 * fields. `stream` is the place of the stream created, attached, detached or stopped. */
typedef void detector_decided(void *who, const struct tap_event *decision, int stream);

struct detector {
    struct constants constants;
    unsigned number; /* which standing of a drawable is this one's */
    uint32_t display;
    struct trace_item *ring; /* constants.trace_items of them */
    uint32_t next;           /* next_item_trace */
    struct stream streams[DETECTOR_STREAMS];
    uint8_t order[DETECTOR_STREAMS]; /* running streams, newest first: priv->streams */
    unsigned running;
    uint64_t now; /* time of what happens; only its caller needs it */
    detector_decided *decided;
    void *who;
    bool terse; /* `decided` does not get the matches that fail */
};

int detector_init(struct detector *d, const struct constants *c, unsigned number, uint32_t display);
void detector_free(struct detector *d);

/* drawable_can_stream's last test; `filter`: the server is in streaming mode filter. */
bool detector_big_enough(const struct constants *c, const struct drawable *d, bool filter);
/* A new drawable, before anything else is told of it. */
void detector_draw(struct detector *d, struct drawable *drawable, bool streamable);
/* video_stream_maintenance: `candidate` meets `prev` in the tree. */
void detector_meet(struct detector *d, struct drawable *candidate, struct drawable *prev);
/* video_stream_trace_update: the candidate is compared with streams and trace ring, unless it is a
 * frame already. True if it was. */
bool detector_look(struct detector *d, struct drawable *candidate);
bool detector_would_look(const struct detector *d, const struct drawable *candidate);
/* video_stream_trace_add_drawable: it leaves the tree. */
void detector_leave(struct detector *d, struct drawable *drawable, unsigned reason);
/* Would leaving the tree be seen, as a trace_add? */
bool detector_leaves_trace(const struct detector *d, const struct drawable *drawable);
/* video_stream_detach_drawable. The stream loses its frame. */
void detector_detach(struct detector *d, int stream, unsigned reason);
/* video_stream_stop, with what detach_video_stream_gracefully does before. */
void detector_stop(struct detector *d, int stream, unsigned reason);
/* Begins a stream that is known of from elsewhere; its place, or -1. `last_in_order`: at the end of
 * the list of running streams. */
int detector_adopt(struct detector *d, const struct stream *s, bool last_in_order);
void detector_forget_stream(struct detector *d, int stream); /* without a decision */
int detector_stream_by_number(const struct detector *d, uint64_t number);
/* stop_streams' other half: the ring is cleared. */
void detector_clear_ring(struct detector *d);
/* Everything is unknown: the recording begins, or has lost something. */
void detector_forget(struct detector *d);
/* The drawable is freed: no stream holds it any more. */
void detector_gone(struct detector *d, struct drawable *drawable);

bool rect_same(const struct tap_rect *a, const struct tap_rect *b);
bool rect_holds(const struct tap_rect *outer, const struct tap_rect *inner);
bool rect_meets(const struct tap_rect *a, const struct tap_rect *b);
int64_t rect_pixels(const struct tap_rect *r);

#endif
