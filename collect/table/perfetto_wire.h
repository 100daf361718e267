/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocol buffers' encoding: fields, one behind the other. */
#ifndef SPICETAP_PERFETTO_WIRE_H
#define SPICETAP_PERFETTO_WIRE_H

#include <stddef.h>
#include <stdint.h>

enum pack_wire { WIRE_VARINT, WIRE_FIXED64, WIRE_BYTES };

#define PACK_TAG(field, wire) ((uint32_t)(field) << 3 | (wire))

enum { PACK_VARINT = 10 }; /* bytes at most */

static inline uint8_t *pack_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)v | 0x80;
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *pack_number(uint8_t *p, uint32_t field, uint64_t v)
{
    return pack_varint(pack_varint(p, PACK_TAG(field, WIRE_VARINT)), v);
}

static inline uint8_t *pack_fixed64(uint8_t *p, uint32_t field, uint64_t v)
{
    p = pack_varint(p, PACK_TAG(field, WIRE_FIXED64));
    for (int i = 0; i < 8; i++)
        *p++ = (uint8_t)(v >> 8 * i);
    return p;
}

#endif
