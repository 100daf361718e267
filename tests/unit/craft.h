/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs byte by byte: of other versions, or with numbers that lie. */
#ifndef SPICETAP_TEST_CRAFT_H
#define SPICETAP_TEST_CRAFT_H

#include "fake.h"
#include <zlib.h>

struct craft {
    uint16_t major, minor;
    const char *json;
    const uint8_t *raw;
    uint32_t raw_size, events;
    uint32_t say_raw, say_payload; /* lies, if not 0 */
};

static inline size_t pack(uint8_t *to, const void *data, size_t size)
{
    uLongf length = 1 << 20;

    assert_int_equal(compress2(to, &length, data, size, 9), Z_OK);
    return length;
}

static inline const char *craft(const struct craft *c)
{
    uint8_t *file = calloc(1, 2 << 20), *p = file;
    const char *path = fake_path("crafted.tap");
    size_t packed = pack(p + TAP_HEADER_SIZE, c->json, strlen(c->json));

    memcpy(p, TAP_MAGIC, 8);
    put_le(p + 8, c->major, 2);
    put_le(p + 10, c->minor, 2);
    put_le(p + 12, packed, 4);
    put_le(p + 16, strlen(c->json), 4);
    put_le(p + 20, tap_crc(p + TAP_HEADER_SIZE, packed), 4);
    put_le(p + 28, tap_crc(p, 28), 4);
    p += TAP_HEADER_SIZE + packed;
    packed = pack(p + TAP_CHUNK_SIZE, c->raw, c->raw_size);
    memcpy(p, TAP_CHUNK_MARK, 4);
    put_le(p + 4, c->say_payload ? c->say_payload : packed, 4);
    put_le(p + 8, c->say_raw ? c->say_raw : c->raw_size, 4);
    put_le(p + 12, c->events, 4);
    put_le(p + 16, 500, 8);
    put_le(p + 24, 600, 8);
    put_le(p + 48, tap_crc(p + TAP_CHUNK_SIZE, packed), 4);
    put_le(p + 52, tap_crc(p, 52), 4);
    fake_store(path, file, (size_t)(p - file) + TAP_CHUNK_SIZE + packed);
    free(file);
    return path;
}

#endif
