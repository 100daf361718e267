/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What attach.c makes and drain.c reads. */
#ifndef SPICETAP_TRACER_H
#define SPICETAP_TRACER_H

#include <bpf/libbpf.h>

#include "loader.h"
#include "../bpf/shared.h"

/* What holds a program to its site or sites. */
struct hook {
    int fd;                /* of a multi-uprobe link */
    struct bpf_link *link; /* or a perf event's */
};

/* One BPF object: the programs of one source. */
struct tracer_part {
    enum tap_source source;
    struct bpf_object_skeleton *skeleton;
    struct shared *shared;              /* with the programs */
    uint64_t lost_before[LOST_REASONS]; /* told already */
    struct hook hooks[MAX_SITES];
    unsigned hook_count, site_count, attached; /* attached: probes */
};

struct tracer {
    struct spice_bpf *spice;
    struct qemu_bpf *qemu; /* NULL: not asked for, or QEMU has no probes */
    struct tracer_part parts[2];
    unsigned part_count;
    bool multi; /* by multi-uprobe links */
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

/* uprobe.c: whether this kernel has multi-uprobe links that go by process; what programs need for
 * them before they are loaded; and attaching, which gives the number of hooks or an error. The
 * program finds site i by `cookie` + i. */
bool uprobe_multi_works(void);
void uprobe_prepare(struct bpf_object *object);
int uprobe_attach(struct hook *hooks, bool multi, const struct bpf_program *program, pid_t pid,
                  const char *path, const struct probe_site *sites, unsigned count,
                  uint64_t cookie);
void uprobe_detach(struct hook *hook);

/* rights.c: -EPERM with the missing ones named. */
int rights_check(struct loader_error *e);
/* -ENOSYS with what is missing named: uprobes. */
int rights_kernel(struct loader_error *e);

#endif
