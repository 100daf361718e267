/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Within the guest's port: guest_port.c has the socket, guest_session.c what comes out of it. */
#ifndef SPICETAP_GUEST_SESSION_H
#define SPICETAP_GUEST_SESSION_H

#include <time.h>

#include "record/guest_port.h"
#include "guest/wire.h"
#include "log/tap_format.h"

enum { GUEST_PINGS = 64 };

struct guest_ping {
    uint64_t id, sent;
};

/* One boot of the guest. */
struct guest_log {
    char name[64];
    struct tap_writer *log;
    json_t *hello; /* the latest */
    uint64_t last; /* the latest time in it */
    unsigned sessions;
};

/* Losses are told once a second. */
struct guest_told {
    uint64_t count;
    bool any;
};

struct guest_port {
    char *path, *name;
    int folder, fd, connect_error;
    struct bundle_writer *bundle;
    struct wire_parser parser;
    uint64_t now, next_connect, next_start, next_ping, next_tick, next_second; /* host, ns */
    uint64_t nonce, asked; /* START's, and when it was first sent; asked 0: not yet */
    uint32_t sent;         /* frames */
    struct guest_ping pings[GUEST_PINGS];
    uint64_t ping_id, session_pings;
    uint64_t received; /* when the bytes being looked at came */

    bool session, stopping;
    uint64_t heard;                   /* the last good frame of the session */
    uint64_t began;                   /* guest time of HELLO */
    uint64_t anchor_guest, anchor_at; /* the guest's clock showed that at this host time or later */
    uint64_t session_last, pong_last; /* latest guest times */
    uint64_t astray;                  /* since when all times have been refused; 0: they are not */
    uint32_t sequence;

    struct guest_log logs[GUEST_LOGS];
    unsigned log_count; /* the last one is the session's */
    double may_bytes, may_events;
    uint64_t refilled, tick_bytes;

    uint64_t bytes, events, sessions, pongs, agent_lost, strangers, flood_bytes;
    uint64_t events_at_tick;
    uint64_t refused[REFUSALS], bad_frames;
    struct guest_told refused_told, flood_told;
    int error;
};

static inline uint64_t guest_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void session_frame(struct guest_port *g, const struct wire_frame *f);
void session_nonsense(struct guest_port *g); /* after parsing: what the parser passed over */
void session_flood(struct guest_port *g, size_t bytes);
void session_gone(struct guest_port *g);
bool session_astray(const struct guest_port *g); /* its times make no sense any more: ask anew */
void session_tick(struct guest_port *g);
void session_say(const struct guest_port *g, char *text, size_t size);
void session_end(struct guest_port *g, uint64_t *bytes);
void session_free(struct guest_port *g);

#endif
