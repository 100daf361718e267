/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tap_open.c and tap_read.c share; nothing else includes it. */
#ifndef SPICETAP_TAP_READER_H
#define SPICETAP_TAP_READER_H

#include "log/tap_columns.h"
#include "log/tap_known.h"

enum { NOTHING = -1 };

/* What the reader found missing. */
struct missing {
    struct tap_event event; /* the loss, to be given before the events of the chunk behind it */
    uint64_t from, to;
    bool due;
};

struct tap_reader {
    int fd;
    unsigned minor;
    struct tap_desc desc;
    struct tap_decoder decoder;
    struct tap_translation *known; /* by index in desc.plans */
    int loss, log_end;             /* what the log calls EV_loss and EV_log_end; NOTHING */
    uint64_t position, last_time, before, lost;
    uint64_t from, to;   /* span of the loss given last */
    uint64_t passed;     /* events of the chunks so far, read or missing; without log_end */
    uint32_t next_chunk; /* the number it should have */
    int skipped;    /* bytes before this position could not be read: the loss_reason, NOTHING */
    bool explained; /* ... and a loss stands for them already */
    bool recovered, missed, growing, unended, ended, finished, expects;
    struct tap_end expected;
    struct missing missing;
    size_t count, next; /* events of the chunk */
    struct tap_event *event;
    size_t room; /* events */
    uint8_t *payload, *raw;
    size_t payload_room, raw_room;
    struct libdeflate_decompressor *inflater;
};

/* Makes a buffer as large as `size`: 0 or -ENOMEM. */
int tap_make_room(uint8_t **buffer, size_t *room, size_t size);
/* Reads up to `length` bytes at r->position: how many there are, or <0. */
ssize_t tap_read_all(struct tap_reader *r, uint8_t *to, size_t length);
/* Reads `packed` bytes at r->position, checks them, and inflates them to exactly `raw` bytes.
 * -ENODATA: the file ends before; -EBADMSG: damaged. */
int tap_read_packed(struct tap_reader *r, size_t packed, uint32_t crc, size_t raw);

#endif
