/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine that spicetap runs on. */
#ifndef SPICETAP_HOST_H
#define SPICETAP_HOST_H

#include <jansson.h>

/* run.json's `host`: kernel, machine, cpu, cpu_version, cores, memory in bytes, distribution. The
 * caller owns it. NULL: no memory. */
json_t *host_about(void);

#endif
