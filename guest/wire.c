/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of the guest's port: makes them, and finds them in untrusted bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log/tap_format.h"
#include "wire.h"

enum {
    ROOM = 2 * (WIRE_HEADER + WIRE_MAX_PAYLOAD),
    /* A frame with a damaged payload can contain a good frame, so its payload is searched too. But
     * a series of headers with the largest length would cost a CRC over 64 KiB for each 24 bytes.
     * So each byte that arrives pays for CREDIT bytes of CRC. */
    CREDIT = 4,
    MAX_CREDIT = 1 << 20,
};

int wire_parser_open(struct wire_parser *p)
{
    *p = (struct wire_parser){.credit = MAX_CREDIT, .data = malloc(ROOM)};
    return p->data ? 0 : -ENOMEM;
}

void wire_parser_close(struct wire_parser *p)
{
    free(p->data);
    p->data = NULL;
}

void wire_parser_reset(struct wire_parser *p)
{
    p->skipped += p->end - p->start;
    p->start = p->end = 0;
}

uint8_t *wire_parser_room(struct wire_parser *p, size_t *room)
{
    memmove(p->data, p->data + p->start, p->end - p->start);
    p->end -= p->start;
    p->start = 0;
    *room = ROOM - p->end;
    return p->data + p->end;
}

void wire_parser_filled(struct wire_parser *p, size_t bytes)
{
    p->end += bytes;
    p->credit += CREDIT * bytes;
    if (p->credit > MAX_CREDIT)
        p->credit = MAX_CREDIT;
}

static void skip(struct wire_parser *p, size_t bytes)
{
    p->start += bytes;
    p->skipped += bytes;
}

/* Skips to the next magic. False: more bytes are needed to find one, or to have its header. */
static bool find_magic(struct wire_parser *p)
{
    uint8_t magic[4];

    put_le(magic, WIRE_MAGIC, 4);
    while (p->start < p->end) {
        size_t left = p->end - p->start, look;
        const uint8_t *at = memchr(p->data + p->start, magic[0], left);

        if (!at) {
            skip(p, left);
            return false;
        }
        skip(p, (size_t)(at - p->data) - p->start);
        left = p->end - p->start;
        look = left < 4 ? left : 4;
        if (!memcmp(at, magic, look))
            return left >= WIRE_HEADER;
        skip(p, 1);
    }
    return false;
}

static bool good_header(const uint8_t *h)
{
    return h[WIRE_AT_VERSION] == WIRE_VERSION && !get_le(h + WIRE_AT_FLAGS, 2) &&
           get_le(h + WIRE_AT_LENGTH, 4) <= WIRE_MAX_PAYLOAD &&
           get_le(h + WIRE_AT_CRC, 4) == tap_crc(h, WIRE_AT_CRC);
}

bool wire_parser_next(struct wire_parser *p, struct wire_frame *frame)
{
    while (find_magic(p)) {
        const uint8_t *h = p->data + p->start;
        size_t length = get_le(h + WIRE_AT_LENGTH, 4);

        if (!good_header(h)) {
            p->bad_headers++;
            skip(p, 4);
            continue;
        }
        if (p->end - p->start < WIRE_HEADER + length)
            return false;
        if (get_le(h + WIRE_AT_PAYLOAD_CRC, 4) != tap_crc(h + WIRE_HEADER, length)) {
            p->bad_payloads++;
            skip(p, p->credit >= length ? 4 : WIRE_HEADER + length);
            p->credit -= p->credit >= length ? length : p->credit;
            continue;
        }
        *frame = (struct wire_frame){.type = h[WIRE_AT_TYPE],
                                     .length = (uint32_t)length,
                                     .sequence = (uint32_t)get_le(h + WIRE_AT_SEQUENCE, 4),
                                     .payload = h + WIRE_HEADER};
        p->start += WIRE_HEADER + length;
        return true;
    }
    return false;
}

size_t wire_frame_make(uint8_t *out, enum wire_type type, uint32_t sequence, const void *payload,
                       size_t length)
{
    put_le(out + WIRE_AT_MAGIC, WIRE_MAGIC, 4);
    out[WIRE_AT_VERSION] = WIRE_VERSION;
    out[WIRE_AT_TYPE] = (uint8_t)type;
    put_le(out + WIRE_AT_FLAGS, 0, 2);
    put_le(out + WIRE_AT_LENGTH, length, 4);
    put_le(out + WIRE_AT_SEQUENCE, sequence, 4);
    put_le(out + WIRE_AT_PAYLOAD_CRC, tap_crc(payload, length), 4);
    put_le(out + WIRE_AT_CRC, tap_crc(out, WIRE_AT_CRC), 4);
    if (length)
        memcpy(out + WIRE_HEADER, payload, length);
    return WIRE_HEADER + length;
}
