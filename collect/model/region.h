/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region: a place on the screen that is redrawn like a video, and what became of each redraw.
 * Times and spans are ns; boxes are left, top, right, bottom.
 */
#ifndef SPICETAP_REGION_H
#define SPICETAP_REGION_H

#include "base/bounded.h"
#include "base/histogram.h"
#include "run/clip.h"
#include "model/fate.h"
#include "model/seen.h"

enum {
    MODEL_SPELLS = 128,      /* spells of a region; later spells extend the last one */
    MODEL_RECENT = 11,       /* redraws: their 10 intervals in 2 s are 5 redraws a second */
    MODEL_START_FRAMES = 20, /* RED_STREAM_FRAMES_START_CONDITION, spice's video-stream.h */
};

struct model_spell {
    uint64_t from, to;
};

/* A box that is drawn again and again. */
struct model_region {
    bool used, kept, over; /* over: it should have been kept, and the table was full */
    uint32_t id;           /* 1, 2...; 0 if it is not kept */
    uint32_t display, surface;
    int32_t box[4], first_box[4];
    uint64_t moves, last, last_created, last_interval, history_lost;
    bool history_lost_evicted;
    struct {
        uint64_t time;
        uint8_t outcome;
    } recent[MODEL_RECENT];
    unsigned count; /* redraws, ever */
    bool busy, qualified;
    uint64_t spell_from, spell_to, spell_draws, spell_out[OUTCOMES];
    /* Sums over its spells. */
    struct model_spell spells[MODEL_SPELLS];
    struct bounded listed; /* of `spells`; over: joined the last one */
    uint64_t busy_ns, longest_spell, draws, out[OUTCOMES];
    struct histogram intervals;
    uint64_t least_late; /* of redraws refused as too late: ns beyond 200 ms; UINT64_MAX: none */
    uint64_t least_late_at;
    uint32_t least_off, most_off; /* of redraws in another box: pixels; UINT32_MAX: none */
    uint32_t most_frames;         /* frames counted in a row without a stream */
    uint32_t gradual, gradual_of; /* gradual frames among most_frames */
    uint64_t first_streamed, last_streamed;
    uint32_t streams;
    uint64_t losses, lost; /* while it was drawn: places, events */
    bool doubt_last;       /* events were lost since its last redraw, or before its first */
    /* Sums over all its redraws, in a spell or not: the clip may be slower than a spell. */
    struct steady steady;
    uint64_t first, all_draws, all_out[OUTCOMES], streamed_ns;
    bool slow; /* it is kept only because it is the clip */
    uint64_t least_off_at, most_frames_at;
};

/* One redraw and its fate. True: its spell qualifies, so that the region should be kept. */
bool region_redraw(struct model_region *r, const struct model_candidate *c, enum outcome o);
void region_end_spell(struct model_region *r);

#endif
