/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the BPF programs and attaches them to the kprobes and tracepoints of trace_hooks. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/libbpf.h>

#include "trace.h"
#include "guest_fence.skel.h"
#include "guest_qxl.skel.h"
#include "guest_virtio.skel.h"

/* The first warning of libbpf, which gives its reasons only by printing them. */
static char complaint[256];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level == LIBBPF_WARN && !*complaint) {
        vsnprintf(complaint, sizeof(complaint), format, args);
        complaint[strcspn(complaint, "\n")] = '\0';
    }
    return 0;
}

/* ---- tracepoints ------------------------------------------------------------------------------
 */

/* Offsets differ between kernels, so they are read from each tracepoint's `format` file. */
struct wanted_field {
    const char *name, *type; /* type NULL: any */
    unsigned size;           /* bytes */
    uint32_t *offset;        /* receives it */
};

static void read_format(struct trace *t, const struct trace_hook *h,
                        const struct wanted_field *fields, unsigned count)
{
    char path[192], text[4096];
    struct tracefs_field field;
    long error;

    if (!(h->events & t->wanted)) {
        return;
    }
    snprintf(path, sizeof(path), "%s/events/%s/format", t->tracefs, h->target);
    error = tracefs_read(path, text, sizeof(text));
    if (error < 0) {
        trace_without(t, h->events, "no tracepoint %s: %s", h->target, strerror(-(int)error));
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (tracefs_field(text, fields[i].name, fields[i].type, &field) ||
            field.size != fields[i].size) {
            trace_without(t, h->events, "tracepoint %s has no field %s, %u bytes wide", h->target,
                          fields[i].name, fields[i].size);
            return;
        }
        *fields[i].offset = field.offset;
    }
}

/* Both tracepoints of a part have the same fields, so one set of offsets serves both. */
static void read_formats(struct trace *t)
{
    const struct wanted_field fence[] = {
        {"driver", "__data_loc char[]", 4, &t->fence_format.driver},
        {"context", NULL, 4, &t->fence_format.context},
        {"seqno", NULL, 4, &t->fence_format.seqno},
    };
    const struct wanted_field virtio[] = {
        {"vq", NULL, 4, &t->virtio_format.vq},
        {"type", NULL, 4, &t->virtio_format.type},
        {"flags", NULL, 4, &t->virtio_format.flags},
        {"fence_id", NULL, 8, &t->virtio_format.fence_id},
        {"ctx_id", NULL, 4, &t->virtio_format.ctx_id},
    };

    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        if (trace_hooks[i].part == PART_FENCE) {
            read_format(t, &trace_hooks[i], fence, 3);
        } else if (trace_hooks[i].part == PART_VIRTIO) {
            read_format(t, &trace_hooks[i], virtio, 5);
        }
    }
}

/* ---- loading ----------------------------------------------------------------------------------
 */

/* Unneeded programs are not loaded. All objects use the first one's ring buffer. */
static int prepare(struct trace *t, enum trace_part part, struct bpf_object *object,
                   struct bpf_map *ring)
{
    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        if (trace_hooks[i].part == part) {
            bpf_program__set_autoload(
                bpf_object__find_program_by_name(object, trace_hooks[i].program),
                trace_needs(t, i));
        }
    }
    return t->ring_map < 0 ? 0 : bpf_map__reuse_fd(ring, t->ring_map);
}

static void loaded(struct trace *t, enum trace_part part, int error, const struct bpf_map *ring)
{
    if (error) {
        trace_without(t, trace_part_events(part), "the kernel refuses the BPF programs: %s",
                      *complaint ? complaint : strerror(-error));
    } else if (t->ring_map < 0) {
        t->ring_map = bpf_map__fd(ring);
    }
}

#define LOAD(t, part, name, settings)                                                              \
    do {                                                                                           \
        int error_ = -ENOMEM;                                                                      \
                                                                                                   \
        *complaint = '\0';                                                                         \
        if (!(trace_part_events(part) & (t)->wanted)) {                                            \
            break;                                                                                 \
        }                                                                                          \
        (t)->name = guest_##name##_bpf__open();                                                    \
        if ((t)->name) {                                                                           \
            settings;                                                                              \
            error_ = prepare(t, part, (t)->name->obj, (t)->name->maps.events);                     \
            error_ = error_ ? error_ : guest_##name##_bpf__load((t)->name);                        \
        }                                                                                          \
        loaded(t, part, error_, (t)->name ? (t)->name->maps.events : NULL);                        \
        if (error_) {                                                                              \
            guest_##name##_bpf__destroy((t)->name);                                                \
            (t)->name = NULL;                                                                      \
        }                                                                                          \
    } while (0)

static void load(struct trace *t)
{
    libbpf_set_print(keep_complaint);
    LOAD(t, PART_QXL, qxl, );
    LOAD(
        t, PART_FENCE, fence,
        memcpy((void *)&t->fence->rodata->fence_format, &t->fence_format, sizeof(t->fence_format)));
    LOAD(t, PART_VIRTIO, virtio,
         memcpy((void *)&t->virtio->rodata->virtio_format, &t->virtio_format,
                sizeof(t->virtio_format)));
}

/* ---- attaching --------------------------------------------------------------------------------
 */

static const struct bpf_program *program_of(const struct trace *t, unsigned hook)
{
    struct bpf_object *object = NULL;

    if (trace_hooks[hook].part == PART_QXL) {
        object = t->qxl ? t->qxl->obj : NULL;
    } else if (trace_hooks[hook].part == PART_FENCE) {
        object = t->fence ? t->fence->obj : NULL;
    } else if (t->virtio) {
        object = t->virtio->obj;
    }
    return object ? bpf_object__find_program_by_name(object, trace_hooks[hook].program) : NULL;
}

static int event_id(const struct trace *t, unsigned hook, uint64_t *id)
{
    char path[192], text[32];
    long error;

    if (trace_hooks[hook].part == PART_QXL) {
        snprintf(path, sizeof(path), "%s/events/spicetap/%s%s/id", t->tracefs, t->prefix,
                 trace_hooks[hook].program);
    } else {
        snprintf(path, sizeof(path), "%s/events/%s/id", t->tracefs, trace_hooks[hook].target);
    }
    error = tracefs_read(path, text, sizeof(text));
    if (error < 0) {
        return (int)error;
    }
    *id = strtoull(text, NULL, 10);
    return *id ? 0 : -EINVAL;
}

/* A program on a tracepoint runs on all processors, although the perf event names one. */
static int attach(const struct trace *t, unsigned hook)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr)};
    const struct bpf_program *program = program_of(t, hook);
    uint64_t id = 0;
    int error = program ? event_id(t, hook, &id) : -ENOENT, fd;

    if (error) {
        return error;
    }
    attr.config = id;
    fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, bpf_program__fd(program)) ||
        ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
        error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static void attach_all(struct trace *t)
{
    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        if (!trace_needs(t, i)) {
            continue;
        }
        t->fds[i] = attach(t, i);
        if (t->fds[i] < 0) {
            trace_without(t, trace_hooks[i].events, "cannot attach to %s: %s",
                          trace_hooks[i].target, strerror(-t->fds[i]));
        }
    }
}

void programs_attach(struct trace *t)
{
    read_formats(t);
    load(t);
    if (t->ring_map >= 0) {
        attach_all(t);
    }
}

void programs_detach(struct trace *t)
{
    for (unsigned i = 0; i < TRACE_HOOKS; i++) {
        if (t->fds[i] >= 0) {
            close(t->fds[i]);
            t->fds[i] = -1;
        }
    }
    guest_virtio_bpf__destroy(t->virtio);
    guest_fence_bpf__destroy(t->fence);
    guest_qxl_bpf__destroy(t->qxl);
    t->virtio = NULL;
    t->fence = NULL;
    t->qxl = NULL;
    t->ring_map = -1;
}

/* ---- memory shared with the programs ----------------------------------------------------------
 */

enum { OBJECTS = 3 };

/* An object that is not loaded has none: NULL. */
static void shared_memory(const struct trace *t, struct guest_shared *shared[OBJECTS])
{
    shared[0] = t->qxl ? &t->qxl->bss->shared : NULL;
    shared[1] = t->fence ? &t->fence->bss->shared : NULL;
    shared[2] = t->virtio ? &t->virtio->bss->shared : NULL;
}

void programs_record(struct trace *t, bool on)
{
    struct guest_shared *shared[OBJECTS];

    shared_memory(t, shared);
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (shared[i]) {
            __atomic_store_n(&shared[i]->recording, on, __ATOMIC_RELEASE);
        }
    }
}

uint64_t programs_ring_lost(const struct trace *t)
{
    struct guest_shared *shared[OBJECTS];
    uint64_t sum = 0;

    shared_memory(t, shared);
    for (unsigned i = 0; i < OBJECTS; i++) {
        sum += shared[i] ? shared[i]->lost : 0;
    }
    return sum;
}

uint64_t programs_forgotten(const struct trace *t)
{
    return t->qxl ? t->qxl->bss->shared.forgotten : 0;
}
