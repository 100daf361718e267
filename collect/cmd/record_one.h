/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `record` of one VM. */
#ifndef SPICETAP_RECORD_ONE_H
#define SPICETAP_RECORD_ONE_H

#include "record/recorder.h"

enum { RECORD_VMS = 256 };

struct record_command {
    struct recorder_options recorder;
    const char *domains[RECORD_VMS];
    unsigned domain_count;
    bool all, quiet, json;
};

/* Records the VM that o->recorder names. `stop`: an end besides o->recorder.stop, readable; -1:
 * none. `who` begins each message. Returns the exit code. */
int record_one(const struct record_command *o, int stop, const char *who);

#endif
