/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's own log of the time of a run: what it printed, and spice-server's debug lines if asked
 * for. */
#ifndef SPICETAP_VMLOG_H
#define SPICETAP_VMLOG_H

#include <sys/types.h>

#include "run/bundle.h"

struct vmlog {
    int fd; /* -1: none found */
    off_t from;
    char path[512];
};

/* Opens it where it ends now. Needs the rights that are given up afterwards. */
void vmlog_open(struct vmlog *log, pid_t pid, const char *domain);
/* Copies what was added since into the bundle as qemu.log, and says so in run.json. */
int vmlog_close(struct vmlog *log, struct bundle_writer *bundle, const char *folder);

#endif
