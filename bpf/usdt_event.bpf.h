/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a USDT site to a record in the ring buffer; spice.bpf.c and qemu.bpf.c are made of this.
 *
 * libbpf's bpf_usdt_arg() looks the site's description up and reads the kernel's pt_regs anew
 * for each argument. A site here has up to twelve, and runs in the thread whose speed is being
 * measured, so both are done once an event, and arguments on the stack are read in one go.
 *
 * No vmlinux.h and no CO-RE: pt_regs is all we look at, and its layout is fixed by the ABI.
 * So the build needs no BTF of the build machine, and the tracer none of the running kernel.
 */
#ifndef SPICETAP_USDT_EVENT_BPF_H
#define SPICETAP_USDT_EVENT_BPF_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

typedef __u64 uint64_t;
typedef __s64 int64_t;
typedef __u32 uint32_t;
typedef __s32 int32_t;
typedef __u16 uint16_t;
typedef __u8 uint8_t;

#include "events.h"
#include "shared.h"

char LICENSE[] SEC("license") = "GPL";

/* Its size is set before loading; qemu.bpf.c's is replaced by spice.bpf.c's, so that there is
 * one stream of events in the order in which they were reserved. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} events SEC(".maps");

struct shared shared;

/* Words above the stack pointer of a site that are read in one go when an event has arguments
 * beyond the six that a call passes in registers. Whatever lies elsewhere is read one by one. */
#define STACK_WORDS   16
#define REGISTER_ARGS 6

#define REG_WORDS  (sizeof(struct pt_regs) / sizeof(uint64_t))
#define RSP_OFFSET __builtin_offsetof(struct pt_regs, rsp)

struct site {
    union {
        struct pt_regs regs;
        uint64_t words[REG_WORDS];
    };
    uint64_t stack[STACK_WORDS];
    const struct __bpf_usdt_spec *spec;
    bool has_stack, failed;
};

static __always_inline void site_lost(unsigned reason, unsigned kind, uint64_t time)
{
    __sync_fetch_and_add(&shared.lost[reason][kind], 1);
    shared.last_lost = time;
}

static __always_inline void site_init(struct site *s, struct pt_regs *ctx, bool read_stack)
{
    int id = __bpf_usdt_spec_id(ctx);

    s->spec = bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
    /* Field by field: the verifier lets a program read its context only at fixed places, and
     * this is a dozen moves, where a copying helper would be a call. */
    s->regs.r15 = ctx->r15;
    s->regs.r14 = ctx->r14;
    s->regs.r13 = ctx->r13;
    s->regs.r12 = ctx->r12;
    s->regs.rbp = ctx->rbp;
    s->regs.rbx = ctx->rbx;
    s->regs.r11 = ctx->r11;
    s->regs.r10 = ctx->r10;
    s->regs.r9 = ctx->r9;
    s->regs.r8 = ctx->r8;
    s->regs.rax = ctx->rax;
    s->regs.rcx = ctx->rcx;
    s->regs.rdx = ctx->rdx;
    s->regs.rsi = ctx->rsi;
    s->regs.rdi = ctx->rdi;
    s->regs.orig_rax = 0;
    s->regs.rip = ctx->rip;
    s->regs.cs = 0;
    s->regs.eflags = 0;
    s->regs.rsp = ctx->rsp;
    s->regs.ss = 0;
    s->failed = false;
    s->has_stack = read_stack && !bpf_probe_read_user(s->stack, sizeof(s->stack), (void *)ctx->rsp);
}

static __always_inline uint64_t site_reg(const struct site *s, unsigned off)
{
    uint64_t word = off / sizeof(uint64_t);

    barrier_var(word); /* so that the verifier sees the register that was compared being used */
    return word < REG_WORDS ? s->words[word] : 0;
}

static __always_inline uint64_t site_memory(struct site *s, unsigned reg, uint64_t off)
{
    uint64_t value = 0, word = off / sizeof(value);

    if (s->has_stack && reg == RSP_OFFSET && off % sizeof(value) == 0) {
        barrier_var(word);
        if (word < STACK_WORDS) {
            return s->stack[word];
        }
    }
    if (bpf_probe_read_user(&value, sizeof(value), (void *)(site_reg(s, reg) + off))) {
        s->failed = true;
    }
    return value;
}

static __always_inline uint64_t site_arg(struct site *s, unsigned number)
{
    const struct __bpf_usdt_arg_spec *arg = &s->spec->args[number];
    unsigned shift = arg->arg_bitshift;
    uint64_t value;

    if (arg->arg_type == BPF_USDT_ARG_REG) {
        value = site_reg(s, arg->reg_off);
    } else if (arg->arg_type == BPF_USDT_ARG_REG_DEREF) {
        value = site_memory(s, arg->reg_off, arg->val_off);
    } else {
        value = arg->val_off;
    }
    value <<= shift;
    return arg->arg_signed ? (uint64_t)((int64_t)value >> shift) : value >> shift;
}

/* How each type of events.def fills its slots, whatever width the compiler gave the argument. */
static __always_inline void put_U64(struct site *s, uint64_t *slot, unsigned arg)
{
    slot[0] = site_arg(s, arg);
}

static __always_inline void put_S64(struct site *s, uint64_t *slot, unsigned arg)
{
    slot[0] = site_arg(s, arg);
}

static __always_inline void put_U32(struct site *s, uint64_t *slot, unsigned arg)
{
    slot[0] = (uint32_t)site_arg(s, arg);
}

static __always_inline void put_S32(struct site *s, uint64_t *slot, unsigned arg)
{
    slot[0] = (uint64_t)(int64_t)(int32_t)site_arg(s, arg);
}

static __always_inline void put_U8(struct site *s, uint64_t *slot, unsigned arg)
{
    slot[0] = (uint8_t)site_arg(s, arg);
}

static __always_inline void put_BOOL(struct site *s, uint64_t *slot, unsigned arg)
{
    slot[0] = site_arg(s, arg) != 0;
}

static __always_inline void put_RECT(struct site *s, uint64_t *slot, unsigned arg)
{
    if (bpf_probe_read_user(slot, 2 * sizeof(*slot), (void *)site_arg(s, arg))) {
        s->failed = true;
    }
}

#define SLOTS_U64  1
#define SLOTS_U32  1
#define SLOTS_S64  1
#define SLOTS_S32  1
#define SLOTS_U8   1
#define SLOTS_BOOL 1
#define SLOTS_RECT 2

/* Sizes first: how many slots an event has, and whether it has arguments on the stack. */
#define F(arg, type, name, kind, help)            +SLOTS_##type
#define EVENT(source, number, name, help, fields) slots_##name = 0 fields,
enum event_slots {
#include "events.def"
};
#undef F
#define F(arg, type, name, kind, help)            || (arg) >= REGISTER_ARGS
#define EVENT(source, number, name, help, fields) stack_##name = 0 fields,
#define NOARG                                     (-1)
enum event_stack {
#include "events.def"
};
#undef F
#undef NOARG

/* Then a program for each; the file that includes this keeps those of its source by defining
 * EVENT_SPICE and so on as PROGRAM or as nothing. The ring buffer is emptied by a consumer that
 * looks at it on its own clock, so that no event pays for a wakeup. */
#define PROGRAM(event, fields)                                                                     \
    SEC("usdt") int event(struct pt_regs *ctx)                                                     \
    {                                                                                              \
        struct record {                                                                            \
            uint64_t time;                                                                         \
            uint32_t tid;                                                                          \
            uint16_t kind, slots;                                                                  \
            uint64_t v[slots_##event];                                                             \
        } * r;                                                                                     \
        uint64_t time = bpf_ktime_get_ns(), *slot;                                                 \
        struct site s;                                                                             \
                                                                                                   \
        if (!shared.recording) {                                                                   \
            return 0;                                                                              \
        }                                                                                          \
        site_init(&s, ctx, stack_##event);                                                         \
        if (!s.spec) {                                                                             \
            site_lost(LOST_BAD_MEMORY, EV_##event, time);                                          \
            return 0;                                                                              \
        }                                                                                          \
        r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);                                           \
        if (!r) {                                                                                  \
            site_lost(LOST_RING_FULL, EV_##event, time);                                           \
            return 0;                                                                              \
        }                                                                                          \
        r->time = time;                                                                            \
        r->tid = bpf_get_current_pid_tgid();                                                       \
        r->kind = EV_##event;                                                                      \
        r->slots = slots_##event;                                                                  \
        slot = r->v;                                                                               \
        fields;                                                                                    \
        if (s.failed) {                                                                            \
            site_lost(LOST_BAD_MEMORY, EV_##event, time);                                          \
            bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);                                              \
        } else {                                                                                   \
            bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);                                               \
        }                                                                                          \
        return 0;                                                                                  \
    }
#define F(arg, type, name, kind, help)                                                             \
    put_##type(&s, slot, arg);                                                                     \
    slot += SLOTS_##type;
#define EVENT(source, number, name, help, fields) EVENT_##source(name, fields)
#define EVENT_META(name, fields)

#endif
