/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SPICETAP_CONFINE_PATHS_H
#define SPICETAP_CONFINE_PATHS_H

#include <stdbool.h>

/* Leaves this process writing below the folders of a list that NULL ends, and to /dev/null. It can
 * signal no process outside; *old: it can, as the kernel is older than Linux 6.12. 0, or negative
 * errno; -ENOSYS or -EOPNOTSUPP: the kernel has no Landlock. Needs no_new_privs. */
int confine_paths(const char *const *writable, bool *old);

#endif
