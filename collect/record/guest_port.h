/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's end of the guest's port (guest/wire.h): connects to QEMU's unix socket, talks to
 * the agent behind it, and writes the guest's events to guest.tap. It trusts no byte. Whatever it
 * refuses is counted in run.json's `guest` and is a loss in the log. Errors are negative errno;
 * after guest_port_open only a log that cannot be written is one.
 */
#ifndef SPICETAP_GUEST_PORT_H
#define SPICETAP_GUEST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "clock/run_time.h"
#include "run/bundle.h"

struct guest_port;

/* Connects to the socket `path` and asks the agent to begin; tries again each second if it cannot.
 * `owner`: as of connector_open(). All its times, and its limits, are run time. `time` must outlive
 * the port. The caller closes *out. -ENOMEM. */
int guest_port_open(struct guest_port **out, const char *path, pid_t owner,
                    const struct run_time *time);
/* Does this process have to make sockets for it? */
bool guest_port_connects(const struct guest_port *g);
/* Takes events from here on. `bundle` must outlive the port. */
void guest_port_begin(struct guest_port *g, struct bundle_writer *bundle);
/* The descriptor to poll for POLLIN; -1: none now. */
int guest_port_fd(const struct guest_port *g);
/* How long the caller's poll may wait, ms of the kernel's; at most `most`. */
int guest_port_timeout(const struct guest_port *g, int most);
/* Reads, answers and asks. The caller's loop calls it at every turn. */
int guest_port_run(struct guest_port *g);
/* Has the agent answered? */
bool guest_port_agent(const struct guest_port *g);
/* Writes a sentence for the user: what answers, or why nothing does and what to do. */
void guest_port_say(const struct guest_port *g, char *text, size_t size);
uint64_t guest_port_events(const struct guest_port *g); /* in the logs */
uint64_t guest_port_lost(const struct guest_port *g); /* events refused, or dropped by the agent */
uint64_t guest_port_unknown(const struct guest_port *g); /* losses of unknown count */
/* Stops the agent, takes what it still sends, closes the logs and writes `guest` to run.json.
 * *bytes: size of the logs. */
int guest_port_end(struct guest_port *g, uint64_t *bytes);
void guest_port_close(struct guest_port *g); /* NULL is fine */

#endif
