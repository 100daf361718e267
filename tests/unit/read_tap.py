#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A second reader of .tap logs, written from docs/dev/format.md alone. It prints what `spicetap export LOG
--format jsonl` prints. It stops at damage."""
import json
import struct
import sys
import zlib

MASK = (1 << 64) - 1
SIGNED = {"s32", "s64"}


class Column:
    """One column of a chunk: varints; zeros follow its end."""

    def __init__(self, data):
        self.data, self.at, self.before = data, 0, 0

    def varint(self):
        value = shift = 0
        if self.at == len(self.data):
            return 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def value(self, expected=None):
        stored = self.varint()
        difference = stored >> 1 ^ -(stored & 1)
        self.before = ((self.before if expected is None else expected) + difference) & MASK
        return self.before


def signed(value, bits=64):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def read_header(f):
    head = f.read(32)
    magic, major, _minor, packed, raw, crc, _, head_crc = struct.unpack("<8sHHIIIII", head)
    assert magic == b"SPICETAP" and major == 1 and zlib.crc32(head[:28]) == head_crc
    data = f.read(packed)
    assert zlib.crc32(data) == crc
    text = zlib.decompress(data)
    assert len(text) == raw
    return json.loads(text)


def read_chunks(f):
    while head := f.read(56):
        mark, packed, raw, events, first, _last, _lost, _number, _, crc, head_crc = struct.unpack(
            "<4sIIIQQQIIII", head)
        assert mark == b"\xf5TAP" and zlib.crc32(head[:52]) == head_crc
        data = f.read(packed)
        assert zlib.crc32(data) == crc
        payload = zlib.decompress(data)
        assert len(payload) == raw
        yield events, first, payload


def split(payload):
    """The columns of a payload; each has its length before it."""
    columns = Column(payload)
    while columns.at < len(payload):
        length = columns.varint()
        yield Column(payload[columns.at:columns.at + length])
        columns.at += length


def read_field(field, columns, event, time, memory):
    own = [next(columns) for _ in range(field.get("columns", 4 if field["type"] == "rect" else 1))]
    if field["type"] == "rect":
        left, top, width, height = (column.value() for column in own)
        return [signed(v, 32) for v in (left, top, left + width, top + height)]
    code, by = field.get("code", "delta"), event.get(field.get("by"))
    expected = {"time": time, "by": memory.get(by, 0)}.get(code)
    value = own[0].value(expected)
    if by is not None:
        memory[by] = value
    return value


def show(field, value, enums):
    meaning = field["meaning"]
    if field["type"] == "rect":
        return value
    if meaning in enums:
        names = {v["value"]: v["name"] for v in enums[meaning]}
        return names.get(signed(value), signed(value))
    if meaning == "hex":
        return hex(value)
    if meaning == "flag":
        return bool(value)
    return signed(value) if field["type"] in SIGNED else value


def read_chunk(description, kinds, events, first, payload):
    columns = split(payload)
    order, times = next(columns), next(columns)
    order = [order.varint() for _ in range(events)]
    times.before = first
    own = {number: [next(columns) for _ in range(1 + sum(f["columns"] for f in kinds[number]["fields"]))]
           for number in sorted(set(order))}
    memory = {}
    for number in order:
        kind, time = kinds[number], times.value()
        fields = iter(own[number])
        line = {"t": time, "source": description["source"], "event": kind["name"],
                "tid": next(fields).value()}
        event = {}
        for field in kind["fields"]:
            event[field["name"]] = read_field(field, fields, event, time, memory)
            line[field["name"]] = show(field, event[field["name"]], description["enums"])
        print(json.dumps(line, separators=(",", ":")))


def main():
    with open(sys.argv[1], "rb") as f:
        description = read_header(f)
        kinds = {kind["number"]: kind for kind in description["kinds"]}
        for chunk in read_chunks(f):
            read_chunk(description, kinds, *chunk)


main()
