/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes over the virtio-serial port between spicetap-guest and the recorder:
 * docs/dev/guest-protocol.md in numbers. All numbers are little-endian. Both sides use this file.
 *
 * The recorder speaks first. Nothing is traced in the guest, and nothing sent, until START came;
 * the agent answers HELLO with START's nonce, and sends until STOP or until the host has closed.
 * Either side that meets bytes it cannot read looks on for the next frame that it can.
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
    WIRE_AT_SEQUENCE = 12,    /* u32, counts the frames after HELLO, which is 0 */
    WIRE_AT_PAYLOAD_CRC = 16, /* u32 */
    WIRE_AT_CRC = 20,         /* u32, of the 20 bytes before */
};

enum wire_type {
    /* guest to host */
    WIRE_HELLO = 1,  /* u64 nonce of START, u64 guest time, then JSON: see below */
    WIRE_EVENTS = 2, /* records: u16 kind, u16 slots, u32 tid, u64 time, u64 values[slots] */
    WIRE_PONG = 3,   /* u64 id of the PING, u64 guest time */
    WIRE_LOSS = 4,   /* u64 guest time, u64 count, u16 loss_reason, u16 0, u32 0 */
    WIRE_BYE = 5,    /* u64 guest time: the agent stops */
    /* host to guest */
    WIRE_START = 16, /* u64 nonce */
    WIRE_PING = 17,  /* u64 id */
    WIRE_STOP = 18,  /* nothing */
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
 * Nothing in the bytes that come is believed: what is no frame is passed over, in fixed memory, and
 * in time that the number of bytes bounds.
 */

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

#endif
