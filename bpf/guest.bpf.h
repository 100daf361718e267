/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the guest's BPF programs: putting an event into the ring buffer.
 *
 * The same object runs on Linux 5.10 to 6.12. Fields of kernel structures are read with the help of
 * vmlinux's BTF. The driver's module has BTF only in newer kernels, so fields of the driver's own
 * structures are not read: programs use its functions' arguments and return values.
 */
#ifndef SPICETAP_GUEST_BPF_H
#define SPICETAP_GUEST_BPF_H

#include "event.bpf.h"
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include "guest_shared.h"

/* All objects share one buffer, so all events are in one order. The agent reads it some times a
 * second. It is woken only when a burst has filled a quarter. */
#define RING_BYTES (1 << 20)
#define RING_WAKES (RING_BYTES / 4)
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, RING_BYTES);
} events SEC(".maps");

struct guest_shared shared;

/* Each event's number of slots. No guest event has a RECT, so each field takes one. */
#define F(arg, type, name, kind, help)            +1
#define EVENT(source, number, name, help, fields) slots_##name = 0 fields,
enum event_slots {
#include "events.def"
};
#undef F

static __always_inline void put(uint16_t kind, uint64_t time, const uint64_t *values,
                                unsigned count)
{
    struct tap_event *r =
        bpf_ringbuf_reserve(&events, __builtin_offsetof(struct tap_event, v) + count * 8, 0);

    if (!r) {
        __sync_fetch_and_add(&shared.lost, 1);
        return;
    }
    r->time = time;
    r->tid = bpf_get_current_pid_tgid();
    r->kind = kind;
    r->slots = count;
#pragma unroll
    for (unsigned i = 0; i < count; i++) {
        r->v[i] = values[i];
    }
    bpf_ringbuf_submit(r, bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < RING_WAKES
                              ? BPF_RB_NO_WAKEUP
                              : BPF_RB_FORCE_WAKEUP);
}

/* PUT(guest_oom, time, values...): in the order of events.def; sign-extend signed values. */
#define PUT(event, time, ...)                                                                      \
    do {                                                                                           \
        uint64_t values_[] = {__VA_ARGS__};                                                        \
        _Static_assert(sizeof(values_) == 8 * slots_##event, #event ": not events.def's fields");  \
        put(EV_##event, time, values_, slots_##event);                                             \
    } while (0)

#endif
