/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `record` of several VMs: a process and a run for each. */
#ifndef SPICETAP_RECORD_MANY_H
#define SPICETAP_RECORD_MANY_H

#include "record/recorder.h"

enum { RECORD_VMS = 256 };

struct record_command {
    struct recorder_options recorder;
    const char *domains[RECORD_VMS];
    unsigned domain_count;
    bool all, quiet, json;
};

/* Records one VM: o->recorder has its domain or pid. `stop`: an end besides signals, readable; -1:
 * none. `who` begins each message. Returns the exit code. */
int record_one(const struct record_command *o, int stop, const char *who);
/* Records o->domains, or all. EXIT_PART: some were recorded, and some not. */
int record_many(const struct record_command *o);

#endif
