/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of confine(). Each returns 0 or negative errno; -ENOSYS or -EOPNOTSUPP: the kernel lacks
 * it. */
#ifndef SPICETAP_CONFINE_PARTS_H
#define SPICETAP_CONFINE_PARTS_H

int confine_paths(const char *const *writable); /* Landlock */
int confine_calls(void);                        /* seccomp: all but the refused */

#endif
