/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs that belong to spicetap. */
#ifndef SPICETAP_PROGRAM_H
#define SPICETAP_PROGRAM_H

/* Replaces this process by spicetap-meter: the one beside this executable, else the one in PATH.
 * Returns only if neither can be run: a negative errno. */
int program_exec_meter(char **argv);

#endif
