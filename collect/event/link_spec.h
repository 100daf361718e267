/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A link between client and server, in words: RTT/RATE or RTT/RATE/QUEUE, such as 80ms/10mbit. */
#ifndef SPICETAP_LINK_SPEC_H
#define SPICETAP_LINK_SPEC_H

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LINK_SPEC_WORDS                                                                            \
    "RTT/RATE or RTT/RATE/QUEUE, such as 80ms/10mbit/100ms (kbit or mbit, 8kbit or more; QUEUE: "  \
    "10ms or more)"

enum {
    LINK_MOST_MS = 9999,
    LINK_LEAST_QUEUE_MS = 10,
    LINK_QUEUE_MS = 20,      /* the default queue is no shorter */
    LINK_QUEUE_BYTES = 6000, /* no queue is smaller: four packets of an Ethernet */
};

/* Each direction has the rate, half of the RTT as its delay, and a queue of its own. */
struct link_spec {
    uint64_t rtt;   /* ns */
    uint64_t rate;  /* bytes a second; 0: there is no link */
    uint64_t queue; /* bytes that wait in front of the link at most */
};

/* Reads a number of seven digits at most and moves *text behind it. */
static inline bool link_spec_number(const char **text, uint64_t *number)
{
    const char *start = *text;

    for (*number = 0; isdigit((unsigned char)**text) && *text - start < 7; (*text)++)
        *number = *number * 10 + (uint64_t)(**text - '0');
    return *text > start;
}

static inline bool link_spec_ms(const char **text, uint64_t *ms)
{
    if (!link_spec_number(text, ms) || strncmp(*text, "ms", 2) != 0 || *ms > LINK_MOST_MS)
        return false;
    *text += 2;
    return true;
}

/* Bytes a second. */
static inline bool link_spec_rate(const char **text, uint64_t *rate)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"kbit", 125}, {"mbit", 125000}};

    if (!link_spec_number(text, rate))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strncmp(*text, units[i].name, 4) == 0) {
            *rate *= units[i].bytes;
            *text += 4;
            return *rate >= 1000 && *rate <= UINT64_C(12500000000);
        }
    return false;
}

/* False: `text` is no link; `spec` is then undefined. Without a QUEUE it is what is sent in one
 * RTT, and at least in LINK_QUEUE_MS. */
static inline bool link_spec_parse(struct link_spec *spec, const char *text)
{
    uint64_t rtt, queue;

    if (!link_spec_ms(&text, &rtt) || *text++ != '/' || !link_spec_rate(&text, &spec->rate))
        return false;
    queue = rtt > LINK_QUEUE_MS ? rtt : LINK_QUEUE_MS;
    if (*text == '/') {
        text++;
        if (!link_spec_ms(&text, &queue) || queue < LINK_LEAST_QUEUE_MS)
            return false;
    }
    spec->rtt = rtt * 1000000;
    spec->queue = spec->rate * queue / 1000;
    if (spec->queue < LINK_QUEUE_BYTES)
        spec->queue = LINK_QUEUE_BYTES;
    return !*text;
}

#endif
