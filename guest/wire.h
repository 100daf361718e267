/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The protocol on the virtio-serial port between spicetap-guest and the recorder, as
 * docs/dev/guest-protocol.md describes it. Both sides use this file. Numbers are little-endian.
 *
 * The recorder begins with START; before it the agent traces and sends nothing. The agent answers
 * with HELLO, which repeats START's nonce, and sends until STOP or until the host disconnects. A
 * side that receives damaged bytes skips to the next good frame.
 */
#ifndef SPICETAP_WIRE_H
#define SPICETAP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_PORT    "org.spicetap.0"     /* /dev/virtio-ports/... in the guest */
#define WIRE_MAGIC   UINT32_C(0x50415453) /* "STAP" */
#define WIRE_VERSION 1

enum wire_limits {
    WIRE_HEADER = 24,
    WIRE_MAX_PAYLOAD = 1 << 16,
};

/* The header: offsets. The CRCs are zlib's crc32. */
enum wire_header {
    WIRE_AT_MAGIC = 0,        /* u32 */
    WIRE_AT_VERSION = 4,      /* u8 */
    WIRE_AT_TYPE = 5,         /* u8 */
    WIRE_AT_FLAGS = 6,        /* u16, 0 */
    WIRE_AT_LENGTH = 8,       /* u32, of the payload */
    WIRE_AT_SEQUENCE = 12,    /* u32, 0 for HELLO, one more for each frame after it */
    WIRE_AT_PAYLOAD_CRC = 16, /* u32 */
    WIRE_AT_CRC = 20,         /* u32, of the 20 bytes before it */
};

enum wire_type {
    /* guest to host */
    WIRE_HELLO = 1,  /* u64 nonce of START, u64 guest time, then the JSON below */
    WIRE_EVENTS = 2, /* records: u16 kind, u16 slots, u32 tid, u64 time, u64 values[slots] */
    WIRE_PONG = 3,   /* u64 id of the PING, u64 guest time */
    WIRE_LOSS = 4,   /* u64 guest time, u64 count, u16 loss_reason, u16 0, u32 0 */
    WIRE_BYE = 5,    /* u64 guest time: the agent stops */
    /* host to guest */
    WIRE_START = 16, /* u64 nonce */
    WIRE_PING = 17,  /* u64 id */
    WIRE_STOP = 18,  /* no payload */
};

/*
 * HELLO's JSON: {"agent": version, "boot_id": "...", "kernel": "5.10.0-...", "machine": "x86_64",
 *  "distribution": "...", "drivers": ["qxl"], "attached": ["guest_alloc", ...],
 *  "missing": [{"name": "guest_bo", "why": "..."}],
 *  "memory": [{"domain": "vram", "total": bytes}, ...], "cpus": 1}
 * Times are the guest's CLOCK_MONOTONIC in ns, kinds and slots those of bpf/events.def.
 */

/* ---- frames, for both sides (wire.c) --------------------------------------------------
 *
 * The parser trusts nothing: it skips bytes that are no frame, uses fixed memory, and takes time in
 * proportion to the number of bytes.
 */

struct wire_frame {
    uint8_t type;
    uint32_t length, sequence;
    const uint8_t *payload; /* valid until the next call of wire_parser_room() */
};

struct wire_parser {
    uint8_t *data;
    size_t start, end;
    uint64_t credit;       /* bytes whose CRC may still be computed a second time */
    uint64_t skipped;      /* bytes that were no part of a good frame */
    uint64_t bad_headers;  /* a magic with a wrong CRC, version, flags or length */
    uint64_t bad_payloads; /* a good header whose payload has a wrong CRC */
};

int wire_parser_open(struct wire_parser *p); /* 0 or -ENOMEM */
void wire_parser_close(struct wire_parser *p);
/* Where to put received bytes, and how many may be put there: a frame of the largest size fits.
 * wire_parser_filled() says how many were put. */
uint8_t *wire_parser_room(struct wire_parser *p, size_t *room);
void wire_parser_filled(struct wire_parser *p, size_t bytes);
/* Takes the next good frame. False: it needs more bytes. */
bool wire_parser_next(struct wire_parser *p, struct wire_frame *frame);
/* Drops the bytes that it holds. */
void wire_parser_reset(struct wire_parser *p);

/* Writes a frame into `out`, which has WIRE_HEADER + length bytes, and returns that number. */
size_t wire_frame_make(uint8_t *out, enum wire_type type, uint32_t sequence, const void *payload,
                       size_t length);

#endif
