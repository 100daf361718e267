/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that the BPF programs share with the loader, beside the ring buffer. */
#ifndef SPICETAP_SHARED_H
#define SPICETAP_SHARED_H

#define LOST_KINDS      128 /* above every kind that has a USDT probe */
#define LOST_RING_FULL  0   /* as in events.def's loss_reason */
#define LOST_BAD_MEMORY 1
#define LOST_REASONS    2

/* What a program can take an argument from without another look at memory: the registers, by the
 * numbers that x86-64 gives them, and the top of the stack, where a function's arguments lie that
 * found no register. The stack is read for events with more arguments than registers for them. */
#define WORD_RSP      4
#define WORD_RIP      16
#define WORD_ZERO     17 /* no register: an index that is not there */
#define WORD_STACK    18
#define STACK_WORDS   16
#define SITE_WORDS    (WORD_STACK + STACK_WORDS)
#define REGISTER_ARGS 6

enum place_kind { PLACE_CONST, PLACE_WORD, PLACE_MEMORY };

/* Where a site has one of its arguments: made by the loader from the text in the probe's note. */
struct place {
    uint64_t value; /* the constant, or what is added to the address */
    uint8_t kind;
    uint8_t word, index, scale; /* memory at word + (index << scale) + value */
    uint8_t shift;              /* unused upper bits of the 64 */
    uint8_t is_signed;
    uint8_t unused[2];
};

#define SITE_ARGS 12
#define MAX_SITES 256

struct site_plan {
    struct place args[SITE_ARGS];
};

struct shared {
    /* Probes are attached one after the other, and detached so, each of which takes its time:
     * events count from when all are there until the first goes. */
    uint64_t recording;
    uint64_t lost[LOST_REASONS][LOST_KINDS]; /* events that could not be recorded */
    uint64_t last_lost;                      /* CLOCK_MONOTONIC ns of the latest of them */
    struct site_plan sites[MAX_SITES];       /* by the cookie a site was attached with */
};

#endif
