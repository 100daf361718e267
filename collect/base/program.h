/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that belong to spicetap. */
#ifndef SPICETAP_PROGRAM_H
#define SPICETAP_PROGRAM_H

/* Opens spicetap-meter beside this executable, for a process that may lose its way there. -1: there
 * is none. */
int program_open_meter(void);
/* Replaces this process by the spicetap-meter that is open at `fd`; -1, or if that fails: by the
 * one in PATH. Returns only if neither can be run: a negative errno. */
int program_exec_meter(int fd, char **argv);

#endif
