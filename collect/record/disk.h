/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run may take of its disk. A disk that a recorder filled would stop the VMs on it. */
#ifndef SPICETAP_RECORD_DISK_H
#define SPICETAP_RECORD_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct disk_bounds {
    uint64_t most; /* bytes of the run; 0: no bound */
    uint64_t free; /* bytes that must stay free on its disk; 0: none */
};

enum disk_state {
    DISK_GOOD,
    DISK_USED,  /* the run has reached `most` */
    DISK_SHORT, /* less than `free` is left */
};

/* Of the run in `folder` and its disk. DISK_GOOD also where the system cannot tell. */
enum disk_state disk_look(const struct disk_bounds *bounds, const char *folder);
/* Bytes that a user may still write where the file `path` is or would be made. False: not known. */
bool disk_free(const char *path, uint64_t *bytes);

#endif
