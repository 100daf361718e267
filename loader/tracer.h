/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attach.c makes and drain.c reads. */
#ifndef SPICETAP_TRACER_H
#define SPICETAP_TRACER_H

#include <bpf/libbpf.h>

#include "loader.h"
#include "../bpf/shared.h"

/* One BPF object: the programs of one source. */
struct tracer_part {
    enum tap_source source;
    struct bpf_object_skeleton *skeleton;
    struct shared *shared;              /* with the programs */
    uint64_t lost_before[LOST_REASONS]; /* told already */
    struct bpf_link **links;
    unsigned attached;
};

struct tracer {
    struct spice_bpf *spice;
    struct qemu_bpf *qemu; /* NULL: not asked for, or QEMU has no probes */
    struct tracer_part parts[2];
    unsigned part_count;
    struct ring_buffer *ring;
    json_t *missing;
    /* The pass of tracer_drain that is going on. */
    tracer_event_fn *fn;
    void *context;
    unsigned done, budget;
    int stopped; /* what fn returned */
    bool cut;    /* the budget is used up */
};

/* The callback of the ring buffer, and its context is the tracer. */
int tracer_sample(void *context, void *data, size_t size);

/* rights.c: -EPERM with the missing ones named. */
int rights_check(struct loader_error *e);
/* -ENOSYS with what is missing named: uprobes. */
int rights_kernel(struct loader_error *e);

#endif
