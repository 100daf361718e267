/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of spice-server's stream detector (0.15.1 and 0.15.2, server/video-stream.cpp): what it
 * decides about a drawable from what it knows of it. The model does not know which drawables cover
 * which. Its caller says which drawables meet in the tree (current_add_equal and __exclude_region
 * in server/display-channel.cpp), which leave the tree, and when.
 *
 * Times are ns of CLOCK_MONOTONIC. A detector and its drawables belong to one display channel. The
 * caller owns the drawables.
 */
#ifndef SPICETAP_DETECTOR_H
#define SPICETAP_DETECTOR_H

#include "event/fields.h"

enum {
    DETECTOR_STREAMS = 50,       /* NUM_STREAMS, server/display-limits.h */
    DETECTOR_TRACE_ITEMS = 4096, /* the largest ring that whatif models */
    DETECTOR_FRAMES_RESET = 100, /* RED_STREAM_FRAMES_RESET_CONDITION, server/video-stream.h */
    DETECTOR_MAX_FPS = 30,       /* MAX_FPS, server/video-stream.h */
    DETECTOR_NO_STREAM = -1,
};

/* Constants of a build of the server; from server/video-stream.h if no other file is named. */
struct constants {
    uint32_t trace_items;      /* NUM_TRACE_ITEMS, server/display-channel-private.h; a power of 2 */
    uint64_t detection_delta;  /* RED_STREAM_DETECTION_MAX_DELTA, ns */
    uint64_t continuous_delta; /* RED_STREAM_CONTINUOUS_MAX_DELTA, ns */
    uint64_t timeout;          /* RED_STREAM_TIMEOUT, ns */
    int32_t frames_start;      /* RED_STREAM_FRAMES_START_CONDITION */
    double gradual;            /* RED_STREAM_GRADUAL_FRAMES_START_CONDITION */
    int64_t min_size;          /* RED_STREAM_MIN_SIZE, pixels */
    int32_t box_tolerance; /* pixels that an edge may be off; spice-server has no tolerance: 0 */
};

extern const struct constants constants_built; /* of Debian's build */

/* How far one detector has counted a drawable: fields of spice-server's struct Drawable. */
struct standing {
    uint64_t first; /* first_frame_time */
    int32_t frames, gradual, last_gradual;
    int16_t stream; /* place in detector.streams, or DETECTOR_NO_STREAM */
    bool streamable;
};

/* What every detector knows of a drawable. */
struct drawable {
    uint64_t address, release_id, created;
    struct tap_rect box;
    int32_t width, height; /* of the source area; only copies have one */
    int16_t graduality;    /* recorded if graduality_known, else a guess */
    int8_t top_down;       /* 1, 0; -1: unknown, and taken to be the stream's */
    bool graduality_known;
    bool known; /* its draw is in the recording */
    bool copy, opaque;
    bool could_stream;   /* passed every test but that of its size */
    bool in_tree;        /* as far as the recording shows */
    bool touched;        /* a stream's frame: something opaque lies over a part of it */
    struct standing *of; /* one for each detector: index detector.number */
};

struct trace_item {
    uint64_t time, first;
    int32_t frames, gradual, last_gradual, width, height;
    struct tap_rect box;
    uint8_t known; /* TRACE_...; what is not known is from before the recording */
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
};

/* Gets one decision as an event of bpf/events.def, valid during the call. `stream` is the place of
 * the stream that is created, attached, detached or stopped. */
typedef void detector_decided(void *who, const struct tap_event *decision, int stream);

struct detector {
    struct constants constants;
    unsigned number; /* its index in drawable.of */
    uint32_t display;
    struct trace_item *ring; /* constants.trace_items slots */
    uint32_t next;           /* next_item_trace */
    struct stream streams[DETECTOR_STREAMS];
    uint8_t order[DETECTOR_STREAMS]; /* running streams, newest first: priv->streams */
    unsigned running;
    uint64_t now; /* set by the caller: the time of its decisions */
    detector_decided *decided;
    void *who;
    bool terse; /* `decided` does not get the matches that fail */
};

/* -ENOMEM. */
int detector_init(struct detector *d, const struct constants *c, unsigned number, uint32_t display);
void detector_free(struct detector *d);

/* drawable_can_stream's last test. `filter`: the server streams in mode filter. */
bool detector_big_enough(const struct constants *c, const struct drawable *d, bool filter);
/* A new drawable; first of all calls about it. */
void detector_draw(struct detector *d, struct drawable *drawable, bool streamable);
/* video_stream_maintenance: `candidate` meets `prev` in the tree. */
void detector_meet(struct detector *d, struct drawable *candidate, struct drawable *prev);
/* video_stream_trace_update: compares the candidate with streams and trace ring, unless it is a
 * frame already. True: it compared. */
bool detector_look(struct detector *d, struct drawable *candidate);
bool detector_would_look(const struct detector *d, const struct drawable *candidate);
/* video_stream_trace_add_drawable: the drawable leaves the tree. */
void detector_leave(struct detector *d, struct drawable *drawable, unsigned reason);
/* Would a trace_add show that it leaves the tree? */
bool detector_leaves_trace(const struct detector *d, const struct drawable *drawable);
/* video_stream_detach_drawable: the stream loses its frame. */
void detector_detach(struct detector *d, int stream, unsigned reason);
/* video_stream_stop, with what detach_video_stream_gracefully does before. */
void detector_stop(struct detector *d, int stream, unsigned reason);
/* Adds a stream that runs already. `last_in_order`: to the end of the list of running streams, not
 * its head. Returns its place, or -1: all are taken. */
int detector_adopt(struct detector *d, const struct stream *s, bool last_in_order);
void detector_forget_stream(struct detector *d, int stream); /* without a decision */
int detector_stream_by_number(const struct detector *d, uint64_t number);
/* The second half of stop_streams: clears the ring. */
void detector_clear_ring(struct detector *d);
/* Nothing is known: the recording begins, or events were lost. */
void detector_forget(struct detector *d);
/* The drawable is freed: no stream holds it any more. */
void detector_gone(struct detector *d, struct drawable *drawable);

bool rect_same(const struct tap_rect *a, const struct tap_rect *b);
bool rect_holds(const struct tap_rect *outer, const struct tap_rect *inner);
bool rect_meets(const struct tap_rect *a, const struct tap_rect *b);
int64_t rect_pixels(const struct tap_rect *r);

#endif
