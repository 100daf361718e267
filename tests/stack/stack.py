# SPDX-License-Identifier: GPL-2.0-or-later
"""What the stack tests and the bench share: the table of events, the probes of a built library, and the programs
they start (driver, client, recorder, bpftrace). Standard library only."""

import concurrent.futures
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
SPICETAP = os.path.join(BUILD, "spicetap")
DRIVER = os.path.join(BUILD, "tests", "stack-driver")
CLIENT = os.path.join(BUILD, "tests", "stack-client")
TRACED = os.path.join(BUILD, "stack", "lib")
PLAIN = os.path.join(BUILD, "stack-plain", "lib")
EVENTS_DEF = os.path.join(ROOT, "bpf", "events.def")

# Whoever runs the tests under nohup: a recorder would keep ignoring it.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def play(one, alone, beside):
    """Yields one(test) of every test: those in `alone` by themselves, then those in `beside`, three at a time, as they
    end."""
    yield from map(one, alone)
    pool = concurrent.futures.ThreadPoolExecutor(3)
    try:
        for job in concurrent.futures.as_completed([pool.submit(one, test) for test in beside]):
            yield job.result()
    finally:
        pool.shutdown(cancel_futures=True)


# ---- events.def, read through the C preprocessor ------------------------------------------------

class Kind:
    def __init__(self, source, number, name):
        self.source, self.number, self.name = source.lower(), int(number), name
        self.fields = []  # (name, argument, type, meaning)


def read_events():
    """The kinds by name, and the enums: {name: {value: name}}."""
    text = ('#define EVENT(s, n, name, help, f) @E s n name f\n'
            '#define F(a, t, name, k, help) @F a t name k\n'
            '#define ENUM(name, v) @N name v\n#define V(e, v, name, help) @V v name\n'
            f'#include "{EVENTS_DEF}"\n')
    out = subprocess.run(["cc", "-E", "-P", "-undef", "-x", "c", "-"], input=text, text=True,
                         capture_output=True, check=True).stdout
    kinds, enums, kind, enum = {}, {}, None, None
    for item in re.findall(r"@\w[^@]*", out):
        w = item.split()
        if w[0] == "@N":
            enum = enums.setdefault(w[1], {})
        elif w[0] == "@V":
            enum[int(w[1])] = w[2]
        elif w[0] == "@E":
            kind = kinds[w[3]] = Kind(*w[1:4])
        elif w[0] == "@F" and w[1] != "NOARG":
            kind.fields.append((w[3], int(w[1]), w[2], w[4]))
    return kinds, enums


# ---- probes of a library ---------------------------------------------------------------------------

def library(folder):
    return os.path.realpath(os.path.join(folder, "libspice-server.so.1"))


def probe_notes(path):
    """{probe: [(location, base, semaphore, arguments)]} of provider spice."""
    out = subprocess.run(["readelf", "--notes", "--wide", path], text=True, capture_output=True).stdout
    found = {}
    for m in re.finditer(r"Provider: (\w+)\s+Name: (\w+)\s+Location: (0x\w+), Base: (0x\w+), "
                         r"Semaphore: (0x\w+)\s+Arguments: ?(.*)", out):
        if m[1] == "spice":
            found.setdefault(m[2], []).append((int(m[3], 16), int(m[4], 16), int(m[5], 16), m[6]))
    return found


def load_base(pid, path):
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            w = line.split(None, 5)
            if len(w) == 6 and w[5].strip() == path and int(w[2], 16) == 0:
                return int(w[0].split("-")[0], 16)
    raise RuntimeError(f"{path} is not mapped by process {pid}")


def stapsdt_base(path):
    out = subprocess.run(["readelf", "--sections", "--wide", path], text=True, capture_output=True).stdout
    m = re.search(r"\.stapsdt\.base\s+PROGBITS\s+(\w+)", out)
    return int(m[1], 16) if m else 0


def semaphores(pid, path):
    """How many listeners each probe has now: the values of the semaphores in that process."""
    base, shift, values = load_base(pid, path), stapsdt_base(path), {}
    with open(f"/proc/{pid}/mem", "rb") as f:
        for name, sites in probe_notes(path).items():
            _, link_base, semaphore, _ = sites[0]
            f.seek(base + semaphore + (shift - link_base if shift else 0))
            values[name] = struct.unpack("<H", f.read(2))[0]
    return values


def patched(pid, path):
    """The probes with a site that is no nop in that process: the kernel still has a uprobe there."""
    base, shift, names = load_base(pid, path), stapsdt_base(path), set()
    with open(f"/proc/{pid}/mem", "rb") as f:
        for name, sites in probe_notes(path).items():
            for site, link_base, _, _ in sites:
                f.seek(base + site + (shift - link_base if shift else 0))
                if f.read(1) not in (b"\x90", b"\x0f"):
                    names.add(name)
    return names


def wait_listeners(pid, path, least=1, timeout=30):
    """Waits until every probe has at least that many listeners."""
    end = time.time() + timeout
    while True:
        values = semaphores(pid, path)
        if values and min(values.values()) >= least:
            return
        if time.time() > end:
            few = [n for n, v in values.items() if v < least]
            raise RuntimeError("probes without {} listeners: {}".format(least, " ".join(few) or "all"))
        time.sleep(0.05)


# ---- programs ------------------------------------------------------------------------------------------

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Program:
    """A child process with its output in files. The end of the with block ends it."""

    def __init__(self, folder, name, argv, env=None, stdin=subprocess.DEVNULL, executable=None):
        self.name, self.out_path = name, os.path.join(folder, name + ".out")
        self.err_path = os.path.join(folder, name + ".err")
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(argv, stdout=out, stderr=err, stdin=stdin,
                                            env={**os.environ, **(env or {})}, executable=executable)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def out(self):
        with open(self.out_path, errors="replace") as f:
            return f.read()

    def err(self):
        with open(self.err_path, errors="replace") as f:
            return f.read()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=60):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.name} did not end within {timeout} s") from None

    def wait_line(self, start, timeout=20):
        end = time.time() + timeout
        while time.time() < end:
            for line in self.out().splitlines():
                if line.startswith(start):
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} never said '{start}': {self.err().strip()[-300:]}")

    def report(self):
        """The last line that is JSON."""
        for line in reversed(self.out().splitlines()):
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"{self.name} printed no account: {self.err().strip()[-300:]}")


class Driver(Program):
    """stack-driver with its script; without one it takes verbs from do(). With `vm` it looks like a QEMU of that
    name."""

    def __init__(self, folder, script=None, lib=TRACED, debug=False, options=(), name="driver", wrap=(),
                 env=None, account=True, vm=None):
        self.port, self.lib = free_port(), library(lib)
        self.account_path = os.path.join(folder, name + ".account")
        script_path = os.path.join(folder, name + ".script")
        if script is not None:
            with open(script_path, "w") as f:
                f.write(script)
        env = dict(env or {}, LD_LIBRARY_PATH=lib)
        env["G_MESSAGES_DEBUG"] = "Spice" if debug else ""
        super().__init__(folder, name,
                         [*wrap, *(("qemu-system-x86_64", "-name", "guest=" + vm) if vm else (DRIVER,)),
                          "--port", str(self.port),
                          *(("--account", self.account_path) if account else ()), *options,
                          script_path if script is not None else "-"], env,
                         subprocess.DEVNULL if script is not None else subprocess.PIPE, DRIVER if vm else None)
        self.lines = 0
        self.wait_line("ready", 60)

    def do(self, *verbs):
        self.process.stdin.write(("\n".join(verbs) + "\n").encode())
        self.process.stdin.flush()

    def timed(self, verb, timeout=120):
        """The draws, the wall ns and the worker's CPU ns of a verb."""
        self.do("timed " + verb)
        self.lines += 1
        end = time.time() + timeout
        while time.time() < end:
            found = re.findall(r"^timed (\d+) (\d+) (\d+)$", self.out(), re.M)
            if len(found) >= self.lines:
                return tuple(map(int, found[-1]))
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not finish '{verb}'")

    def end(self):
        self.process.stdin.close()
        return self.wait()

    def account(self):
        """The lines of the account, each a list of words."""
        with open(self.account_path) as f:
            return [line.split() for line in f]


class Client(Program):
    def __init__(self, folder, port, name="client"):
        super().__init__(folder, name, [CLIENT, f"spice://127.0.0.1:{port}"],
                         {"DISPLAY": "", "G_MESSAGES_DEBUG": ""})


class Recorder(Program):
    """`target`: the process to record, or the options that name it."""

    def __init__(self, folder, target, run="run", name="record", options=("-t", "60"), wrap=(), env=None):
        self.run = os.path.join(folder, run)
        named = ("--pid", str(target)) if isinstance(target, int) else target
        super().__init__(folder, name, [*wrap, SPICETAP, "record", *named, "-o", self.run, *options], env)

    def wait_attached(self, timeout=30):
        end = time.time() + timeout
        while "attached to " not in self.err():
            if time.time() > end or self.process.poll() is not None:
                raise RuntimeError("the recorder did not attach: " + self.err()[-300:])
            time.sleep(0.05)


class Bpftrace(Program):
    """Counts every probe, and prints every event if `fields`."""

    def __init__(self, folder, driver, fields=True, name="bpftrace"):
        script = os.path.join(folder, name + ".bt")
        with open(script, "w") as f:
            f.write(bpftrace_script(driver.lib, driver.pid, fields))
        super().__init__(folder, name, ["bpftrace", "-q", "-p", str(driver.pid), script],
                         {"BPFTRACE_PERF_RB_PAGES": "2048", "BPFTRACE_LOG_SIZE": "10000000"})

    def wait_attached(self, driver, timeout=30):
        """Waits until this program has a perf event for each site of the driver's library, and takes no more: the
        semaphores do not distinguish listeners."""
        sites, end, before = sum(len(s) for s in probe_notes(driver.lib).values()), time.time() + timeout, -1
        while time.time() < end:
            now = self.perf_events()
            if now >= sites and now == before:
                return
            if self.process.poll() is not None:
                break
            before = now
            time.sleep(0.3)
        raise RuntimeError(f"{self.name} did not attach to {sites} sites: {self.err()[-300:]}")

    def perf_events(self):
        folder, count = f"/proc/{self.pid}/fd", 0
        for fd in os.listdir(folder):
            with contextlib.suppress(OSError):
                count += "perf_event" in os.readlink(os.path.join(folder, fd))
        return count

    def counts(self):
        return {m[1]: int(m[2]) for m in re.finditer(r"^@c\[(\w+)\]: (\d+)", self.out(), re.M)}

    def events(self):
        """[(kind, [values])] as printed."""
        found = []
        for line in self.out().splitlines():
            w = line.split()
            if w and w[0] == "E":
                found.append((w[1], [int(v) for v in w[2:]]))
        return found


def register(name):
    """%r10d -> r10, %edx -> dx, %dil -> di: bpftrace's names, which are those of pt_regs."""
    m = re.fullmatch(r"%(r\d+)[dwb]?", name)
    if m:
        return f'reg("{m[1]}")'
    letters = {"al": "ax", "bl": "bx", "cl": "cx", "dl": "dx"}
    name = re.sub(r"^%[re]?", "", name)
    name = letters.get(name, name)
    return f'reg("{(name[:-1] if len(name) == 3 and name.endswith("l") else name)}")'


def location(spec):
    """One argument as sys/sdt.h describes it ("-4@20(%rdi)") as a bpftrace expression."""
    size, where = spec.split("@", 1)
    kind = "{}int{}".format(("" if size.startswith("-") else "u"), abs(int(size)) * 8)
    if where.startswith("$"):
        return f"({kind}){where[1:]}"
    if where.startswith("%"):
        return f"({kind}){register(where)}"
    m = re.fullmatch(r"(-?\d*)\((%\w+)(?:,(%\w+)(?:,(\d))?)?\)", where)
    if not m:
        raise RuntimeError(f"cannot read the argument {spec}")
    address = f"{register(m[2])} + ({m[1] or 0})"
    if m[3]:
        address += f" + {register(m[3])} * {m[4] or 1}"
    return f"*({kind} *)({address})"


def bpftrace_raw(arg, sites, base):
    """bpftrace 0.17 knows arg0 to arg5 only. Further arguments are read from where the site's own note puts them;
    sites of one probe are distinguished by their address."""
    if arg < 6:
        return f"arg{arg}"
    text = ""
    for address, _, _, specs in sites[:-1]:
        text += f'reg("ip") == {base + address} ? (uint64){location(specs.split()[arg])} : '
    return f"({text}(uint64){location(sites[-1][3].split()[arg])})"


def bpftrace_argument(arg, kind_type, sites, base):
    raw = bpftrace_raw(arg, sites, base)
    if kind_type == "RECT":
        pairs = raw, bpftrace_raw(arg + 1, sites, base)
        return [f"(int64)(int32)({pair} >> {shift})" for pair in pairs for shift in (0, 32)]
    cast = {"S32": "(int64)(int32)%s", "S64": "(int64)%s", "U32": "(uint64)(uint32)%s",
            "U64": "%s", "U8": "(uint64)(uint8)%s", "BOOL": "(uint64)(uint8)%s"}[kind_type]
    return [cast % raw]


def bpftrace_script(lib, pid, fields):
    """A script that counts every probe of spice-server, made from events.def."""
    kinds, _ = read_events()
    notes, base, text = probe_notes(lib), load_base(pid, lib), []
    for kind in kinds.values():
        if kind.source != "spice":
            continue
        text.append(f"usdt:{lib}:spice:{kind.name} {{")
        text.append(f'  @c["{kind.name}"] = count();')
        if fields:
            values = [(v, t) for _, a, t, _ in kind.fields
                      for v in bpftrace_argument(a, t, notes[kind.name], base)]
            fmt = " ".join("%llu" if t in ("U64", "U32", "U8", "BOOL") else "%lld" for _, t in values)
            text.append('  printf("E {} {}\\n", {});'.format(kind.name, fmt, ", ".join(v for v, _ in values)))
        text.append("}")
    return "\n".join(text) + "\n"


# ---- a video in boxes that alternate ----------------------------------------------------------------------

# A browser and a compositor merge the damage of a video's frame with what moves beside it: the box that reaches the
# server is one of these, all at one place of a screen of 1920x1440.
MERGED = {"A": (1270, 778), "B": (1390, 778), "C": (1142, 778), "D": (1400, 950), "E": (1024, 768)}
# An equal box comes back 300 ms later, at 10 a second, when two others came between. First A is drawn most, then E.
ALTERNATING = "AAAABCAAAADE" * 4 + "EEEECBEEEEDA" * 4


def video_in(boxes, ms=100):
    """A script of a video: a frame each `ms`, in the box that the letter names. Before it come 1.2 s in which whatif
    learns the state of the server: it waits until all before is older than what an alternative accepts."""
    text = "screen 1920 1440\n" + "draw copy 1700 1300 100 100\nwait 600\n" * 2
    for i, letter in enumerate(boxes):
        text += "draw copy 300 200 {} {} phase={}\nwait {}\n".format(*MERGED[letter], i % 4, ms)
    return text


# ---- bundles -----------------------------------------------------------------------------------------------

def spicetap(*args, timeout=60, **kw):
    return subprocess.run([SPICETAP, *args], text=True, capture_output=True, timeout=timeout, **kw)


def export(run):
    """The run's events, as spicetap export prints them, without the warning that may come first."""
    r = spicetap("export", run, "--format", "jsonl")
    if r.returncode:
        raise RuntimeError(f"spicetap export {run}: exit {r.returncode}: {r.stderr.strip()}")
    return [json.loads(line) for line in r.stdout.splitlines() if not line.startswith('{"warning"')]


def plain_values(kind, enums, event):
    """An exported event's fields as the numbers that bpftrace prints."""
    values = []
    for name, _, kind_type, meaning in kind.fields:
        v = event[name]
        if kind_type == "RECT":
            values += v
        elif meaning in enums and isinstance(v, str):
            values.append({n: x for x, n in enums[meaning].items()}[v])
        elif isinstance(v, str):
            values.append(int(v, 0))
        else:
            values.append(int(v))
    return values


def fresh_folder(name):
    path = os.path.join(BUILD, "tests", name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path
