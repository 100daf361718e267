/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which system calls are left to a process. 0, or negative errno. */
#ifndef SPICETAP_CONFINE_CALLS_H
#define SPICETAP_CONFINE_CALLS_H

#include <stdbool.h>

/* Leaves all but those that neither a recorder nor a client has a use for: tracing, BPF, mounts,
 * namespaces, sockets other than unix and IP. -ENOSYS: the kernel has no seccomp. */
int confine_calls(void);
/* After confine(): leaves this process with the system calls of one that only reads and writes:
 * no execve, no new process, no new socket; with `connects`, unix sockets and connections of them.
 * Others fail with ENOSYS. 0 also where the kernel has no seccomp. */
int confine_to_files(bool connects);

#endif
