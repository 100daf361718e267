/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracing from start to stop, as the session asks for it, and its members of HELLO.
 *
 * START attaches everything and STOP removes it, so a guest that nobody records has no probe in its
 * kernel and pays nothing. A switch in shared memory would leave a trap at each probed function.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/libbpf.h>

#include "trace.h"

/* ---- HELLO ------------------------------------------------------------------------------------
 */

static void hello_events(const struct trace *t, json_t *hello)
{
    json_t *attached = json_array(), *missing = json_array();

    for (unsigned i = 0; i < TRACE_KINDS; i++) {
        if (*t->why[i]) {
            json_array_append_new(
                missing, json_pack("{ss ss}", "name", trace_kinds[i].name, "why", t->why[i]));
        } else {
            json_array_append_new(attached, json_string(trace_kinds[i].name));
        }
    }
    json_object_set_new(hello, "attached", attached);
    json_object_set_new(hello, "missing", missing);
}

static void hello_memory(const struct trace *t, json_t *hello)
{
    static const char *const names[] = {
        [GUEST_DOMAIN_vram] = "vram", [GUEST_DOMAIN_surface] = "surface"};
    json_t *memory = json_array();
    struct memory_use use;

    for (unsigned i = GUEST_DOMAIN_vram; i <= GUEST_DOMAIN_surface; i++) {
        if (memory_read(&t->memory, i, &use)) {
            json_array_append_new(
                memory, json_pack("{ss sI}", "domain", names[i], "total", (json_int_t)use.total));
        }
    }
    json_object_set_new(hello, "memory", memory);
}

static void hello_drivers(json_t *hello)
{
    static const char *const names[] = {"qxl", "virtio_gpu"};
    json_t *drivers = json_array();

    for (unsigned i = 0; i < 2; i++) {
        if (trace_has_driver(names[i])) {
            json_array_append_new(drivers, json_string(names[i]));
        }
    }
    json_object_set_new(hello, "drivers", drivers);
}

static void open_memory(struct trace *t)
{
    if (!(trace_part_events(PART_MEMORY) & t->wanted)) {
        return;
    }
    memory_open(&t->memory);
    if (!*t->memory.folder) {
        trace_without(t, trace_part_events(PART_MEMORY), "%s", t->memory.why);
    } else if (!t->memory.has_domain[GUEST_DOMAIN_vram] &&
               !t->memory.has_domain[GUEST_DOMAIN_surface]) {
        trace_without(t, BIT(guest_memory), "%s has neither qxl_mem_mm nor qxl_surf_mm",
                      t->memory.folder);
    }
}

/* ---- for the session --------------------------------------------------------------------------
 */

static void trace_stop(void *self)
{
    struct trace *t = self;

    programs_record(t, false);
    ring_buffer__free(t->ring);
    t->ring = NULL;
    programs_detach(t); /* first: the kernel keeps kprobes that are in use */
    kprobes_undefine_all(t);
}

static void trace_reset(struct trace *t)
{
    memset(t, 0, sizeof(*t));
    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        t->fds[i] = -1;
    }
    t->ring_map = -1;
    for (unsigned i = 0; i < TRACE_KINDS; i++) {
        t->wanted |= KIND_BIT(trace_kinds[i].kind);
    }
    snprintf(t->prefix, sizeof(t->prefix), "st%d_", getpid());
}

static int on_sample(void *context, void *data, size_t size)
{
    struct trace *t = context;
    struct tap_event *ev = data;

    if (size >= offsetof(struct tap_event, v) && ev->slots <= TAP_MAX_SLOTS &&
        size >= offsetof(struct tap_event, v) + ev->slots * sizeof(ev->v[0])) {
        t->fn(t->context, ev);
    }
    return 0;
}

static void attach_programs(struct trace *t)
{
    t->tracefs = tracefs_folder();
    if (!t->tracefs) {
        trace_without(t,
                      trace_part_events(PART_QXL) | trace_part_events(PART_FENCE) |
                          trace_part_events(PART_VIRTIO),
                      "tracefs cannot be mounted: %s", strerror(errno));
        return;
    }
    kprobes_define(t);
    programs_attach(t);
    if (t->ring_map >= 0) {
        t->ring = ring_buffer__new(t->ring_map, on_sample, t, NULL);
    }
    kprobes_undefine_unneeded(t);
    programs_record(t, true);
}

static void trace_start(void *self, json_t *hello)
{
    struct trace *t = self;

    trace_reset(t);
    trace_look_for_drivers(t);
    attach_programs(t);
    open_memory(t);
    hello_drivers(hello);
    hello_events(t, hello);
    hello_memory(t, hello);
}

static void trace_drain(void *self, agent_event_fn *fn, void *context)
{
    struct trace *t = self;

    t->fn = fn;
    t->context = context;
    if (t->ring) {
        ring_buffer__consume(t->ring);
    }
}

static int trace_ring(void *self)
{
    const struct trace *t = self;

    return t->ring ? t->ring_map : -1;
}

static void trace_sample(void *self, agent_event_fn *fn, void *context)
{
    struct trace *t = self;
    char path[128], text[16384];

    memory_sample(&t->memory, fn, context);
    snprintf(path, sizeof(path), "%s/kprobe_profile", t->tracefs);
    if (t->qxl && tracefs_read(path, text, sizeof(text)) > 0) {
        t->kernel_missed = tracefs_missed(text, t->prefix);
    }
}

static uint64_t difference(uint64_t now, uint64_t *before)
{
    uint64_t more = now > *before ? now - *before : 0;

    *before = now;
    return more;
}

static uint64_t trace_lost(void *self, unsigned reason)
{
    struct trace *t = self;

    switch (reason) {
    case LOSS_REASON_ring_full:
        return difference(programs_ring_lost(t), &t->ring_lost);
    case LOSS_REASON_missed:
        return difference(t->kernel_missed + programs_forgotten(t), &t->missed);
    default:
        return 0;
    }
}

struct trace *trace_new(void)
{
    struct trace *t = malloc(sizeof(*t));

    if (t) {
        trace_reset(t);
    }
    return t;
}

void trace_free(struct trace *t)
{
    if (t) {
        trace_stop(t);
        free(t);
    }
}

struct agent_tracing trace_ops(struct trace *t)
{
    return (struct agent_tracing){
        .start = trace_start,
        .stop = trace_stop,
        .drain = trace_drain,
        .ring = trace_ring,
        .sample = trace_sample,
        .lost = trace_lost,
        .self = t,
    };
}

bool trace_state(const struct trace *t, unsigned i, struct trace_event_state *state)
{
    if (i >= TRACE_KINDS) {
        return false;
    }
    *state = (struct trace_event_state){
        .name = trace_kinds[i].name,
        .part = trace_kinds[i].part,
        .why = *t->why[i] ? t->why[i] : NULL,
        .foreign = t->foreign[i],
    };
    return true;
}
