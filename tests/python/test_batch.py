# SPDX-License-Identifier: GPL-2.0-or-later
"""A batch: its file, its order, what is made, what is made again, and on which host."""

import contextlib
import json
import os
import shutil
from unittest import TestCase, mock

import fakes
import forged
from spicetap_lab import LabError, batch, batchfile, batchrun, bundle, settings, store

BAD = (
    ("about=x\nblocks=3\na 005b\n", "x.batch has no seed="),
    ("about=x\nseed=1\nblocks=3\n", "x.batch has no row"),
    ("about=x\nseed=1\na 005b\n", "x.batch:3: no blocks= above the first row"),
    ("seed=one\n", "x.batch:1: seed=one: not a number"),
    ("blocks=0\n", "x.batch:1: blocks=0: not a number, 1 to 99"),
    ("blocks=3\nspeed=2\n", "x.batch:2: speed=2: neither one of about, seed, blocks, base nor a setting"),
    ("blocks=3\na nix\n", "x.batch:2: there is no guest-configs/nix.experiment"),
    ("blocks=3\nA 005b\n", "x.batch:2: not NAME EXPERIMENT"),
    ("blocks=3\na ram=64\n", "x.batch:2: not NAME EXPERIMENT"),
    ("blocks=3\na 005b ram=0\n", "x.batch:2, row a: ram=0: not a number of MiB"),
    ("blocks=3\nram=x\na 005b\n", "x.batch:3, row a: ram=x: not a number of MiB"),
    ("blocks=3\na 005b speed=2\n", "x.batch:2, row a: speed=2: there is no setting named speed"),
    ("about=x\nseed=1\nblocks=3\na 005b\na 16a\n", "two rows are named a"),
    ("about=x\nseed=1\nblocks=3\nbase=c\na 005b\n", "base=c: there is no such row"),
)


class File(TestCase):
    def test_what_is_wrong_is_named(self):
        for text, want in BAD:
            with self.subTest(text), self.assertRaises(LabError) as caught:
                fakes.definition(text, "x")
            self.assertIn(want, str(caught.exception))

    def test_a_line_holds_for_the_rows_below_it(self):
        text = "about=x y\nseed=7\nblocks=5\nram=128 # MiB\na 005b\nblocks=3\nbase=b\nb 005b ram=256\nram=64\nc 005b\n"
        rows = fakes.definition(text).rows
        self.assertEqual([row.settings["ram"] for row in rows], ["128", "256", "64"])
        found = [(row.name, row.blocks, row.base) for row in rows]
        self.assertEqual(found, [("a", 5, "a"), ("b", 3, "b"), ("c", 3, "b")])

    def test_the_files_of_this_tree_are_good(self):
        """A batch that names a setting which does not exist must not be here."""
        for name in batchfile.names():
            self.assertGreaterEqual(batchfile.read(name).blocks, 3, name)
        with self.assertRaises(LabError) as caught:
            batchfile.read("nix")
        self.assertIn("no batch named nix", str(caught.exception))


class Order(TestCase):
    def test_each_block_has_every_row_once(self):
        text = "about=x\nseed=7\nblocks=9\n" + "".join(f"r{n} 005b\n" for n in range(6)) + "blocks=2\nfew 005b\n"
        definition = fakes.definition(text)
        orders = [[row.name for row in definition.order(block)] for block in range(1, 10)]
        self.assertTrue(all(sorted(set(order)) == sorted(order) for order in orders))
        self.assertEqual([len(order) for order in orders], [7, 7, *[6] * 7])
        distinct = {tuple(row for row in order if row != "few") for order in orders}
        self.assertGreater(len(distinct), 5, "blocks differ in order")
        self.assertEqual(orders, [[row.name for row in fakes.definition(text).order(b)] for b in range(1, 10)])

    def test_the_seed_draws_it(self):
        self.assertEqual([row.name for row in fakes.definition().order(1)], ["ram256", "ram64", "ram128"])
        seeds = [fakes.definition(fakes.BATCH.replace("=7", f"={n}")) for n in range(40)]
        self.assertEqual(len({tuple(row.name for row in seed.order(1)) for seed in seeds}), 6, "all orders come up")


class Making(forged.InFolder):
    def setUp(self):
        super().setUp()
        self.tree = fakes.Tree(self.folder)
        self.there = f"{self.folder}/batches/memory"
        for patch in self.tree.patches():
            patch.start()
            self.addCleanup(patch.stop)
        self.said = []

    def make(self, text=fakes.BATCH, here=fakes.HERE):
        how = {"command": self.tree.experiment, "out": self.said.append}
        return batchrun.make(fakes.definition(text), self.there, here, **how)

    def facts(self, run):
        return json.loads(store.read_text(f"{self.there}/{run}/run.json"))

    def refuses(self, want, **changes):
        made = self.tree.made()
        with self.assertRaises(LabError) as caught:
            self.make(**changes)
        self.assertIn(want, str(caught.exception))
        self.assertEqual(self.tree.made(), made, "nothing was started")

    def test_each_run_is_made_once_in_the_order_of_the_manifest(self):
        self.assertTrue(self.make())
        order = json.loads(store.read_text(f"{self.there}/batch.json"))["order"]
        want = [f"{row}-{n}" for n, block in enumerate(order, 1) for row in block]
        self.assertEqual(self.tree.made(), want)
        self.assertEqual(len(want), 7)
        facts = self.facts("ram128-2")
        self.assertEqual((facts["name"], facts["repeat"], facts["batch"]), ("ram128", 2, "memory"))
        self.assertEqual(facts["attempts"], 1)
        self.assertEqual((facts["settings"]["ram"], facts["settings"]["duration"]), ("128", "9"))
        self.assertEqual(store.missing(f"{self.there}/ram128-2"), [])
        self.assertTrue(self.make())
        self.assertEqual(len(self.tree.made()), 7, "nothing is made again")
        shutil.rmtree(f"{self.there}/ram64-2")
        os.remove(f"{self.there}/ram128-3/row.json")
        self.assertTrue(self.make())
        self.assertEqual(sorted(self.tree.made()[7:]), ["ram128-3", "ram64-2"], "a lost and a half row are")

    def test_a_run_has_two_attempts(self):
        self.tree.write("does/ram256-1", "refuse ok")
        self.tree.write("does/ram64-2", "refuse")
        self.tree.write("does/ram128-3", "other")
        self.assertFalse(self.make())
        made = self.tree.made()
        self.assertEqual({run: made.count(run) for run in made if made.count(run) > 1},
                         {"ram256-1": 2, "ram64-2": 2, "ram128-3": 2})
        self.assertEqual(made[:4], ["ram256-1", "ram64-1", "ram128-1", "ram256-1"], "the second is at its block's end")
        self.assertEqual((self.facts("ram256-1")["verdict"], self.facts("ram256-1")["attempts"]), ("ok", 2))
        facts = self.facts("ram64-2")
        self.assertEqual((facts["verdict"], facts["attempts"]), ("refused", 2))
        self.assertEqual(facts["why"], ["the workload did not run"])
        self.assertEqual(self.facts("ram128-3")["why"], ["it had other settings than the batch has"])
        self.assertFalse(os.path.exists(f"{self.there}/ram64-2/row.json"), "it is no row")
        self.assertIn("5 done, 2 failed, 0 to do", self.said[-1])
        self.assertFalse(self.make())
        self.assertEqual(len(self.tree.made()), len(made), "there is no third attempt")

    def test_it_goes_on_where_it_was_interrupted(self):
        self.tree.write("does/ram64-1", "sleep ok")
        batchrun_wait = batchrun.Maker.wait

        def wait(maker, child, run, log):
            if run.name == "ram64-1" and "ram64-1" not in interrupted:
                interrupted.append(run.name)
                while self.tree.made()[-1:] != ["ram64-1"] or not store.read_text(log).endswith("boots\n"):
                    pass
                raise batchrun.Interrupted(2)
            return batchrun_wait(maker, child, run, log)

        interrupted = []
        with mock.patch.object(batchrun.Maker, "wait", wait), contextlib.suppress(batchrun.Interrupted):
            self.make()
        self.assertEqual(self.tree.made(), ["ram256-1", "ram64-1", "cleaned"])
        self.assertFalse(os.path.exists(f"{self.there}/ram64-1"), "an interrupted run is no attempt")
        self.assertTrue(self.make())
        self.assertEqual(self.tree.made()[3], "ram64-1")
        self.assertEqual(self.facts("ram64-1")["attempts"], 1)

    def test_another_host_is_refused(self):
        self.tree.write("does/ram64-1", "break ok")
        self.make()
        shutil.rmtree(f"{self.there}/ram64-2")
        self.refuses("memory is another host's: A CPU, family 6, 2 cores, emulation (TCG)\n"
                     "  this host: B CPU,", here={"accel": "tcg", **forged.on("B CPU")})
        self.refuses("memory is another host's", here={"accel": "kvm", "host": forged.HOST})
        newer = {"accel": "tcg", "host": {**forged.HOST, "kernel": "7.0"}}
        self.assertTrue(self.make(here=newer), "another kernel is no other host")
        self.assertEqual(batch.Batch(self.there).manifest["host"]["kernel"], "6.1", "it is the first call's")

    def test_a_recording_of_another_host_is_no_row(self):
        self.tree.info["run"]["host"]["cpu"] = "B CPU"
        with self.assertRaises(LabError) as caught:
            self.make()
        self.assertIn("memory is another host's", str(caught.exception))
        self.assertEqual(store.folders(self.there), ["bundles", "log"])

    def test_another_stack_is_refused(self):
        built = {"stack": {"spice": "aa", "qemu": "bb"}}
        self.make(here=fakes.HERE | built)
        shutil.rmtree(f"{self.there}/ram64-2")
        self.refuses("memory was begun with another spice: the traced stack has changed",
                     here=fakes.HERE | {"stack": {"spice": "cc", "qemu": "bb"}})
        self.assertTrue(self.make(here=fakes.HERE | built))

    def test_a_run_with_other_software_is_no_row(self):
        self.make(fakes.BATCH.replace("blocks=3", "blocks=1"))
        for change, want in (
            (lambda info: info["run"]["target"]["spice"].update(build_id="cc"), "had another spice-server than"),
            (lambda info: info["run"]["guest"]["logs"][0]["hello"].update(kernel="6.1"), "had another guest's kernel"),
        ):
            self.tree.info = forged.info()
            change(self.tree.info)
            with self.assertRaises(LabError) as caught:
                self.make()
            self.assertIn(want, str(caught.exception))
            self.assertFalse([run for run in store.folders(self.there) if run.endswith("-2")], "nothing was kept")

    def test_a_changed_batch_file_is_refused(self):
        self.make()
        for old, new, want in (
            ("seed=7", "seed=8", "seed=8, and was 7"),
            ("ram=128", "ram=129", "row ram128 has another ram"),
            ("ram256  005b  ram=256\n", "", "row ram256 is gone"),
            ("ram64   005b", "ram64   005b\nmore 005b", "row more is new"),
            ("blocks=3", "blocks=2", "row ram128 has fewer blocks"),
        ):
            self.refuses(want, text=fakes.BATCH.replace(old, new))
        self.assertTrue(self.make(fakes.BATCH.replace("blocks=3", "blocks=4").replace("What", "Which")))
        self.assertEqual(sorted(self.tree.made()[7:]), ["ram128-4", "ram64-4"], "more blocks may come")

    def test_a_broken_machine_stops_it(self):
        for row in ("ram64", "ram128", "ram256"):
            self.tree.write(f"does/{row}", "break")
        with self.assertRaises(LabError) as caught:
            self.make()
        self.assertIn("3 runs in a row left no recording", str(caught.exception))
        self.assertEqual(len(self.tree.made()), 3)
        self.assertEqual(store.folders(self.there), ["bundles", "log"], "their attempts do not count")
        for row in ("ram64", "ram128", "ram256"):
            self.tree.write(f"does/{row}", "ok")
        self.assertTrue(self.make())

    def test_half_a_row_ends_it(self):
        """It would make that run for ever."""
        with mock.patch.object(bundle.timeline, "as_svg", lambda *_: ""), self.assertRaises(LabError) as caught:
            self.make()
        self.assertIn("ram256-1 was good, but its row is not whole: no timeline.svg", str(caught.exception))
        self.assertEqual(len(self.tree.made()), 1)

    def test_one_at_a_time(self):
        with batchrun.alone():
            self.refuses("another batch or make experiments is running")


class Time(forged.InFolder):
    def test_what_is_left_comes_from_measured_runs(self):
        there = batch.begin(fakes.definition(), f"{self.folder}/memory", fakes.HERE)
        self.assertEqual([run.seconds for run in there.runs()], [109] * 7, "nothing was measured yet")
        self.assertEqual(there.runs()[0].left, 7 * 109)
        wanted = there.definition.row("ram64").settings
        for run, took in (("ram64-1", 59), ("ram64-2", 69)):
            forged.result(there.folder, run, forged.row(), wanted, took=took)
        runs = there.runs()
        seconds = {run.row.name: run.seconds for run in runs}
        self.assertEqual(seconds, {"ram64": 64, "ram128": 64, "ram256": 64})
        self.assertEqual(runs[0].left, 5 * 64, "two of seven are done")
        self.assertEqual(batch.count(runs), "2 done, 0 failed, 5 to do; about 5 min left")

    def test_slow_motion_takes_its_time(self):
        self.assertEqual(batch.recording({"duration": "60", "slowdown": "8"}, "tcg"), 480)
        self.assertEqual(batch.recording({"duration": "60", "slowdown": "8"}, "kvm"), 60, "not used with KVM")
        self.assertEqual(batch.recording({"duration": "60"}, "tcg"), 60)

    def test_the_state_in_words(self):
        there = batch.begin(fakes.definition(), f"{self.folder}/memory", fakes.HERE)
        wanted = there.definition.row("ram64").settings
        for run, attempts in (("ram64-1", 1), ("ram64-2", 2)):
            forged.result(there.folder, run, None, wanted, verdict="failed", why=["no device"], attempts=attempts)
        text = "\n".join(batch.show(there))
        self.assertIn("memory: What memory does\nhost: A CPU, family 6, 2 cores, emulation (TCG); seed 7\n", text)
        self.assertRegex(text, r"ram64-1 +failed once, to do again, about 2 min: no device")
        self.assertRegex(text, r"ram64-2 +FAILED: no device")
        self.assertRegex(text, r"ram128-1 +to do, about 2 min")


class Settings(TestCase):
    def test_slow_motion_in_a_batch_is_refused_where_it_does_not_exist(self):
        without = {k: v for k, v in settings.SETTINGS.items() if k != "slowdown"}
        with mock.patch.object(settings, "SETTINGS", without), self.assertRaises(LabError) as caught:
            fakes.definition(fakes.BATCH.replace("ram=128", "slowdown=8"))
        self.assertIn("there is no setting named slowdown", str(caught.exception))
