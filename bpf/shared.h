/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that the BPF programs share with the loader, beside the ring buffer. */
#ifndef SPICETAP_SHARED_H
#define SPICETAP_SHARED_H

#define LOST_KINDS   128 /* above every kind that has a USDT probe */
#define LOST_REASONS 2   /* LOSS_REASON_ring_full and LOSS_REASON_bad_memory of events.h */

/* The words that a program holds when a probe fires: the registers, by their x86-64 numbers, then
 * the top of the stack. Only events with more than REGISTER_ARGS arguments read the stack. */
#define WORD_RSP      4
#define WORD_RIP      16
#define WORD_ZERO     17 /* always 0: stands for a missing base or index register */
#define WORD_STACK    18
#define STACK_WORDS   16
#define SITE_WORDS    (WORD_STACK + STACK_WORDS)
#define REGISTER_ARGS 6 /* the ABI passes so many arguments in registers */

enum place_kind { PLACE_CONST, PLACE_WORD, PLACE_MEMORY };

/* Where a site has one argument. The loader makes it from the text in the probe's note. */
struct place {
    uint64_t value; /* the constant, or an offset of the address */
    uint8_t kind;
    uint8_t word, index, scale; /* memory at word + (index << scale) + value */
    uint8_t shift;              /* 64 less the argument's width in bits */
    uint8_t is_signed;
    uint8_t unused[2];
};

#define SITE_ARGS 12
#define MAX_SITES 256

struct site_plan {
    struct place args[SITE_ARGS];
    uint32_t stack_bytes; /* from the top of the stack: what the arguments need */
    uint32_t unused;
};

/* What the loader knows before it loads the programs. The kernel then takes it for constants: a
 * probe with one site costs no branch, and no read, that its arguments do not need. */
struct plans {
    struct site_plan sites[MAX_SITES]; /* a probe's sites follow one another */
    /* By kind. A probe with several sites finds its own by the attach cookie, the index. */
    struct probe_sites {
        uint32_t first, count;
    } of[LOST_KINDS];
};

struct shared {
    /* Attaching and detaching take time for each probe. Programs record only while this is set:
     * from the last attach to the first detach. A level of enum record_level. */
    uint64_t recording;
    uint64_t lost[LOST_REASONS][LOST_KINDS]; /* number of lost events */
    uint64_t last_lost;                      /* when the last one was lost: CLOCK_MONOTONIC, ns */
};

#endif
