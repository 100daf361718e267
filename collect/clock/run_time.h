/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run time: what guest, server and client call time. In slow motion (docs/dev/clocks.md) their
 * clocks run slower than the kernel's; else run time is the kernel's CLOCK_MONOTONIC. The recorder
 * converts at the door, so that logs and run.json have run time alone.
 */
#ifndef SPICETAP_RUN_TIME_H
#define SPICETAP_RUN_TIME_H

#include <stdint.h>

#include "event/event.h"

/* All zero: run time is the kernel's. */
struct run_time {
    uint64_t kernel, run; /* ns: at the kernel's CLOCK_MONOTONIC `kernel`, run time was `run` */
    double rate;          /* run time that passes in a unit of the kernel's; 0: see above */
};

/* The run time of a time of the kernel's. To the ns what the VM's process read then. */
uint64_t run_time_of(const struct run_time *t, uint64_t kernel);
uint64_t run_time_now(const struct run_time *t);
/* An event of the kernel's time in run time: `ev` itself, or `room` filled in. */
const struct tap_event *run_time_event(const struct run_time *t, const struct tap_event *ev,
                                       struct tap_event *room);
/* How long the kernel's clock takes for so much run time, and how many times as long that is. */
uint64_t run_time_lasts(const struct run_time *t, uint64_t run);
double run_time_scale(const struct run_time *t);

#endif
