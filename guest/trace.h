/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the tracing share; the rest of the agent sees only agent.h.
 *
 *   trace_table.c   which events, by which hooks; which of them this guest cannot have, and why
 *   kprobes.c       makes the qxl driver's kprobes in tracefs, and removes them
 *   programs.c      loads the BPF programs and attaches them
 *   trace.c         start to stop, and what the recorder's HELLO says of it
 */
#ifndef SPICETAP_TRACE_H
#define SPICETAP_TRACE_H

#include "agent.h"
#include "../bpf/guest_shared.h"

/* A set of the guest's events, a bit for each kind from guest_alloc on. */
#define KIND_BIT(kind) (1ull << ((kind)-EV_guest_alloc))
#define BIT(event)     KIND_BIT(EV_##event)

struct trace_kind {
    uint16_t kind;
    enum trace_part part;
    const char *name;
};

/* A BPF program and what it is attached to. */
struct trace_hook {
    enum trace_part part;
    const char *program;
    const char *target; /* a function of the driver, or a tracepoint's path below tracefs/events */
    bool at_return;     /* of the function */
    uint64_t events;    /* cannot be recorded without this hook */
};

enum { TRACE_KINDS = 16, TRACE_HOOKS = 24 };
extern const struct trace_kind trace_kinds[];
extern const struct trace_hook trace_hooks[];

struct trace {
    char why[TRACE_KINDS][160]; /* why an event is missing; "": it is recorded */
    bool foreign[TRACE_KINDS];  /* its driver is not loaded, so nobody misses it */
    uint64_t wanted;            /* the set of events that can still be recorded */
    const char *tracefs;        /* its folder */
    char prefix[32];            /* of the names of our kprobes: one agent's differ from another's */
    bool defined[TRACE_HOOKS];  /* the kprobe is in tracefs */
    int fds[TRACE_HOOKS];       /* perf events that hold the programs; -1: not attached */
    struct guest_qxl_bpf *qxl;  /* NULL: not loaded; likewise the next two */
    struct guest_fence_bpf *fence;
    struct guest_virtio_bpf *virtio;
    struct fence_format fence_format;
    struct virtio_format virtio_format;
    int ring_map; /* all programs write to this ring buffer; -1: none */
    struct ring_buffer *ring;
    uint64_t ring_lost, missed; /* losses that trace_lost() has already returned */
    uint64_t kernel_missed;     /* kprobe hits that the kernel missed, as of the last sample */
    struct memory memory;
    /* During trace_drain(): who gets the events. */
    agent_event_fn *fn;
    void *context;
};

/* ---- trace_table.c ----------------------------------------------------------------------------
 */

/* The set of a part's events. */
uint64_t trace_part_events(enum trace_part part);
/* Gives up a set of events for a reason, which is kept for those that had none yet. */
__attribute__((format(printf, 3, 4))) void trace_without(struct trace *t, uint64_t events,
                                                         const char *format, ...);
/* Some event that can still be recorded needs this hook. */
bool trace_needs(const struct trace *t, unsigned hook);
bool trace_has_driver(const char *module);
/* Gives up the events of drivers that are not loaded. */
void trace_look_for_drivers(struct trace *t);

/* ---- kprobes.c --------------------------------------------------------------------------------
 */

/* Makes the kprobes that are needed; gives up the events of those that cannot be had. */
void kprobes_define(struct trace *t);
/* Removes those that are no longer needed, or all. */
void kprobes_undefine_unneeded(struct trace *t);
void kprobes_undefine_all(struct trace *t);

/* ---- programs.c -------------------------------------------------------------------------------
 */

/* Loads and attaches the programs that are needed, and gives up the events of those that fail.
 * Nothing is recorded before programs_record(t, true). */
void programs_attach(struct trace *t);
void programs_record(struct trace *t, bool on);
void programs_detach(struct trace *t);
/* Totals since programs_attach(): events that found the ring buffer full; calls that found no room
 * in the programs' table of calls under way. */
uint64_t programs_ring_lost(const struct trace *t);
uint64_t programs_forgotten(const struct trace *t);

#endif
