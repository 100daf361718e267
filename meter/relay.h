/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The relay between the SPICE session and the server: one connection per channel, each with two
 * threads that read, count and pass on. The relay does TLS with the server, and none with the
 * session, whose end is a private socketpair. File descriptors that a server sends on a unix socket
 * (GL scanouts) are not passed on.
 */
#ifndef SPICETAP_RELAY_H
#define SPICETAP_RELAY_H

#include <pthread.h>
#include <stdint.h>

#include "count.h"
#include "event/link_spec.h"
#include "target.h"

enum relay_fault {
    RELAY_OK,
    RELAY_NO_SERVER,   /* no connection */
    RELAY_TLS,         /* the server does not do TLS, or its certificate is refused */
    RELAY_NO_SPICE,    /* the server does not speak SPICE */
    RELAY_SERVER_GONE, /* the server closed a connection before the session did */
};

struct relay;

/* `rate`: limit in bytes a second from the server, for all channels together; 0: none. `link`:
 * played between the session and the server, for all channels together; its rate 0: none. `lock`
 * guards `counts`. Both and `target` must outlive the relay. NULL: no memory. */
struct relay *relay_new(const struct target *target, uint64_t rate, const struct link_spec *link,
                        struct counts *counts, pthread_mutex_t *lock);
/* A socket for one channel of the session, which then owns it; or negative errno. The relay
 * connects to the server in the background; relay_fault() reports a failure. */
int relay_channel(struct relay *r);
/* The first failure, and the text for the user. RELAY_OK: none, and an empty text. */
enum relay_fault relay_fault(struct relay *r, char *text, size_t size);
/* Ends all connections and waits for the threads. relay_free() does it too. */
void relay_stop(struct relay *r);
void relay_free(struct relay *r);

uint64_t relay_now(void); /* ns, CLOCK_MONOTONIC */

#endif
