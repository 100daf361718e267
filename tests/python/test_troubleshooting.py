# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/troubleshooting.md quotes messages that the sources have, and has an entry for each failure of the loader."""

import glob
import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGE = f"{TOP}/docs/troubleshooting.md"
TABLE_OF_SYMPTOMS = "## Symptoms"

# Texts of loader_fail() that say it all, or pass on what another function wrote.
NO_ENTRY = {"no memory", "out of memory", "...: ..."}

LITERAL = r'"(?:[^"\\\n]|\\.)*"'
# Literals side by side, with macros such as PRIu64 between them
TEXT_OF_C = re.compile(rf"{LITERAL}(?:\s+(?:{LITERAL}|[A-Z]\w*(?=\s*\"|\s*[,;)])|PRI\w+))*")
CONVERSION = re.compile(r"%(?:[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j)?[diouxXcsfgGeEp]|%)")


def plain(text):
    """Placeholders that follow each other are one."""
    return re.sub(r"\.\.\.(?:\.\.\.)+", "...", text)


def of_c(run):
    """The text of string literals side by side, `...` where something is filled in."""
    parts = re.findall(rf"{LITERAL}|\w+", run)
    text = "".join(p[1:-1] if p[0] == '"' else "\0" for p in parts)
    text = re.sub(r"%[-+ #0]*\d*\0", "...", text).replace("\0", "...")
    text = CONVERSION.sub(lambda m: "%" if m[0] == "%%" else "...", text)
    return plain(text.replace('\\"', '"').replace("\\n", "").replace("\\r", ""))


def of_script(line):
    """A line of a shell script, `...` where the shell fills something in."""
    line = re.sub(r"\$\{[^}]*\}|\$\([^)]*\)|\$\w+|\$\*|\$@|%s", "...", line)
    return plain(line.replace('\\"', '"').replace("\\$", "$"))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def c_files():
    return [f for folder in ("loader", "guest", "meter", "collect/*") for f in glob.glob(f"{TOP}/{folder}/*.[ch]")]


def texts():
    """Every text of the sources, one a line."""
    of_all = [of_c(m[0]) for f in c_files() for m in TEXT_OF_C.finditer(read(f))]
    of_all += [of_script(line) for f in glob.glob(f"{TOP}/scripts/*.sh") for line in read(f).splitlines()]
    return "\n".join(of_all)


def loader_failures():
    """The format of each loader_fail(e, error, "FORMAT", ...) -> where it is."""
    call = re.compile(rf"\bloader_fail\(\s*[^,\"]+,\s*[^,\"]+,\s*({TEXT_OF_C.pattern})")
    found = [(of_c(m[1]), os.path.relpath(f, TOP)) for f in c_files() for m in call.finditer(read(f))]
    calls = sum(len(re.findall(r"(?<!int )\bloader_fail\([^.)]", read(f))) for f in c_files())
    assert len(found) == calls, f"{calls} calls of loader_fail(), {len(found)} of them understood"
    return dict(found)


def quoted(page):
    """The messages of the page: what is in backticks in the first column of its tables of messages."""
    rows = re.findall(r"^\| (`.*?) \|", page.partition(TABLE_OF_SYMPTOMS)[0], re.M)
    return [m for row in rows for m in re.findall(r"`([^`]+)`", row)]


def pattern(message):
    return ".*".join(re.escape(part) for part in message.split("..."))


def inside(message, text):
    return re.search(pattern(message), text) is not None


class Troubleshooting(unittest.TestCase):
    def test_each_message_is_in_the_sources(self):
        messages, sources = quoted(read(PAGE)), texts()
        self.assertGreater(len(messages), 100)
        self.assertEqual([m for m in messages if not inside(m, sources)], [], "quoted, and nothing prints it")

    def test_each_failure_of_the_loader_has_an_entry(self):
        messages, failures = quoted(read(PAGE)), loader_failures()
        self.assertGreater(len(failures), 30)
        lacking = [f"{where}: {text}" for text, where in failures.items()
                   if text not in NO_ENTRY and not any(inside(m, text) for m in messages)]
        self.assertEqual(lacking, [], "docs/troubleshooting.md has no entry for it")

    def test_an_exception_is_still_one(self):
        self.assertEqual(NO_ENTRY - set(loader_failures()), set(), "no loader_fail() has this text")

    def test_an_entry_says_something(self):
        rows = [r for r in read(PAGE).splitlines() if r.startswith("| `")]
        self.assertEqual([r for r in rows if len(r.split(" | ")) != 2 or len(r.split(" | ")[1]) < 8], [])

    def test_a_changed_message_is_found(self):
        text = of_c('"only %" PRIu64 " MiB are free where %s would be"')
        self.assertEqual(text, "only ... MiB are free where ... would be")
        self.assertTrue(inside("only ... MiB are free", text))
        self.assertFalse(inside("only ... MiB were free", text))
        self.assertEqual(of_script('die "cannot unpack $1" "see ${LOGS}/x"'), 'die "cannot unpack ..." "see .../x"')
