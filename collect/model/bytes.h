/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What spice-server gave to the clients' sockets, and what became smaller on the way there. */
#ifndef SPICETAP_BYTES_H
#define SPICETAP_BYTES_H

#include "model/displays.h"

enum {
    BYTES_CHANNELS = 16, /* those of larger numbers count as channel 0 */
    BYTES_VALUES = 256,  /* of an enum; larger values count as the last one */
};

/* Bytes: `raw` before compression, `sent` after it. */
struct byte_sum {
    uint64_t count, raw, sent;
};

struct model_bytes {
    /* Messages: of frames, of drawings, and the rest by channel. */
    struct byte_sum stream_data, drawing, channels[BYTES_CHANNELS];
    struct byte_sum images[BYTES_VALUES];  /* by image_type */
    struct byte_sum encoded[BYTES_VALUES]; /* frames, by codec */
    uint64_t last_sent[MODEL_DISPLAYS];    /* by slot: last message on the display's channel, ns */
};

static inline void byte_sum_add(struct byte_sum *b, uint64_t raw, uint64_t sent)
{
    b->count++;
    b->raw += raw;
    b->sent += sent;
}

/* An event of spice-server, as the built-in table has it. */
void bytes_add(struct model_bytes *b, const struct tap_event *ev);
/* A message on the channel of the display in that slot. */
void bytes_sent_to(struct model_bytes *b, unsigned slot, const struct tap_event *ev);

#endif
