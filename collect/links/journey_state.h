/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of journeys, for the files of it: lives, judge, guest, server, ring. */
#ifndef SPICETAP_JOURNEY_STATE_H
#define SPICETAP_JOURNEY_STATE_H

#include "base/bounded.h"
#include "base/hash.h"
#include "event/fields.h"
#include "links/journey.h"

enum {
    JOURNEY_IDS = 1 << 20,   /* remembered; a driver uses as many as are in flight */
    JOURNEY_LIVES = 1 << 20, /* open at once */
    JOURNEY_QUEUE = 6,       /* lives of one id that only one side reported */
    JOURNEY_THREADS = 4096,
    GROUP_GUEST = 1, /* MEMSLOT_GROUP_GUEST, hw/display/qxl.h */
};

/* One id and its lives, oldest first. `guest`, `server`: the latest life that side reported. */
struct id {
    uint64_t key, value;
    struct life *head, *tail, *guest, *server;
    uint32_t generation, display, queued;
    bool guest_seen, other_device;
    UT_hash_handle hh;
};

/* A thread of the host that is about to put a release on the ring, or is in an OOM episode; or a
 * thread of the guest, with the last buffer object it made. */
struct thread {
    uint64_t key;
    struct life *releasing;
    uint64_t bo_t, bo_began, bo_size;
    int bo_domain; /* -1: none */
    uint64_t oom;  /* begin of the episode, 0: in none */
    UT_hash_handle hh;
};

struct journeys {
    void (*closed)(void *context, const struct life *life);
    void *context;
    struct journey_counts sum;
    struct id *ids;
    struct thread *threads;
    struct bounded known_ids, open_lives, known_threads;
    uint64_t losses[SOURCES], serial;
    int64_t device; /* the display whose guest commands came first, -1: none yet */
    bool guest_is_there;
    struct life *chain_head, *chain_tail; /* put on the release ring and not pushed */
    uint64_t chain, chain_named, push_number, push_named;
    bool chain_sound;
    bool giving_up; /* closing all lives, as there are too many */
    int error;
};

/* ---- journey_lives.c: NULL without memory (j->error), or where there is none ---- */

struct thread *journey_thread(struct journeys *j, enum tap_source source, uint32_t tid);
void journey_forget_threads(struct journeys *j);
struct id *journey_known_id(const struct journeys *j, uint64_t display, uint64_t value);
/* Makes it, if it is new. */
struct id *journey_id(struct journeys *j, uint64_t display, uint64_t value);
/* A new life behind `after`, NULL: before all others. */
struct life *journey_new_life(struct journeys *j, struct id *id, struct life *after);
/* When something began that took `took` ns and ended at `t`. */
uint64_t journey_began(uint64_t t, int64_t took);

/* ---- journey_judge.c ---- */

/* The oldest life of `id` is over: judges it, hands it over, and frees it. */
void journey_close_head(struct journeys *j, struct id *id, bool at_end);
/* Closes the lives of `id` that are over. */
void journey_settle(struct journeys *j, struct id *id);

/* ---- what each side reports ---- */

void journey_guest(struct journeys *j, const struct tap_event *ev, uint64_t error);
void journey_server(struct journeys *j, const struct tap_event *ev);
/* QEMU's release ring. */
void journey_res_put(struct journeys *j, const struct tap_event *ev);
void journey_res_push(struct journeys *j, const struct tap_event *ev);
/* Empties the chain: it was pushed at `t`, 0: unknown. */
void journey_drop_chain(struct journeys *j, uint64_t t);
/* A release that QEMU did not put on the ring. */
void journey_not_put(struct journeys *j, struct thread *t);

#endif
