/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client showed of the clip, and its freezes. Times and spans are ns. */
#ifndef SPICETAP_MODEL_CLIENT_H
#define SPICETAP_MODEL_CLIENT_H

#include "base/bounded.h"
#include "base/histogram.h"
#include "event/clip_age.h"
#include "event/clip_bars.h"
#include "model/bytes.h"
#include "model/regions.h"
#include "model/waits.h"

enum { MODEL_FREEZES = 64 }; /* the longest are kept */
#define MODEL_FREEZE (500 * NS_PER_MS)

/* Counters when the client last showed another picture. */
struct model_mark {
    uint64_t time, losses;
    uint64_t stalled[MODEL_DISPLAYS], blocked[MODEL_DISPLAYS]; /* by slot */
    int64_t delay;
    uint64_t bars; /* changes of one bar */
    uint32_t drawn, draws[MODEL_BOXES];
};

/*
 * A span of the recording's window in which the client showed no other picture of the clip: from
 * the picture before, or the window's begin, to the next one, or the window's end. Where the
 * client's events are missing and no picture comes after, nothing shows that it went on. It counts
 * as a freeze from MODEL_FREEZE on.
 */
struct model_freeze {
    uint64_t from, to;
    bool open; /* no picture ended it: the window did, or a loss of the client's events */
    /* How long the clip's display was held up in it. If that display is unknown: the display held
     * up longest. */
    uint64_t stalled, blocked;
    uint64_t stalled_of[MODEL_DISPLAYS], blocked_of[MODEL_DISPLAYS]; /* by slot */
    /* ns that a frame of video waits at the client until it is due, as the freeze began and ended;
     * 0: not known. The server orders it: update_client_playback_delay in video-stream.cpp, passed
     * on as MSG_MAIN_MULTI_MEDIA_TIME by reds_set_client_mm_time_latency in reds.cpp. */
    int64_t delay_before, delay;
    uint32_t draws[MODEL_BOXES]; /* redraws of each box */
    uint32_t drawn;              /* parts of the picture that the client drew in the clip's place */
    bool same_frame;             /* `drawn` showed the frame that was there: its bars were read */
    bool lost;
};

/* How much of what came the client could use, and when. */
struct client_arrivals {
    struct byte_sum channels[BYTES_CHANNELS]; /* messages, by channel; `sent` is their size */
    struct byte_sum frames;                   /* of streams */
    uint64_t too_late;                        /* frames that were due before they came */
    int64_t longest_wait;                     /* of a frame until it was due; 0 or more */
    uint64_t ended;                           /* channels */
    /* From a picture's last byte (of a frame: from when it was due) until it was ready. */
    struct histogram frames_took, drawings_took;
};

/* Key presses, and the picture's answers to them. */
struct client_keys {
    uint64_t pressed, answered, unanswered; /* one can still wait at the end */
    struct histogram took;                  /* from the press to the picture */
};

/* The clip on the client's screen, by its three bars. All unknown where the client's log has no
 * client_bar: it is older, or the clip has no bars. */
struct client_screen {
    struct clip_bars bars;
    struct clip_age age;
    struct histogram ages; /* how far the picture was behind, sampled */
    /* The last part that was drawn in the clip's place: when, and how long the client had kept it
     * until it was due. */
    uint64_t drawn_at, held;
    /* Changes of one bar: all, and those before `changed_at`. */
    uint64_t changes, changes_before, changed_at;
};

struct model_client {
    struct client_arrivals arrivals;
    struct client_keys keys;
    struct client_screen screen;
    struct model_freeze freezes[MODEL_FREEZES]; /* the longest, the longest first */
    struct bounded kept;                        /* of `freezes` */
    uint32_t moved_count; /* freezes in which the client drew in the clip's place, */
    uint32_t same_count;  /* and of these, those with the same frame all the time */
    /* Freezes of a numbered clip by client_stood_still(): how many, how long, the longest. */
    uint64_t still_count, still, longest_still;
    uint32_t drawn;         /* parts of the picture so far, there */
    struct model_mark mark; /* as the last picture came */
    /* Counters since then: when the client's events began to be missing, and when they came again.
     * `time` 0: they did not. */
    struct model_mark cut, back;
    uint64_t from, to;       /* the recording's window; 0: not known */
    uint64_t gone;           /* when its display channel ended; 0: it did not */
    uint64_t longest_freeze; /* of any length; 0: none */
    uint64_t pictures;       /* of the clip; `late` and `lost` frames of it by their numbers */
    uint64_t late, lost;
    uint64_t went_back;     /* pictures with an older frame than the one before */
    int32_t number;         /* of the last picture's frame; -1: none yet */
    struct histogram shown; /* spans between pictures */
    bool numbered;          /* the client read a frame's number */
    int64_t delay;          /* ns until the last frame is due */
    /* Other parts, only read. */
    const struct model_waits *waits;
    const struct model_regions *regions;
    const struct model_losses *losses;
};

void client_init(struct model_client *c, const struct model_waits *waits,
                 const struct model_regions *regions, const struct model_losses *losses);
void client_free(struct model_client *c);
/* Where the window begins and ends, before the first event; 0: not known. */
void client_window(struct model_client *c, uint64_t from, uint64_t to);
/* After the last event. `slot`: of the clip's display; -1: not known. */
void client_end(struct model_client *c, int slot);
void client_add(struct model_client *c, const struct tap_event *ev);
/* The client's events are missing: since `now` or earlier. client_loss then gives the span. */
void client_missing(struct model_client *c, uint64_t now);
void client_loss(struct model_client *c, uint64_t from, uint64_t to);
/* How long all its pictures took, frames and drawings: ns. */
uint64_t client_took(const struct model_client *c, double quantile);
/* Did the picture itself stand still? The client read the clip's numbers, and drew nothing in its
 * place but the same frame. Else what lies over the clip may have moved, or there is no clip. */
bool client_stood_still(const struct model_client *c, const struct model_freeze *z);
/* How much later (ns) frames were shown at the freeze's end than at its begin; negative: earlier.
 * 0 also if one of the two is unknown, or frames came too late then. */
int64_t client_put_off(const struct model_freeze *z);
/* Whether the picture is, in part, where the client read its numbers. */
bool client_in_clip_place(const struct model_client *c, const struct fields_client_picture *e);

#endif
