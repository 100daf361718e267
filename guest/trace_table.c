/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events that the agent records, the hooks they need, and which of them this guest lacks. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "trace.h"

#define PUSH (BIT(guest_push) | BIT(guest_full))
#define WAIT (BIT(guest_wait_begin) | BIT(guest_wait_end))

/* Not clock_ping: the recorder makes it, from the agent's answers to PING. */
const struct trace_kind trace_kinds[] = {
#define R(part, name)                                                                              \
    {                                                                                              \
        EV_##name, PART_##part, #name                                                              \
    }
    R(QXL, guest_alloc),
    R(QXL, guest_bo),
    R(QXL, guest_delete),
    R(QXL, guest_wait_begin),
    R(QXL, guest_wait_end),
    R(QXL, guest_oom),
    R(QXL, guest_push),
    R(QXL, guest_gc),
    R(QXL, guest_free),
    R(QXL, guest_full),
    R(FENCE, guest_fence_init),
    R(FENCE, guest_fence_signaled),
    R(VIRTIO, guest_virtio_queue),
    R(VIRTIO, guest_virtio_response),
    R(MEMORY, guest_memory),
    R(MEMORY, guest_counters),
#undef R
};
_Static_assert(sizeof(trace_kinds) == TRACE_KINDS * sizeof(trace_kinds[0]), "TRACE_KINDS");

const struct trace_hook trace_hooks[] = {
#define ENTRY(function, events)                                                                    \
    {                                                                                              \
        PART_QXL, #function, #function, false, events                                              \
    }
#define RETURN(function, events)                                                                   \
    {                                                                                              \
        PART_QXL, #function "_ret", #function, true, events                                        \
    }
    ENTRY(qxl_alloc_release_reserved, BIT(guest_alloc)),
    RETURN(qxl_alloc_release_reserved, BIT(guest_alloc)),
    ENTRY(qxl_release_alloc, BIT(guest_alloc) | BIT(guest_push) | BIT(guest_free)),
    RETURN(qxl_release_alloc, BIT(guest_alloc) | BIT(guest_push) | BIT(guest_free)),
    ENTRY(qxl_bo_create, BIT(guest_bo)),
    RETURN(qxl_bo_create, BIT(guest_bo)),
    ENTRY(qxl_fence_wait, WAIT),
    RETURN(qxl_fence_wait, WAIT),
    ENTRY(qxl_io_notify_oom, BIT(guest_oom)),
    RETURN(qxl_io_notify_oom, BIT(guest_oom)),
    ENTRY(qxl_push_command_ring_release, PUSH),
    ENTRY(qxl_push_cursor_ring_release, PUSH),
    ENTRY(qxl_ring_push, PUSH),
    RETURN(qxl_ring_push, PUSH),
    ENTRY(qxl_garbage_collect, BIT(guest_gc) | BIT(guest_free)),
    RETURN(qxl_garbage_collect, BIT(guest_gc) | BIT(guest_free)),
    ENTRY(qxl_release_from_id_locked, BIT(guest_free)),
    ENTRY(qxl_release_free, BIT(guest_free)),
    ENTRY(ttm_bo_delayed_delete, BIT(guest_delete)),
    RETURN(ttm_bo_delayed_delete, BIT(guest_delete)),
#undef ENTRY
#undef RETURN
    {PART_FENCE, "guest_fence_init", "dma_fence/dma_fence_init", false, BIT(guest_fence_init)},
    {PART_FENCE, "guest_fence_signaled", "dma_fence/dma_fence_signaled", false,
     BIT(guest_fence_signaled)},
    {PART_VIRTIO, "guest_virtio_queue", "virtio_gpu/virtio_gpu_cmd_queue", false,
     BIT(guest_virtio_queue)},
    {PART_VIRTIO, "guest_virtio_response", "virtio_gpu/virtio_gpu_cmd_response", false,
     BIT(guest_virtio_response)},
};
_Static_assert(sizeof(trace_hooks) == TRACE_HOOKS * sizeof(trace_hooks[0]), "TRACE_HOOKS");

void trace_without(struct trace *t, uint64_t events, const char *format, ...)
{
    va_list args;

    for (unsigned i = 0; i < TRACE_KINDS; i++) {
        if (events & KIND_BIT(trace_kinds[i].kind) && !*t->why[i]) {
            va_start(args, format);
            vsnprintf(t->why[i], sizeof(t->why[i]), format, args);
            va_end(args);
        }
    }
    t->wanted &= ~events;
}

uint64_t trace_part_events(enum trace_part part)
{
    uint64_t events = 0;

    for (unsigned i = 0; i < TRACE_KINDS; i++) {
        if (trace_kinds[i].part == part) {
            events |= KIND_BIT(trace_kinds[i].kind);
        }
    }
    return events;
}

bool trace_needs(const struct trace *t, unsigned hook)
{
    return trace_hooks[hook].events & t->wanted;
}

bool trace_has_driver(const char *module)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/module/%s", module);
    return !access(path, F_OK);
}

void trace_look_for_drivers(struct trace *t)
{
    static const struct {
        enum trace_part part;
        const char *module;
    } drivers[] = {{PART_QXL, "qxl"}, {PART_MEMORY, "qxl"}, {PART_VIRTIO, "virtio_gpu"}};

    for (unsigned d = 0; d < sizeof(drivers) / sizeof(drivers[0]); d++) {
        if (trace_has_driver(drivers[d].module)) {
            continue;
        }
        trace_without(t, trace_part_events(drivers[d].part), "the driver %s is not loaded",
                      drivers[d].module);
        for (unsigned i = 0; i < TRACE_KINDS; i++) {
            t->foreign[i] |= trace_kinds[i].part == drivers[d].part;
        }
    }
}
