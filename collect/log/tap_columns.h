/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a chunk's inflated payload to events. Nothing in it is believed before it is checked. */
#ifndef SPICETAP_TAP_COLUMNS_H
#define SPICETAP_TAP_COLUMNS_H

#include "log/tap_predict.h"

struct tap_decoder {
    const struct tap_desc *desc;           /* must outlive the decoder */
    struct tap_column *columns, **of_kind; /* of_kind: by index in desc->plans */
    struct tap_predictor predictor;
};

/* 0 or -ENOMEM; tap_decoder_close() frees it in both cases. */
int tap_decoder_open(struct tap_decoder *d, const struct tap_desc *desc);
void tap_decoder_close(struct tap_decoder *d);
/* Decodes h->events events of `raw` (h->raw bytes) into `out`. -EBADMSG: damaged. */
int tap_decode(struct tap_decoder *d, const struct tap_chunk_header *h, const uint8_t *raw,
               struct tap_event *out);

#endif
