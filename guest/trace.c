/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attaches the BPF programs to what this kernel has, and empties their ring buffer.
 *
 * Everything is made at START and taken away at STOP: a guest that nobody records has no probe in
 * its kernel and pays nothing. A switch in shared memory would leave a trap at each function.
 *
 * kprobes go through tracefs' kprobe_events, not through perf's kprobe PMU as libbpf would have it:
 * only there can one say for how many calls at a time a return probe has room (the r64). The
 * default is one a processor, and qxl_fence_wait or qxl_bo_create sleep. kprobe_profile counts what
 * was missed.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "agent.h"
#include "../bpf/guest_shared.h"
#include "guest_fence.skel.h"
#include "guest_qxl.skel.h"
#include "guest_virtio.skel.h"

#define BIT(event) (1ull << (EV_##event - EV_guest_alloc))
#define PUSH       (BIT(guest_push) | BIT(guest_full))
#define WAIT       (BIT(guest_wait_begin) | BIT(guest_wait_end))

/* What the agent records. The recorder makes clock_ping itself, of our answers. */
static const struct {
    uint16_t kind;
    enum trace_part part;
    const char *name;
} recorded[] = {
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
enum { RECORDED = sizeof(recorded) / sizeof(recorded[0]) };

/* A program and what it is attached to; without it the events named cannot be told whole. */
static const struct hook {
    enum trace_part part;
    const char *program;
    const char *target; /* a function of the driver, or a tracepoint as tracefs' path */
    bool at_return;
    uint64_t events;
} hooks[] = {
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
enum { HOOKS = sizeof(hooks) / sizeof(hooks[0]) };

struct trace {
    char why[RECORDED][160]; /* "": it is recorded */
    bool foreign[RECORDED];
    uint64_t wanted; /* events that can be had */
    char prefix[32]; /* of our kprobes' names */
    bool defined[HOOKS];
    int fds[HOOKS];
    const char *tracefs;
    struct guest_qxl_bpf *qxl;
    struct guest_fence_bpf *fence;
    struct guest_virtio_bpf *virtio;
    int ring_map;
    struct ring_buffer *ring;
    uint64_t ring_lost, missed; /* told already */
    uint64_t kernel_missed;     /* by kprobe_profile, once a second */
    struct memory memory;
    struct fence_format fence_format;
    struct virtio_format virtio_format;
    /* the pass of drain() that is going on */
    agent_event_fn *fn;
    void *context;
};

/* libbpf tells why something failed only by printing it */
static char complaint[256];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level == LIBBPF_WARN && !*complaint) {
        vsnprintf(complaint, sizeof(complaint), format, args);
        complaint[strcspn(complaint, "\n")] = '\0';
    }
    return 0;
}

/* ---- what can be had
 * ------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static void without(struct trace *t, uint64_t events,
                                                          const char *format, ...)
{
    va_list args;

    for (unsigned i = 0; i < RECORDED; i++) {
        if (events & (1ull << (recorded[i].kind - EV_guest_alloc)) && !*t->why[i]) {
            va_start(args, format);
            vsnprintf(t->why[i], sizeof(t->why[i]), format, args);
            va_end(args);
        }
    }
    t->wanted &= ~events;
}

static uint64_t part_events(enum trace_part part)
{
    uint64_t events = 0;

    for (unsigned i = 0; i < RECORDED; i++) {
        if (recorded[i].part == part) {
            events |= 1ull << (recorded[i].kind - EV_guest_alloc);
        }
    }
    return events;
}

static bool has_driver(const char *module)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/module/%s", module);
    return !access(path, F_OK);
}

/* Of a driver that is not loaded, nothing is wanted. */
static void look_for_drivers(struct trace *t)
{
    static const struct {
        enum trace_part part;
        const char *module;
    } drivers[] = {{PART_QXL, "qxl"}, {PART_MEMORY, "qxl"}, {PART_VIRTIO, "virtio_gpu"}};

    for (unsigned d = 0; d < sizeof(drivers) / sizeof(drivers[0]); d++) {
        if (has_driver(drivers[d].module)) {
            continue;
        }
        without(t, part_events(drivers[d].part), "the driver %s is not loaded", drivers[d].module);
        for (unsigned i = 0; i < RECORDED; i++) {
            t->foreign[i] |= recorded[i].part == drivers[d].part;
        }
    }
}

/* ---- kprobes
 * ---------------------------------------------------------------------------------------- */

static int kprobe_events(const struct trace *t, const char *line)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/kprobe_events", t->tracefs);
    return tracefs_append(path, line);
}

static void undefine(struct trace *t, unsigned i)
{
    char line[128];

    if (t->defined[i]) {
        snprintf(line, sizeof(line), "-:spicetap/%s%s\n", t->prefix, hooks[i].program);
        kprobe_events(t, line);
        t->defined[i] = false;
    }
}

/* Those of an agent that was killed: nothing else in the kernel remembers them. Those of one that
 * lives are in use, and the kernel does not let go of them. */
static void clean_up_after_others(const struct trace *t)
{
    char path[128], line[512], name[200], command[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/kprobe_events", t->tracefs);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%*[^:]:spicetap/%199s", name) == 1) {
            snprintf(command, sizeof(command), "-:spicetap/%s\n", name);
            kprobe_events(t, command);
        }
    }
    if (file) {
        fclose(file);
    }
}

/* The module that a function is of, by its name */
static const char *module_of(const struct hook *h)
{
    return strncmp(h->target, "ttm_", 4) ? "qxl" : "ttm";
}

static bool has_member(const struct btf *btf, const char *structure, const char *member)
{
    int id = btf__find_by_name_kind(btf, structure, BTF_KIND_STRUCT);
    const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

    for (unsigned i = 0; type && i < btf_vlen(type); i++) {
        if (!strcmp(btf__name_by_offset(btf, btf_members(type)[i].name_off), member)) {
            return true;
        }
    }
    return false;
}

/* Before Linux 6.3 a function of the same name looks through a list and waits for nothing. */
static void look_for_deletes(struct trace *t)
{
    struct btf *kernel = btf__load_vmlinux_btf(), *module = NULL;

    if (kernel && !access("/sys/kernel/btf/ttm", F_OK)) {
        module = btf__load_module_btf("ttm", kernel);
    }
    if (!has_member(module ? module : kernel, "ttm_buffer_object", "delayed_delete")) {
        without(t, BIT(guest_delete),
                "this kernel's BTF knows no ttm_buffer_object.delayed_delete: before Linux 6.3 "
                "deleting waits for nothing");
    }
    btf__free(module);
    btf__free(kernel);
}

static void define(struct trace *t, unsigned i)
{
    const struct hook *h = &hooks[i];
    char line[256], why[160], path[64];
    int error;

    /* "qxl:" keeps to the module's own functions; a driver built into the kernel has no such name
     */
    snprintf(path, sizeof(path), "/sys/module/%s/initstate", module_of(h));
    snprintf(line, sizeof(line), "%s:spicetap/%s%s %s%s%s\n", h->at_return ? "r64" : "p", t->prefix,
             h->program, access(path, F_OK) ? "" : module_of(h), access(path, F_OK) ? "" : ":",
             h->target);
    error = kprobe_events(t, line);
    t->defined[i] = !error;
    if (error == -ENOENT || error == -EINVAL) {
        tracefs_why_not(h->target, why, sizeof(why));
        without(t, h->events, "%s", why);
    } else if (error) {
        without(t, h->events, "cannot probe %s: %s", h->target, strerror(-error));
    }
}

static void define_kprobes(struct trace *t)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/kprobe_events", t->tracefs);
    if (access(path, W_OK)) {
        without(t, part_events(PART_QXL), "no %s (CONFIG_KPROBE_EVENTS): %s", path,
                strerror(errno));
        return;
    }
    clean_up_after_others(t);
    look_for_deletes(t);
    for (unsigned i = 0; i < HOOKS; i++) {
        if (hooks[i].part == PART_QXL && hooks[i].events & t->wanted) {
            define(t, i);
        }
    }
}

/* ---- tracepoints
 * -------------------------------------------------------------------------------------- */

struct wanted_field {
    const char *name, *type;
    unsigned size;
    uint32_t *offset;
};

static void read_format(struct trace *t, const struct hook *h, const struct wanted_field *fields,
                        unsigned count)
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
        without(t, h->events, "no tracepoint %s: %s", h->target, strerror(-(int)error));
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (tracefs_field(text, fields[i].name, fields[i].type, &field) ||
            field.size != fields[i].size) {
            without(t, h->events, "tracepoint %s has no field %s, %u bytes wide", h->target,
                    fields[i].name, fields[i].size);
            return;
        }
        *fields[i].offset = field.offset;
    }
}

/* Both tracepoints of a part are of one class and have the same fields. */
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

    for (unsigned i = 0; i < HOOKS; i++) {
        if (hooks[i].part == PART_FENCE) {
            read_format(t, &hooks[i], fence, 3);
        } else if (hooks[i].part == PART_VIRTIO) {
            read_format(t, &hooks[i], virtio, 5);
        }
    }
}

/* ---- loading
 * ------------------------------------------------------------------------------------------ */

static bool needed(const struct trace *t, unsigned hook)
{
    return hooks[hook].events & t->wanted;
}

/* Programs that nothing needs are not loaded; the ring buffer is the first object's. */
static int prepare(struct trace *t, enum trace_part part, struct bpf_object *object,
                   struct bpf_map *ring)
{
    for (unsigned i = 0; i < HOOKS; i++) {
        if (hooks[i].part == part) {
            bpf_program__set_autoload(bpf_object__find_program_by_name(object, hooks[i].program),
                                      needed(t, i));
        }
    }
    return t->ring_map < 0 ? 0 : bpf_map__reuse_fd(ring, t->ring_map);
}

static void loaded(struct trace *t, enum trace_part part, int error, const struct bpf_map *ring)
{
    if (error) {
        without(t, part_events(part), "the kernel refuses our BPF programs: %s",
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
        if (!(part_events(part) & (t)->wanted)) {                                                  \
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

/* ---- attaching
 * ---------------------------------------------------------------------------------------- */

static const struct bpf_program *program_of(const struct trace *t, unsigned hook)
{
    struct bpf_object *object = NULL;

    if (hooks[hook].part == PART_QXL) {
        object = t->qxl ? t->qxl->obj : NULL;
    } else if (hooks[hook].part == PART_FENCE) {
        object = t->fence ? t->fence->obj : NULL;
    } else if (t->virtio) {
        object = t->virtio->obj;
    }
    return object ? bpf_object__find_program_by_name(object, hooks[hook].program) : NULL;
}

static int event_id(const struct trace *t, unsigned hook, uint64_t *id)
{
    char path[192], text[32];
    long error;

    if (hooks[hook].part == PART_QXL) {
        snprintf(path, sizeof(path), "%s/events/spicetap/%s%s/id", t->tracefs, t->prefix,
                 hooks[hook].program);
    } else {
        snprintf(path, sizeof(path), "%s/events/%s/id", t->tracefs, hooks[hook].target);
    }
    error = tracefs_read(path, text, sizeof(text));
    if (error < 0) {
        return (int)error;
    }
    *id = strtoull(text, NULL, 10);
    return *id ? 0 : -EINVAL;
}

/* The program belongs to the event on all processors, whichever the perf event is opened on. */
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
    for (unsigned i = 0; i < HOOKS; i++) {
        if (!needed(t, i)) {
            continue;
        }
        t->fds[i] = attach(t, i);
        if (t->fds[i] < 0) {
            without(t, hooks[i].events, "cannot attach to %s: %s", hooks[i].target,
                    strerror(-t->fds[i]));
        }
    }
}

static void record(struct trace *t, bool on)
{
    struct guest_shared *shared[] = {
        t->qxl ? &t->qxl->bss->shared : NULL,
        t->fence ? &t->fence->bss->shared : NULL,
        t->virtio ? &t->virtio->bss->shared : NULL,
    };

    for (unsigned i = 0; i < 3; i++) {
        if (shared[i]) {
            __atomic_store_n(&shared[i]->recording, on, __ATOMIC_RELEASE);
        }
    }
}

/* ---- HELLO
 * ------------------------------------------------------------------------------------------------
 */

static void hello_events(const struct trace *t, json_t *hello)
{
    json_t *attached = json_array(), *missing = json_array();

    for (unsigned i = 0; i < RECORDED; i++) {
        if (*t->why[i]) {
            json_array_append_new(missing,
                                  json_pack("{ss ss}", "name", recorded[i].name, "why", t->why[i]));
        } else {
            json_array_append_new(attached, json_string(recorded[i].name));
        }
    }
    json_object_set_new(hello, "attached", attached);
    json_object_set_new(hello, "missing", missing);
}

static void hello_memory(const struct trace *t, json_t *hello)
{
    static const char *const names[] = {[DOMAIN_VRAM] = "vram", [DOMAIN_SURFACE] = "surface"};
    json_t *memory = json_array();
    struct memory_use use;

    for (unsigned i = DOMAIN_VRAM; i <= DOMAIN_SURFACE; i++) {
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
        if (has_driver(names[i])) {
            json_array_append_new(drivers, json_string(names[i]));
        }
    }
    json_object_set_new(hello, "drivers", drivers);
}

static void open_memory(struct trace *t)
{
    if (!(part_events(PART_MEMORY) & t->wanted)) {
        return;
    }
    memory_open(&t->memory);
    if (!*t->memory.folder) {
        without(t, part_events(PART_MEMORY), "%s", t->memory.why);
    } else if (!t->memory.has_domain[DOMAIN_VRAM] && !t->memory.has_domain[DOMAIN_SURFACE]) {
        without(t, BIT(guest_memory), "%s has neither qxl_mem_mm nor qxl_surf_mm",
                t->memory.folder);
    }
}

/* ---- for the session
 * ----------------------------------------------------------------------------------- */

static void trace_stop(void *self)
{
    struct trace *t = self;

    record(t, false);
    for (unsigned i = 0; i < HOOKS; i++) {
        if (t->fds[i] >= 0) {
            close(t->fds[i]);
            t->fds[i] = -1;
        }
    }
    for (unsigned i = 0; i < HOOKS; i++) {
        undefine(t, i);
    }
    ring_buffer__free(t->ring);
    t->ring = NULL;
    t->ring_map = -1;
    guest_virtio_bpf__destroy(t->virtio);
    guest_fence_bpf__destroy(t->fence);
    guest_qxl_bpf__destroy(t->qxl);
    t->virtio = NULL;
    t->fence = NULL;
    t->qxl = NULL;
}

static void trace_forget(struct trace *t)
{
    memset(t, 0, sizeof(*t));
    for (unsigned i = 0; i < HOOKS; i++) {
        t->fds[i] = -1;
    }
    t->ring_map = -1;
    for (unsigned i = 0; i < RECORDED; i++) {
        t->wanted |= 1ull << (recorded[i].kind - EV_guest_alloc);
    }
    snprintf(t->prefix, sizeof(t->prefix), "st%d_", getpid());
}

static void attach_programs(struct trace *t)
{
    t->tracefs = tracefs_folder();
    if (!t->tracefs) {
        without(t, part_events(PART_QXL) | part_events(PART_FENCE) | part_events(PART_VIRTIO),
                "tracefs cannot be mounted: %s", strerror(errno));
        return;
    }
    if (part_events(PART_QXL) & t->wanted) {
        define_kprobes(t);
    }
    read_formats(t);
    load(t);
    if (t->ring_map >= 0) {
        t->ring = ring_buffer__new(t->ring_map, on_sample, t, NULL);
        attach_all(t);
    }
    for (unsigned i = 0; i < HOOKS; i++) {
        if (!needed(t, i)) {
            undefine(t, i);
        }
    }
    record(t, true);
}

static void trace_start(void *self, json_t *hello)
{
    struct trace *t = self;

    trace_forget(t);
    look_for_drivers(t);
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

static uint64_t ring_lost(struct trace *t)
{
    uint64_t sum = t->qxl ? t->qxl->bss->shared.lost : 0;

    sum += t->fence ? t->fence->bss->shared.lost : 0;
    sum += t->virtio ? t->virtio->bss->shared.lost : 0;
    return difference(sum, &t->ring_lost);
}

static uint64_t missed(struct trace *t)
{
    return difference(t->kernel_missed + (t->qxl ? t->qxl->bss->shared.forgotten : 0), &t->missed);
}

static uint64_t trace_lost(void *self, unsigned reason)
{
    switch (reason) {
    case LOST_RING_FULL:
        return ring_lost(self);
    case LOST_MISSED:
        return missed(self);
    default:
        return 0;
    }
}

struct trace *trace_new(void)
{
    struct trace *t = malloc(sizeof(*t));

    if (t) {
        trace_forget(t);
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
    if (i >= RECORDED) {
        return false;
    }
    *state = (struct trace_event_state){
        .name = recorded[i].name,
        .part = recorded[i].part,
        .why = *t->why[i] ? t->why[i] : NULL,
        .foreign = t->foreign[i],
    };
    return true;
}
