/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a replay finds. Only the room replay/ writes these; report/ prints them. Times are ns of
 * CLOCK_MONOTONIC, boxes are in pixels of the screen.
 */
#ifndef SPICETAP_REPLAY_RESULT_H
#define SPICETAP_REPLAY_RESULT_H

#include "base/bounded.h"
#include "replay/detector.h"
#include "run/clip.h"
#include "run/groups.h"

enum {
    REPLAY_DISPLAYS = 16,  /* QEMU accepts no more heads or QXL devices */
    REPLAY_DETECTORS = 65, /* the recorded one and 64 alternatives */
    /* Known at one time in one display; with more, sight is lost. A virtio guest was seen to have
     * 11180: the client's pipe keeps them. Memory is only used for as many as there are. */
    REPLAY_DRAWABLES = 65536,
    REPLAY_GROUP = 16384,    /* events that belong to one draw */
    REPLAY_REGIONS = 64,     /* boxes that are drawn again and again, in all displays */
    REPLAY_STREAMS = 1000,   /* listed for each detector; more are counted */
    REPLAY_DIFFERENCES = 20, /* listed; more are counted */
    REPLAY_GIVE_UP = 1000,   /* differences after which the replay stops: it is another detector */
    REPLAY_SPANS = 256,      /* spans without conclusions; listed; more are counted */
    REPLAY_KINDS = 16,       /* decisions are the kinds 1 to 8 of events.def */
};

/* How a stream of a replay ended, beside the values of stop_reason. */
enum {
    REPLAY_RUNNING = 255, /* it still runs at the end */
    REPLAY_CUT = 254,     /* sight was lost */
};

/* Where model and recording disagree. An event of kind 0: there is none. */
struct replay_difference {
    uint64_t time;
    struct tap_event expected, recorded;
    const char *why; /* NULL: the two events say it */
};

struct replay_stream {
    uint32_t display;
    struct tap_rect box;
    uint64_t created, until, frames;
    unsigned reason; /* stop_reason, REPLAY_RUNNING or REPLAY_CUT */
};

/* What became of one box in one detector. */
struct replay_share {
    uint64_t streams;        /* begun with this box */
    uint64_t frames, pixels; /* draws and pixels that were a stream's frame */
    uint64_t first;          /* when the first stream began; 0: none */
    uint64_t time;           /* ns with a stream */
};

/* One box, or a group of boxes that overlap: then `box` is the one drawn most, and draws and pixels
 * are those of all boxes of the group. */
struct replay_region {
    uint32_t display;
    struct tap_rect box;
    uint64_t draws;       /* of exactly this box */
    uint64_t pixels;      /* of everything drawn within it */
    uint64_t first, last; /* when it was drawn */
    int16_t graduality;   /* the last known; -1: never */
    struct steady steady; /* how it is redrawn */
    struct replay_share of[REPLAY_DETECTORS];
};

struct replay_result {
    struct constants constants;
    uint64_t created;        /* streams */
    uint64_t frames, pixels; /* draws and pixels that were a stream's frame */
    uint64_t matches;        /* draws found to be the next frame of something */
    uint64_t counted;        /* frames counted towards a stream */
    /* Counted frames with graduality from the box's last frame; with unknown graduality. */
    uint64_t guessed, assumed;
    struct replay_stream streams[REPLAY_STREAMS];
    struct bounded listed; /* of `streams` */
};

/* Why nothing can be concluded for a while. */
enum replay_blind {
    BLIND_DIFFERENCE, /* the model was wrong */
    BLIND_LOSS,       /* events were lost */
    BLIND_OVERFLOW,   /* more drawables than REPLAY_DRAWABLES */
};

struct replay_span {
    uint64_t from, to;
    enum replay_blind why;
};

struct replay_display;

struct replay {
    unsigned detectors; /* results[0]: with the recorded constants */
    struct replay_result *results;
    bool assume_low; /* take frames of unknown graduality for text, not natural pictures */
    /* If set, it gets the decisions of detector `listed`. */
    void (*listen)(void *who, const struct tap_event *decision);
    void *who;
    unsigned listed;

    uint64_t events, first, last;      /* of spice-server */
    uint64_t decisions[REPLAY_KINDS];  /* recorded, by kind */
    uint64_t reproduced[REPLAY_KINDS]; /* the model made the same decision */
    uint64_t taken[REPLAY_KINDS];      /* depend on what was before the recording or a loss */
    uint64_t given[REPLAY_KINDS];      /* made outside of the detector: input of the model */
    uint64_t differs;
    struct replay_difference differences[REPLAY_DIFFERENCES];
    uint64_t losses;
    uint64_t inconclusive; /* ns without conclusions, summed over displays */
    struct replay_span spans[REPLAY_SPANS];
    struct bounded unsure;   /* of `spans` */
    uint64_t inferred;       /* frames that left the tree unseen: inferred from what covered them */
    uint64_t cleared;        /* times that the ring was seen to be cleared */
    uint64_t draws, pixels;  /* streamable ones, while conclusions can be drawn */
    uint64_t drawables_over; /* times that a display had too many drawables */

    struct replay_region *regions;
    struct bounded boxes; /* of `regions`; over: lost their place while they were still drawn */
    struct groups groups;
    struct replay_region *grouped; /* by index of the group */
    struct replay_display *displays[REPLAY_DISPLAYS];
    struct bounded known; /* of `displays`; over: events of others */
};

#endif
