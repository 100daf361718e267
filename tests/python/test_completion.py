# SPDX-License-Identifier: GPL-2.0-or-later
"""What `spicetap completion bash` proposes in a real bash, and that its script needs nothing but bash. Needs
build/spicetap; tests/unit/test_completion.c has the scripts for the other shells."""

import os
import pty
import re
import select
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPICETAP = os.path.join(TOP, "build", "spicetap")

# bash splits a line into COMP_WORDS at blanks and at '='; the tests give the words.
ASK = """
set -u
source "$1"; shift
COMP_WORDS=(spicetap "$@") COMP_CWORD=$#
_spicetap spicetap "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
((${#COMPREPLY[@]} == 0)) || printf '%s\\0' "${COMPREPLY[@]}"
"""
VIRSH = """#!/bin/sh
printf '%s\\n' "$*" > asked
printf '%s\\n' desktop1 'desk top' '$(touch pwned)' '`touch pwned`' 'a\\b' 'a"b' 'a!b' "it's (1)" ''
echo 'warning: this goes to nobody' >&2
"""


def spicetap(*words):
    return subprocess.run([SPICETAP, *words], capture_output=True, text=True, check=True).stdout


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.room = tempfile.TemporaryDirectory()
        cls.script = os.path.join(cls.room.name, "script")
        with open(cls.script, "w", encoding="utf-8") as f:
            f.write(spicetap("completion", "bash"))

    @classmethod
    def tearDownClass(cls):
        cls.room.cleanup()

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=self.room.name)

    def file(self, name, text="", mode=0o644):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def ask(self, *words, path=None):
        """COMPREPLY for `spicetap WORDS<TAB>`."""
        done = subprocess.run(["bash", "-c", ASK, "bash", self.script, *words], capture_output=True, text=True,
                              check=False, cwd=self.folder, env={"PATH": path or os.environ["PATH"]})
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout.split("\0")[:-1]

    def type(self, line, path=None):
        """The arguments that spicetap gets from `line<TAB><ENTER>`, typed at a terminal."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs, stderr=theirs,
                              cwd=self.folder, start_new_session=True,
                              env={"PATH": path or os.environ["PATH"], "TERM": "dumb", "HOME": self.folder}) as shell:
            os.close(theirs)
            printed = b""
            for text in (f"source {self.script}; spicetap() {{ printf '%q|' \"$@\" > got; }}; PS1=re; PS1+=ady; echo\n",
                         line + "\t\n", "exit\n"):
                os.write(ours, text.encode())
                printed = self.until(ours, b"ready" if text != "exit\n" else b"exit", printed)
            shell.wait(20)
        os.close(ours)
        with open(os.path.join(self.folder, "got"), encoding="utf-8") as f:
            return f.read()

    def until(self, terminal, word, printed):
        seen = len(printed)
        while word not in printed[seen:]:
            self.assertTrue(select.select([terminal], [], [], 20)[0], f"no {word} in {printed}")
            printed += os.read(terminal, 4096)
        return printed

    def test_commands(self):
        self.assertEqual(self.ask("re"), ["record", "report"])
        self.assertEqual(self.ask("help", "re"), ["record", "report"])
        self.assertEqual(self.ask("help", "record", ""), [])
        self.assertEqual(self.ask("--v"), ["--version"])
        listed = re.findall(r"^  ([a-z]+) ", spicetap("--help"), re.M)
        self.assertEqual(self.ask(""), [*listed, "help"])
        self.assertEqual(self.ask("nix", "-"), [])

    def test_options_are_those_of_help(self):
        self.assertEqual(self.ask("export", "--fo"), ["--format"])
        for command in self.ask("help", ""):
            printed = re.findall(r"^ +(?:-., )?(--[a-z-]+)", spicetap(command, "--help"), re.M)
            self.assertEqual(sorted(self.ask(command, "--")), sorted(printed), command)
        self.assertIn("--hypotheses", self.ask("explain", "--"))

    def test_a_name_with_a_space(self):
        self.file("my run")
        self.file("$(touch pwned)")
        self.file("other")
        self.assertEqual(self.ask("info", "my"), ["my run"])
        self.assertEqual(sorted(self.ask("compare", "other", "")), ["$(touch pwned)", "my run", "other"])
        self.assertEqual(self.ask("report", "x", "-o", "my"), ["my run"])
        self.assertEqual(self.ask("report", "x", "--output", "=", "my"), ["my run"])
        self.assertEqual(self.ask("report", "x", "--output=my"), ["--output=my run"])
        self.assertNotIn("pwned", os.listdir(self.folder))

    def test_readline_quotes_what_it_completes(self):
        self.file("my run")
        self.file("virsh", VIRSH, 0o755)
        path = f"{self.folder}:{os.environ['PATH']}"
        for line, got in (("info my", "info|my\\ run|"), ("info my\\ r", "info|my\\ run|"),
                          ("info 'my r", "info|my\\ run|"),
                          ("compare x 'my run' --form", "compare|x|my\\ run|--format|"),
                          ("export --format=js", "export|--format=jsonl|"),
                          ("record --domain=desk\\ ", "record|--domain=desk\\ top|"),
                          ('record -d "it', "record|-d|it\\'s\\ \\(1\\)|"),
                          ("record -d i", "record|-d|it\\'s\\ \\(1\\)|")):
            self.assertEqual(self.type(f"spicetap {line}", path), got, line)
        self.assertNotIn("pwned", os.listdir(self.folder))

    def test_folders(self):
        self.file("a file")
        os.mkdir(os.path.join(self.folder, "a folder"))
        self.assertEqual(self.ask("meter", "--pictures", "a"), ["a folder"])

    def test_words(self):
        self.assertEqual(self.ask("export", "--format", ""), ["jsonl", "csv", "sqlite", "perfetto"])
        self.assertEqual(self.ask("export", "-f", "s"), ["sqlite"])
        self.assertEqual(self.ask("export", "--format", "="), ["jsonl", "csv", "sqlite", "perfetto"])
        self.assertEqual(self.ask("export", "--format", "=", "p"), ["perfetto"])
        self.assertEqual(self.ask("export", "--format=p"), ["--format=perfetto"])
        self.assertEqual(self.ask("export", "--source", "spice,g"), ["spice,guest"])
        self.assertEqual(self.ask("export", "--source=spice,g"), ["--source=spice,guest"])
        self.assertEqual(self.ask("events", "stream_cr"), ["stream_create"])
        self.assertEqual(self.ask("completion", ""), ["bash", "zsh", "fish"])

    def test_what_cannot_be_proposed(self):
        self.file("file")
        self.assertEqual(self.ask("explain", "--at", ""), [])
        self.assertEqual(self.ask("record", "--client", "=", ""), [])
        self.assertEqual(self.ask("record", ""), [])
        self.assertEqual(self.ask("explain", "--json=f"), [])

    def test_after_two_dashes_there_is_no_option(self):
        self.file("-file")
        self.assertEqual(self.ask("info", "--", "-"), ["-file"])

    def test_domains(self):
        self.file("virsh", VIRSH, 0o755)
        path = f"{self.folder}:{os.environ['PATH']}"
        self.assertEqual(self.ask("record", "--domain", "desk", path=path), ["desktop1", "desk top"])
        self.assertEqual(self.ask("record", "-d", "desk\\ ", path=path), ["desk top"])
        self.assertEqual(self.ask("probes", "-d", "", path=path), ["desktop1", "desk top", "it's (1)"])
        with open(os.path.join(self.folder, "asked"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "--readonly list --name\n")
        self.assertNotIn("pwned", os.listdir(self.folder))

    def test_without_virsh(self):
        os.symlink("/bin/bash", os.path.join(self.folder, "bash"))
        self.assertEqual(self.ask("record", "--domain", "", path=self.folder), [])

    def test_shellcheck_finds_nothing(self):
        done = subprocess.run(["shellcheck", self.script], capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout, "")
