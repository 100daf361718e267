/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a chunk's inflated payload to events. Nothing in it is believed before it is checked. */
#ifndef SPICETAP_TAP_COLUMNS_H
#define SPICETAP_TAP_COLUMNS_H

#include "log/tap_format.h"

struct tap_decoder {
    const struct tap_desc *desc;                    /* must outlive the decoder */
    struct tap_kind_plan *by_number[TAP_MAX_KINDS]; /* the low numbers, found at once */
    struct tap_column *columns, **of_kind;          /* of_kind: by index in desc->plans */
    struct tap_memory memory;
};

/* 0 or -ENOMEM; tap_decoder_close() frees it in both cases. */
int tap_decoder_open(struct tap_decoder *d, const struct tap_desc *desc);
void tap_decoder_close(struct tap_decoder *d);
/* Decodes h->events events of `raw` (h->raw bytes) into `out`. -EBADMSG: damaged. */
int tap_decode(struct tap_decoder *d, const struct tap_chunk_header *h, const uint8_t *raw,
               struct tap_event *out);

/* How the log describes a kind; NULL: it does not. */
static inline struct tap_kind_plan *tap_decoder_plan(const struct tap_decoder *d, uint64_t number)
{
    if (number < TAP_MAX_KINDS)
        return d->by_number[number];
    return number <= UINT16_MAX ? tap_desc_plan(d->desc, (unsigned)number) : NULL;
}

#endif
