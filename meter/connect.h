/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connects to a server's address. Knows no GLib. */
#ifndef SPICETAP_CONNECT_H
#define SPICETAP_CONNECT_H

#include <stdatomic.h>

#include "target.h"

/* A connected socket. `receive_buffer`: bytes of its receive buffer; 0: the kernel's choice. Gives
 * up on *stop. -1: *why is a text for the user. */
int connect_to(const struct target *t, int receive_buffer, const atomic_bool *stop,
               const char **why);

#endif
