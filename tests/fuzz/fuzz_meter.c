/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatever a server sends, cutting and counting it must not crash. Byte 0 selects the channel, the
 * headers, and whether the link is done already. Byte 1 selects the pieces that the rest arrives
 * in. A long run: scripts/fuzz.sh run build/fuzz/fuzz_meter 3600, or with -runs=10000000 directly.
 */
#include <string.h>

#include "../../meter/count.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct counts c = {0};
    struct count_channel *ch = count_open(&c);
    size_t piece;

    if (size < 2 || !ch) {
        counts_free(&c);
        return 0;
    }
    ch->type = data[0] & 0x40 ? CHANNEL_main : CHANNEL_display;
    if (!(data[0] & 0x80)) { /* otherwise the link is fuzzed too */
        ch->wire.state = WIRE_MESSAGES;
        ch->wire.mini = data[0] & 1;
    } else {
        count_client(ch, data + 2, (size - 2) / 2, 1);
        ch->type = CHANNEL_display;
    }
    piece = data[1] ? data[1] : 1 << 16;
    for (size_t at = 2; at < size; at += piece)
        count_server(ch, data + at, size - at < piece ? size - at : piece, (int64_t)at * 1000000);
    for (size_t at = 2; at + 16 <= size && at < 258; at += 16) {
        struct wire_rect r;
        int64_t held;

        memcpy(&r, data + at, sizeof(r));
        count_picture(&c, ch->id, r, (int64_t)at * 2000000, &held);
    }
    count_close(ch, INT64_C(1) << 40);
    counts_free(&c);
    return 0;
}
