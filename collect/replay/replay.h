/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the recorded draws through models of the stream detector (detector.h): one with the
 * constants of the library that was recorded, whose every decision is compared with the recorded
 * one, and any number with others. One pass, in memory that does not grow with the run.
 * docs/whatif.md says which inputs are held as they were recorded.
 */
#ifndef SPICETAP_REPLAY_H
#define SPICETAP_REPLAY_H

#include "run/cursor.h"
#include "run/clip.h"
#include "replay/detector.h"

enum {
    REPLAY_DISPLAYS = 16,
    REPLAY_DETECTORS = 65,   /* the recorded one and 64 alternatives */
    REPLAY_DRAWABLES = 8192, /* known at one time, a display */
    REPLAY_GROUP = 16384,    /* decisions on one draw */
    REPLAY_REGIONS = 64,     /* boxes that are drawn again and again, all displays */
    REPLAY_STREAMS = 1000,   /* listed, a detector; more are counted */
    REPLAY_DIFFERENCES = 20, /* listed; more are counted */
    REPLAY_GIVE_UP = 1000,   /* differences: this is no such detector */
    REPLAY_SPANS = 256,      /* of time without conclusions, listed */
    REPLAY_KINDS = 16,       /* decisions are kinds 1 to 8 of events.def */
    REPLAY_RUNNING = 255,    /* stop reason of a stream that still runs at the end */
    REPLAY_CUT = 254,        /* its further life was lost */
};

/* Where model and recording disagree. An event of kind 0: there is none. */
struct replay_difference {
    uint64_t time;
    struct tap_event expected, recorded;
    const char *why; /* in words, where no two events stand against each other */
};

struct replay_stream {
    uint32_t display;
    struct tap_rect box;
    uint64_t created, until, frames;
    unsigned reason; /* stop_reason, REPLAY_RUNNING or REPLAY_CUT */
};

/* What became of one box in one detector. */
struct replay_share {
    uint64_t streams, frames, pixels; /* begun here; draws and pixels that were a stream's frame */
    uint64_t first, time;             /* when the first began (0: none); ns with a stream */
};

struct replay_region {
    bool used;
    uint32_t display;
    struct tap_rect box;
    uint64_t draws, pixels; /* of this box; of what was drawn within it */
    uint64_t first, last;   /* when it was drawn */
    int16_t graduality;     /* last known; -1: never */
    struct steady steady;   /* how it is redrawn */
    struct replay_share of[REPLAY_DETECTORS];
};

struct replay_result {
    struct constants constants;
    uint64_t created, frames, pixels; /* streams; draws and pixels that were a stream's frame */
    uint64_t matches, counted;        /* matches found; frames counted towards a stream */
    uint64_t guessed, assumed; /* frames counted with the graduality of the box's last; with none */
    struct replay_stream streams[REPLAY_STREAMS];
    size_t stream_count;
};

struct replay_span {
    uint64_t from, to;
    bool loss; /* no: the model had been wrong */
};

struct replay {
    unsigned detectors; /* results[0]: with the recorded constants */
    struct replay_result *results;
    bool assume_low; /* graduality of frames of which nothing is known */
    /* If set, gets the decisions of detector `listed`. */
    void (*listen)(void *who, const struct tap_event *decision);
    void *who;
    unsigned listed;

    uint64_t events, first, last;      /* of spice-server; ns */
    uint64_t decisions[REPLAY_KINDS];  /* recorded, by kind */
    uint64_t reproduced[REPLAY_KINDS]; /* of them foretold */
    uint64_t taken[REPLAY_KINDS];      /* hung on what was before the recording or a loss */
    uint64_t given[REPLAY_KINDS];      /* the server's surroundings decided: input */
    uint64_t differs;
    struct replay_difference differences[REPLAY_DIFFERENCES];
    uint64_t losses, inconclusive;         /* ns without conclusions, of all displays together */
    uint64_t display_count, displays_over; /* displays; events of others that did not fit */
    uint64_t regions_over; /* boxes forgotten for newer ones while they were still drawn */
    struct replay_span spans[REPLAY_SPANS];
    size_t span_count;
    uint64_t spans_over;        /* that are not listed */
    uint64_t inferred, cleared; /* frames whose leaving the tree was inferred; rings seen cleared */
    uint64_t draws, pixels;     /* streamable, while conclusions can be drawn */
    struct replay_region *regions;
    struct replay_display *displays[REPLAY_DISPLAYS];
};

/* 0, or -ENOMEM. results[i].constants are set from `constants`. */
int replay_init(struct replay *r, const struct constants *constants, unsigned detectors);
/* One event; `from` is the log it comes from. 0, or -ENOMEM. */
int replay_add(struct replay *r, const struct run_event *e);
void replay_end(struct replay *r);
void replay_free(struct replay *r);
/* The box that is redrawn most like a clip (clip.h); NULL: none is. */
const struct replay_region *replay_clip(const struct replay *r);
/* The box itself, on the display on which most of it was drawn; NULL: it was not drawn. */
const struct replay_region *replay_box(const struct replay *r, const struct tap_rect *box);

#endif
