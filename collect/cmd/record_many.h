/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `record` of several VMs: a process and a run for each. */
#ifndef SPICETAP_RECORD_MANY_H
#define SPICETAP_RECORD_MANY_H

#include "cmd/record_one.h"

/* Records o->domains, or all. EXIT_PART: some were recorded, and some not. */
int record_many(const struct record_command *o);

#endif
