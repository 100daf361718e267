# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of a batch: rows, differences within blocks, marks, the plateau; and how it is kept in results/."""

import contextlib
import io
import json
import os
import shutil
from unittest import mock

import fakes
import forged
from forged import row
from spicetap_lab import LabError, batch, batchpages, bundle, citations, cli, pages, plateau, rules, settings, store

SLOW = settings.Setting("slowdown", "a factor", pattern=r"[1-9]\d?", default="1")
TEXT = "about=What memory does\nseed=7\nblocks={}\nduration=60\n64 005b\n128 005b ram=128\n"


def cells(line):
    return [c.strip() for c in line.split("|")[1:-1]]


def line_of(text, *begin):
    return next(cells(line) for line in text.splitlines() if line.startswith("| " + " | ".join(begin)))


class InBatch(forged.InFolder):
    def setUp(self):
        super().setUp()
        patch = mock.patch.dict(settings.SETTINGS, {"slowdown": SLOW})
        patch.start()
        self.addCleanup(patch.stop)

    def batch(self, text, figures, name="memory"):
        """A batch with these figures: {row's name: [those of block 1, of block 2, ...]}. None: no run."""
        of = batch.begin(fakes.definition(text, name), f"{self.folder}/runs/{name}", fakes.HERE)
        for row_name, blocks in figures.items():
            for block, values in enumerate(blocks, 1):
                if values is not None:
                    self.result(of, row_name, block, values)
        return of

    def result(self, of, row_name, block, values, **changes):
        values = dict(values)
        facts = {"guest": {"idle_share": values.pop("idle", 40.0)}, "events": values.pop("events", 6000)}
        wanted = of.definition.row(row_name).settings
        forged.result(of.folder, f"{row_name}-{block}", row(seconds=60, **values), wanted, **facts, **changes)


class Page(InBatch):
    def frames(self, base, other, **more):
        both = {"64": [{"clip_frames": v} for v in base], "128": [{"clip_frames": v} for v in other]}
        return batchpages.Page(self.batch(TEXT.format(len(base)), both, **more))

    def test_a_difference_is_that_of_the_blocks(self):
        page = self.frames([50.0, 10.0, 51.0], [51.0, 12.0, 53.0])
        self.assertEqual(line_of(page.table(), "64")[4], "50.0 (10.0–51.0)")
        self.assertEqual(line_of(page.differences(), "128", "64", "3")[3], "+2.0 (+1.0 to +2.0)")

    def test_from_five_blocks_on_with_an_interval(self):
        page = self.frames([10.0] * 5, [9.0, 8.0, 7.0, 6.0, 5.0])
        self.assertEqual(line_of(page.differences(), "128", "64")[3], "-3.0 (-5.0 to -1.0), 95 % -5.0 to -1.0")

    def test_a_row_of_few_runs_carries_no_recommendation(self):
        page = self.frames([10.0] * 3, [9.0, 8.0, 7.0])
        self.assertNotIn("†", page.table())
        shutil.rmtree(page.of.path("128-2"))
        page = batchpages.Page(page.of)
        self.assertIn("| 128†‡ |", page.table())
        self.assertIn("† fewer than 3 good runs: no recommendation may rest on this row.", page.table())
        text = page.differences()
        self.assertEqual(line_of(text, "128†", "64", "2")[3], "-2.0 (-3.0 to -1.0)")
        self.assertIn("† fewer than 3 good runs", text)

    def test_a_failed_run_is_no_figure(self):
        page = self.frames([10.0] * 3, [9.0, 8.0, 7.0])
        path = page.of.path("128-3", "run.json")
        facts = json.loads(store.read_text(path))
        forged.write(path, json.dumps(facts | {"verdict": "refused", "why": ["no work"], "attempts": 2}))
        text = batchpages.Page(page.of).text()
        self.assertEqual(line_of(text, "128†")[4], "8.5 (8.0–9.0)")
        self.assertEqual(line_of(text, "128-3"), ["128-3", "2", "no work"])
        self.assertIn("5 done, 1 failed, 0 to do", text)

    def test_what_one_run_lacks_is_not_shown(self):
        page = self.frames([10.0] * 3, [9.0, None, 7.0])
        self.assertEqual(line_of(page.table(), "128")[4], "")
        self.assertNotIn("frames/s", page.differences())

    def test_the_page_names_settings_and_host(self):
        text = self.frames([10.0] * 3, [9.0] * 3).text()
        self.assertIn("A CPU, family 6, 2 cores, emulation (TCG). 3 blocks, seed 7. 6 done", text)
        self.assertEqual(line_of(text, "row", "experiment"), ["row", "experiment", "ram"])
        self.assertEqual(line_of(text, "128", "005b"), ["128", "005b", "128"])
        self.assertIn("guest=debian11", text)

    def test_a_row_without_a_pilot_is_marked(self):
        of = self.batch(TEXT.format(3), {n: [{"clip_frames": 9.0}] * 3 for n in ("64", "128")})
        flat = {f"x{n}": [{"clip_frames": 9.0}] * 3 for n in (1, 2, 4)}
        flat["x1"] = [{"clip_frames": 2.0}] * 3
        pilot = self.batch(PILOT, flat, "plateau-005b")
        text = batchpages.Page(of, [pilot]).table()
        self.assertIn("| 64§ | 1 |", text, "its plateau begins at 2")
        self.assertIn("| 128‡ | 1 |", text, "the pilot had another memory")
        twice = TEXT.format(3).replace("duration=60", "slowdown=2")
        slower = self.batch(twice, {"64": [{"clip_frames": 9.0}] * 3}, "slow")
        self.assertIn("| 64 | 2 |", batchpages.Page(slower, [pilot]).table())
        of.accel = "kvm"
        self.assertNotIn("‡", batchpages.Page(of, []).table(), "with KVM there is no plateau to look for")
        pilot.manifest["host"]["cpu"] = "B CPU"
        self.assertIn("| 64‡ | 2 |", batchpages.Page(slower, [pilot]).table(), "another host's pilot says nothing")


PILOT = "about=x\nseed=1\nblocks=3\nduration=60\n" + "".join(f"x{n} 005b slowdown={n}\n" for n in (1, 2, 4))
FLAT = {"clip_frames": 20.0, "ooms_a_minute": 90.0, "clip_time": 100.0, "waited_share": 1.0, "events": 6000}


class Plateau(InBatch):
    def pilot(self, **figures):
        """A pilot: each figure is a list of those of x1, x2 and x4, the same in the three blocks or a list of them."""
        rows = {}
        for n, name in enumerate(("x1", "x2", "x4")):
            rows[name] = [dict(FLAT) for _ in range(3)]
            for key, values in figures.items():
                of_block = values[n] if isinstance(values[n], list) else [values[n]] * 3
                for block, value in enumerate(of_block):
                    rows[name][block][key] = value
        self.pilots = getattr(self, "pilots", 0) + 1
        return self.batch(PILOT, rows, f"plateau-{self.pilots}")

    def whys(self, **figures):
        return [verdict.why for verdict in plateau.verdicts(self.pilot(**figures))]

    def test_it_begins_where_doubling_changes_nothing(self):
        pilot = self.pilot(clip_frames=[6.0, 20.0, 20.0])
        self.assertEqual(plateau.begins(pilot), 2)
        said = [verdict.why for verdict in plateau.verdicts(pilot)]
        self.assertEqual(said[:2], ["doubled: frames/s 6.0 to 20.0", ""])
        self.assertIn("not known", said[2])
        text = batchpages.Page(pilot).text()
        self.assertEqual(line_of(text, "2", "3")[-1], "on the plateau")
        self.assertIn("The plateau begins at 2.", text)
        self.assertNotIn("‡", text, "a pilot needs no pilot")

    def test_within_the_spread_is_no_change(self):
        self.assertEqual(self.whys(clip_frames=[[18.0, 20.0, 22.0], [21.0, 22.0, 24.0], 24.0])[:2], ["", ""])
        self.assertEqual(self.whys(clip_frames=[[19.0, 20.0, 21.0], [23.0, 24.0, 25.0], 24.0])[:2],
                         ["doubled: frames/s 20.0 to 24.0", ""])
        self.assertEqual(self.whys(clip_frames=[20.0, 20.1, 20.1])[0], "", "one step of the last digit")

    def test_each_figure_counts(self):
        for key, heading in (("ooms_a_minute", "OOM/min"), ("clip_time", "of its time %"), ("events", "events/s")):
            with self.subTest(key):
                self.assertIn(f"doubled: {heading}", self.whys(**{key: [1.0, 6000.0, 6000.0]})[0])
        self.assertEqual(self.whys(waited_share=[4.0, 2.0, 1.0])[:2], ["", ""], "slow motion shortens it, for ever")

    def test_one_event_is_no_change(self):
        self.assertEqual(self.whys(ooms_a_minute=[90.0, 91.0, 93.0])[:2], ["", "doubled: OOM/min 91.0 to 93.0"])

    def test_the_guest_must_be_idle_at_times(self):
        self.assertEqual(self.whys(idle=[[9.0, 4.0, 9.0], 5.0, 50.0])[:2], ["the guest is idle 4 % of the time", ""])
        self.assertIn("idle time was not recorded", self.whys(idle=[None] * 3)[0])

    def test_too_few_runs_give_no_verdict(self):
        pilot = self.pilot()
        shutil.rmtree(pilot.path("x2-3"))
        self.assertIsNone(plateau.begins(pilot))
        self.assertIn("it takes 3 good runs", plateau.verdicts(pilot)[0].why)
        self.assertIn("No factor of this pilot is shown to be on the plateau.", batchpages.plateau_table(pilot))

    def test_the_pilot_of_a_row(self):
        of = plateau.definition("005b", ["ram=128"])
        self.assertEqual(of.name, "plateau-005b-ram-128")
        self.assertEqual([row.settings["slowdown"] for row in of.rows], ["1", "2", "4", "8", "16", "32"])
        self.assertEqual({(row.settings["ram"], row.blocks) for row in of.rows}, {("128", 3)})
        self.assertTrue(plateau.is_pilot(of))
        self.assertFalse(plateau.is_pilot(fakes.definition()))
        with self.assertRaises(LabError) as caught:
            plateau.definition("005b", accel="kvm")
        self.assertIn("with KVM a guest has the speed of a real one", str(caught.exception))
        for name, want in (("nix", "no experiment named nix"), ("nix/a", "no batch named nix")):
            with self.assertRaises(LabError) as caught:
                plateau.definition(name)
            self.assertIn(want, str(caught.exception))

    def test_without_slow_motion_there_is_no_pilot(self):
        without = {k: v for k, v in settings.SETTINGS.items() if k != "slowdown"}
        with mock.patch.object(settings, "SETTINGS", without), self.assertRaises(LabError) as caught:
            plateau.definition("005b")
        self.assertIn("there is no setting named slowdown", str(caught.exception))


class Keep(InBatch):
    def setUp(self):
        super().setUp()
        self.results = f"{self.folder}/results"
        self.of = self.batch(TEXT.format(3), {n: [{"clip_frames": 9.0}] * 3 for n in ("64", "128")})

    def keep(self, **how):
        return batchpages.keep(self.of, self.results, **how)

    def test_it_is_one_folder_and_stays_apart(self):
        os.makedirs(self.of.path("bundles", "64-1-date"))
        forged.result(self.results, "16a-1", row(clip_frames=4.0))
        self.keep()
        there = f"{self.results}/batches/memory"
        runs = sorted(f"{n}-{b}" for n in ("64", "128") for b in (1, 2, 3))
        self.assertEqual(sorted(os.listdir(there)), sorted([*runs, "README.md", "batch.json"]), "no recordings")
        self.assertEqual(store.folders(self.results), ["16a-1"])
        self.assertEqual([f["run"] for f in store.Results(self.results).facts()], ["16a-1"], "no table mixes them in")
        pages.make(self.results, [])
        self.assertIn("| [memory](batches/memory/README.md) | What memory does | 3 |",
                      store.read_text(f"{self.results}/README.md"))
        self.assertEqual(list(pages.check(self.results)), [])

    def test_the_check_sees_what_is_wrong(self):
        self.keep()
        pages.make(self.results, [])
        there = f"{self.results}/batches/memory"

        def wrong(want):
            text = "\n".join(pages.check(self.results))
            self.assertIn(want, text)
            shutil.rmtree(there)
            self.keep()
            self.assertEqual(list(pages.check(self.results)), [])

        forged.write(f"{there}/64-1/row.json", json.dumps(row(clip_frames=99.0)))
        wrong("batches/memory/README.md is not what its runs say")
        os.remove(f"{there}/64-1/row.json")
        wrong("batches/memory: 64-1 is half a row")
        facts = json.loads(store.read_text(f"{there}/64-1/run.json"))
        forged.write(f"{there}/64-1/run.json", json.dumps(facts | forged.on("B CPU")))
        wrong("batches/memory/64-1 is another host's")
        shutil.copytree(f"{there}/64-1", f"{there}/64-4")
        wrong("batches/memory/64-4 is no run of this batch")
        forged.write(f"{there}/64-1/info.txt", "in /home/somebody/x\n")
        wrong("/home/somebody/x")

    def test_an_unfinished_batch_is_refused(self):
        shutil.rmtree(self.of.path("64-2"))
        with self.assertRaises(LabError) as caught:
            self.keep()
        self.assertIn("memory is not done: 5 done, 0 failed, 1 to do", str(caught.exception))
        self.assertIn("5 done, 0 failed, 1 to do", self.keep(unfinished=True))

    def test_a_table_in_docs_is_of_one_batch(self):
        self.keep()
        page = f"{self.folder}/docs/dev/page.md"
        os.makedirs(os.path.dirname(page))
        marks = "<!-- made by `make results`: {} -->\n<!-- made -->\n"
        forged.write(page, marks.format("rows memory") + marks.format("differences memory") + marks.format("rows nix"))
        text = pages.filled(page, self.results)
        self.assertIn("[1](../../results/batches/memory/64-1/)", text)
        self.assertIn("| row | minus | blocks | frames/s |", text)
        self.assertIn("no batch named nix is in results/", text)

    def test_a_number_of_a_batch_can_be_cited(self):
        forged.write(self.of.path("64-1", "explain.txt"), "  [e0.1] 2 of 9 calls were false.\n")
        forged.result(self.results, "64-1", row(clip_frames=4.0))
        self.keep()
        good, bad = "2 of 9 calls in memory/64-1 (`e0.1`).", "3 of 9 calls in memory/64-1 (`e0.1`)."
        self.assertEqual(list(citations.check(good, self.results)), [])
        self.assertIn("3 of 9 (e0.1 of memory/64-1): 3 is not in it", "".join(citations.check(bad, self.results)))


class Rules(InBatch):
    GOOD = {"clip_frames": 9.0, "age_median": 90.0, "torn": 0.0}
    KEPT = {"bars": "yes", "bitrate": "1000"}
    GUEST = {"idle_share": 50.0, "packages": {"mpv": "1"}}

    def broken(
        self, figures=None, pilot=(1, "a pilot"), settings=(), good=3, batched=True, controls=("qxl.xml",), **changes
    ):
        """The rules that a run breaks."""
        facts = forged.facts("64-1", {**self.KEPT, **dict(settings)}, **{"guest": self.GUEST, **changes})
        with mock.patch.object(plateau, "of_row", lambda *_: pilot):
            broken = rules.of_run(facts, row(**(figures or self.GOOD)), [], good, batched, controls)
            return [rule for rule, _ in broken]

    def test_each_rule_is_seen(self):
        for want, how in (
            ([], {}),
            ([1], {"pilot": (None, None)}),
            ([1], {"pilot": (4, "a pilot")}),
            ([], {"pilot": (4, "a pilot"), "settings": {"slowdown": "4"}}),
            ([1], {"guest": {"packages": {"mpv": "1"}}}),
            ([], {"accel": "kvm", "pilot": (None, None)}),
            ([2], {"good": 2}),
            ([2], {"batched": False}),
            ([2], {"beside": ["another"]}),
            ([3], {"guest": {**self.GUEST, "packages": {}}}),
            ([3], {"settings": {"bitrate": None}}),
            ([4], {"controls": ["virtio-vga.xml"]}),
            ([], {"controls": (), "settings": {"bars": "no"}}),
            ([5], {"figures": {"clip_frames": 9.0, "age_median": 5.0}}),
            ([], {"figures": {"life": 9.0}, "controls": (), "settings": {"workload": "desktop"}}),
            ([6], {"why": ["it was another VM"]}),
        ):
            self.assertEqual(self.broken(**how), want, how)

    def test_old_results_break_them(self):
        results = f"{self.folder}/results"
        with mock.patch.dict(forged.SETTINGS):
            del forged.SETTINGS["bars"]  # made before there was the setting
            for n in (1, 2):
                forged.result(results, f"16a-{n}", row(clip_frames=4.0), seconds=60)
        text = "\n".join(rules.show(results))
        self.assertIn("rule 2: its row has fewer than 3 good runs on this host: 2 of 2: all\n", text)
        self.assertIn("rule 3: the server's first bit rate is not pinned (bitrate): 2 of 2: all\n", text)
        self.assertIn("rule 4: the frame's number was drawn in cells as wide as QEMU's columns: 2 of 2", text)
        self.assertIn("0 of 2 keep the rules", text)
        self.assertEqual(rules.named({"a", "b"}, {"a", "b", "c"}), "all but c")


class Commands(InBatch):
    def setUp(self):
        super().setUp()
        self.tree = fakes.Tree(self.folder)
        runs = mock.patch.object(batch, "RUNS", f"{self.folder}/runs")
        host = mock.patch.object(cli.cli_batch.hosts, "here", lambda: fakes.HERE)
        defaults = (self.tree.experiment, print, 60)
        of_tree = mock.patch.object(cli.cli_batch.batchrun.Maker.__init__, "__defaults__", defaults)
        file = mock.patch.object(cli.cli_batch.batchfile, "FOLDER", self.folder)
        for patch in (*self.tree.patches(), runs, host, of_tree, file):
            patch.start()
            self.addCleanup(patch.stop)
        forged.write(f"{self.folder}/memory.batch", fakes.BATCH)

    def call(self, *words):
        with (
            mock.patch("sys.argv", ["x", *words]),
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(out),
        ):
            return cli.main(), out.getvalue()

    def test_a_dry_run_makes_nothing(self):
        code, said = self.call("batch-dry-run", "memory")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, r"ram128-1 +scripts/experiment.sh 005b duration=9 ram=128   # about 2 min")
        self.assertIn("0 done, 0 failed, 7 to do; about 13 min left", said)
        self.assertEqual((self.tree.made(), os.path.exists(batch.RUNS)), ([], False))
        code, said = self.call("batch-list", "memory")
        self.assertEqual((code, said[:32]), (1, "error: memory has not begun: scr"))

    def test_from_the_first_run_to_results(self):
        self.tree.write("does/ram64-3", "refuse")
        code, said = self.call("batch-make", "memory")
        self.assertEqual(code, 1, said)
        self.assertIn("[1/7] block 1 of 3: ram256-1: about 2 min, all that is left 13 min\n", said)
        self.assertIn("memory: 6 done, 1 failed, 0 to do\n", said)
        code, said = self.call("batch-table", "memory")
        self.assertEqual(line_of(said, "ram64†")[2], "[1](ram64-1/) [2](ram64-2/)")
        code, said = self.call("keep-batch", "memory", f"{self.folder}/results")
        self.assertEqual(code, 0, said)
        self.assertEqual(list(batchpages.check(f"{self.folder}/results")), [])
        code, said = self.call("batch-names")
        self.assertEqual(said, "  memory       What memory does (6 done, 1 failed, 0 to do)\n")
        def spicetap(*words):
            return self.tree.spicetap(*words).replace('"clip_frames"', '"frames"')

        with mock.patch.object(bundle, "spicetap", spicetap):
            self.assertEqual(self.call("batch-again", "memory"), (0, "memory: 6 rows made again\n"))
        self.assertIsNone(batch.Batch(f"{batch.RUNS}/memory").good()["ram64"][1][1].get("clip_frames"))

    def test_a_pilot_is_a_batch(self):
        """What the page says of it is in Plateau; here it is made from the first run to the table."""
        frames = {1: 6.0, 2: 12.0, 4: 24.0, 8: 25.0, 16: 25.0, 32: 25.0}
        for n, v in frames.items():
            made = row(clip_frames=v, seconds=60, ooms_a_minute=90.0)
            self.tree.write(f"figures/x{n}", json.dumps([made]))
        idle = mock.patch.object(bundle, "guest_facts", lambda *_: {"idle_share": 50.0})
        with idle, mock.patch.object(plateau, "BLOCKS", 3):
            code, said = self.call("batch-make", "005b", "--plateau", "--as", "trial")
            self.assertEqual(code, 0, said)
            code, said = self.call("batch-table", "005b", "--plateau", "--as", "trial")
        self.assertIn("The plateau begins at 8.", said)
        self.assertEqual(line_of(said, "4", "3")[-1], "doubled: frames/s 24.0 to 25.0")

    def test_a_bad_word_is_named(self):
        for words, want in (
            (["batch-make", "nix"], "no batch named nix; there are memory"),
            (["batch-make", "memory", "ram=9"], "ram=9: a batch has its settings from its file alone"),
            (["batch-make", "memory", "--as", "../x"], "--as ../x: a name is wanted"),
            (["keep-batch", "nix", "results"], "nix is no batch"),
        ):
            code, said = self.call(*words)
            self.assertEqual((code, self.tree.made()), (1, []), words)
            self.assertIn(want, said)
