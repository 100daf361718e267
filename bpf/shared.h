/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that the BPF programs share with the loader, beside the ring buffer. */
#ifndef SPICETAP_SHARED_H
#define SPICETAP_SHARED_H

#define LOST_KINDS      128 /* above every kind that has a probe */
#define LOST_RING_FULL  0   /* as in events.def's loss_reason */
#define LOST_BAD_MEMORY 1
#define LOST_REASONS    2

struct shared {
    /* Probes are attached one after the other, and detached so, each of which takes its time:
     * events count from when all are there until the first goes. */
    uint64_t recording;
    uint64_t lost[LOST_REASONS][LOST_KINDS]; /* events that could not be recorded */
    uint64_t last_lost;                      /* CLOCK_MONOTONIC ns of the latest of them */
};

#endif
