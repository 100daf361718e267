/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of each watched VM, in memory that processes share: a watcher writes its VM's
 * place, the process that shows it only reads. All of it is numbers, and text without control
 * characters.
 */
#ifndef SPICETAP_BOARD_H
#define SPICETAP_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    BOARD_VMS = 256,   /* more VMs on a host are not watched, and counted */
    BOARD_NAME = 128,  /* bytes of a name; longer ones are cut */
    BOARD_WHY = 512,   /* bytes of a reason */
    BOARD_REASONS = 8, /* stop_reason and drop_reason of events.def have fewer values */
};

enum board_state {
    BOARD_FREE,
    BOARD_ATTACHING,
    BOARD_WATCHED,
    BOARD_FAILED,   /* `why` says why */
    BOARD_NO_SPICE, /* a QEMU without SPICE, or not yet with it: not shown */
};

/* Counted since `since`. Names as in `spicetap info --json`. */
struct board_figures {
    uint64_t since, now; /* ns, run time: all counts are of the span between them */
    uint64_t streams_created, streams_ended[BOARD_REASONS]; /* by stop_reason */
    uint64_t streams_running;                               /* now */
    uint64_t frames;                                        /* that began a stream or joined one */
    uint64_t frames_encoded;                                /* once for each client */
    uint64_t frames_dropped[BOARD_REASONS];                 /* by drop_reason */
    uint64_t ooms, oom_ns; /* episodes of out-of-memory; ns in them */
    uint64_t evictions;
    uint64_t blocked; /* how often a worker stopped reading commands, for a client's pipe */
    uint64_t sent;    /* bytes to clients */
    uint64_t lost;    /* events */
};

struct board_vm {
    uint32_t sequence; /* odd while it is written */
    enum board_state state;
    pid_t pid;
    char name[BOARD_NAME], why[BOARD_WHY];
    struct board_figures figures;
};

struct board {
    uint32_t beyond; /* VMs that found no place */
    uint32_t ready;  /* each VM of the first look is watched, or is known not to be, or hangs */
    struct board_vm vms[BOARD_VMS];
};

/* Shared with processes that are forked later. NULL: no memory. */
struct board *board_open(void);
void board_close(struct board *b);

/* For the one writer of a place. `why` may be NULL. */
void board_set(struct board_vm *vm, enum board_state state, pid_t pid, const char *name,
               const char *why);
void board_put(struct board_vm *vm, const struct board_figures *figures);
/* A state of one moment. False: its writer has stood still in the midst of writing. */
bool board_get(const struct board_vm *vm, struct board_vm *copy);

#endif
