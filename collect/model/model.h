/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts of a run, gathered in one pass in memory that does not grow with the run. Times are ns
 * of CLOCK_MONOTONIC, boxes left, top, right, bottom.
 *
 * Two events belong together when they carry the same release id, drawable, stream or episode.
 * Events that are only near in time are called coincident.
 *
 * Each part sees the events in the order of the fields below and reads only parts before it.
 */
#ifndef SPICETAP_MODEL_H
#define SPICETAP_MODEL_H

#include "model/alternate.h"
#include "model/bytes.h"
#include "model/client.h"
#include "run/clip.h"
#include "model/counts.h"
#include "model/displays.h"
#include "model/losses.h"
#include "model/memory.h"
#include "model/pacing.h"
#include "model/regions.h"
#include "model/streams.h"
#include "model/waits.h"

struct model {
    struct bundle *bundle;
    const char *run;
    uint64_t start, end;
    double seconds;
    bool has_guest, has_qemu, has_client, qxl, virtio;
    bool lives_only; /* set before model_gather: no regions, so no causes either; for info */

    struct model_counts counts;
    struct model_losses losses;
    struct model_displays displays;
    struct model_bytes bytes;
    struct model_waits waits;
    struct model_streams streams;
    struct model_pacing pacing;
    struct model_regions regions;
    struct model_alternates alternates;
    struct model_memory memory;
    struct model_client client;

    const struct bundle_log *guest_log; /* that the guest's last event came from */
    struct model_attr attr;             /* of the last event */
    /* For whoever lists events: each drawable's fate, as it is decided. */
    void (*decided)(struct model *x, const struct model_candidate *c, enum outcome o);
    void *arg;
};

int model_new(struct model **out); /* -ENOMEM */
void model_free(struct model *x);
/* One event; the last event, then model_end. */
void model_add(struct model *x, const struct run_event *e);
void model_end(struct model *x);
/* The whole pass over x->bundle; then start, end and seconds stand. -ENOMEM */
int model_gather(struct model *x);

/* A table of the model, and how many entries did not fit it: what rests on them is inconclusive. */
struct model_overflow {
    const char *table;
    uint64_t count;
};

enum { MODEL_TABLES = 20 };
/* Every table, whether it overflowed or not; `list` has MODEL_TABLES places. How many there are. */
unsigned model_overflows(const struct model *x, struct model_overflow *list);

/* By id; NULL: none. */
const struct model_stream *model_stream_at(const struct model *x, uint32_t id);
const struct model_episode *model_episode_at(const struct model *x, uint32_t id);
const struct model_region *model_kept(const struct model *x, uint32_t id);
const struct model_region *model_clip(const struct model *x);
uint32_t model_episodes(const struct model *x); /* how many are kept one by one */
/* The client saw the clip, but no draw has its place: a display that is not QXL draws it in columns
 * (qemu_spice_create_update in QEMU's ui/spice-display.c). Then regions.pieces counts them. */
bool model_in_pieces(const struct model *x);
/* Did the client read a frame number? If not, anything may stand in the clip's place. */
bool model_numbered(const struct model *x);
/* Redraws of the clip's place in the freeze. */
uint32_t model_freeze_draws(const struct model *x, const struct model_freeze *z);

#endif
