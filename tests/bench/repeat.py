#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a long spice.tap of a short one, for measuring: it repeats the chunks with later times (all times in a chunk
are relative to its head: docs/dev/format.md). At each seam it leaves out a chunk's number: readers see a loss there,
and carry nothing that is open from one round into the next.

    tests/bench/repeat.py RUN/spice.tap OUT.tap TIMES
"""

import struct
import sys
import zlib

HEAD = "<4sIIIQQQIII"


def chunks(data, at):
    while at < len(data):
        head = struct.unpack_from(HEAD, data, at)
        if head[0] != b"\xf5TAP":
            raise SystemExit("not a whole log")
        yield head, data[at + 56:at + 56 + head[1]]
        at += 56 + head[1]


def main():
    source, target, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(source, "rb") as f:
        data = f.read()
    start = 32 + struct.unpack_from("<I", data, 12)[0]
    all_chunks = list(chunks(data, start))
    span = max(h[5] for h, _ in all_chunks) - all_chunks[0][0][4] + 1000000
    number = 0
    with open(target, "wb") as f:
        f.write(data[:start])
        for i in range(times):
            for h, payload in all_chunks:
                head = struct.pack("<4sIIIQQQIII", h[0], h[1], h[2], h[3], h[4] + i * span, h[5] + i * span,
                                   h[6], number, 0, h[9])
                f.write(head + struct.pack("<I", zlib.crc32(head)) + payload)
                number += 1
            number += 1


if __name__ == "__main__":
    main()
