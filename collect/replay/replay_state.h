/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the replay share: replay.h is what others see of it. */
#ifndef SPICETAP_REPLAY_STATE_H
#define SPICETAP_REPLAY_STATE_H

#include "event/fields.h"
#include "replay/replay.h"

enum { CAN_STREAM = 0, TOO_SMALL = 7, EMPTY = 9 };
enum { EFFECT_OPAQUE = 1, TYPE_COPY = 3, TYPE_COPY_BITS = 4 };
enum { REASON_REPLACED, REASON_EVICTED, REASON_OBSCURED, REASON_POOL, REASON_FLUSH, REASON_DRAWN };
enum { STOP_TIMEOUT, STOP_SURFACE };
enum { DETACH_NEXT_FRAME, DETACH_OVERLAP, DETACH_GONE, DETACH_STOPPING };
enum { ON_STREAM, ON_TRACE, ON_PREVIOUS };
enum { BUCKETS = 4096, EXPECTED = 2 * DETECTOR_TRACE_ITEMS + 4 * DETECTOR_STREAMS };
enum { MATCH_YES = 0, MATCH_SIZE = 4, MATCH_ORIENTATION = 7, GRADUAL_LOW = 2 };

/* One draw and what was decided of it, from `draw` to whatever the worker did next. */
struct group {
    bool open;
    struct drawable *candidate;
    struct tap_event *items;
    size_t count, room;
    bool too_many;
    size_t tail;   /* of video_stream_trace_update: its first match; count: it was not called */
    size_t insert; /* where it is called, or would be */
    bool equal;    /* the draw took an equal one's place: it is not called */
    bool met;      /* the draw met something in the tree */
    bool opaque;
    bool may_stream; /* in one of the detectors */
};

struct replay_display {
    struct replay *replay;
    uint32_t id;
    struct drawable *table;
    struct standing *standings;
    int32_t buckets[BUCKETS], oldest, newest, free;
    struct drawable stranger;                /* one from before the recording */
    struct drawable *tree[REPLAY_DRAWABLES]; /* those in it that may be streamed, oldest first */
    size_t tree_count;
    struct detector *detectors;
    struct group group;
    struct tap_event *expected; /* of the recorded detector */
    int expected_stream[EXPECTED];
    size_t expected_count;
    bool filter_off;    /* the server streams everything: size and graduality do not count */
    bool next_known;    /* next_item_trace of the recorded detector */
    bool streams_known; /* all that run */
    bool unsure;        /* no conclusions now */
    bool sees_draws;    /* a draw came since all was forgotten */
    bool busy;          /* the worker takes commands */
    uint64_t forgot, before, created, caught_up;
    size_t span; /* number of its span without conclusions that is open; 0: none */
};

/* ---- replay.c */
struct replay_display *replay_display_of(struct replay *r, uint64_t id, uint64_t time);
bool replay_has_place(const struct replay *r, uint64_t id);
void replay_end_stream(struct replay_display *d, unsigned k, const struct stream *s, uint64_t until,
                       unsigned reason);
void replay_count_decision(struct replay_display *d, unsigned k, const struct tap_event *ev,
                           int at);
void replay_set_time(struct replay_display *d, uint64_t now);
/* All is unknown from here on until it can be known again. */
void replay_lose_sight(struct replay_display *d, uint64_t from, uint64_t now, bool loss);
/* Once what was before is too old to be matched, and the running streams are known, conclusions can
 * be drawn again. */
void replay_regain_sight(struct replay_display *d, uint64_t now);
void replay_differ(struct replay_display *d, uint64_t time, const struct tap_event *expected,
                   const struct tap_event *recorded, const char *why);

/* ---- replay_drawables.c */
struct drawable *display_find(struct replay_display *d, uint64_t address);
void display_enter_tree(struct replay_display *d, struct drawable *p);
void display_leave_tree(struct replay_display *d, struct drawable *p);
void display_drop(struct replay_display *d, struct drawable *p);
struct drawable *display_add(struct replay_display *d, uint64_t address);
struct drawable *display_created_at(struct replay_display *d, uint64_t created);
void display_drop_all(struct replay_display *d);

/* ---- replay_regions.c */
struct replay_region *replay_region_of(struct replay *r, uint32_t display,
                                       const struct tap_rect *box);
struct replay_region *replay_new_region(struct replay *r, const struct drawable *p,
                                        uint32_t display);
/* A streamable draw is done with: was it a stream's frame? */
void replay_count_draw(struct replay_display *d, const struct drawable *p);

/* ---- replay_learn.c */
bool group_is_match(const struct tap_event *ev, unsigned against);
void group_find_tail(struct replay_display *d);
/* Where video_stream_trace_update is, or would be, called: behind all that the draw covered. */
void group_read(struct replay_display *d);
void group_clear_rings(struct replay_display *d);
/* What the slots held, once this draw's own removals are in the ring. */
void group_learn_slots(struct replay_display *d);
void group_learn(struct replay_display *d);
/* Of a box that was counted before, the same graduality is taken. */
void group_guess_graduality(struct replay_display *d, struct drawable *c);
/* Whom the candidate met. */
struct drawable *group_met(struct replay_display *d, size_t at);

/* ---- replay_prove.c */
void replay_reproduced(struct replay_display *d, uint16_t kind, bool known);
bool replay_is_decision(const struct tap_event *ev);
bool replay_check_leave(struct replay_display *d, const struct tap_event *ev);
/* A stream lost its frame for a reason outside of the detector. */
bool replay_check_detach(struct replay_display *d, const struct tap_event *ev);
/* It leaves the tree, in the detectors from `from` on. */
void replay_leave(struct replay_display *d, struct drawable *p, unsigned reason, unsigned from);
void replay_detach_recorded(struct replay_display *d, const struct tap_event *ev);
/* The decisions of one group, in their order; false after a difference. */
bool group_prove(struct replay_display *d);

/* ---- replay_foretell.c */
/* What is given up oldest first: all that is older has gone before. */
void replay_leave_older(struct replay_display *d, const struct drawable *than, unsigned reason);
/* Streams that ran out of time, in the detectors of which no stop is recorded. */
void replay_time_out(struct replay_display *d, uint64_t now);
/* What is drawn over a stream without being opaque takes its frame from it:
 * video_stream_detach_behind. What the recorded detector had as streams is recorded. */
void replay_draw_over(struct replay_display *d, const struct drawable *c);
/* The same group again, in all alternatives at once. `before`: whom it met, in order. */
void group_foretell(struct replay_display *d, struct drawable **before);

#endif
