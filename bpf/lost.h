/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the BPF programs could not record: shared memory between them and the loader. */
#ifndef SPICETAP_LOST_H
#define SPICETAP_LOST_H

#define LOST_KINDS      128 /* above every kind that has a probe */
#define LOST_REASONS    2   /* LOSS_REASON_ ring_full and bad_memory: the first two of that enum */
#define LOST_RING_FULL  0
#define LOST_BAD_MEMORY 1

struct lost {
    uint64_t count[LOST_REASONS][LOST_KINDS];
    uint64_t last; /* CLOCK_MONOTONIC ns of the latest one */
};

#endif
