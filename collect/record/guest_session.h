/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks what the guest's agent sends, and writes it to the log of the guest's boot. guest_port.c
 * owns the socket and calls this; only guest_session.c writes these fields. Times are ns: "host"
 * is CLOCK_MONOTONIC, "guest" is the guest's own clock.
 */
#ifndef SPICETAP_GUEST_SESSION_H
#define SPICETAP_GUEST_SESSION_H

#include "guest/wire.h"
#include "record/guest_budget.h"
#include "record/guest_limits.h"
#include "run/bundle.h"

enum { GUEST_PINGS = 64 }; /* unanswered pings to remember */

struct guest_ping {
    uint64_t id, sent; /* host */
};

/* One boot of the guest. */
struct guest_log {
    char name[64];
    struct tap_writer *log;
    json_t *hello; /* the latest */
    uint64_t last; /* guest: the latest time in it */
    unsigned sessions;
};

/* What was refused since the last loss record. */
struct guest_refused {
    uint64_t count; /* events */
    bool unknown;   /* and an unknown number more */
};

struct guest_session {
    struct bundle_writer *bundle;
    bool open;             /* the agent answered, and has not left */
    uint64_t now;          /* host */
    uint64_t received;     /* host: when the bytes that are being looked at came */
    uint64_t nonce, asked; /* START's; host: when it was first sent, 0: not yet */
    struct guest_ping pings[GUEST_PINGS];
    uint64_t ping_id;

    uint64_t heard;                   /* host: the session's last good frame */
    uint64_t began;                   /* guest: HELLO */
    uint64_t anchor_guest, anchor_at; /* the guest's clock showed that at this host time or later */
    uint64_t session_last, pong_last; /* guest: the latest times */
    uint64_t astray;                  /* host: since when every time is refused; 0: they are not */
    uint32_t sequence;

    struct guest_log logs[GUEST_LOGS];
    unsigned log_count; /* the last one is the session's */
    struct guest_budget budget;

    uint64_t events, sessions, pongs, agent_lost, strangers, flood_bytes, unknown;
    uint64_t next_second, events_at_second;
    uint64_t refused[REFUSALS], bad_frames;
    struct guest_refused bad, flood;
    int error; /* of a log; the first one */
};

void guest_session_now(struct guest_session *s, uint64_t now, uint64_t received);
/* START is sent now: its nonce. */
uint64_t guest_session_ask(struct guest_session *s, uint64_t now);
/* A ping is sent now: its id. */
uint64_t guest_session_ping(struct guest_session *s, uint64_t now);
void guest_session_frame(struct guest_session *s, const struct wire_frame *f);
/* `bad`: all frames the parser refused so far. */
void guest_session_nonsense(struct guest_session *s, uint64_t bad);
/* So many bytes were dropped unread. */
void guest_session_flood(struct guest_session *s, size_t bytes);
void guest_session_gone(struct guest_session *s);
/* Every time has been refused for a while: the session should be asked anew. */
bool guest_session_astray(const struct guest_session *s);
/* Writes losses and quiet chunks, once a second. */
void guest_session_tick(struct guest_session *s);
void guest_session_say(const struct guest_session *s, char *text, size_t size);
uint64_t guest_session_lost(const struct guest_session *s);
/* Closes the logs; their bytes. */
uint64_t guest_session_end(struct guest_session *s);
/* run.json's `guest`. `path`: the port's; `bytes`: received. The caller owns it. */
json_t *guest_session_about(const struct guest_session *s, const char *path, uint64_t bytes);
void guest_session_free(struct guest_session *s);

#endif
