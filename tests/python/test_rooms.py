# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/rooms.py finds what breaks the house of collect/, and passes a house that is in order."""

import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "rooms.py"
ORDER = "# Design\n\n```rooms\nbase\nmodel links\nreport\n```\n"


class Rooms(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name)
        self.write("docs/dev/design.md", ORDER)
        self.write("collect/base/map.h", "int map;\n")
        self.write("collect/model/streams.h", '#include "base/map.h"\n')
        self.write("collect/links/oom.h", '#include "base/map.h"\n')
        self.write("collect/report/page.c", '#include "model/streams.h"\n#include "links/oom.h"\n')

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_it(self):
        for command in (["git", "init", "-q"], ["git", "add", "-A"]):
            subprocess.run(command, cwd=self.tree, check=True)
        done = subprocess.run([SCRIPT, self.tree], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def refused(self, *words):
        code, text = self.run_it()
        self.assertEqual(code, 1, text)
        for word in words:
            self.assertIn(word, text)

    def test_a_house_in_order_passes(self):
        self.assertEqual(self.run_it(), (0, ""))

    def test_a_room_that_includes_a_later_one(self):
        self.write("collect/base/map.c", '#include "model/streams.h"\n')
        self.refused("collect/base/map.c", "model/streams.h")

    def test_a_room_that_includes_one_on_its_own_floor(self):
        self.write("collect/links/oom.c", '#include "model/streams.h"\n')
        self.refused("collect/links/oom.c", "model/streams.h")

    def test_a_room_that_the_design_does_not_list(self):
        self.write("collect/attic/box.c", "int box;\n")
        self.refused("collect/attic/box.c", "attic")

    def test_a_circle_within_a_room(self):
        self.write("collect/model/streams.c", '#include "model/waits.h"\n')
        self.write("collect/model/waits.h", "int waits;\n")
        self.write("collect/model/waits.c", '#include "model/streams.h"\n')
        self.refused("circle", "model/streams", "model/waits")

    def test_a_file_that_is_too_long(self):
        self.write("collect/base/map.c", "int a;\n" * 501)
        self.refused("collect/base/map.c: 501 lines")

    def test_a_function_that_is_too_long(self):
        self.write("collect/base/map.c", "int f(int a)\n{\n" + "    a++;\n" * 58 + "    return a;\n}\n")
        self.refused("f has 62 lines")

    def test_a_design_without_an_order(self):
        self.write("docs/dev/design.md", "# Design\n")
        self.refused("design.md")


if __name__ == "__main__":
    unittest.main()
