/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened in a run, counted in one pass, in memory that does not grow with the run. */
#ifndef SPICETAP_FACTS_H
#define SPICETAP_FACTS_H

#include "run/cursor.h"

enum {
    FACTS_SOURCES = SOURCES,
    FACTS_KINDS = 1024,
    FACTS_VALUES = 256, /* of an enum */
    FACTS_DISPLAYS = 16,
    FACTS_LOSSES = 1024, /* that are listed; more are counted */
    FACTS_CHANNELS = 16,
    FACTS_TOOK = 1000, /* a histogram of a quarter of a ms each */
};

struct facts_loss {
    uint64_t time, count;
    unsigned reason;
    enum tap_source source;
};

struct facts_bytes {
    uint64_t count, raw, sent;
};

/* How long pictures took: ns. */
struct facts_took {
    uint64_t count, sum, longest;
    uint32_t bins[FACTS_TOOK + 1]; /* the last one: longer */
};

/* What spicetap meter saw while the recording ran. */
struct facts_client {
    struct facts_bytes channels[FACTS_CHANNELS]; /* messages; the rest is 0's */
    struct facts_bytes frames;                   /* of streams */
    uint64_t too_late;                           /* frames that were due before they came */
    uint64_t ended;                              /* channels */
    struct facts_took frames_took, drawings_took;
    uint64_t shown, late, lost; /* frames of the clip by their numbers */
    uint64_t changes;           /* pictures of the clip's region without a number */
    int64_t longest_wait;       /* ns, of a frame until it is due; 0 or more */
};

/* What stands open for one display: the recording can begin, or lose events, anywhere. */
struct facts_display {
    bool used, in_oom;
    uint32_t id;
    uint64_t oom_began;
};

struct facts {
    uint64_t events, first, last; /* times are 0 without events */
    uint64_t of_source[FACTS_SOURCES], of_kind[FACTS_KINDS];
    const struct tap_kind_desc *kinds[FACTS_KINDS];

    uint64_t oom, oom_time, oom_longest; /* episodes, ns in them, ns of the longest */
    uint64_t oom_cut; /* begun or ended outside the recording, or beside a loss */
    uint64_t evicted, evicted_in_oom, evicted_streamable, free_some;
    struct facts_display displays[FACTS_DISPLAYS];

    struct facts_bytes images[FACTS_VALUES]; /* by image_type */
    struct facts_bytes stream_data, drawing; /* on the wire: messages with frames; with drawing */
    struct facts_bytes channels[FACTS_CHANNELS]; /* on the wire: the rest */
    struct facts_bytes encoded[FACTS_VALUES];    /* frames, by codec */
    uint64_t draws[FACTS_VALUES];                /* by draw_verdict */
    uint64_t matches[4][FACTS_VALUES];           /* by match_against and match_verdict */
    uint64_t drops[FACTS_VALUES];                /* by drop_reason */
    uint64_t trace_adds[FACTS_VALUES];           /* by remove_reason */

    struct facts_client client;

    struct facts_loss losses[FACTS_LOSSES];
    size_t loss_count;
    uint64_t all_losses, lost, lost_unknown; /* records; events; records without a number */
};

/* Counts one event. */
void facts_add(struct facts *f, const struct run_event *e);
/* The same for an event of the client. */
void facts_client_add(struct facts_client *c, const struct tap_event *ev);
/* How long all its pictures took, drawings and frames: ns, exact to a quarter of a ms. */
uint64_t facts_client_took(const struct facts_client *c, double quantile);
/* After the last event. */
void facts_end(struct facts *f);

#endif
