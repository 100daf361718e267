/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU time that a VM's spice workers use in a recording. There is one thread a display device. */
#ifndef SPICETAP_WORKER_CPU_H
#define SPICETAP_WORKER_CPU_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { WORKERS = 16 }; /* QEMU accepts no more QXL devices */

struct worker_cpu {
    struct {
        pid_t tid;
        uint64_t began; /* ns of CPU time */
    } workers[WORKERS];
    unsigned count;
};

/* Finds the workers of process `pid` by their threads' name, and what they have used so far. */
void worker_cpu_begin(struct worker_cpu *w, pid_t pid);
/* What they used since: [{tid, cpu_ns}] for run.json. Leaves out threads that have ended. The
 * caller owns it. */
json_t *worker_cpu_end(const struct worker_cpu *w, pid_t pid);
/* The workers' use of `seconds` by run.json, as a share of one core (0.5: half a core); negative:
 * run.json has none. */
double worker_cpu_share(const json_t *run, double seconds);
/* User and system time, ns, of a line of /proc/PID/task/TID/stat. False: it is no such line. */
bool worker_cpu_parse(const char *stat, uint64_t *ns);

#endif
