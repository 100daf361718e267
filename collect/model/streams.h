/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams: birth, life, and the one cause of death that the events prove. Times and spans are ns,
 * times of CLOCK_MONOTONIC; boxes are left, top, right, bottom.
 */
#ifndef SPICETAP_STREAMS_H
#define SPICETAP_STREAMS_H

#include "base/bounded.h"
#include "base/histogram.h"
#include "model/bytes.h"
#include "model/fate.h"
#include "model/losses.h"
#include "model/waits.h"

enum {
    MODEL_LIVE = 800,     /* streams running at one time: NUM_STREAMS of spice's
                             display-channel-private.h is 50 a display */
    MODEL_STREAMS = 4096, /* that are kept */
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
    DOUBT_GAP,     /* events were lost between the last known frame and the end */
    DOUBT_CLIENT,  /* ... since a client last took a frame */
    DOUBT_END,     /* ... and its end may be among them */
    DOUBT_GUEST,   /* the guest's or QEMU's events were lost */
    DOUBT_CLOCK,   /* the guest's clock is not known well enough */
    DOUBT_BEFORE,  /* its last frame came before the recording began */
    DOUBT_SILENT,  /* the guest waited, and its agent was gone when the wait ended */
    DOUBT_DISPLAY, /* the guest waited, for one of several displays */
    DOUBT_UNSEEN,  /* no event shows whether the guest was free */
};

/* Since a stream's last frame. While it runs, the counters of its display and of the guest's losses
 * hold their values at that frame; at its end they become what was added since. */
struct model_gap {
    uint64_t refused[OUTCOMES], all_refused, late, first_refused;
    uint64_t stalled, waited, blocked;
    uint64_t unplaced; /* waits of the guest for a display that is not known */
    uint64_t unknown;  /* waits of the guest whose end is not known */
    uint64_t oom, empties, commands, evicted, overlaps, losses, lost;
    uint64_t guest_losses, guest_lost;
};

struct model_stream {
    uint32_t id, display, number; /* id: 1, 2... in order of birth */
    unsigned slot;                /* of its display */
    int32_t box[4];
    bool has_box, began, ended, end_lost;
    bool only_its_end;   /* its stop is its only event */
    uint64_t born, died; /* died: its stop; else its last frame, or the recording's end */
    uint64_t last_frame, frames;
    uint32_t fps, frames_before;
    unsigned reason;                       /* stop_reason */
    uint64_t idle;                         /* stream_stop's */
    uint64_t losses, lost;                 /* in its life: places, events */
    uint64_t seen;                         /* time of its first event */
    uint64_t detached[8];                  /* by detach_reason */
    uint64_t encoded, raw, sent, drops[8]; /* drops: by drop_reason */
    uint64_t own_evicted;                  /* its frames that were evicted */
    uint64_t evicted_survived;             /* of them followed by another frame */
    uint64_t refused[OUTCOMES];            /* redraws of its place that it did not get */
    struct histogram intervals;            /* between its frames; gone once it has ended */
    uint64_t median_interval, longest_interval, longest_interval_end; /* of intervals, at its end */
    struct model_gap gap;
    /* When a client last took a frame; frames and losses since then. */
    uint64_t client_at, unseen, client_losses, client_lost;
    enum cause cause;
    enum doubt doubt;
    uint64_t doubt_lost, doubt_error; /* events; ns */
    unsigned also;
};

struct model_streams {
    struct model_stream live[MODEL_LIVE];
    struct bounded running;    /* of `live`; over: gave their place to a newer one */
    struct model_stream *list; /* by id - 1, MODEL_STREAMS */
    struct bounded kept;       /* of `list` */
    uint64_t causes[CAUSES];
    uint64_t guest_losses, guest_lost;
    /* Other parts, only read. */
    const struct model_waits *waits;
    const struct model_bytes *bytes;
    const struct model_losses *losses;
};

int streams_init(struct model_streams *s, const struct model_waits *waits,
                 const struct model_bytes *bytes, const struct model_losses *losses); /* -ENOMEM */
void streams_free(struct model_streams *s);
void streams_add(struct model_streams *s, const struct model_seen *e, struct model_attr *attr);
/* A redraw that covers streams' places and did not join them. */
void streams_refused(struct model_streams *s, const struct model_candidate *c, enum outcome o);
void streams_loss(struct model_streams *s, enum tap_source source, uint64_t count);
void streams_end(struct model_streams *s, uint64_t end);

/* Is its end in the log, or did the run end first? If neither, its end was lost: it lived at least
 * until its last frame. */
static inline bool stream_end_seen(const struct model_stream *t)
{
    return t->ended || t->cause == CAUSE_RUNNING;
}

/* A running stream by the server's number, by its id; NULL: none. */
const struct model_stream *streams_live(const struct model_streams *s, uint64_t display,
                                        uint64_t number);
const struct model_stream *streams_running(const struct model_streams *s, uint32_t id);

#endif
