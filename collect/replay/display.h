/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One display of a replay: its drawables, its detectors, and the draw that is being followed. */
#ifndef SPICETAP_REPLAY_DISPLAY_H
#define SPICETAP_REPLAY_DISPLAY_H

#include "base/hash.h"
#include "event/fields.h"
#include "replay/result.h"

/* The table also has room for a frame of each stream from before the recording (learn.c). */
enum { PLACES = REPLAY_DRAWABLES + DETECTOR_STREAMS };

/* Decisions of one detector that wait to be compared: on one draw at most all matches, and twice
 * what happens to streams. */
enum { EXPECTED = 2 * DETECTOR_TRACE_ITEMS + 4 * DETECTOR_STREAMS };

/* One draw and all events that belong to it, up to the worker's next step. */
struct group {
    bool open;
    struct drawable *candidate; /* the draw's */
    struct tap_event *items;
    struct drawable **met_at; /* beside each item: what the candidate meets there, or NULL */
    size_t count, room;
    bool too_many; /* more than REPLAY_GROUP */
    size_t tail;   /* the first match of video_stream_trace_update; count: it was not called */
    size_t insert; /* the item before which it was called, or would have been */
    bool equal;    /* the draw took an equal one's place, so it was not called */
    bool met;      /* the draw met something in the tree */
    bool opaque;
    bool may_stream; /* in one of the detectors */
};

/* A place of the table of drawables. */
struct place {
    struct drawable drawable; /* first: a drawable's address is its place's */
    struct place *free;       /* the next one that was dropped */
    UT_hash_handle hh;        /* by address; uthash keeps the order of age */
};

struct replay_display {
    struct replay *replay;
    uint32_t id;
    struct place *places, *known, *free; /* all; by address, oldest first; dropped ones */
    size_t used;                         /* of `places`; the rest was never touched */
    struct standing *standings;
    struct drawable stranger;      /* stands for one from before the recording */
    struct drawable *tree[PLACES]; /* in the tree and streamable, oldest first */
    size_t tree_count;
    struct detector *detectors;
    struct group group;
    struct tap_event *expected; /* decisions of detector 0 since expected_count was 0 */
    int expected_stream[EXPECTED];
    size_t expected_count;
    bool filter_off;    /* the server streams everything: size and graduality do not count */
    bool next_known;    /* detector 0 knows its next_item_trace */
    bool streams_known; /* detector 0 knows all running streams */
    bool unsure;        /* no conclusions now */
    bool sees_draws;    /* a draw came since all was forgotten */
    bool busy;          /* the worker takes commands */
    uint64_t forgot, before, created, caught_up;
    size_t span; /* the number of its open span without conclusions; 0: none */
};

/* `decided` gets each decision of each detector: `who` is a struct listener. NULL: no memory. */
struct listener {
    struct replay_display *display;
    unsigned number; /* of the detector */
};
struct replay_display *display_make(struct replay *r, uint32_t id, detector_decided *decided);
void display_free(struct replay_display *d); /* NULL is fine */

/* ---- drawables, by address ---- */

struct drawable *display_find(struct replay_display *d, uint64_t address);
/* A new drawable; one of the same address is dropped: its release was lost. NULL: the table is
 * full. */
struct drawable *display_add(struct replay_display *d, uint64_t address);
void display_drop(struct replay_display *d, struct drawable *p);
void display_drop_all(struct replay_display *d);
/* Are there fewer than REPLAY_DRAWABLES? */
bool display_has_room(const struct replay_display *d);
struct drawable *display_created_at(struct replay_display *d, uint64_t created);
/* The oldest, and the next younger one; NULL: there is none. */
struct drawable *display_oldest(const struct replay_display *d);
struct drawable *display_younger(struct drawable *p);
void display_enter_tree(struct replay_display *d, struct drawable *p);
void display_leave_tree(struct replay_display *d, struct drawable *p);

#endif
