/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's end of the guest's port (guest/wire.h): QEMU's unix socket, the agent behind it,
 * and its events into guest.tap. Each byte is taken for hostile. What is refused is counted in
 * run.json's `guest` and stands in the log as a loss; nothing here can fail but for the log itself.
 */
#ifndef SPICETAP_GUEST_PORT_H
#define SPICETAP_GUEST_PORT_H

#include "run/bundle.h"

/* What one guest may cost the host, whatever it sends. */
enum guest_limits {
    /* A busy desktop makes some thousand events a second; a core writes about a million. */
    GUEST_EVENTS_A_SECOND = 100000,
    /* Those events take 32 to 80 bytes each. Beyond this, data is read and thrown away. */
    GUEST_BYTES_A_SECOND = 8 << 20,
    GUEST_BURST_SECONDS = 2, /* a guest that stood still sends what it had collected */
    /* Beyond this nothing is read before the next tick of 50 ms: QEMU then takes no more from the
     * guest, whose agent counts what it has to drop. */
    GUEST_BYTES_A_TICK = 1 << 20,
    GUEST_LOGS = 8, /* boots in one recording; the events of further ones are refused */
};

enum guest_refusal {
    REFUSED_FRAME,     /* a header or payload with a wrong CRC, version, length */
    REFUSED_TYPE,      /* of frame */
    REFUSED_LENGTH,    /* a frame or a record cut short */
    REFUSED_HELLO,     /* cannot be read */
    REFUSED_KIND,      /* not a guest's kind of event, or not its number of values */
    REFUSED_VALUE,     /* out of its field's range */
    REFUSED_TIME,      /* before the session, in the future, or running backwards */
    REFUSED_PONG,      /* nobody asked */
    REFUSED_SEQUENCE,  /* frames are missing */
    REFUSED_BOOTS,     /* more than GUEST_LOGS */
    REFUSED_FLOOD,     /* events beyond the limit */
    REFUSED_FLOOD_MIB, /* data beyond the limit, in MiB */
    REFUSALS
};

struct guest_port;

/* Connects to the socket `path`, or will as soon as it can, and asks the agent to begin. */
int guest_port_open(struct guest_port **out, const char *path);
/* From here on events are taken. `bundle` outlives the port. */
void guest_port_begin(struct guest_port *g, struct bundle_writer *bundle);
/* What to poll for POLLIN; -1: nothing now. */
int guest_port_fd(const struct guest_port *g);
/* How long poll may wait at most, ms. */
int guest_port_timeout(const struct guest_port *g, int most);
/* Reads, answers, asks: at every turn of the caller's loop. <0: the log cannot be written. */
int guest_port_run(struct guest_port *g);
bool guest_port_agent(const struct guest_port *g); /* it has answered */
/* A sentence for the user: what there is, and what to do if that is nothing. */
void guest_port_say(const struct guest_port *g, char *text, size_t size);
uint64_t guest_port_events(const struct guest_port *g);
uint64_t guest_port_lost(const struct guest_port *g); /* refused, or given up by the agent */
/* Tells the agent to stop, takes what it still sends, closes the logs, and leaves `guest` in the
 * bundle's run.json: bytes written to the logs in *bytes. <0: a log could not be written. */
int guest_port_end(struct guest_port *g, uint64_t *bytes);
void guest_port_close(struct guest_port *g);

#endif
