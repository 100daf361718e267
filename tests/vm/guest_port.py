#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Talks to spicetap-guest over its port, without the recorder: written from docs/dev/guest-protocol.md alone.

    guest_port.py SOCKET [-t SECONDS] [--ping HZ] [--stop-reading SECONDS] [-o FILE]

HELLO, events (JSON lines, with names and fields from bpf/events.def) and losses go to stdout or FILE. A summary goes
to stderr: kinds and counts, bytes, round trip times of PING.
"""
import argparse
import collections
import contextlib
import json
import os
import re
import select
import socket
import statistics
import struct
import sys
import time
import zlib

HEADER = struct.Struct("<IBBHIIII")
MAGIC, VERSION = 0x50415453, 1
HELLO, EVENTS, PONG, LOSS, BYE, START, PING, STOP = 1, 2, 3, 4, 5, 16, 17, 18


def table():
    """kind -> (name, [(field, type)]) of the GUEST events."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bpf/events.def")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    kinds = {}
    for number, name, body in re.findall(r"EVENT\(GUEST, (\d+), (\w+),(.*?)\)\)\n", text, re.S):
        kinds[int(number)] = (name, [(f, t) for t, f in re.findall(r"F\(NOARG, (\w+), (\w+),", body)])
    return kinds


def frame(kind, payload, number=0):
    head = struct.pack("<IBBHIII", MAGIC, VERSION, kind, 0, len(payload), number, zlib.crc32(payload))
    return head + struct.pack("<I", zlib.crc32(head)) + payload


class Decoder:
    """Turns bytes into frames; counts and skips what is no frame."""

    def __init__(self):
        self.data, self.skipped, self.next, self.gaps = b"", 0, None, 0

    def feed(self, data):
        self.data += data
        while len(self.data) >= HEADER.size:
            magic, version, kind, _, length, number, pcrc, hcrc = HEADER.unpack_from(self.data)
            good = magic == MAGIC and version == VERSION and length <= 65536 and hcrc == zlib.crc32(self.data[:20])
            if good and len(self.data) < HEADER.size + length:
                return
            payload = self.data[HEADER.size:HEADER.size + length] if good else b""
            if not good or zlib.crc32(payload) != pcrc:
                at = self.data.find(b"STAP", 1)
                at = at if at > 0 else max(1, len(self.data) - 3)
                self.skipped += at
                self.data = self.data[at:]
                continue
            self.data = self.data[HEADER.size + length:]
            if kind == HELLO:
                self.next = 0
            if self.next is not None:
                self.gaps += number != self.next
                self.next = number + 1
            yield kind, payload


def decode_events(payload, kinds):
    at = 0
    while at < len(payload):
        kind, slots, tid, t = struct.unpack_from("<HHIQ", payload, at)
        values = struct.unpack_from(f"<{slots}Q", payload, at + 16)
        at += 16 + 8 * slots
        name, fields = kinds.get(kind, (f"kind_{kind}", [(f"v{i}", "U64") for i in range(slots)]))
        ev = {"t": t, "event": name, "tid": tid}
        for (field, type_), value in zip(fields, values, strict=False):
            ev[field] = value - (1 << 64) if type_[0] == "S" and value >> 63 else value
        yield ev


def err(*words):
    print(*words, file=sys.stderr)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("socket")
    p.add_argument("-t", type=float, default=10)
    p.add_argument("--ping", type=float, default=10, help="PINGs a second")
    p.add_argument("--stop-reading", type=float, default=0, help="read nothing for so long, in the middle")
    p.add_argument("-o", default="-")
    a = p.parse_args()
    with contextlib.nullcontext(sys.stdout) if a.o == "-" else open(a.o, "w", encoding="utf-8") as out:
        talk(a, out)


def talk(a, out):
    kinds, counts, lost = table(), collections.Counter(), collections.Counter()
    s = socket.socket(socket.AF_UNIX)
    s.connect(a.socket)
    decoder, nbytes, rtts, frames = Decoder(), 0, [], 0
    nonce = struct.pack("<Q", time.monotonic_ns())
    began, began_on = time.monotonic(), None
    s.sendall(frame(START, nonce))
    hello, end, ping_due, pings, pings_sent = None, None, None, {}, 0
    while end is None or time.monotonic() < end:
        now = time.monotonic()
        if hello is None and now - began > 120:
            sys.exit("no HELLO within 120 s")
        if hello is not None and a.stop_reading and now > began_on + a.t / 3:
            time.sleep(a.stop_reading)
            a.stop_reading = 0
            print("read nothing for a while", file=sys.stderr)
        if ping_due is not None and now >= ping_due and a.ping:
            ping_due = now + 1 / a.ping
            pings_sent += 1
            pings[pings_sent] = time.monotonic_ns()
            s.sendall(frame(PING, struct.pack("<Q", pings_sent)))
        if not select.select([s], [], [], 0.005)[0]:
            continue
        data = s.recv(65536)
        if not data:
            print("the port was closed", file=sys.stderr)
            break
        nbytes += len(data)
        for kind, payload in decoder.feed(data):
            frames += 1
            if kind == HELLO:
                if payload[:8] != nonce:
                    continue
                hello = json.loads(payload[16:])
                began_on = time.monotonic()
                print(json.dumps({"hello": hello, "t": struct.unpack_from("<Q", payload, 8)[0]}), file=out)
                print(f"HELLO after {began_on - began:.3f} s", file=sys.stderr)
                end, ping_due = began_on + a.t, began_on
            elif kind == EVENTS:
                for ev in decode_events(payload, kinds):
                    counts[ev["event"]] += 1
                    print(json.dumps(ev), file=out)
            elif kind == PONG:
                number, t = struct.unpack("<QQ", payload)
                if number in pings:
                    got = time.monotonic_ns()
                    rtts.append((got - pings.pop(number)) / 1e3)
            elif kind == LOSS:
                t, count, reason = struct.unpack_from("<QQH", payload)
                lost[reason] += count
                print(json.dumps({"t": t, "loss": count, "reason": reason}), file=out)
            elif kind == BYE:
                print("BYE", file=sys.stderr)
    s.sendall(frame(STOP, b""))
    s.close()
    rtts.sort()
    err("events:", sum(counts.values()), dict(counts))
    err("lost by reason:", dict(lost), "frames:", frames, "bytes:", nbytes, "skipped:", decoder.skipped,
        "gaps:", decoder.gaps)
    if rtts:
        middle, late = statistics.median(rtts), rtts[int(len(rtts) * 0.95)]
        err(f"PING round trip us: min {rtts[0]:.0f} median {middle:.0f} p95 {late:.0f} max {rtts[-1]:.0f}, "
            f"{len(rtts)} of {pings_sent} answered")


if __name__ == "__main__":
    main()
