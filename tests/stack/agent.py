# SPDX-License-Identifier: GPL-2.0-or-later
"""Stands for QEMU's chardev and the agent behind it, where a real one does not do what a test needs: an agent that
lies, and one that a test restarts. It is guest/wire.h in Python."""

import contextlib
import json
import random
import select
import socket
import struct
import threading
import time
import zlib

HELLO, EVENTS, PONG, LOSS, BYE, START, PING, STOP = 1, 2, 3, 4, 5, 16, 17, 18
OFFSET = 5_000_000_000  # how far the guest's clock is behind


def guest_now():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) - OFFSET


def frame(kind, sequence, payload=b"", length=None, magic=0x50415453):
    head = struct.pack("<IBBHIII", magic, 1, kind, 0, len(payload) if length is None else length,
                       sequence, zlib.crc32(payload))
    return head + struct.pack("<I", zlib.crc32(head)) + payload


def record(kind, when, *values, slots=None):
    return struct.pack("<HHIQ", kind, len(values) if slots is None else slots, 7, when) + b"".join(
        struct.pack("<Q", v & (1 << 64) - 1) for v in values)


class Agent(threading.Thread):
    """Answers START and PING honestly; calls `act` again and again with the connection."""

    def __init__(self, path, act=None, boot="b007"):
        super().__init__(daemon=True)
        self.path, self.act, self.boot = path, act, boot
        self.sequence, self.sent, self.on, self.ended = 0, 0, False, False
        self.connection, self.listener = None, socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.start()

    def put(self, kind, payload=b"", **kw):
        self.sequence += 1
        self.raw(frame(kind, self.sequence, payload, **kw))

    def raw(self, data):
        self.connection.sendall(data)

    def event(self, kind, *values, when=None):
        self.sent += 1
        self.put(EVENTS, record(kind, when or guest_now(), *values))

    def answer(self, data):
        while len(data) >= 24:
            kind, length = data[5], struct.unpack_from("<I", data, 8)[0]
            payload, data = data[24:24 + length], data[24 + length:]
            if kind == START:
                self.sequence, self.on = -1, True
                self.put(HELLO, payload + struct.pack("<Q", guest_now()) + json.dumps(
                    {"agent": "test", "boot_id": self.boot, "kernel": "5.10\x1b[31m", "drivers": ["qxl"],
                     "attached": ["guest_gc"], "missing": [], "cpus": 1}).encode())
            elif kind == PING:
                self.put(PONG, payload + struct.pack("<Q", guest_now()))
            elif kind == STOP:
                self.put(BYE, struct.pack("<Q", guest_now()))
                self.on = False

    def run(self):
        while not self.ended:
            try:
                self.connection, _ = self.listener.accept()
                while not self.ended:
                    ready, _, _ = select.select([self.connection], [], [], 0 if self.act and self.on else 0.05)
                    if ready:
                        data = self.connection.recv(4096)
                        if not data:
                            break
                        self.answer(data)
                    if self.act and self.on:
                        self.act(self)
            except OSError:
                pass
            self.on = False
            if self.connection:
                self.connection.close()
        self.listener.close()

    def end(self):
        self.ended = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # it may wait for a recorder that never came


def hostile(agent):
    """One bad deed."""
    deed, r = random.randrange(10), random
    now = guest_now()
    if deed == 0:
        agent.raw(r.randbytes(r.randrange(1, 70000)))
    elif deed == 1:  # cut
        whole = frame(EVENTS, 1, record(134, now, 1, 5))
        agent.raw(whole[:r.randrange(1, len(whole))])
    elif deed == 2:  # lengths
        agent.raw(frame(EVENTS, 1, b"x", length=r.choice([0xffffffff, 65537, 65536, 1 << 31])))
    elif deed == 3:  # backwards, and far ahead
        agent.put(EVENTS, record(134, r.choice([0, 1, now - 60 * 10**9, now + 3600 * 10**9, 2**64 - 1]), 1, 5))
    elif deed == 4:  # kinds and slots
        agent.put(EVENTS, record(r.choice([0, 1, 64, 160, 1000, 65535]), now, *([7] * r.randrange(17))))
        agent.put(EVENTS, record(134, now, 1, slots=r.choice([3, 16, 17, 65535])))
    elif deed == 5:  # values
        agent.put(EVENTS, record(134, now, 1 << 40, -5) + record(133, now, 999, 1, 1, 1, 0, 1))
    elif deed == 6:  # a flood
        flood = record(134, now, 1, 5) * 1000
        for _ in range(40):
            agent.put(EVENTS, flood)
    elif deed == 7:  # 64 KiB of CRC for 24 bytes
        header = frame(EVENTS, 1, b"x" * 65536)[:24]
        agent.raw(header * 2500)
    elif deed == 8:
        agent.put(r.choice([HELLO, LOSS, PONG, START, 99]), r.randbytes(r.randrange(64)))
    else:
        agent.event(134, 1, 5)


def memory(pid):
    """VmRSS in KiB."""
    try:
        with open(f"/proc/{pid}/status") as f:
            return next((int(line.split()[1]) for line in f if line.startswith("VmRSS")), 0)
    except OSError:
        return 0
