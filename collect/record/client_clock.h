/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * In slow motion the client reads the VM's clock: it runs under the VM's libfaketime, and takes the
 * VM's start for its own. What it writes is in run time, to the ns.
 */
#ifndef SPICETAP_RECORD_CLIENT_CLOCK_H
#define SPICETAP_RECORD_CLIENT_CLOCK_H

#include "loader/loader.h"

/* Makes the objects in /dev/shm from which a client's libfaketime takes the VM's start; the caller
 * ends with client_clock_close. Without slow motion it does nothing, as all others do here. */
int client_clock_open(const struct vm_clock *clock);
/* In the child, before it becomes the client. */
void client_clock_take(const struct vm_clock *clock);
/* Does process `pid` read that clock? */
bool client_clock_same(const struct vm_clock *clock, pid_t pid);
void client_clock_close(const struct vm_clock *clock);

#endif
