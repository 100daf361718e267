/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `top` and `metrics` share. */
#ifndef SPICETAP_WATCHING_H
#define SPICETAP_WATCHING_H

#include <argp.h>

#include "record/watchers.h"
#include "report/live.h"

/* --domain. EINVAL: too many; the error is printed. */
error_t watching_domain(struct argp_state *state, struct watchers_options *o, const char *name);
/* watchers_run(); prints its errors. Returns the exit code. */
int watching_run(const char *command, const struct watchers_options *o);
/* Waits until each VM of the first look is watched, or is known not to be; or `stop`. */
void watching_wait(const struct board *board, int stop);
/* Prints why VMs are not watched, and which names no VM has. EXIT_ENV: none is watched, and there
 * are VMs or names; else EXIT_DONE. */
int watching_complain(const char *command, const struct live *l, const struct watchers_options *o);

#endif
