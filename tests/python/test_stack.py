# SPDX-License-Identifier: GPL-2.0-or-later
"""stack.json, and the verdicts of spice's own tests."""

import json
import os
import subprocess

import forged
from spicetap_lab import read_json, stack

OF_BASH = {
    "COMPONENT": "spice",
    "VERSION": "0.15.1-1",
    "KEY": "abc",
    "SUMS": "11  spice.dsc\n22  spice.tar.xz",
    "PATCHES": "33  a.patch",
    "FLAGS": "--buildtype=plain\n-Dtests=false",
    "NOP": "five",
    "COMPILER": "gcc 12",
    "KERNEL": "6.1",
}


class Stack(forged.InFolder):
    def test_it_is_made_of_the_components_that_are_there(self):
        stack.write(f"{self.folder}/spice.json", stack.component(OF_BASH))
        stack.merge(self.folder)
        made = read_json(f"{self.folder}/stack.json")
        self.assertEqual((made["format"], "qemu" in made), (1, False))
        self.assertEqual(made["spice"]["sources"], {"spice.dsc": "11", "spice.tar.xz": "22"})
        self.assertEqual(made["spice"]["flags"], ["--buildtype=plain", "-Dtests=false"])
        self.assertEqual(sorted(os.listdir(self.folder)), ["spice.json", "stack.json"], "nothing is left over")

    def test_verdicts_are_sorted(self):
        tests = [{"name": "b", "result": "OK"}, {"name": "a", "result": "FAIL"}, {"name": "b", "result": "OK"}]
        forged.write(f"{self.folder}/log", "".join(json.dumps(t) + "\n" for t in tests))
        self.assertEqual(stack.verdicts(f"{self.folder}/log"), ["a FAIL", "b OK"])

    def test_another_file_than_the_pinned_one_is_refused(self):
        script = """
            . "$1/scripts/lib.sh" && . "$1/scripts/stack-source.sh"
            apt_source_conf() { echo conf; }
            apt-cache() { echo "Version: 1.0-1"; }
            run() { echo another >spice_1.0-1.dsc; }
            pinned() { echo "00  spice_1.0-1.dsc"; }
            set -e
            fetch spice 1.0-1 sid"""
        top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        env = {**os.environ, "XDG_CACHE_HOME": self.folder}
        fetch = ["bash", "-c", script, "fetch", top]
        done = subprocess.run(fetch, env=env, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("error: spice_1.0-1.dsc: recorded SHA-256 00, got ", done.stderr)
        self.assertIn("  the archive, or a proxy before it, gave another file", done.stderr)
        self.assertEqual(os.listdir(f"{self.folder}/spicetap/source"), [], "it is not kept")
