/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event, as it passes through the BPF ring buffer, the recorder and the reader; and C constants
 * for the kinds, types and enum values of events.def, the table that describes them.
 */
#ifndef SPICETAP_EVENTS_H
#define SPICETAP_EVENTS_H

#ifndef __bpf__
#include <stdint.h>
#endif

/* The most slots an event can have. A scalar takes one slot, sign-extended if its type is signed.
 * A RECT takes two: left, top, right, bottom as four int32_t. */
#define TAP_MAX_SLOTS 16

struct tap_event {
    uint64_t time;  /* ns of CLOCK_MONOTONIC: the guest's in a guest's log, else the host's */
    uint32_t tid;   /* thread id in the same kernel */
    uint16_t kind;  /* an EV_ constant; in a log, a number that the log itself describes */
    uint16_t slots; /* how many of `v` are set */
    uint64_t v[TAP_MAX_SLOTS]; /* in a BPF ring buffer, only the first `slots` exist */
};

enum tap_source {
    SOURCE_META,
    SOURCE_SPICE,
    SOURCE_QEMU,
    SOURCE_GUEST,
    SOURCE_CLIENT,
    SOURCES,
    SOURCE_CALL = SOURCE_SPICE, /* in events.def; in the same log */
};

enum tap_kind {
#define EVENT(source, number, name, help, fields) EV_##name = number,
#include "events.def"
    EV_MAX = 1002,
};

/* What was decided as the client connected holds in a recording's window, but came before it. These
 * kinds are recorded, and read, from before the window. */
#define EV_IS_EARLY(kind)                                                                          \
    (((kind) >= EV_stream_first_rate && (kind) <= EV_delay_ask) || (kind) == EV_net_test ||        \
     (kind) == EV_delay_order)

/* A function's call, recorded only where the library has no probes. */
#define EV_IS_CALL(kind) ((kind) >= EV_spice_qxl_oom && (kind) <= EV_spice_qxl_flush_surfaces_async)

enum record_level {
    RECORD_OFF,
    RECORD_EARLY, /* only kinds with EV_IS_EARLY */
    RECORD_ALL,
};

enum tap_type { TYPE_U64, TYPE_U32, TYPE_S32, TYPE_S64, TYPE_U8, TYPE_BOOL, TYPE_RECT };

/*
 * The values of each ENUM of events.def, by name: PREFIX_name as in
 *
 *     enum tap_draw_verdict { DRAW_VERDICT_can_stream = 0, DRAW_VERDICT_video_off = 1, ... };
 *
 * The prefix is the ENUM's name in capitals, the rest is the name that a log and the exports show.
 * The tag has `tap_` in front because `ring`, `codec` and `channel` are names of other headers too.
 */
#define V(prefix, value, name, help) prefix##_##name = value,
#define ENUM(name, values)           enum tap_##name{values};
#include "events.def"
#undef V

#endif
