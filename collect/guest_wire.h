/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes of a guest's port into frames (guest/wire.h). Nothing in them is believed: what is not a
 * frame is passed over, in fixed memory, and in time that the number of bytes bounds.
 */
#ifndef SPICETAP_GUEST_WIRE_H
#define SPICETAP_GUEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "../guest/wire.h"

struct wire_frame {
    uint8_t type;
    uint32_t length, sequence;
    const uint8_t *payload; /* until more bytes are put in */
};

struct wire_parser {
    uint8_t *data;
    size_t start, end;
    uint64_t credit;       /* bytes that may be looked at again */
    uint64_t skipped;      /* bytes that were no part of a frame */
    uint64_t bad_headers;  /* began like one: wrong CRC, version, flags or length */
    uint64_t bad_payloads; /* wrong CRC */
};

int wire_parser_open(struct wire_parser *p); /* -ENOMEM */
void wire_parser_close(struct wire_parser *p);
/* Where to read to; at least a frame of the largest size fits behind what is left. */
uint8_t *wire_parser_room(struct wire_parser *p, size_t *room);
void wire_parser_filled(struct wire_parser *p, size_t bytes);
bool wire_parser_next(struct wire_parser *p, struct wire_frame *frame); /* false: needs more */
void wire_parser_reset(struct wire_parser *p);                          /* forgets what it holds */

/* A frame to send, into `out` of WIRE_HEADER + length bytes: how many those are. */
size_t wire_frame_make(uint8_t *out, enum wire_type type, uint32_t sequence, const void *payload,
                       size_t length);

/* HELLO's JSON, only what guest/wire.h names, cut to size and without control characters. NULL: it
 * is not that. The caller owns it. */
json_t *guest_hello_parse(const uint8_t *json, size_t length);

#endif
