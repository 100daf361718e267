/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns a hit of a USDT site into a record in the ring buffer, for spice.bpf.c and qemu.bpf.c.
 *
 * This code runs in the thread whose speed is being measured. Reading its memory costs nearly as
 * much as all the rest of an event, so spice-server's sites have their arguments in registers.
 * libbpf's bpf_usdt_arg() looks up the site and reads pt_regs again for each argument, and a site
 * has up to twelve. Instead the loader works out where the arguments are (struct plans) before it
 * loads the programs: the verifier takes that for constants, and drops what a site does not need. A
 * program copies the registers once per event, and the stack's arguments in one read.
 *
 * Neither vmlinux.h nor CO-RE is used: pt_regs is the only kernel structure read, and the ABI fixes
 * its layout. So neither the build machine nor the traced one needs BTF.
 */
#ifndef SPICETAP_USDT_EVENT_BPF_H
#define SPICETAP_USDT_EVENT_BPF_H

#include "event.bpf.h"
#include "shared.h"

/* The loader sets its size. It also replaces qemu.bpf.c's map by spice.bpf.c's, so all events are
 * in one buffer, in the order of their reservation. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} events SEC(".maps");

struct shared shared;
const volatile struct plans plans;

struct site {
    uint64_t words[SITE_WORDS];
    unsigned count; /* of words that were read */
    const volatile struct site_plan *plan;
    bool failed;
};

static __always_inline void site_lost(unsigned reason, unsigned kind, uint64_t time)
{
    __sync_fetch_and_add(&shared.lost[reason][kind], 1);
    shared.last_lost = time;
}

/* The verifier allows reads of the context only at constant offsets, so no loop. Moves are also
 * cheaper than a call to a copying helper. */
static __always_inline void copy_registers(uint64_t *words, const struct pt_regs *ctx)
{
    words[0] = ctx->rax;
    words[1] = ctx->rcx;
    words[2] = ctx->rdx;
    words[3] = ctx->rbx;
    words[WORD_RSP] = ctx->rsp;
    words[5] = ctx->rbp;
    words[6] = ctx->rsi;
    words[7] = ctx->rdi;
    words[8] = ctx->r8;
    words[9] = ctx->r9;
    words[10] = ctx->r10;
    words[11] = ctx->r11;
    words[12] = ctx->r12;
    words[13] = ctx->r13;
    words[14] = ctx->r14;
    words[15] = ctx->r15;
    words[WORD_RIP] = ctx->rip;
    words[WORD_ZERO] = 0;
}

/* The one site of a kind, known as the program is loaded; else the one that was hit. */
static __always_inline const volatile struct site_plan *plan_of(struct pt_regs *ctx, unsigned kind)
{
    uint64_t number = plans.of[kind].count == 1 ? plans.of[kind].first : bpf_get_attach_cookie(ctx);

    return &plans.sites[number % MAX_SITES];
}

/* How much of the stack the arguments need; of a kind's one site that is known at loading. */
static __always_inline uint32_t stack_bytes(const struct site *s, unsigned kind)
{
    uint32_t most = STACK_WORDS * sizeof(s->words[0]);
    uint32_t bytes = plans.of[kind].count == 1 ? s->plan->stack_bytes : most;

    return bytes < most ? bytes : most;
}

static __always_inline void read_stack(struct site *s, const struct pt_regs *ctx, unsigned kind)
{
    uint32_t bytes = stack_bytes(s, kind);

    s->count = SITE_WORDS;
    if (bytes && bpf_probe_read_user(s->words + WORD_STACK, bytes, (void *)ctx->rsp)) {
        s->failed = true;
    }
}

static __always_inline void site_init(struct site *s, struct pt_regs *ctx, unsigned kind)
{
    s->plan = plan_of(ctx, kind);
    s->failed = false;
    s->count = WORD_STACK;
    copy_registers(s->words, ctx);
}

static __always_inline uint64_t site_word(const struct site *s, uint64_t word)
{
    barrier_var(word); /* makes the index the register that was compared, for the verifier */
    return word < s->count ? s->words[word] : 0;
}

static __always_inline uint64_t site_memory(struct site *s, const volatile struct place *p)
{
    uint64_t at = site_word(s, p->word) + (site_word(s, p->index) << (p->scale & 3)) + p->value;
    uint64_t value = 0;
    uint32_t bytes = sizeof(value) - (p->shift >> 3 & 7); /* the argument's own, no more */

    if (bpf_probe_read_user(&value, bytes, (void *)at)) {
        s->failed = true;
    }
    return value;
}

static __always_inline uint64_t site_arg(struct site *s, unsigned number)
{
    const volatile struct place *p = &s->plan->args[number];
    unsigned shift = p->shift & 63;
    uint64_t value;

    if (p->kind == PLACE_WORD) {
        value = site_word(s, p->word);
    } else if (p->kind == PLACE_MEMORY) {
        value = site_memory(s, p);
    } else {
        value = p->value;
    }
    value <<= shift;
    return p->is_signed ? (uint64_t)((int64_t)value >> shift) : value >> shift;
}

/* One function for each type of events.def. The probe's argument may be wider or narrower. */
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
    slot[0] = site_arg(s, arg);
    slot[1] = site_arg(s, arg + 1);
}

#define SLOTS_U64  1
#define SLOTS_U32  1
#define SLOTS_S64  1
#define SLOTS_S32  1
#define SLOTS_U8   1
#define SLOTS_BOOL 1
#define SLOTS_RECT 2

/* First two constants per event: its number of slots, and whether it may have stack arguments. */
#define F(arg, type, name, kind, help)            +SLOTS_##type
#define EVENT(source, number, name, help, fields) slots_##name = 0 fields,
enum event_slots {
#include "events.def"
};
#undef F
#define F(arg, type, name, kind, help)            || (arg) + SLOTS_##type > REGISTER_ARGS
#define EVENT(source, number, name, help, fields) stack_##name = 0 fields,
#define NOARG                                     (-1)
enum event_stack {
#include "events.def"
};
#undef F
#undef NOARG

/* Then one program per event. The including file defines EVENT_SPICE and EVENT_QEMU as PROGRAM to
 * keep a source's events, or as nothing; calls are spice-server's. The reader polls the ring
 * buffer, so no event pays for a wakeup. */
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
        if (shared.recording < (EV_IS_EARLY(EV_##event) ? RECORD_EARLY : RECORD_ALL)) {            \
            return 0;                                                                              \
        }                                                                                          \
        site_init(&s, ctx, EV_##event);                                                            \
        if (stack_##event) {                                                                       \
            read_stack(&s, ctx, EV_##event);                                                       \
        }                                                                                          \
        r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);                                           \
        if (!r) {                                                                                  \
            site_lost(LOSS_REASON_ring_full, EV_##event, time);                                    \
            return 0;                                                                              \
        }                                                                                          \
        r->time = time;                                                                            \
        r->tid = bpf_get_current_pid_tgid();                                                       \
        r->kind = EV_##event;                                                                      \
        r->slots = slots_##event;                                                                  \
        slot = r->v;                                                                               \
        fields;                                                                                    \
        if (s.failed) {                                                                            \
            site_lost(LOSS_REASON_bad_memory, EV_##event, time);                                   \
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
#define EVENT_CALL(name, fields)                  EVENT_SPICE(name, fields)
#define EVENT_META(name, fields)
#define EVENT_GUEST(name, fields)
#define EVENT_CLIENT(name, fields)

#endif
