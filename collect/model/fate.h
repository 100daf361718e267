/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of one redraw. Its comparisons follow its `draw` at once, in the same thread; its
 * fate is decided at the display's next draw. Boxes are left, top, right, bottom; spans ns.
 */
#ifndef SPICETAP_FATE_H
#define SPICETAP_FATE_H

#include <stdbool.h>
#include <stdint.h>

/* The first 12 are draw_verdict's numbers: a test of drawable_can_stream refused the redraw (0,
 * can_stream, does not occur). */
enum outcome {
    OUT_VERDICTS = 12,
    OUT_STREAMED = 12, /* it joined a stream or began one */
    OUT_COUNTED,       /* counted as a frame of a possible video */
    OUT_NOT_NATURAL,   /* 20 counted, but too few of them look like a natural picture */
    OUT_NO_ROOM,       /* it should have begun a stream, and none was created */
    OUT_TOO_LATE,      /* more than 200 ms after the redraw before */
    OUT_BOX_DIFFERS,
    OUT_SIZE_DIFFERS,
    OUT_NOT_CONTAINED, /* against a running stream at the same place */
    OUT_TOO_BIG,
    OUT_ORIENTATION,
    OUT_EVICTED_OVER, /* its history was overwritten in the trace ring, by evictions */
    OUT_OTHER_OVER,   /* ... by other drawables that left the screen */
    OUT_NO_HISTORY,   /* the trace ring had no entry of it, and none was overwritten */
    OUT_FIRST,        /* no redraw before it to compare with */
    OUT_LOST,         /* events were lost while it was decided */
    OUTCOMES,
};

/* Running streams that one drawable covers: as many as a display of spice-server can have
 * (NUM_STREAMS, the size of streams_buf in display-channel-private.h). */
enum { MODEL_COVERED = 50 };

/* The drawable whose fate is being decided. */
struct model_candidate {
    bool open, lost;
    uint32_t display; /* its id */
    uint64_t drawable, release_id, time, created, interval;
    uint32_t region; /* index + 1 in boxes */
    uint8_t verdict; /* draw_verdict */
    int32_t box[4];
    bool counted, starts, streamed;
    int64_t frames, gradual;
    bool has_near; /* a comparison with its own place */
    uint8_t near_verdict, near_against;
    int64_t near_since;
    uint32_t near_off;
    int covered_count;
    uint32_t covered[MODEL_COVERED]; /* ids of running streams whose place it covers */
    uint8_t covered_verdict[MODEL_COVERED];
    bool covered_asked[MODEL_COVERED];
};

/* What a match_verdict means for the redraw. */
enum outcome fate_of_match(unsigned verdict);
/* Why the stream at `covered[i]` did not get the candidate, whose own outcome is `o`. */
enum outcome fate_refusal(const struct model_candidate *c, int i, enum outcome o);

#endif
