/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's part of a recording, around its port (guest_port.h). */
#ifndef SPICETAP_RECORD_GUEST_H
#define SPICETAP_RECORD_GUEST_H

#include "loader/loader.h"
#include "record/guest_port.h"
#include "record/say.h"

/* Opens the port at socket `where`, or, if that is "auto", the one that the VM's command line
 * names. Without one it informs the user and leaves *out NULL: the recording goes on without the
 * guest. -ENOMEM. */
int record_guest_open(struct guest_port **out, const struct vm *vm, const char *where,
                      const struct run_time *time, const struct record_say *say);
/* Waits for the agent's answer, 10 s of run time at most, or until `stop` can be read. Reports the
 * outcome to the user. */
void record_guest_wait(struct guest_port *g, int stop, const struct run_time *time,
                       const struct record_say *say);
/* Works out the guest's clocks and writes them to run.json. All logs must be closed. `qemu`: there
 * is a qemu.tap; `bytes`: size of all logs. */
void record_guest_clocks(struct bundle_writer *b, bool qemu, uint64_t bytes,
                         const struct record_say *say);

#endif
