/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands between the SPICE session and the server: one connection a channel, each with two threads
 * that read, count and pass on. It speaks TLS to the server where that is wanted, never to the
 * session, whose end is a socketpair nobody else can reach. File descriptors that a server sends
 * along (GL scanouts on a unix socket) do not pass.
 */
#ifndef SPICETAP_RELAY_H
#define SPICETAP_RELAY_H

#include <pthread.h>
#include <stdint.h>

#include "count.h"
#include "target.h"

enum relay_fault {
    RELAY_OK,
    RELAY_NO_SERVER,   /* it could not be reached */
    RELAY_TLS,         /* no TLS, or its certificate is not to be trusted */
    RELAY_NO_SPICE,    /* something else is there */
    RELAY_SERVER_GONE, /* it hung up while the session did not */
};

struct relay;

/* `rate`: bytes a second from the server, all channels together; 0: as fast as it goes. `lock`
 * guards `counts`. Both, and `target`, must live as long as the relay. NULL: no memory. */
struct relay *relay_new(const struct target *target, uint64_t rate, struct counts *counts,
                        pthread_mutex_t *lock);
/* A socket for one channel of the session, which then owns it; or -errno. The connection to the
 * server is made behind it: what goes wrong there is told by relay_fault. */
int relay_channel(struct relay *r);
/* The first thing that went wrong, in words. */
enum relay_fault relay_fault(struct relay *r, char *text, size_t size);
/* Ends all connections, waits for the threads. */
void relay_stop(struct relay *r);
void relay_free(struct relay *r);

uint64_t relay_now(void); /* ns, CLOCK_MONOTONIC */

#endif
