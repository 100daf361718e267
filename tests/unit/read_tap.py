#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A second reader of runs and logs, written from docs/dev/format.md alone: prints what
`spicetap export RUN|LOG --format jsonl` prints, damage included. It keeps all events in memory."""
import json
import math
import struct
import sys
import zlib
from pathlib import Path

MASK = (1 << 64) - 1
SIGNED = {"s32", "s64"}
MARK = b"\xf5TAP"
MOST_IN_CHUNK = 16384
MOST_LOST = 1 << 48
MOST_TIME = 1 << 62


class DamageError(Exception):
    """What the file holds is not what its own numbers say."""


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


# ---- a chunk's payload ---------------------------------------------------------------------


def split(payload):
    """The columns of a payload; each has its length before it."""
    columns = Column(payload)
    while columns.at < len(payload):
        length = columns.varint()
        yield Column(payload[columns.at:columns.at + length])
        columns.at += length


class Memory:
    """What the codes of a chunk rest on."""

    def __init__(self):
        self.last, self.beside, self.begin, self.recent = {}, {}, {}, {}


def read_recent(field, own, memory):
    values, place = memory.recent.setdefault(field["name"], []), own[0].varint()
    value = values.pop(place) if place < len(values) else own[1].value()
    values.insert(0, value)
    del values[64:]
    return value


def read_rect(field, own, memory):
    if field.get("code", "delta") == "last":
        before = memory.last.get((field.get("of", field["name"]), True), [0, 0, 0, 0])
        left, top, right, bottom = before
        for column, expected in zip(own, (left, top, right - left, bottom - top), strict=True):
            column.before = expected
    left, top, width, height = (column.value() for column in own)
    return [signed(v, 32) for v in (left, top, left + width, top + height)]


def read_since(field, own, kind, event, time, memory):
    end = memory.last.get((field["of"], False), 0) if "of" in field else time
    key = sum(event[name] << 32 * i for i, name in enumerate(names_of(field, "by"))) & MASK
    key = (kind["number"], key)
    value = own[0].value((end - memory.begin.get(key, 0)) & MASK)
    anew = "anew" in field and event[field["anew"]] == 0
    memory.begin[key] = end if anew else (end - value) & MASK
    return value


def read_field(field, columns, kind, event, time, memory):
    own = [next(columns) for _ in range(width(field))]
    code, rect = field.get("code", "delta"), field["type"] == "rect"
    keys = names_of(field, "by")
    by = event.get(keys[0]) if len(keys) == 1 and code != "since" and not rect else None
    if rect:
        value = read_rect(field, own, memory)
    elif code == "recent":
        value = read_recent(field, own, memory)
    elif code == "since":
        value = read_since(field, own, kind, event, time, memory)
    else:
        last = memory.last.get((field.get("of", field["name"]), False), 0)
        value = own[0].value({"time": time, "by": memory.beside.get(by, 0), "last": last}.get(code))
    if by is not None:
        memory.beside[by] = value
    memory.last[field["name"], rect] = value
    return value


# ---- which fields can be read --------------------------------------------------------------


TYPES = {"u64", "u32", "u8", "bool", "s64", "s32", "rect"}
CODES = {"delta", "time", "by", "last", "recent", "since"}
RESERVED = {"t", "source", "event", "tid"}


def width(field):
    usual = 4 if field["type"] == "rect" else 2 if field.get("code") == "recent" else 1
    return field.get("columns", usual)


def names_of(field, key):
    value = field.get(key, [])
    return [value] if isinstance(value, str) else value


def readable(field, before, blocked):
    """`before`: the fields before it that can be read. `blocked`: names of fields that cannot, "" for any with `by`."""
    code, rect, name = field.get("code", "delta"), field["type"] == "rect", field["name"]
    known = {f["name"] for f in before if f["type"] != "rect"}
    of = field.get("of", None if code == "since" else name)
    if field["type"] not in TYPES or code not in CODES or name in RESERVED or name in {f["name"] for f in before}:
        return False
    if width(field) != width({"type": field["type"], "code": code}) or (rect and code not in ("delta", "last")):
        return False
    if code in ("by", "since") and not known.issuperset(names_of(field, "by") + names_of(field, "anew")):
        return False
    if code == "by":
        return len(names_of(field, "by")) == 1 and "" not in blocked
    if code == "since" and len(names_of(field, "by")) > 2:
        return False
    return code not in ("last", "recent", "since") or (name if code == "recent" else of) not in blocked


def mark_readable(kinds):
    blocked, grown = set(), True
    while grown:
        grown = False
        for kind in kinds:
            before = []
            for field in kind["fields"]:
                field["readable"] = readable(field, before, blocked)
                if field["readable"]:
                    before.append(field)
                    continue
                lost = {field["name"]} | ({""} if "by" in field else set())
                grown |= not lost <= blocked
                blocked |= lost


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


def decode(description, kinds, head, payload):
    """The events of a chunk: dicts as export prints them."""
    columns = split(payload)
    order, times = next(columns), next(columns)
    order = [order.varint() for _ in range(head["events"])]
    times.before = head["first"]
    own = {number: [next(columns) for _ in range(1 + sum(width(f) for f in kinds[number]["fields"]))]
           for number in sorted(set(order))}
    memory, events = Memory(), []
    for number in order:
        kind, time = kinds[number], times.value()
        fields = iter(own[number])
        line = {"t": time, "source": description["source"], "event": kind["name"],
                "tid": next(fields).value()}
        event = {}
        for field in kind["fields"]:
            if not field["readable"]:
                [next(fields) for _ in range(width(field))]
                continue
            event[field["name"]] = read_field(field, fields, kind, event, time, memory)
            line[field["name"]] = show(field, event[field["name"]], description["enums"])
        events.append(line)
    return events


# ---- a log -----------------------------------------------------------------------------------


def loss(since, until, count, reason):
    """count None: not known. until inf: at the end of the log."""
    return {"t": until, "source": None, "event": "loss", "tid": 0, "count": count, "reason": reason,
            "since": min(since, until)}


class Log:
    def __init__(self, data, size=None, unended=False):
        """`size`: its entry of run.json's log_ends. `unended`: its recorder was killed."""
        self.data, self.size, self.unended = data, size, unended
        self.passed = self.number = self.last = 0
        self.skipped, self.explained, self.ended = None, False, False
        self.read_header()

    def read_header(self):
        if len(self.data) < 32:
            raise DamageError
        head = self.data[:32]
        magic, major, self.minor, packed, raw, crc, _, head_crc = struct.unpack("<8sHHIIIII", head)
        data = self.data[32:32 + packed]
        if magic != b"SPICETAP" or major != 1 or zlib.crc32(head[:28]) != head_crc or zlib.crc32(data) != crc:
            raise DamageError
        text = zlib.decompress(data)
        if len(text) != raw:
            raise DamageError
        self.description = json.loads(text)
        mark_readable(self.description["kinds"])
        self.kinds = {kind["number"]: kind for kind in self.description["kinds"]}
        self.at = 32 + packed

    def head(self, at):
        """The chunk header at `at`, None if there is none."""
        head = self.data[at:at + 56]
        if len(head) < 56 or head[:4] != MARK:
            return None
        names = ("packed", "raw", "events", "first", "last", "lost", "number", "sum", "crc", "head_crc")
        h = dict(zip(names, struct.unpack("<4xIIIQQQIIII", head), strict=True))
        good = zlib.crc32(head[:52]) == h["head_crc"] and 1 <= h["events"] <= MOST_IN_CHUNK
        return h if good and h["packed"] <= 2 << 20 and h["raw"] <= 1 << 20 else None

    def seek(self):
        """Goes on to the next good header, or to the end of the file."""
        while self.at < len(self.data) and not self.head(self.at):
            self.at += 1

    def missing(self, h, own, chunks):
        """How many events are missing before the last `own` of a chunk; None: not known."""
        count = (h["sum"] - own - self.passed) & 0xFFFFFFFF
        return count if h["sum"] and count <= chunks * MOST_IN_CHUNK else None

    def lose_chunk(self, h, reason):
        gap = h["number"] != self.number or (self.skipped and not self.explained)
        count = self.missing(h, 0, h["number"] - self.number + 1)
        self.ended = count == 0
        if count is None:
            self.passed += h["events"]
            count = None if gap else h["events"]
        else:
            self.passed += count
        if not self.ended:
            lost = h["lost"] if h["lost"] <= MOST_LOST else 0
            yield loss(self.last if gap else h["first"], h["last"], count and count + lost, reason)
        self.last = max(self.last, h["last"])
        self.number, self.skipped, self.explained = h["number"] + 1, reason, True
        self.seek()

    def take_chunk(self, h, events):
        self.ended = [e["event"] for e in events] == ["log_end"]
        own = 0 if self.ended else len(events)
        if h["number"] != self.number or (self.skipped and not self.explained):
            count = self.missing(h, own, h["number"] - self.number)
            if count != 0:
                yield loss(self.last, h["first"], count, self.skipped or "damaged")
                self.passed += count or 0
        self.passed += own
        self.number, self.skipped, self.explained = h["number"] + 1, None, False
        self.at += h["packed"]
        self.last = max(self.last, events[-1]["t"])
        yield from (e for e in events if e["event"] != "log_end")

    def chunk(self, h):
        self.at += 56
        if h["number"] < self.number:
            self.at += h["packed"]
            yield loss(h["first"], h["last"], None, "damaged")
            return
        data = self.data[self.at:self.at + h["packed"]]
        if len(data) < h["packed"]:
            yield from self.lose_chunk(h, "truncated")
            return
        try:
            if zlib.crc32(data) != h["crc"]:
                raise DamageError
            events = decode(self.description, self.kinds, h, zlib.decompress(data))
        except (DamageError, zlib.error):
            yield from self.lose_chunk(h, "damaged")
            return
        yield from self.take_chunk(h, events)

    def end(self, rest):
        if self.ended:
            return
        count = None
        if self.size:
            count = max(0, self.size["events"] - self.passed)
        elif not (self.minor or self.unended or rest or self.skipped == "truncated") and (
                not self.skipped or self.explained):
            return
        if count != 0:
            reason = "truncated" if self.explained or not self.skipped else self.skipped
            yield loss(self.last, math.inf, count, reason)

    def in_order_of_file(self):
        while len(self.data) - self.at >= 56:
            h = self.head(self.at)
            if h:
                yield from self.chunk(h)
                continue
            if not self.explained:
                self.skipped = "damaged"
            self.seek()
            if self.at >= len(self.data):
                break
        yield from self.end(self.at < len(self.data) and not self.explained)

    def events(self):
        """All events and losses; a loss's `since` is where its span begins."""
        before = 0
        for e in self.in_order_of_file():
            e["source"] = self.description["source"]
            if e["event"] != "loss":
                before = e["t"]
            else:
                e["since"] = min(e.get("since") or before, e["t"])
                e["count"] = e["count"] if e["count"] and e["count"] <= MOST_LOST else None
            yield e


# ---- a run -----------------------------------------------------------------------------------


class Clock:
    """From a guest's time to the host's: an entry of `clocks`."""

    def __init__(self, entry):
        self.segments = entry["segments"]
        end = 0
        for s in self.segments:
            s["from"] = max(self.line(s, s["guest_from"]), end)
            s["to"] = end = max(self.line(s, s["guest_to"]), s["from"])

    @staticmethod
    def line(s, guest):
        since = guest - s["guest_at"]
        drift = abs(since * s["drift_ppb"]) // 1000000000
        host = s["host_at"] + since + (drift if since * s["drift_ppb"] >= 0 else -drift)
        return min(max(host, 0), MOST_TIME)

    def host(self, guest):
        at = max((i for i, s in enumerate(self.segments) if s["guest_from"] <= guest), default=0)
        s = self.segments[at]
        low, high = s["from"], s["to"]
        if guest < s["guest_from"]:
            low, high = 0, s["from"]
        elif guest > s["guest_to"]:
            low = s["to"]
            high = self.segments[at + 1]["from"] if at + 1 < len(self.segments) else MOST_TIME
        return min(max(self.line(s, guest), low), high)


def read_log(path, run):
    size = run.get("log_ends", {}).get(path.name)
    try:
        unended = run.get("state") == "recording"
        events = list(Log(path.read_bytes(), size, unended).events())
    except (DamageError, zlib.error, OSError):
        missing = loss(0, math.inf, size and size["events"], "damaged")
        missing["source"] = path.name.split(".")[0].split("-")[0]
        events = [] if size and not size["events"] else [missing]
    for entry in run.get("clocks", []):
        if entry["log"] != path.name:
            continue
        clock = Clock(entry)
        for e in events:
            e["t"] = e["t"] if e["t"] == math.inf else clock.host(e["t"])
            if e["event"] == "loss":
                e["since"] = clock.host(e["since"])
    return events


EARLY = ("stream_first_rate", "stream_rate", "delay_ask", "net_test", "delay_order")  # from before the window too


def clip(events, window):
    start, end = window.get("from", 0), window.get("to", math.inf)
    for e in events:
        since = e["since"] if e["event"] == "loss" else e["t"]
        if (e["t"] < start and e["event"] not in EARLY) or since > end:
            continue
        if e["event"] == "loss":
            e["t"], e["since"] = min(e["t"], end), max(since, start)
        elif e["t"] > end:
            continue
        yield e


def main():
    path = Path(sys.argv[1])
    run, logs = {}, [path]
    if path.is_dir():
        run = json.loads((path / "run.json").read_text())
        logs = sorted(path.glob("*.tap"), key=lambda p: p.name.encode())
    merged = [e for log in logs for e in clip(read_log(log, run), run.get("window", {}))]
    merged.sort(key=lambda e: e["t"])  # stable: ties keep the order of logs, and of each log
    latest = 0
    for e in merged:
        if e["t"] == math.inf:
            e["t"] = max(latest, e["since"])
        latest = max(latest, e["t"])
        if e["event"] == "loss":
            e["since"] = e["since"] or None  # 0: not known
        print(json.dumps(e, separators=(",", ":")))


main()
