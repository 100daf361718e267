/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How spice-server paces the video of each client: what it takes the link for (net test, first bit
 * rates), what its encoders aim at, the frames that they skip, and the playback delay that they ask
 * for and that the client is ordered. Times and spans are ns, rates bit/s.
 *
 * A client is named by an address, which the server uses again: a first ping begins a new client.
 */
#ifndef SPICETAP_PACING_H
#define SPICETAP_PACING_H

#include "base/bounded.h"
#include "model/streams.h"

enum {
    PACED_CLIENTS = 16,
    PACED_STREAMS = 64, /* of a client at one time: NUM_STREAMS is 50 a display */
    PACED_WORDS = 8,    /* of an enum of events.def that is used here */
};

/* What a client begins with: MM_TIME_DELTA in spice-server's reds-private.h */
#define PACED_DELAY (400 * NS_PER_MS)

/* What an encoder asked for. */
struct paced_ask {
    uint64_t at, asked, rate, roundtrip;
    uint64_t frame; /* bytes of the last frame that was encoded for it; 0: none was seen */
};

/* A stream as one client gets it. */
struct paced_stream {
    uint32_t display, number;
    uint32_t id; /* of its model_stream, at its last ask; 0: not known */
    bool began;  /* its first rate is in the recording */
    uint64_t began_at, all, share, rate;
    unsigned origin; /* first_rate */
    uint64_t lowered[PACED_WORDS];
    uint64_t frame;
    struct paced_ask asks[2]; /* the last, and the one before */
};

struct paced_client {
    uint64_t address;
    uint32_t id; /* 1, 2... in order of appearance */
    /* The net test: round trips by net_test_step; `verdict` is the last ping's, if it came. */
    uint64_t roundtrips[PACED_WORDS], latency, net_rate, tested_at;
    uint64_t pings[PACED_WORDS];
    unsigned verdict;
    bool tested;
    /* What its streams began with, by first_rate; the first of them in the recording. */
    uint64_t origins[PACED_WORDS];
    uint64_t first_at, first_all, first_share;
    unsigned first_origin;
    uint64_t lowered, raised;  /* how often an encoder changed its bit rate */
    uint64_t least;            /* the lowest bit rate of an encoder; 0: none is known */
    uint64_t encoded, skipped; /* frames; skipped: by the encoder, to keep its bit rate */
    /* The delay. */
    uint64_t asks, asked, asked_at;   /* how often; the longest */
    uint64_t orders[PACED_WORDS];     /* by delay_verdict */
    uint64_t passed_on, passed_on_at; /* the longest that the client was told */
    uint64_t holds, holds_at;         /* the longest that was in force */
    /* A need above what the client has that it was not told of, since the server counts a longer
     * delay, of another client before it. */
    uint64_t owed, counted;
    bool needy_known;          /* `needy` is the stream whose need was passed on then */
    struct paced_stream needy; /* as it was */
    struct paced_ask need;     /* its ask */
    struct paced_stream streams[PACED_STREAMS];
    struct bounded running; /* of `streams` */
};

struct model_pacing {
    struct paced_client clients[PACED_CLIENTS];
    struct bounded kept;
    uint64_t resets;                   /* of the delay, for all clients */
    const struct model_streams *lives; /* only read */
};

void pacing_init(struct model_pacing *p, const struct model_streams *lives);
void pacing_add(struct model_pacing *p, const struct tap_event *ev);
/* The client with the most frames, then the first; NULL: none. */
const struct paced_client *pacing_main(const struct model_pacing *p);
/* The client that was ordered the longest delay; NULL: no order is in the recording. */
const struct paced_client *pacing_put_off(const struct model_pacing *p);
/* Streams of clients that did not fit a client's table. */
uint64_t pacing_streams_over(const struct model_pacing *p);
/* How long a frame takes at the bit rate; 0: one of the two is unknown. */
uint64_t pacing_frame_time(const struct paced_ask *a);

#endif
