/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spicetap explain: why streams lived and died, gathered in one pass in memory that does not grow
 * with the run. Times are ns of CLOCK_MONOTONIC, boxes left, top, right, bottom.
 *
 * The rule of the house: two events belong together when they carry the same release id, drawable,
 * stream or episode. What is only near in time is called coincident.
 *
 * The server's constants (spice-server 0.15.1 and 0.15.2, server/video-stream.h):
 * RED_STREAM_DETECTION_MAX_DELTA 200 ms, RED_STREAM_TIMEOUT 1 s, RED_STREAM_FRAMES_START_CONDITION
 * 20, RED_STREAM_GRADUAL_FRAMES_START_CONDITION 0.2, RED_STREAM_MIN_SIZE 96 * 96.
 */
#ifndef SPICETAP_MODEL_H
#define SPICETAP_MODEL_H

#include "run/clip.h"
#include "model/facts.h"
#include "event/fields.h"

enum {
    MODEL_DISPLAYS = 16,
    MODEL_BOXES = 256,     /* boxes watched at one time */
    MODEL_REGIONS = 64,    /* of them kept, because they should have streamed */
    MODEL_SPELLS = 128,    /* of a region that are kept; later ones join the last */
    MODEL_RECENT = 11,     /* draws: 10 intervals in 2 s are 5 a second */
    MODEL_LIVE = 800,      /* streams running at one time: spice has 50 a display */
    MODEL_STREAMS = 4096,  /* that are kept */
    MODEL_EPISODES = 8192, /* that are kept */
    MODEL_HELD = 16384,    /* places for drawables that the server holds; half of them are used */
    MODEL_CALLS = 64, /* of the guest for memory, remembered until what they were for is known */
    MODEL_INTERVALS = 400, /* a histogram of intervals, 5 ms each */
    MODEL_FREEZES = 64,
    MODEL_DELETERS = 16, /* threads; the kernel has few workers for it */
    MODEL_COVERED = 4,   /* streams that one drawable covers */
};

#define NS_PER_MS          1000000ull
#define NS_PER_SECOND      1000000000ull
#define MODEL_MAX_DELTA    (200 * NS_PER_MS) /* RED_STREAM_DETECTION_MAX_DELTA */
#define MODEL_START_FRAMES 20                /* RED_STREAM_FRAMES_START_CONDITION */
#define MODEL_INTERVAL     (5 * NS_PER_MS)
#define MODEL_CHAIN        (100 * NS_PER_MS) /* notifies that are nearer than this are one wait */
#define MODEL_FREEZE       (500 * NS_PER_MS)

/* What became of one redraw of a region. The first 12 are draw_verdict's numbers: a test of
 * drawable_can_stream refused it (0, can_stream, does not occur). */
enum outcome {
    OUT_VERDICTS = 12,
    OUT_STREAMED = 12, /* it joined a stream or began one */
    OUT_COUNTED,       /* counted as a frame of a video to be */
    OUT_NOT_NATURAL,   /* 20 counted, but too few of them look like a natural picture */
    OUT_NO_ROOM,       /* it should have begun a stream, and none was created */
    OUT_TOO_LATE,      /* more than 200 ms after the one before */
    OUT_BOX_DIFFERS,
    OUT_SIZE_DIFFERS,
    OUT_NOT_CONTAINED, /* against a running stream at the same place */
    OUT_TOO_BIG,
    OUT_ORIENTATION,
    OUT_EVICTED_OVER, /* its history was overwritten in the trace ring, by evictions */
    OUT_OTHER_OVER,   /* ... by other drawables that left the screen */
    OUT_NO_HISTORY,   /* nothing of it was in the trace ring, and nothing had been overwritten */
    OUT_FIRST,        /* no redraw before it to compare with */
    OUT_LOST,         /* events were lost while it was decided */
    OUTCOMES,
};

enum cause {
    CAUSE_RUNNING, /* it did not end */
    CAUSE_GUEST_IDLE,
    CAUSE_GUEST_WAITED,
    CAUSE_PIPE_BLOCKED,
    CAUSE_REFUSED,
    CAUSE_SURFACE_GONE,
    CAUSE_CLIENT_GONE,
    CAUSE_CODECS,
    CAUSE_MIGRATED,
    CAUSE_INCONCLUSIVE,
    CAUSES,
};

/* Secondary causes: bits. */
enum {
    ALSO_FRAME_EVICTED = 1, /* identity: the very frame */
    ALSO_OVERLAP = 2,
    ALSO_OOM = 4, /* coincident */
    ALSO_REFUSED = 8,
    ALSO_LATE = 16,
    ALSO_BLOCKED = 32,
    ALSO_DROPS = 64,
    ALSO_WAITED = 128,
};

/* Why the cause of an end is inconclusive. */
enum doubt {
    DOUBT_NONE,
    DOUBT_GAP,    /* events were lost between the last known frame and the end */
    DOUBT_CLIENT, /* ... since a client last took a frame */
    DOUBT_END,    /* ... and its end may be among them */
    DOUBT_GUEST,  /* the guest's or QEMU's events were lost */
    DOUBT_CLOCK,  /* the guest's clock is not known well enough */
    DOUBT_BEFORE, /* its last frame came before the recording began */
};

struct model_histogram {
    uint32_t count[MODEL_INTERVALS + 1]; /* the last one: longer */
    uint64_t all, longest, longest_at;
};

struct model_stream {
    uint32_t id, display, number; /* id: 1, 2... in order of birth */
    int32_t box[4];
    bool has_box, began, ended, end_lost, listed;
    bool only_its_end;   /* all that is known of it is its stop */
    uint64_t born, died; /* died: its stop, or the last that is known */
    uint64_t last_frame, frames;
    uint32_t fps, frames_before;
    unsigned reason;       /* stop_reason */
    uint64_t idle;         /* as the server says, at the stop */
    uint64_t losses, lost; /* in its life: places, events */
    uint64_t seen;         /* when it was first heard of */
    uint64_t detached[8];  /* by detach_reason */
    uint64_t encoded, raw, sent, drops[8];
    uint64_t own_evicted;       /* its frames that were evicted */
    uint64_t evicted_survived;  /* of them followed by another frame */
    uint64_t refused[OUTCOMES]; /* redraws of its place that it did not get, whole life */
    struct model_histogram intervals;
    uint32_t region;
    /* since its last frame */
    struct {
        uint64_t refused[OUTCOMES], all_refused, late, first_refused;
        uint64_t stalled, waited, blocked; /* of the display's counters, then */
        uint64_t oom, empties, commands, evicted, overlaps, losses, lost;
        uint64_t guest_losses, guest_lost; /* of the display's counters, then */
    } gap;
    /* last frame given to a client; frames since then; events lost since then */
    uint64_t client_at, unseen, client_losses, client_lost;
    enum cause cause;
    enum doubt doubt;
    uint64_t doubt_lost, doubt_error; /* events; ns */
    unsigned also;
};

struct model_spell {
    uint64_t from, to;
};

/* A box that is drawn again and again. */
struct model_region {
    bool used, kept, over; /* over: there was no place to keep it */
    uint32_t id;           /* of kept ones: 1, 2... */
    uint32_t display, surface;
    int32_t box[4], first_box[4];
    uint64_t moves, last, last_created, last_interval, history_lost;
    bool history_lost_evicted;
    struct {
        uint64_t time;
        uint8_t outcome;
    } recent[MODEL_RECENT];
    unsigned count; /* of recent, ever */
    bool busy, qualified;
    uint64_t spell_from, spell_to, spell_draws, spell_out[OUTCOMES];
    /* of all its spells */
    struct model_spell spells[MODEL_SPELLS];
    unsigned spell_count;
    uint64_t spells_all, busy_ns, longest_spell, draws, out[OUTCOMES];
    struct model_histogram intervals;
    uint64_t least_late; /* ns beyond 200 ms, of those refused for it; UINT64_MAX: none */
    uint64_t least_late_at;
    uint32_t least_off, most_off; /* pixels; UINT32_MAX: none */
    uint32_t most_frames;         /* counted without a stream */
    uint32_t gradual, gradual_of; /* at the best count refused for it */
    uint64_t first_streamed;
    uint32_t streams;
    uint64_t losses, lost; /* while it was drawn: places, events */
    bool doubt_last;       /* events were lost since its last redraw, or before its first */
    /* All its redraws, in stretches or not: for the clip, which may be slower than a place */
    struct steady steady;
    uint64_t first, all_draws, all_out[OUTCOMES], streamed_ns;
    bool slow; /* it is kept for being the clip alone */
    uint64_t least_off_at, most_frames_at;
};

struct model_held { /* explain_held.c */
    struct {
        uint64_t drawable, bytes;
        uint32_t display;
    } slots[MODEL_HELD];
    uint32_t count;
};

struct model_episode {
    uint32_t id, display;
    uint64_t from, to; /* first notify, last sign of it */
    uint64_t resumed;  /* the guest's next command, 0: none yet */
    uint64_t stalled;  /* at least so long */
    uint64_t waited;   /* by the guest's own events */
    uint64_t notifies, ooms, flushes, flushed, free_some, glz_freed;
    uint64_t evicted, streamable, of_streams, releases;
    uint64_t drawables, glz, current, pipes; /* at its begin */
    uint64_t held_bytes;                     /* then, at least: pixels of their pictures */
    uint64_t drawables_after, current_after;
    bool sized;
    uint64_t traced, overwritten, usable, counted_lost; /* slots; of them still of use */
    uint32_t victims[4], victim_slots[4];               /* regions */
    uint32_t streams[4];
    uint64_t losses, lost;
    /* what the guest asked for, from its own events */
    uint64_t asks, failed, bytes;
    uint64_t deletes; /* waits for what the guest threw away: nobody asked for memory */
    unsigned domain;
    uint64_t asked_bytes, asked_took, asked_at;
    uint32_t asked_tid;
    bool asked, closed;
    uint64_t until;                /* when it was closed */
    uint64_t unsure, unsure_error; /* of the guest's events; clock error, ns */
};

struct model_memory {
    bool known;
    uint64_t total, used, most, most_at, least, least_at;
};

/* Counters when the client last showed another picture: of all displays, and of each box. */
struct model_mark {
    uint64_t time, stalled, blocked, losses;
    int64_t delay;
    uint32_t drawn, draws[MODEL_BOXES];
};

/* What went on while the client showed no other picture. */
struct model_freeze {
    uint64_t from, to;
    uint64_t stalled, blocked;
    /* ns that a frame of video waits at the client until it is due, as it began and ended; 0: not
     * known. The server orders it: update_client_playback_delay in video-stream.cpp, passed on as
     * MSG_MAIN_MULTI_MEDIA_TIME by reds_set_client_mm_time_latency in reds.cpp */
    int64_t delay_before, delay;
    uint32_t draws[MODEL_BOXES]; /* redraws of each box */
    uint32_t drawn;              /* parts of the picture that the client drew in the clip's place */
    bool lost;
};

/* The drawable whose fate is being decided. */
struct model_candidate {
    bool open, lost;
    uint64_t drawable, release_id, time, created, interval;
    uint32_t region; /* index + 1 in boxes */
    uint8_t verdict;
    int32_t box[4];
    bool counted, starts, streamed;
    int64_t frames, gradual;
    bool has_near; /* a comparison with its own place */
    uint8_t near_verdict, near_against;
    int64_t near_since;
    uint32_t near_off;
    uint32_t covered[MODEL_COVERED]; /* ids of running streams whose place it covers */
    uint8_t covered_verdict[MODEL_COVERED];
    bool covered_asked[MODEL_COVERED];
};

struct model_display {
    bool used;
    uint32_t id;
    struct model_candidate now;
    uint32_t episode; /* index + 1 of the open one */
    bool in_oom, chain, given;
    uint64_t chain_at;
    uint64_t stalled, waited, blocked, blocked_from;
    uint64_t waiting_from, waiting; /* guest waits now open */
    uint64_t commands, empties, draws, ooms, last_sent, last_draw;
    uint64_t held_bytes; /* of what it is known to hold */
    uint64_t guest_losses, guest_lost;
    bool waits;          /* the guest's own events tell of its waits */
    uint64_t wait_error; /* how well the time of the last one is known, ns */
};

/* The guest's own call that its memory ran out (guest_oom), in its thread and by its clock. */
struct model_call {
    uint64_t began, time, error; /* time: it returned */
    uint32_t tid;
};

/* What an event was found to belong to; 0: nothing. Ids of the objects above; of regions the index
 * in `boxes` + 1, since one gets its id only when it has lasted. */
struct model_attr {
    uint32_t stream, region, episode;
    uint32_t other_region;  /* whose history a trace_add overwrote */
    uint32_t first_episode; /* of several, which end with `episode` */
    /* a wait that holds the guest up; a command that ends the worker's block; a call for memory
     * that the server drops */
    bool counts;
};

struct model {
    struct facts *facts;
    struct bundle *bundle;
    const char *run;
    uint64_t start, end;
    double seconds;
    bool has_guest, has_qemu, has_client, qxl, virtio;
    uint64_t last_of[SOURCES]; /* time of the last event of each source */

    struct model_display displays[MODEL_DISPLAYS];
    uint64_t displays_over; /* events of displays that did not fit: left out */
    uint32_t display_count;

    struct model_stream live[MODEL_LIVE];
    size_t live_count;
    struct model_stream *streams; /* by id - 1, MODEL_STREAMS */
    uint32_t stream_count;        /* ever */
    uint64_t causes[CAUSES];

    struct model_region boxes[MODEL_BOXES];
    int32_t box_keys[MODEL_BOXES][6];
    uint16_t kept[MODEL_REGIONS];                       /* indices of kept ones, by id - 1 */
    uint32_t region_count, regions_over, boxes_dropped; /* dropped: although still redrawn */
    uint32_t clip;                                      /* id of the clip's region; 0: none */
    bool clip_told;                                     /* by the client */
    bool has_client_box;                                /* where the client read its numbers */
    int32_t client_box[4];
    uint64_t pieces[OUTCOMES], pieces_all; /* pixels of draws within it, by what became of them */

    struct model_episode *episodes; /* by id - 1, MODEL_EPISODES */
    uint32_t episode_count;         /* ever */
    struct model_episode all;       /* sums of all */
    uint64_t longest_stall, still_ns, usable_evicted, usable_other, traced_evicted;
    uint64_t dropped; /* calls that came while the server was busy with one: it drops them */
    uint64_t longest_wait, longest_wait_at; /* of the guest, by its own events; its end */
    uint64_t sized;                         /* episodes of which the server said what it held */
    struct model_episode most_held;         /* the one with most bytes, then drawables */
    struct model_held held;
    uint64_t held_over;            /* drawables that did not fit the table */
    uint64_t named[8];             /* episodes by the domain the guest asked in */
    struct model_memory memory[8]; /* by guest_domain */
    uint64_t only_deleting;        /* episodes in which nobody asked for memory */
    uint32_t deleters[MODEL_DELETERS], deleter_count; /* threads of the guest that only delete */
    struct model_call calls[MODEL_CALLS];             /* the latest ones */
    uint64_t call_count;
    uint64_t unsure;               /* episodes with an ask or a delete in doubt */
    const struct bundle_log *from; /* of the event at hand */
    uint64_t losses_of[SOURCES], lost_of[SOURCES];
    uint64_t live_over; /* streams pushed out of the table of those that run */

    uint64_t blocked_count, blocked_ns;
    struct model_freeze freezes[MODEL_FREEZES]; /* the longest, the longest first */
    uint32_t freeze_count, moved_count; /* moved: in which the client drew in the clip's place */
    uint32_t drawn;                     /* parts of the picture so far, there */
    struct model_mark mark;
    uint64_t pictures;
    struct model_histogram shown;
    bool numbered; /* the client read a frame's number */
    int64_t delay; /* of the last frame that came */

    struct model_attr attr; /* of the last event */
    /* For whoever lists events: told of each drawable's fate. */
    void (*decided)(struct model *x, const struct model_display *d, uint32_t region,
                    enum outcome o);
    void *arg;
};

/* ---- the pass ------------------------------------------------------------------------------ */

int model_new(struct model **out); /* -ENOMEM */
void model_free(struct model *x);
/* One event; `from` is its log. */
void model_add(struct model *x, const struct run_event *e);
void model_end(struct model *x); /* after the last event */
/* The whole pass over x->bundle; then start, end and seconds stand. */
int model_gather(struct model *x);

struct model_display *model_display_of(struct model *x, uint64_t id);
bool model_has_place(const struct model *x, uint32_t display); /* among those that are followed */
bool model_near(const int32_t *a, const int32_t *b, uint32_t *off);
uint64_t model_stalled(const struct model_display *d, uint64_t now);
uint64_t model_blocked(const struct model_display *d, uint64_t now);
uint64_t model_waited(const struct model_display *d, uint64_t now);
void model_interval(struct model_histogram *h, uint64_t ns, uint64_t at);
uint64_t model_quantile(const struct model_histogram *h, double q); /* ns, to 5 ms */

/* Each part sees the events it needs, as the built-in table describes them. */
void episodes_add(struct model *x, const struct tap_event *ev);
void episodes_loss(struct model *x, enum tap_source source, uint64_t count);
void held_add(struct model *x, const struct tap_event *ev);
void held_loss(struct model *x); /* of spice's events */
void episodes_end(struct model *x);
void streams_add(struct model *x, const struct tap_event *ev);
void streams_loss(struct model *x, enum tap_source source, uint64_t count);
void streams_end(struct model *x);
/* A redraw that covers a stream's place and did not join it. */
void streams_refused(struct model *x, uint32_t id, enum outcome why, uint64_t time);
struct model_stream *streams_running(struct model *x, uint32_t id);
struct model_stream *streams_live(struct model *x, uint64_t display, uint64_t number);
void regions_add(struct model *x, const struct tap_event *ev);
void regions_loss(struct model *x, enum tap_source source, uint64_t count);
void regions_end(struct model *x);
/* The region of that very box: index + 1, or 0. */
uint32_t regions_find(const struct model *x, uint64_t display, uint64_t surface,
                      const int32_t *box);
void traffic_add(struct model *x, const struct tap_event *ev, enum tap_source source);

const struct model_region *model_kept(const struct model *x, uint32_t id); /* NULL: none */
const struct model_region *model_clip(const struct model *x);              /* NULL: none */
/* The client saw the clip, but no draw has its place: a display that is not QXL draws it in columns
 * (qemu_spice_create_update in QEMU's ui/spice-display.c). Then `pieces` tells of it. */
bool model_in_pieces(const struct model *x);
/* How far the time of the event at hand can be from the truth, ns; at most the whole run. */
uint64_t model_error(const struct model *x, uint64_t time);
const struct model_stream *model_stream(const struct model *x, uint32_t id);
const struct model_episode *model_episode(const struct model *x, uint32_t id);
/* How many are kept one by one: when the table is full its last place serves all later ones. */
uint32_t model_episodes(const struct model *x);

#endif
