/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kprobes on the qxl driver (drivers/gpu/drm/qxl of Linux 5.10 to 6.12). A program has the name of
 * its function; the program at the function's return has _ret behind it.
 *
 * Events identify a release by its id, the return value of qxl_release_alloc. The device and the
 * server see the same id. Most functions get the address of a struct qxl_release instead, so
 * `releases` maps the address to the id while the release exists.
 */
#include "guest.bpf.h"

/* qxl_release_fence_buffer_objects puts the release id into the lower bits of a fence's context. */
#define CONTEXT_ID 0x0fffffff

struct dma_fence {
    uint64_t context;
} __attribute__((preserve_access_index));

struct task_struct {
    unsigned long nvcsw; /* voluntary context switches: how often the task slept */
} __attribute__((preserve_access_index));

struct release {
    uint32_t id, type;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 32768);
    __type(key, uint64_t); /* address of the struct qxl_release */
    __type(value, struct release);
} releases SEC(".maps");

/* A call under way in a task. Its program at entry keeps in `a`, `b`, `c` what the one at return
 * needs: */
enum call_kind {
    CALL_ALLOC,         /* qxl_alloc_release_reserved: size, type, release id */
    CALL_RELEASE_ALLOC, /* qxl_release_alloc: type, address of the pointer that it sets */
    CALL_BO,            /* qxl_bo_create: size, domain */
    CALL_DELETE,        /* ttm_bo_delayed_delete: size, memory type */
    CALL_WAIT,          /* qxl_fence_wait: release id */
    CALL_OOM,           /* qxl_io_notify_oom: nothing */
    CALL_PUSH_RELEASE,  /* qxl_push_*_ring_release: address of the release, ring */
    CALL_PUSH,          /* qxl_ring_push: release id, ring, address of the command */
    CALL_GC,            /* qxl_garbage_collect: id of the release that it is freeing */
    CALL_SURFACE,       /* no call: id of a surface command that the task has yet to push */
};

struct call {
    uint64_t began; /* CLOCK_MONOTONIC, ns */
    uint64_t a, b, c;
    uint64_t sleeps; /* of the task until then */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, uint64_t);
    __type(value, struct call);
} calls SEC(".maps");

/* ---- calls under way ---------------------------------------------------------------------- */

static __always_inline uint64_t call_key(enum call_kind kind)
{
    return (bpf_get_current_pid_tgid() & 0xffffffff) << 8 | kind;
}

static __always_inline void call_begin(enum call_kind kind, const struct call *call)
{
    uint64_t key = call_key(kind);

    if (bpf_map_update_elem(&calls, &key, call, BPF_ANY)) {
        __sync_fetch_and_add(&shared.forgotten, 1);
    }
}

static __always_inline struct call *call_find(enum call_kind kind)
{
    uint64_t key = call_key(kind);

    return bpf_map_lookup_elem(&calls, &key);
}

/* Moves the call out of the table into *call. False: it began before the probes were attached. */
static __always_inline bool call_end(enum call_kind kind, struct call *call)
{
    uint64_t key = call_key(kind);
    struct call *found = bpf_map_lookup_elem(&calls, &key);

    if (!found) {
        return false;
    }
    *call = *found;
    bpf_map_delete_elem(&calls, &key);
    return true;
}

static __always_inline uint64_t sleeps(void)
{
    struct task_struct *task = (void *)bpf_get_current_task();

    return BPF_CORE_READ(task, nvcsw);
}

#define SIGNED(value) ((uint64_t)(int64_t)(int32_t)(value))

/* ---- allocation ---------------------------------------------------------------------------- */

/* int qxl_alloc_release_reserved(qdev, unsigned long size, int type, struct qxl_release **, rbo) */
SEC("kprobe")
int qxl_alloc_release_reserved(struct pt_regs *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns()};

    call.a = PT_REGS_PARM2(ctx);
    call.b = (uint32_t)PT_REGS_PARM3(ctx);
    call_begin(CALL_ALLOC, &call);
    return 0;
}

SEC("kretprobe")
int qxl_alloc_release_reserved_ret(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    struct call call;

    if (call_end(CALL_ALLOC, &call) && shared.recording) {
        PUT(guest_alloc, time, call.c, (uint8_t)call.b, call.a, SIGNED(PT_REGS_RC(ctx)),
            time - call.began);
    }
    return 0;
}

/* int qxl_release_alloc(qdev, int type, struct qxl_release **): the id, or a negative errno */
SEC("kprobe")
int qxl_release_alloc(struct pt_regs *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns()};

    call.a = (uint32_t)PT_REGS_PARM2(ctx);
    call.b = PT_REGS_PARM3(ctx);
    call_begin(CALL_RELEASE_ALLOC, &call);
    return 0;
}

static __always_inline void release_made(const struct call *call, uint32_t id)
{
    struct release release = {.id = id, .type = call->a};
    struct call surface = {.a = id};
    uint64_t address = 0;

    bpf_probe_read_kernel(&address, sizeof(address), (void *)call->b);
    if (bpf_map_update_elem(&releases, &address, &release, BPF_ANY)) {
        __sync_fetch_and_add(&shared.forgotten, 1);
    }
    if (release.type == RELEASE_TYPE_surface_cmd) {
        call_begin(CALL_SURFACE, &surface);
    }
}

/* Mostly called by qxl_alloc_release_reserved, whose return then makes the event. For a command
 * that destroys a surface, qxl_alloc_surface_release_reserved calls it directly, because that
 * command reuses memory of the one that created the surface. The direct call can be nested in
 * qxl_alloc_release_reserved: then the outer call already has its release (outer->c). */
SEC("kretprobe")
int qxl_release_alloc_ret(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    int32_t result = PT_REGS_RC(ctx);
    struct call call, *outer;

    if (!call_end(CALL_RELEASE_ALLOC, &call)) {
        return 0;
    }
    if (result > 0) {
        release_made(&call, result);
    }
    outer = call_find(CALL_ALLOC);
    if (outer && !outer->c) {
        outer->c = result > 0 ? result : 0;
    } else if (shared.recording) {
        PUT(guest_alloc, time, result > 0 ? result : 0, (uint8_t)call.a, 0,
            result < 0 ? SIGNED(result) : 0, time - call.began);
    }
    return 0;
}

/* int qxl_bo_create(qdev, unsigned long size, bool kernel, bool pinned, u32 domain, ...) */
SEC("kprobe")
int qxl_bo_create(struct pt_regs *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns()};

    call.a = PT_REGS_PARM2(ctx);
    call.b = (uint32_t)PT_REGS_PARM5(ctx);
    call_begin(CALL_BO, &call);
    return 0;
}

/* `domain` is a QXL_GEM_DOMAIN_ of include/uapi/drm/qxl_drm.h. */
static __always_inline uint64_t domain_of_gem(uint64_t domain)
{
    switch (domain) {
    case 0: /* QXL_GEM_DOMAIN_CPU */
        return GUEST_DOMAIN_cpu;
    case 1: /* QXL_GEM_DOMAIN_VRAM */
        return GUEST_DOMAIN_vram;
    case 2: /* QXL_GEM_DOMAIN_SURFACE */
        return GUEST_DOMAIN_surface;
    default:
        return GUEST_DOMAIN_other;
    }
}

SEC("kretprobe")
int qxl_bo_create_ret(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    struct call call;

    if (call_end(CALL_BO, &call) && shared.recording) {
        PUT(guest_bo, time, domain_of_gem(call.b), call.a, SIGNED(PT_REGS_RC(ctx)),
            time - call.began);
    }
    return 0;
}

/* ---- deletion ------------------------------------------------------------------------------ */

/* Linux 6.3 and later; the offsets come from the BTF of the module ttm. Where it has no member
 * delayed_delete, the agent does not load these programs (look_for_deletes in guest/kprobes.c). */
struct ttm_resource {
    uint32_t mem_type;
} __attribute__((preserve_access_index));

struct drm_gem_object {
    unsigned long size;
} __attribute__((preserve_access_index));

struct work_struct;
struct ttm_buffer_object {
    struct drm_gem_object base;
    struct ttm_resource *resource;
    struct {
        long unused;
    } delayed_delete; /* a work_struct */
} __attribute__((preserve_access_index));

/* void ttm_bo_delayed_delete(struct work_struct *), in drivers/gpu/drm/ttm/ttm_bo.c. A kernel
 * thread calls it when the last user of a buffer object left before the fence of its release was
 * signalled. It waits for the fence, and that wait (qxl_fence_wait) reports out-of-memory to the
 * device even when memory is free (docs/upstream/qxl-release-signal.md). */
SEC("kprobe")
int ttm_bo_delayed_delete(struct pt_regs *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns(), .b = -1};
    struct ttm_buffer_object *bo = (void *)PT_REGS_PARM1(ctx);
    struct ttm_resource *resource;

    bo = (void *)bo - bpf_core_field_offset(bo->delayed_delete);
    call.a = BPF_CORE_READ(bo, base.size);
    resource = BPF_CORE_READ(bo, resource);
    if (resource) {
        call.b = BPF_CORE_READ(resource, mem_type);
    }
    call_begin(CALL_DELETE, &call);
    return 0;
}

/* `type` is a TTM_PL_ of include/drm/ttm/ttm_placement.h. */
static __always_inline uint64_t domain_of_ttm(uint64_t type)
{
    switch (type) {
    case 0: /* TTM_PL_SYSTEM */
        return GUEST_DOMAIN_cpu;
    case 2: /* TTM_PL_VRAM */
        return GUEST_DOMAIN_vram;
    case 3: /* TTM_PL_PRIV: the driver's surfaces, qxl_ttm.c */
        return GUEST_DOMAIN_surface;
    default:
        return GUEST_DOMAIN_other;
    }
}

SEC("kretprobe")
int ttm_bo_delayed_delete_ret(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    struct call call;

    (void)ctx;
    if (call_end(CALL_DELETE, &call) && shared.recording) {
        PUT(guest_delete, time, domain_of_ttm(call.b), call.a, time - call.began);
    }
    return 0;
}

/* ---- waiting for memory ------------------------------------------------------------------ */

/* long qxl_fence_wait(struct dma_fence *, bool intr, signed long timeout) */
SEC("kprobe")
int qxl_fence_wait(struct pt_regs *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns()};
    struct dma_fence *fence = (void *)PT_REGS_PARM1(ctx);

    call.a = BPF_CORE_READ(fence, context) & CONTEXT_ID;
    call_begin(CALL_WAIT, &call);
    if (shared.recording) {
        PUT(guest_wait_begin, call.began, call.a);
    }
    return 0;
}

SEC("kretprobe")
int qxl_fence_wait_ret(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    struct call call;

    if (call_end(CALL_WAIT, &call) && shared.recording) {
        PUT(guest_wait_end, time, call.a, PT_REGS_RC(ctx), time - call.began);
    }
    return 0;
}

/* void qxl_io_notify_oom(qdev): one outb, which returns after QEMU has handled it */
SEC("kprobe")
int qxl_io_notify_oom(void *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns()};

    (void)ctx;
    call_begin(CALL_OOM, &call);
    return 0;
}

SEC("kretprobe")
int qxl_io_notify_oom_ret(void *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    struct call call;

    (void)ctx;
    if (call_end(CALL_OOM, &call) && shared.recording) {
        PUT(guest_oom, time, time - call.began);
    }
    return 0;
}

/* ---- commands ------------------------------------------------------------------------------ */

/* int qxl_push_command_ring_release(qdev, struct qxl_release *, uint32_t type, bool interruptible),
 * and the same for the cursor ring. Both call qxl_ring_push, which needs the release and the ring.
 */
static __always_inline int push_release(struct pt_regs *ctx, unsigned ring)
{
    struct call call = {};

    call.a = PT_REGS_PARM2(ctx);
    call.b = ring;
    call_begin(CALL_PUSH_RELEASE, &call);
    return 0;
}

SEC("kprobe")
int qxl_push_command_ring_release(struct pt_regs *ctx)
{
    return push_release(ctx, GUEST_RING_command);
}

SEC("kprobe")
int qxl_push_cursor_ring_release(struct pt_regs *ctx)
{
    return push_release(ctx, GUEST_RING_cursor);
}

/* Finds the release that is about to be pushed. The compiler inlines qxl_push_command_ring_release
 * in two callers, qxl_hw_surface_alloc and _dealloc, so its kprobe does not fire there. Then it is
 * the surface command that this task allocated last. */
static __always_inline void pushed_release(struct call *push)
{
    struct release *release;
    struct call call;

    push->b = GUEST_RING_command;
    if (call_end(CALL_PUSH_RELEASE, &call)) {
        release = bpf_map_lookup_elem(&releases, &call.a);
        push->a = release ? release->id : 0;
        push->b = call.b;
    } else if (call_end(CALL_SURFACE, &call)) {
        push->a = call.a;
    }
}

/* int qxl_ring_push(ring, const struct qxl_command *, bool interruptible) */
SEC("kprobe")
int qxl_ring_push(struct pt_regs *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns()};

    pushed_release(&call);
    call.c = PT_REGS_PARM2(ctx);
    call.sleeps = sleeps();
    call_begin(CALL_PUSH, &call);
    return 0;
}

/* The device's ABI: struct qxl_command in drivers/gpu/drm/qxl/qxl_dev.h */
struct qxl_command {
    uint64_t data;
    uint32_t type, padding;
};

/* A push sleeps only while it waits for room in the ring; otherwise it holds a spinlock. So a task
 * that slept found the ring full. */
SEC("kretprobe")
int qxl_ring_push_ret(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    struct qxl_command command = {};
    struct call call;

    if (!call_end(CALL_PUSH, &call) || !shared.recording) {
        return 0;
    }
    if (sleeps() != call.sleeps) {
        PUT(guest_full, time, call.b, time - call.began);
    }
    bpf_probe_read_kernel(&command, sizeof(command), (void *)call.c);
    PUT(guest_push, time, call.b, (uint8_t)command.type, call.a, command.data,
        SIGNED(PT_REGS_RC(ctx)), time - call.began);
    return 0;
}

/* ---- freeing ---------------------------------------------------------------------------- */

/* int qxl_garbage_collect(qdev): returns the number of releases that it freed */
SEC("kprobe")
int qxl_garbage_collect(void *ctx)
{
    struct call call = {.began = bpf_ktime_get_ns()};

    (void)ctx;
    call_begin(CALL_GC, &call);
    return 0;
}

SEC("kretprobe")
int qxl_garbage_collect_ret(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns();
    struct call call;

    if (call_end(CALL_GC, &call) && shared.recording) {
        PUT(guest_gc, time, SIGNED(PT_REGS_RC(ctx)), time - call.began);
    }
    return 0;
}

/* struct qxl_release *qxl_release_from_id_locked(qdev, uint64_t id). qxl_garbage_collect calls it
 * for each id that it takes from the release ring. */
SEC("kprobe")
int qxl_release_from_id_locked(struct pt_regs *ctx)
{
    struct call *gc = call_find(CALL_GC);

    if (gc) {
        gc->a = PT_REGS_PARM2(ctx);
    }
    return 0;
}

/* void qxl_release_free(qdev, struct qxl_release *) */
SEC("kprobe")
int qxl_release_free(struct pt_regs *ctx)
{
    uint64_t time = bpf_ktime_get_ns(), address = PT_REGS_PARM2(ctx);
    struct release *release = bpf_map_lookup_elem(&releases, &address);
    struct call *gc = call_find(CALL_GC);
    uint64_t collected = gc ? gc->a : 0, id = collected, type = RELEASE_TYPE_unknown;

    if (release) {
        id = release->id;
        type = (uint8_t)release->type;
        bpf_map_delete_elem(&releases, &address);
    }
    if (shared.recording) {
        PUT(guest_free, time, id, type, collected && id == collected);
    }
    return 0;
}
