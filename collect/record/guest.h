/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's part of a recording. */
#ifndef SPICETAP_RECORD_GUEST_H
#define SPICETAP_RECORD_GUEST_H

#include "loader/loader.h"
#include "record/guest_port.h"

/* `where`: the socket's path, or "auto". *out stays NULL, and it is said why, if there is none: the
 * recording goes on without. */
int record_guest_open(struct guest_port **out, const struct vm *vm, const char *where);
/* Waits until the agent has answered, for some seconds, or until `signals` can be read; says what
 * there is. */
void record_guest_wait(struct guest_port *g, int signals);
/* After the logs are closed: the guest's clocks, into run.json. */
void record_guest_clocks(struct bundle_writer *b, bool qemu);

#endif
