/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Journeys: what guest, device and server report of one release, linked by its id. The driver uses
 * an id again as soon as it is free (idr_alloc in qxl_release_alloc takes the lowest), so a release
 * is a *life* of an id. Guest and server each report an id's lives in order, and an id has one life
 * at a time. So their n-th lives are the same, whatever the error of their clocks. Times only rule
 * out what cannot be (a command taken before its release was allocated); this joins the two sides
 * again after a loss. Memory is bounded by the ids in use, not by the length of the run.
 */
#ifndef SPICETAP_JOURNEY_H
#define SPICETAP_JOURNEY_H

#include "links/links.h"

/* Why a journey is not whole: docs/journeys.md lists them. */
#define JOURNEY_WHYS(W)                                                                            \
    W(none)                                                                                        \
    W(began_before)                                                                                \
    W(open_at_end)                                                                                 \
    W(no_guest)                                                                                    \
    W(other_device)                                                                                \
    W(loss_guest)                                                                                  \
    W(loss_spice)                                                                                  \
    W(too_many_open)                                                                               \
    W(no_alloc)                                                                                    \
    W(no_push)                                                                                     \
    W(push_failed)                                                                                 \
    W(no_cmd)                                                                                      \
    W(no_draw)                                                                                     \
    W(no_release)                                                                                  \
    W(no_free)                                                                                     \
    W(order)
enum journey_why {
#define W(name) WHY_##name,
    JOURNEY_WHYS(W)
#undef W
        WHYS
};

/* An event's time, ns, and by how much it may be wrong. 0: it was not seen. */
struct moment {
    uint64_t t, error;
};

struct life {
    uint64_t id, serial; /* serial: lives in order of their beginning */
    uint32_t display, generation;
    struct life *next; /* of this id */
    uint64_t loss_marks[SOURCES];

    /* guest */
    bool on_guest, freed, gave_up, left; /* left: the id was used again without a free */
    int type;                            /* release_type, -1: unknown */
    struct moment alloc, push_begin, push_end, free;
    int64_t alloc_took, push_result;
    uint64_t size, bo_bytes;
    uint32_t alloc_tid, free_tid, bos;
    int bo_domain; /* guest_domain, -1: none was made in it */
    uint64_t bo_size;

    /* server */
    bool on_server, passed;                  /* passed: the server is at a later life of this id */
    int group;                               /* memslot group, -1: unknown */
    int cmd_type;                            /* qxl_cmd, -1: unknown */
    int draw_type, verdict;                  /* -1: no draw */
    uint64_t cmd, draw, evict, release, oom; /* oom: begin of the episode the eviction is in */
    uint64_t drawable;
    int32_t box[4];
    uint64_t images, image_bytes, frames, frame_bytes, drops;
    int32_t stream; /* -1: none */
    uint64_t streamed;

    /* device */
    uint64_t put, res_push, res_push_number;
    bool in_chain; /* put, and not pushed yet: do not close */
    struct life *chain;

    /* when it is closed */
    enum journey_why why;
    enum link_order order;
    bool whole, inside; /* inside: allocated and freed inside the recording */
    const char *end;
};

enum { JOURNEY_ENDS = 6 };
struct journeys;

struct journey_counts {
    uint64_t lives, inside, whole, by_type[3], by_end[JOURNEY_ENDS];
    uint64_t why_inside[WHYS], why_outside[WHYS];
    uint64_t order[3], violated_inside;
    uint64_t worst_within; /* ns: the largest disorder that the clock's error covers */
    uint64_t reused, pushes, pushes_not_tied, generations_restarted;
    uint64_t guest_events, unknown_pushes, wrong_drawable, worst_error;
    uint64_t open_most; /* lives open at the same time */
};

extern const char *const journey_whys[WHYS], *const journey_ends[JOURNEY_ENDS];

/* Calls `closed` with each life once it is over, and then frees the life. NULL: no memory. */
struct journeys *journeys_new(void (*closed)(void *context, const struct life *life),
                              void *context);
/* One event as the built-in table has it, in order of time. `error`: how wrong its time may be, ns.
 */
void journeys_add(struct journeys *j, const struct tap_event *ev, enum tap_source source,
                  uint64_t error);
/* The end: closes what is open. */
void journeys_end(struct journeys *j);
const struct journey_counts *journeys_summary(const struct journeys *j);
/* The number of the last qxl_ring_res_push. *named: how many of its releases are linked. */
uint64_t journeys_pushes(const struct journeys *j, uint64_t *named);
void journeys_overflows(const struct journeys *j, json_t *list); /* as link_view.overflows */
int journeys_error(const struct journeys *j);                    /* -ENOMEM, or 0 */
void journeys_free(struct journeys *j);

#endif
