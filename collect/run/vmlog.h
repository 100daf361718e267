/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies what QEMU printed during a run, spice-server's debug lines included. */
#ifndef SPICETAP_VMLOG_H
#define SPICETAP_VMLOG_H

#include <sys/types.h>

#include "run/bundle.h"

struct vmlog {
    int fd; /* -1: none found */
    off_t from;
    char path[512];
};

/* Opens QEMU's log at its present end. Call it before the recorder gives up its rights. */
void vmlog_open(struct vmlog *log, pid_t pid, const char *domain);
/* Copies what was added since then to qemu.log in the run's folder, and notes it in run.json. 0 or
 * a negative errno. */
int vmlog_close(struct vmlog *log, struct bundle_writer *bundle);

#endif
