/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a chunk's events to its payload, before that is deflated. */
#ifndef SPICETAP_TAP_ENCODE_H
#define SPICETAP_TAP_ENCODE_H

#include "log/tap_predict.h"

enum { TAP_MOST_ENCODED = 200 }; /* bytes of an event */

struct tap_encoder {
    const struct tap_desc *desc; /* must outlive the encoder */
    size_t events;               /* of a chunk, at most */
    struct tap_predictor predictor;
    struct tap_event *event; /* the chunk's */
    size_t count;
    uint8_t *place;    /* beside each event: where its CODE_RECENT field is in the list */
    uint32_t *of_kind; /* indices of the events, kind by kind, each in order */
    uint32_t *end_of;  /* for each kind of desc: where its part of of_kind ends */
    uint8_t *column;
};

/* 0 or -ENOMEM; tap_encoder_close() frees it in both cases. */
int tap_encoder_open(struct tap_encoder *n, const struct tap_desc *desc, size_t events);
void tap_encoder_close(struct tap_encoder *n);
/* Sorts the events by time and writes their columns to `raw`: how many bytes. The events are used
 * up: predicted values are in place of their own. */
size_t tap_encode(struct tap_encoder *n, struct tap_event *event, size_t count, uint8_t *raw);

#endif
