/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts what a VM's display does, and writes no file. Attaches to the few probes that it needs, so
 * it costs the VM less than a recording. Other tracers may be attached to the same VM.
 */
#ifndef SPICETAP_WATCH_H
#define SPICETAP_WATCH_H

#include "event/event.h"
#include "record/board.h"
#include "record/counts.h"

/* The work of a process of its own: attaches to process `pid`, gives up all rights, and puts what
 * it counts on the board, four times a second. Returns once the VM has ended or `stop` is readable:
 * 0, or a negative errno after it has put the reason there. */
int watch(struct board_vm *on, pid_t pid, const char *name, int stop);

/* ---- its counting, for the tests ---- */

struct watch_counts {
    struct record_counts counts;
    uint64_t since; /* when it began */
    uint64_t ended[BOARD_REASONS], dropped[BOARD_REASONS];
    uint64_t oom_ns;                     /* in episodes that are over */
    uint64_t oom_since[COUNTS_DISPLAYS]; /* when the episode began, 0: there is none */
    uint64_t oom_shown;                  /* the last oom_ns given out */
};

/* Times are run time. */
void watch_event(struct watch_counts *c, const struct tap_event *ev);
/* What it counted until `now`, with the episodes that go on. */
void watch_figures(struct watch_counts *c, uint64_t now, struct board_figures *f);
/* The kinds of events that it counts, 0 behind the last. */
extern const uint16_t watch_kinds[];

#endif
