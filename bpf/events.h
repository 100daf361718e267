/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event as it goes through the BPF ring buffer, the recorder and the reader.
 * Made from events.def, which says what each kind means.
 */
#ifndef SPICETAP_EVENTS_H
#define SPICETAP_EVENTS_H

#ifndef __bpf__
#include <stdint.h>
#endif

/* Values an event may carry at most: a scalar takes one slot, sign-extended if its type is
 * signed; a RECT takes two, which hold left, top, right, bottom as four int32_t. */
#define TAP_MAX_SLOTS 16

struct tap_event {
    uint64_t time; /* ns, CLOCK_MONOTONIC of the host; in a guest's log of the guest */
    uint32_t tid;  /* thread, as the host's kernel counts them */
    uint16_t kind; /* EV_..., or what the log's own description calls it */
    uint16_t slots;
    uint64_t v[TAP_MAX_SLOTS]; /* in a BPF ring buffer only the first `slots` are there */
};

enum tap_source { SOURCE_META, SOURCE_SPICE, SOURCE_QEMU, SOURCE_GUEST, SOURCE_CLIENT, SOURCES };

enum tap_kind {
#define EVENT(source, number, name, help, fields) EV_##name = number,
#include "events.def"
    EV_MAX = 1001,
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
