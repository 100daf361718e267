# SPDX-License-Identifier: GPL-2.0-or-later
"""Settings are read and checked in one place, and the list of runs has only settings that exist."""

import os
import subprocess
import unittest

import forged
from spicetap_lab import CONFIGS, TOP, LabError, guests, read_text, runlist, settings, stack, tables

ROWS = [
    runlist.Row("one", "a", 2, "005b"),
    runlist.Row("one", "b", 1, "005b", ("ram=128",)),
    runlist.Row("two", "c", 3, "005b", ("duration=20",)),
]
BAD = (
    (["005b", "foo=1"], "no setting named foo"),
    (["005b", "server=fast"], "server=fast: not traced, ring128, newest"),
    (["005b", "client=slow"], "wants rate="),
    (["005b", "rate=5000"], "only with client=slow"),
    (["005b", "compression=lz4"], "compression=lz4: not"),
    (["005b", "link=80ms"], "link=80ms: not local, RTT/RATE or RTT/RATE/QUEUE, such as 80ms/10mbit"),
    (["005b", "link=80ms/10"], "link=80ms/10: not local"),
    (["005b", "link=80ms/10mbit/5ms"], "link=80ms/10mbit/5ms: not local"),
    (["005b", "link=80ms/7kbit"], "link=80ms/7kbit: not local"),
    (["005b", "workload=keys"], "activity=busy or activity=heavy: with workload=keys"),
    (["005b", "activity=busy"], "activity=busy or activity=heavy: with workload=keys"),
    (["005b", "workload=keys", "activity=calm"], "activity=calm: not busy or heavy"),
    (["005b", "keys=40"], "keys=40: only with workload=keys and a client"),
    (["005b", "workload=keys", "activity=busy", "keys=0"], "keys=0: not N or N,MS"),
    (["005b", "workload=keys", "activity=busy", "keys=40,20"], "keys=40,20: not N or N,MS"),
    (["005b", "link=fast"], "link=fast: not local"),
    (["005b", "client=none", "link=80ms/10mbit"], "link=80ms/10mbit: only with client=meter"),
    (["005b", "client=slow", "rate=5000", "link=80ms/10mbit"], "link=80ms/10mbit: only with client=meter"),
    (["005b", "client=none", "asks=lz4"], "no client to ask"),
    (["005b", "workload=x"], "not the name of a workload"),
    (["005b", "workload="], "does not say workload="),
    (["16b", "x=qxl"], "only with domain=qxl.xml"),
    (["16b", "driver=tight"], "only with domain=qxl.xml"),
    (["005b", "bitrate=fast"], "not a number of Mbit/s"),
    (["005b", "clip=640x480"], "clip=640x480: not 1024x768 or 640x360"),
    (["005b", "bars=none"], "bars=none: not yes or no"),
    (["005b", "bars=no", "clip=640x360"], "bars=no: only with clip=1024x768, not 640x360"),
    (["005b", "pictures=1"], "pictures=1: not a number of pictures, 0 or 2 to 1000"),
    (["005b", "duration=x"], "not a number of seconds"),
    (["005b", "ram=0"], "ram=0: not a number of MiB"),
    (["005b", "guest=debian1"], "guest=debian1: not the name of a guest-configs/*.guest"),
    (["005b", "domain=qxl"], "domain=qxl: not the name of a guest-configs/*.xml"),
    (["005b", "slowdown=0"], "slowdown=0: not a whole number from 1 to 999"),
    (["005b", "slowdown=0.1"], "slowdown=0.1: not a whole number"),
    (["005b", "slowdown=fast"], "slowdown=fast: not a whole number"),
    (["005b", "slowdown=1000"], "slowdown=1000: not a whole number"),
    (["005b", "ram"], "not KEY=VALUE: ram"),
    (["005b", "desktop=kde"], "desktop=kde: not bare, xfce or gnome"),
    (["005b", "desktop=xfce"], "desktop=xfce: the image of guest=debian11 lacks it, guest=debian11-xfce has it"),
    (["16a", "player=firefox"], "player=firefox: the image of guest=debian13 lacks it, guest=debian13-xfce has it"),
    (["debian11-xfce", "page=film"], "page=film: not plain or player"),
    (["005b", "page=player"], "page=player: only with player=firefox"),
    (["debian11-xfce", "pause=6"], "pause=6: not a number of seconds from 0 to 5"),
    (["005b", "pause=3"], "pause=3: only with player=firefox and workload=video"),
    (["debian11-xfce", "workload=mixed", "pause=3"], "pause=3: only with player=firefox and workload=video"),
    (["debian11-xfce", "memory=1024"], "memory=1024: player=firefox takes 2048 and more"),
    (["debian11-xfce", "workload=gl"], "player=firefox: workload=gl has no browser"),
    (["debian11-xfce", "x=weston"], "desktop=xfce: not with x=weston"),
    (["debian11-xfce", "x=mutter"], "desktop=xfce: not with x=mutter"),
    (["debian11-xfce", "desktop=gnome"], "image of guest=debian11-xfce lacks it, guest=debian13-gnome has it"),
    (["debian13-gnome", "x=modesetting"], "desktop=gnome: not with x=modesetting"),
    (["debian13-gnome", "player=mpv"], "player=mpv: the image of guest=debian13-gnome lacks it"),
    (["debian13-gnome", "workload=desktop"], "desktop=gnome: only with player=firefox and workload=video"),
    (["debian11-xfce", "desktop=bare", "x=weston"], "player=firefox: not with x=weston"),
    (["debian11-xfce", "screen=1024x768"], "screen=1024x768: too small for Firefox"),
    (["005b", "beside=nothing", "workload=mixed"], "beside=nothing: only with workload=video"),
)


def resolve(name, *changes):
    path, more = runlist.find(name)
    return settings.resolve(path, [*more, *changes], name)


class Settings(unittest.TestCase):
    def test_a_bad_one_is_named(self):
        for (name, *changes), want in BAD:
            with self.subTest(changes), self.assertRaises(LabError) as caught:
                resolve(name, *changes)
            self.assertIn(want, str(caught.exception))

    def test_the_clip_is_where_its_player_shows_it(self):
        self.assertEqual(guests.clip_box(resolve("005b")), [50, 50, 1074, 818])
        self.assertEqual(guests.clip_box(resolve("debian11-xfce", "clip=640x360")), [50, 200, 690, 560])
        said = ask("clip-region", "player=firefox", "clip=1024x768")
        self.assertEqual(said.stdout, "50,200,1024x768\n", said.stderr)

    def test_a_desktop_and_its_control_differ_in_nothing_else(self):
        xfce = resolve("debian11-xfce")
        bare = resolve("debian11-xfce", "desktop=bare")
        self.assertEqual({k for k in xfce if xfce[k] != bare[k]}, {"desktop"})

    def test_a_link_is_local_or_named(self):
        self.assertEqual(resolve("005b")["link"], "local")
        for link in ("80ms/10mbit", "0ms/64kbit", "20ms/1000mbit/300ms"):
            self.assertEqual(resolve("005b", f"link={link}")["link"], link)

    def test_slow_motion_is_off_by_default(self):
        self.assertEqual(resolve("005b")["slowdown"], "1")
        self.assertEqual(resolve("005b", "slowdown=10")["slowdown"], "10")

    def test_keys_are_for_their_workload(self):
        for keys in ("40", "40,200", "9999,1000"):
            self.assertEqual(resolve("005b", "workload=keys", "activity=heavy", f"keys={keys}")["keys"], keys)

    def test_later_words_win(self):
        self.assertEqual(resolve("005b")["duration"], "600")
        self.assertEqual(resolve("debian11-kms-video")["duration"], "180")
        self.assertEqual(resolve("debian11-kms-video", "duration=9", "ram=128")["ram"], "128")

    def test_a_default_is_that_of_a_run_made_before_the_key(self):
        later = ("clip", "bars", "pictures", "about", "desktop", "player", "page", "pause", "beside")
        old = {k: v for k, v in ROWS[0].settings().items() if k not in later}
        self.assertTrue(settings.same(old, ROWS[0].settings()))
        self.assertFalse(settings.same(old, {**ROWS[0].settings(), "clip": "640x360"}))

    def test_a_vm_has_no_settings_of_a_recording(self):
        said = ask("settings", "--vm", "demo", "ram=128", "duration=5")
        keys = dict(line.split("=", 1) for line in said.stdout.splitlines())
        self.assertEqual((keys["ram"], keys["domain"]), ("128", "qxl.xml"))
        self.assertFalse({"duration", "client", "server", "about"} & keys.keys())

    def test_no_script_parses_them_itself(self):
        """Bash asks the package: a second list of keys would go its own way."""
        for name in ("experiment.sh", "experiments.sh", "vm.sh"):
            self.assertNotIn("vgamem |", read_text(os.path.join(TOP, "scripts", name)), name)

    def test_the_command_prints_one_error(self):
        said, variants = ask("settings", "005b", "server=fast"), [*stack.variants()]
        self.assertEqual((said.returncode, said.stderr), (
            1, f"error: server=fast: not traced, {', '.join(variants[:-1])} or {variants[-1]}\n"))


def ask(*words):
    environment = {**os.environ, "PYTHONPATH": os.path.join(TOP, "scripts")}
    command = ["python3", "-B", "-m", "spicetap_lab", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


class List(forged.InFolder):
    def test_is_of_settings_that_exist(self):
        rows, batches = runlist.read()
        self.assertGreaterEqual(len(batches), 8)
        self.assertGreaterEqual(len(rows), 50)
        for row in rows:
            self.assertTrue(row.settings(), row.name)

    def test_has_all_32_cells(self):
        names = {r.name for r in runlist.read()[0] if r.batch == "matrix"}
        shapes = ("xqxl", "kms", "virtio", "virgl")
        cells = {f"{g}-{s}-{w}" for g in ("debian11", "debian13") for s in shapes for w in tables.WORKLOADS}
        self.assertEqual((len(names), names), (32, cells))

    def test_names_the_bad_line(self):
        for text, want in (
            ("a 1 005b\n", "below a [batch]"),
            ("[x] y\na 0 005b\n", "x.list:2"),
            ("[x]\na 1 b\na 1 b\n", "second row"),
            ("[x]\na 1 b ram\n", "not KEY=VALUE: ram"),
        ):
            path = f"{self.folder}/x.list"
            forged.write(path, text)
            with self.subTest(text), self.assertRaises(LabError) as caught:
                runlist.read(path)
            self.assertIn(want, str(caught.exception))

    def test_a_row_without_an_experiment_is_named(self):
        with self.assertRaises(LabError) as caught:
            runlist.plan(self.folder, [runlist.Row("one", "a", 1, "nix")], [], None)
        self.assertIn("guest-configs/nix.experiment", str(caught.exception))

    def test_a_row_with_a_bad_setting_is_named(self):
        with self.assertRaises(LabError) as caught:
            runlist.plan(self.folder, [runlist.Row("one", "a", 1, "005b", ("ram=many",))], [], None)
        self.assertEqual(str(caught.exception), "runs.list, row a: ram=many: not a number of MiB")

    def test_repeats_are_interleaved(self):
        def names(*patterns):
            return " ".join(f"{row.name}{n}" for row, n in runlist.order(ROWS, patterns))

        self.assertEqual(names(), "a1 b1 c1 a2 c2 c3")
        self.assertEqual(names("@two"), "c1 c2 c3")
        self.assertEqual(names("a", "c-3"), "a1 a2 c3")
        self.assertEqual(names("[ab]-1"), "a1 b1")

    def test_what_is_done_shows_in_the_settings(self):
        a = ROWS[0].settings()
        forged.result(self.folder, "a-1", forged.row(), a)
        forged.result(self.folder, "a-2", None, a, verdict="refused", why=["lost"])
        forged.result(self.folder, "b-1", forged.row(), a)  # as before the list had ram=128
        forged.result(self.folder, "c-1", None, ROWS[2].settings(), verdict="failed", why=["no such device"])
        plan = runlist.plan(self.folder, ROWS, [], None)
        states = {"a-1": "done", "b-1": "todo", "c-1": "todo", "a-2": "failed", "c-2": "todo", "c-3": "todo"}
        self.assertEqual([(p.run, p.state) for p in plan], list(states.items()))
        # 100 s beside the recording, as in the forged runs
        left = [700 + 3 * 120, 700 + 3 * 120, 3 * 120, 2 * 120, 2 * 120, 120]
        self.assertEqual([p.left for p in plan], left)
        other = runlist.plan(self.folder, ROWS, [], 30)
        self.assertEqual({p.state for p in other}, {"todo"}, "another duration is another run")

    def test_half_a_row_is_not_done(self):
        path = forged.result(self.folder, "b-1", forged.row(), ROWS[1].settings())
        self.assertEqual(runlist.state(self.folder, "b-1", ROWS[1].settings()), "done")
        os.remove(f"{path}/series.csv")
        self.assertEqual(runlist.state(self.folder, "b-1", ROWS[1].settings()), "todo")


class Files(unittest.TestCase):
    def test_every_configuration_is_good(self):
        for name in sorted(os.listdir(CONFIGS)):
            if name.endswith((".vm", ".experiment")):
                with self.subTest(name):
                    settings.resolve(os.path.join(CONFIGS, name), [], name)
