/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU time of a VM's spice worker threads (one a display device), over a recording. */
#ifndef SPICETAP_WORKER_CPU_H
#define SPICETAP_WORKER_CPU_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { WORKERS = 16 };

struct worker_cpu {
    struct {
        pid_t tid;
        uint64_t began; /* ns of CPU time */
    } workers[WORKERS];
    unsigned count;
};

/* The threads of `pid` that have the name of spice-server's workers, and what they have used. */
void worker_cpu_begin(struct worker_cpu *w, pid_t pid);
/* What they used since, for run.json: [{tid, cpu_ns}]; a thread that has ended is left out. */
json_t *worker_cpu_end(const struct worker_cpu *w, pid_t pid);
/* What run.json says they used in `seconds`, as a share of one core (0.5: half of it); negative: it
 * does not say. */
double worker_cpu_share(const json_t *run, double seconds);
/* User and system time in a line of /proc/PID/task/TID/stat, ns; false: it is no such line. */
bool worker_cpu_parse(const char *stat, uint64_t *ns);

#endif
