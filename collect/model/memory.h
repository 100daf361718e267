/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * OOM episodes: from the guest's first call for memory to its next command. What the server gave
 * and held in them, and what the guest had asked for by its own events. Times and spans are ns.
 */
#ifndef SPICETAP_MEMORY_H
#define SPICETAP_MEMORY_H

#include "model/held.h"
#include "model/regions.h"
#include "model/streams.h"
#include "model/waits.h"

enum {
    MODEL_EPISODES = 8192, /* that are kept */
    MODEL_CALLS = 64,      /* the guest's latest calls for memory */
    MODEL_VICTIMS = 4,     /* regions and streams of an episode */
};

struct model_episode {
    uint32_t id, display;
    uint64_t from, to; /* first and last sign of it */
    uint64_t resumed;  /* the guest's next command; 0: none yet */
    uint64_t stalled;  /* by waits.h */
    uint64_t waited;   /* by the guest's own events */
    uint64_t notifies, ooms, flushes, flushed, free_some, glz_freed;
    uint64_t evicted, streamable, of_streams, releases;
    uint64_t drawables, glz, current, pipes; /* at the first oom_begin */
    uint64_t held_bytes;                     /* then, by held.h */
    uint64_t drawables_after, current_after;
    bool sized;
    uint64_t traced, overwritten, usable, counted_lost;           /* slots; of them still of use */
    uint32_t victims[MODEL_VICTIMS], victim_slots[MODEL_VICTIMS]; /* regions */
    uint32_t streams[MODEL_VICTIMS];
    uint64_t losses, lost;
    /* what the guest asked for, from its own events */
    uint64_t asks, failed, bytes;
    uint64_t deletes; /* waits to free old buffers: nobody asked for memory */
    unsigned domain;  /* guest_domain */
    uint64_t asked_bytes, asked_took, asked_at;
    uint32_t asked_tid;
    bool asked, closed;
    uint64_t until;                /* when it was closed */
    uint64_t unsure, unsure_error; /* of the guest's events; clock error, ns */
};

/* How full a memory of the device was, in bytes. */
struct model_domain {
    bool known;
    uint64_t total, used, most, most_at, least, least_at;
};

/* The guest's own call that its memory ran out (guest_oom), in its thread and by its clock. */
struct model_call {
    uint64_t began, time, error; /* time: it returned */
    uint32_t tid;
};

struct model_memory {
    uint32_t open[MODEL_DISPLAYS]; /* by slot: index + 1 of the open episode */
    /* By id - 1. Behind the places of `kept` each display has one for an episode that did not fit,
     * which counts in the sums alone. */
    struct model_episode *episodes;
    struct bounded kept;
    /* What did not fit: regions and streams of an episode; asks whose calls may be forgotten. */
    uint64_t victims_over, streams_over, calls_over;
    struct model_episode all; /* sums of all */
    uint64_t longest_stall, usable_evicted, usable_other, traced_evicted;
    uint64_t evicted_in_oom; /* between oom_begin and oom_end of their display */
    uint64_t passes;         /* of display_channel_free_some */
    uint64_t dropped;        /* calls that came while the server was busy with one: it drops them */
    uint64_t sized;          /* episodes with the server's figures of what it held */
    struct model_episode most_held; /* the one with most bytes, then drawables */
    struct model_held held;
    uint64_t named[8];                    /* episodes by the domain the guest asked in */
    struct model_domain domains[8];       /* by guest_domain */
    uint64_t only_deleting;               /* episodes in which nobody asked for memory */
    struct model_call calls[MODEL_CALLS]; /* the latest ones */
    uint64_t call_count;
    uint64_t unsure; /* episodes with an ask or a delete in doubt */
    /* Other parts, only read. */
    const struct model_waits *waits;
    const struct model_streams *streams;
    const struct model_regions *regions;
};

int memory_init(struct model_memory *m, const struct model_waits *waits,
                const struct model_streams *streams, const struct model_regions *regions);
void memory_free(struct model_memory *m);
/* `step`: what the event added to its display's waits. */
void memory_add(struct model_memory *m, const struct model_seen *e, const struct wait_step *step,
                struct model_attr *attr);
void memory_loss(struct model_memory *m, enum tap_source source, uint64_t count,
                 struct model_attr *attr);
void memory_end(struct model_memory *m);
/* What the guest says: guest_oom, guest_bo, guest_delete, guest_memory. */
void asks_add(struct model_memory *m, const struct model_seen *e, struct model_attr *attr);

#endif
