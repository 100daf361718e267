/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the table of OOM reports, for its files: guest, server, rows. */
#ifndef SPICETAP_OOM_STATE_H
#define SPICETAP_OOM_STATE_H

#include "base/bounded.h"
#include "event/fields.h"
#include "links/journey.h"
#include "links/links.h"

#define OOM_PATIENCE 20000000000u /* ns: longer than the driver's longest wait, 15 s */

enum {
    OOM_ROWS = 4096,
    OOM_WAITS = 256,
    OOM_EPISODES = 1024,
    GROUP_GUEST = 1, /* MEMSLOT_GROUP_GUEST, hw/display/qxl.h */
};

#define WHYS_OF_OOM(W)                                                                             \
    W(none)                                                                                        \
    W(no_guest)                                                                                    \
    W(began_before)                                                                                \
    W(open_at_end)                                                                                 \
    W(loss)                                                                                        \
    W(too_many_open)                                                                               \
    W(no_guest_oom)                                                                                \
    W(no_wait)                                                                                     \
    W(no_wait_end)                                                                                 \
    W(no_io_write)                                                                                 \
    W(no_oom_begin)                                                                                \
    W(no_oom_end)                                                                                  \
    W(no_reclaim)                                                                                  \
    W(order)
enum oom_why {
#define W(name) OOM_##name,
    WHYS_OF_OOM(W)
#undef W
        OOM_WHYS
};

enum oom_outcome { GOT_MEMORY, GOT_NOTHING, RING_NOT_EMPTY, UNKNOWN, OUTCOMES };

struct oom_wait {
    uint64_t number, begin, end, release, notifies;
    uint32_t tid;
    unsigned users; /* rows */
    bool listed;
    int asked; /* EV_guest_bo, EV_guest_alloc, EV_guest_delete; 0: unknown, or none of them */
    uint64_t domain, size;
    int64_t result;
};

struct oom_episode {
    uint64_t number, begin, end, flushes, flushed, free_some, glz, evicted, releases;
    uint64_t push, push_from, push_to, pushed, named, reclaimed, reclaim_first, reclaim_last, gc;
    uint32_t tid, gc_tid;
    uint64_t display;
    unsigned users;
    bool listed, open;
};

struct oom_notify {
    uint64_t number, at, guest_begin, guest_end, error, io_write, spice_oom, nth;
    uint32_t io_tid;
    int32_t qid; /* the device */
    bool on_guest;
    uint64_t losses;
    struct oom_wait *wait;
    struct oom_episode *episode;
    struct oom_notify *next;
};

struct oom {
    struct row_sink *rows;
    struct journeys *journeys;
    struct oom_notify *head, *tail;
    struct bounded open_rows;          /* over: notifies given up */
    struct oom_wait *waits[OOM_WAITS]; /* the latest; the oldest is given up first */
    struct bounded listed_waits;
    struct oom_episode *episodes[OOM_EPISODES]; /* the latest; the oldest is given up first */
    struct bounded listed_episodes; /* over: given up before all that they pushed came back */
    size_t open_count;              /* of them */
    uint64_t losses, time, notified, waits_seen, episodes_seen, complete, asked_known, deleting;
    uint64_t with_wait, spice_ooms, io_writes, guest_ooms, violated;
    uint64_t why_count[OOM_WHYS], outcome_count[OUTCOMES];
    bool guest; /* the run has events of it */
    int error;
};

/* ---- oom_rows.c ---- */

extern const struct schema oom_schema;
extern const char *const oom_whys[OOM_WHYS], *const oom_outcomes[OUTCOMES];

/* Why a report becomes a row now: it is over, there is no room for more, or nothing more comes. */
enum oom_why_now { OOM_READY, OOM_GIVEN_UP, OOM_AT_END };
/* The oldest report becomes a row. */
void oom_put(struct oom *s, enum oom_why_now now);
bool oom_is_ready(const struct oom *s, const struct oom_notify *n);

/* ---- oom_guest.c ---- */

void oom_guest(struct oom *s, const struct tap_event *ev, uint64_t error);
/* Frees it if nothing needs it any more. */
void oom_drop_wait(struct oom_wait *w);
void oom_unlist_wait(struct oom *s, size_t at);
/* NULL: no memory (s->error). */
struct oom_notify *oom_new_notify(struct oom *s, uint64_t t);
/* Did QEMU have the write at `io` while the guest was in it, from `begin` to `end`? */
bool oom_agree(uint64_t begin, uint64_t end, uint64_t io, uint64_t error);

/* ---- oom_server.c ---- */

void oom_server(struct oom *s, const struct tap_event *ev);
void oom_drop_episode(struct oom_episode *e);
void oom_unlist_episode(struct oom *s);
/* A release is over: if an episode pushed it, its memory came back. For journeys_new(). */
void oom_reclaimed(void *context, const struct life *l);
/* A collection of the guest ended: it may have reclaimed what an episode pushed. */
void oom_collected(struct oom *s, const struct tap_event *ev);

#endif
