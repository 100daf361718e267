/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of guest/wire.h: made, and found again in what the host sends. */
#include <string.h>
#include <zlib.h>

#include "agent.h"

static void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = value >> (8 * i);
    }
}

static uint32_t get_u32(const uint8_t *in)
{
    return in[0] | in[1] << 8 | in[2] << 16 | (uint32_t)in[3] << 24;
}

void put_u64(uint8_t *out, uint64_t value)
{
    put_u32(out, value);
    put_u32(out + 4, value >> 32);
}

uint64_t get_u64(const uint8_t *in)
{
    return get_u32(in) | (uint64_t)get_u32(in + 4) << 32;
}

size_t frame_encode(uint8_t *out, uint8_t type, uint32_t sequence, const void *payload,
                    uint32_t length)
{
    put_u32(out + WIRE_AT_MAGIC, WIRE_MAGIC);
    out[WIRE_AT_VERSION] = WIRE_VERSION;
    out[WIRE_AT_TYPE] = type;
    out[WIRE_AT_FLAGS] = out[WIRE_AT_FLAGS + 1] = 0;
    put_u32(out + WIRE_AT_LENGTH, length);
    put_u32(out + WIRE_AT_SEQUENCE, sequence);
    put_u32(out + WIRE_AT_PAYLOAD_CRC, crc32(0, length ? payload : (const void *)"", length));
    put_u32(out + WIRE_AT_CRC, crc32(0, out, WIRE_AT_CRC));
    if (length) {
        memcpy(out + WIRE_HEADER, payload, length);
    }
    return WIRE_HEADER + length;
}

/* Bytes of the frame that begins here: 0 if none does, more than `size` if the rest has to come. */
static size_t frame_at(const uint8_t *at, size_t size)
{
    uint32_t length;

    if (size < WIRE_HEADER) {
        return WIRE_HEADER;
    }
    length = get_u32(at + WIRE_AT_LENGTH);
    if (get_u32(at + WIRE_AT_MAGIC) != WIRE_MAGIC || at[WIRE_AT_VERSION] != WIRE_VERSION ||
        length > FRAME_MAX_IN || get_u32(at + WIRE_AT_CRC) != crc32(0, at, WIRE_AT_CRC)) {
        return 0;
    }
    if (size < WIRE_HEADER + length) {
        return WIRE_HEADER + length;
    }
    return get_u32(at + WIRE_AT_PAYLOAD_CRC) == crc32(0, at + WIRE_HEADER, length)
               ? WIRE_HEADER + length
               : 0;
}

/* What is in the buffer, up to a frame whose end has not come. */
static void parse(struct frame_parser *p, frame_fn *fn, void *context)
{
    size_t at = 0;

    while (at < p->length) {
        size_t size = frame_at(p->data + at, p->length - at);

        if (!size) {
            at++;
            p->passed_over++;
            continue;
        }
        if (size > p->length - at) {
            break;
        }
        fn(context, p->data[at + WIRE_AT_TYPE], p->data + at + WIRE_HEADER, size - WIRE_HEADER);
        at += size;
    }
    memmove(p->data, p->data + at, p->length - at);
    p->length -= at;
}

void frame_feed(struct frame_parser *p, const uint8_t *data, size_t length, frame_fn *fn,
                void *context)
{
    while (length) {
        size_t part = sizeof(p->data) - p->length;

        if (part > length) {
            part = length;
        }
        memcpy(p->data + p->length, data, part);
        p->length += part;
        data += part;
        length -= part;
        parse(p, fn, context);
    }
}
