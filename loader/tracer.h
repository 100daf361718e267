/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracer: attach.c fills it in, drain.c reads from it. */
#ifndef SPICETAP_TRACER_H
#define SPICETAP_TRACER_H

#include <bpf/libbpf.h>

#include "loader.h"
#include "../bpf/shared.h"

/* Keeps a program attached. One of the two: */
struct hook {
    int fd;                /* a multi-uprobe link; -1: none */
    struct bpf_link *link; /* a perf event's link; NULL: none */
};

/* The process that closes the hooks if the recorder is killed. */
struct keeper {
    pid_t pid;
    int told, read; /* a pipe; told -1: there is none */
    int self;       /* the recorder's pidfd */
};

/* One BPF object: the programs of one source. */
struct tracer_part {
    enum tap_source source;
    struct bpf_object_skeleton *skeleton;
    struct plans *plans;                /* constants of the programs, until they are loaded */
    struct shared *shared;              /* memory shared with them */
    uint64_t lost_before[LOST_REASONS]; /* losses that tracer_loss() has reported */
    struct hook hooks[MAX_SITES];
    unsigned hook_count, site_count, attached; /* attached: probes */
};

struct tracer {
    struct spice_bpf *spice;
    struct qemu_bpf *qemu; /* NULL: not wanted, or QEMU has no probes */
    struct tracer_part parts[2];
    unsigned part_count;
    struct keeper keeper;
    bool multi;            /* attach by multi-uprobe links */
    bool stock;            /* the library has no probes: its functions stand for them */
    const uint16_t *kinds; /* attach to these alone, until 0; NULL: to all */
    struct ring_buffer *ring;
    int ring_fd; /* of its map; the map owns it */
    json_t *missing;
    /* The current pass of tracer_drain(): */
    tracer_event_fn *fn;
    void *context;
    unsigned done, budget;
    int stopped; /* the result of fn that ended it */
    bool cut;    /* the budget ended it */
};

/* The callback of the ring buffer; `context` is the tracer. */
int tracer_sample(void *context, void *data, size_t size);

/* ---- uprobe.c ---- */

/* Does this kernel have multi-uprobe links that select by process? */
bool uprobe_multi_works(void);
/* Sets up the programs for such links; call it before loading. */
void uprobe_prepare(struct bpf_object *object);
/* Attaches a program to all sites of a probe; site i gets the cookie `cookie` + i. Returns the
 * number of `hooks` that it filled in, 1 or `count`, or negative errno. */
int uprobe_attach(struct hook *hooks, bool multi, const struct bpf_program *program, pid_t pid,
                  const char *path, const struct probe_site *sites, unsigned count,
                  uint64_t cookie);
void uprobe_detach(struct hook *hook);

/* ---- keeper.c ---- */

void keeper_start(struct keeper *k); /* before the first hook */
void keeper_end(struct keeper *k);   /* after the last one is gone; may be called again */

/* ---- rights.c ---- */

/* 0, or -EPERM and a text that names the missing capabilities. */
int rights_check(struct loader_error *e);
/* 0, or -ENOSYS and a text: the kernel has no uprobes. */
int rights_kernel(struct loader_error *e);

#endif
