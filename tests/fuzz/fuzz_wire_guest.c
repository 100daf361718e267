/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a guest sends, the frame parser and the reader of HELLO must not crash, and the parser
 * must account for each byte. The input arrives in pieces. In half of the inputs CRCs are
 * corrected, so that frames get through the parser.
 *
 * Ten million inputs: build/fuzz/fuzz_wire_guest -runs=10000000 -max_len=4096
 */
#include <stdlib.h>
#include <string.h>

#include "record/guest_hello.h"
#include "../../guest/wire.h"
#include "log/tap_format.h"

static struct wire_parser parser;

/* Corrects the CRCs wherever a frame could begin. */
static void mend(uint8_t *data, size_t size)
{
    for (size_t at = 0; at + WIRE_HEADER <= size; at++) {
        uint8_t *h = data + at;
        size_t length = get_le(h + WIRE_AT_LENGTH, 4);

        if (get_le(h, 4) != WIRE_MAGIC)
            continue;
        if (length <= size - at - WIRE_HEADER)
            put_le(h + WIRE_AT_PAYLOAD_CRC, tap_crc(h + WIRE_HEADER, length), 4);
        put_le(h + WIRE_AT_CRC, tap_crc(h, WIRE_AT_CRC), 4);
    }
}

static void look(const struct wire_frame *f, size_t *taken)
{
    json_t *hello;

    if (f->length > WIRE_MAX_PAYLOAD || f->payload < parser.data ||
        f->payload + f->length > parser.data + parser.end)
        abort();
    *taken += WIRE_HEADER + f->length;
    if (f->type == WIRE_HELLO && f->length > 16) {
        hello = guest_hello_parse(f->payload + 16, f->length - 16);
        if (hello && !json_string_length(json_object_get(hello, "boot_id")))
            abort();
        json_decref(hello);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = size > 1 ? malloc(size - 1) : NULL;
    size_t taken = 0, piece;

    if (!copy)
        return 0;
    memcpy(copy, data + 1, --size);
    if (data[0] & 1)
        mend(copy, size);
    piece = 1 + (data[0] >> 1) * 8;
    parser.start = parser.end = 0;
    parser.skipped = 0;
    for (size_t at = 0; at < size; at += piece) {
        size_t room, n = size - at < piece ? size - at : piece;
        uint8_t *to = wire_parser_room(&parser, &room);
        struct wire_frame f;

        if (room < n)
            abort();
        memcpy(to, copy + at, n);
        wire_parser_filled(&parser, n);
        while (wire_parser_next(&parser, &f))
            look(&f, &taken);
    }
    if (taken + parser.skipped + (parser.end - parser.start) != size)
        abort(); /* each byte is in a frame, skipped, or still waiting */
    json_decref(guest_hello_parse(copy, size));
    free(copy);
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return wire_parser_open(&parser);
}
