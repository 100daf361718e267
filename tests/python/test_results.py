# SPDX-License-Identifier: GPL-2.0-or-later
"""results/: what is a row, what its figures are, and what the pages say."""

import contextlib
import io
import json
import os
import unittest
from unittest import mock

import forged
from forged import row
from spicetap_lab import LabError, bundle, cli, figures, hosts, pages, runlist, store, tables


def cells(line):
    return [c.strip() for c in line.split("|")[1:-1]]


class Privacy(unittest.TestCase):
    def test_nothing_identifies_the_machine(self):
        for text, want in (
            ("at /home/somebody/build/stack/lib/x.so.1, 0/1000", "at .../x.so.1, 0/1000"),
            ("/usr/bin/Xorg /dev/dri/card0", None),
            ("spice://127.0.0.1:5900", None),
            ("<source file='/srv/a/b/disk.qcow2'/>", "<source file='.../disk.qcow2'/>"),
            ('{"run":"/tmp/runs/16a-1"}', '{"run":".../16a-1"}'),
            ("</text></svg>", None),
            ("4.0 MB/s 1/2/3", None),
        ):
            self.assertEqual(store.scrub(text), want or text)
            self.assertEqual(bool(store.leaks(text)), bool(want), text)
            self.assertEqual(store.leaks(store.scrub(text)), [], text)


class Keep(forged.InFolder):
    def names(self):
        return sorted(os.listdir(self.folder))

    def test_a_folder_appears_whole(self):
        path = f"{self.folder}/16a-1"
        with store.Folder(path) as new:
            store.write(new, "run.json", "{}\n")
            self.assertEqual(store.folders(self.folder), [], "no reader sees it yet")
        self.assertEqual(self.names(), ["16a-1"])

    def test_an_error_leaves_the_folder_of_before(self):
        path = forged.result(self.folder, "16a-1", row(clip_frames=4.0))
        with contextlib.suppress(KeyboardInterrupt), store.Folder(path) as new:
            store.write(new, "run.json", "{}\n")
            raise KeyboardInterrupt
        self.assertEqual(self.names(), ["16a-1"])
        self.assertEqual(store.missing(path), [])

    def test_what_a_kill_left_is_no_row(self):
        """`keep` is killed between its last file and the rename: the folder has all files, and is still no row."""
        forged.result(self.folder, "16a-1", row(clip_frames=4.0))
        forged.result(self.folder, "16a-2", row(clip_frames=400.0))
        os.rename(f"{self.folder}/16a-2", f"{self.folder}/.new-16a-2")
        results = store.Results(self.folder)
        self.assertEqual([facts["run"] for facts in results.facts()], ["16a-1"])
        self.assertEqual(len(list(store.halves(self.folder))), 1)
        self.assertIn(".new-16a-2", next(store.halves(self.folder)))

    def test_half_a_row_is_refused(self):
        whole = forged.result(self.folder, "16a-1", row(clip_frames=4.0))
        for n, name in enumerate(store.OF_A_ROW):
            with self.subTest(name):
                path = forged.result(self.folder, f"16b-{n + 1}", row(clip_frames=5.0))
                os.remove(f"{path}/{name}")
                self.assertEqual(store.missing(path), [name])
        cut = f"{whole}/explain.json"
        forged.write(cut, json.dumps(forged.explain())[:-9])
        self.assertEqual(store.missing(whole), ["explain.json"])
        results = store.Results(self.folder)
        self.assertEqual(results.good, {})
        self.assertIn("half a row", results.why_not("16a"))
        text = "\n".join(store.halves(self.folder))
        self.assertIn("16a-1 is half a row: explain.json missing or damaged", text)
        self.assertEqual(len(text.splitlines()), 1 + len(store.OF_A_ROW))

    def test_run_json_is_written_last(self):
        order = []
        info, of_bundle = forged.info(), f"{self.folder}/bundle"
        os.mkdir(of_bundle)
        experiment = {"settings": forged.SETTINGS, "verdict": "ok", "why": [], "name": "16a"}
        forged.write(f"{of_bundle}/experiment.json", json.dumps(experiment))
        said = {"info": json.dumps(info), "explain": json.dumps(forged.explain()), "compare": json.dumps([row()])}
        with (
            mock.patch.object(bundle, "spicetap", lambda command, *_: said[command]),
            mock.patch.object(bundle, "whatif", lambda *_: "x"),
            mock.patch.object(bundle.timeline, "series", lambda *_: []),
            mock.patch.object(store, "write", lambda folder, name, text: order.append(name)),
        ):
            bundle.keep(of_bundle, f"{self.folder}/16a-1", "16a", 1, 1)
        self.assertEqual(order[-1], "run.json")
        self.assertEqual(set(store.OF_A_ROW) - set(order), set())

    def test_experiment_json(self):
        lines = ["name=16a\n", "verdict=refused\n", "commit=abc\n", "why=a=b\n", "why=c\n", "set.ram=64\n"]
        want = {"name": "16a", "verdict": "refused", "commit": "abc", "why": ["a=b", "c"], "beside": []}
        self.assertEqual(bundle.experiment_of(lines), want | {"settings": {"ram": "64"}})


class Whatif(unittest.TestCase):
    def test_the_model_gets_the_constants_of_the_server_that_ran(self):
        ring, delta = ["--trace-items", "128"], ["--detection-delta", "1000"]
        for server, want in (
            (None, [ring, delta]),
            ("traced", [ring, delta]),
            ("stream-rate", [ring, delta]),
            ("ring128", [["--recorded", "trace-items=128", *other] for other in (["--trace-items", "8"], delta)]),
            ("newest128", [["--recorded", "trace-items=128", *other] for other in (["--trace-items", "8"], delta)]),
            ("delta", [["--recorded", "detection-delta=1000", *o] for o in (ring, ["--detection-delta", "200"])]),
        ):
            with self.subTest(server), mock.patch.object(bundle.subprocess, "run") as run:
                run.return_value.stdout = "text\n"
                self.assertEqual(bundle.whatif("RUN", server), "text\n\ntext\n")
                self.assertEqual([call.args[0][3:] for call in run.call_args_list], want)


class Guest(unittest.TestCase):
    def facts(self, console, cpus=1):
        head = {"guest": {"logs": [{"hello": {"cpus": cpus}}]}}
        return bundle.guest_facts("/nowhere", head, console)

    def test_its_rates_are_those_of_its_own_lines(self):
        line = "spicetap-workload: alive {}.00 s, work {}, clip at 1 dropped 0 played 1, idle {} s\n"
        console = line.format(10, 100, "3.00") + line.format(20, 175, "4.50") + line.format(30, 300, "8.00")
        facts = self.facts(console)
        self.assertEqual((facts["work_a_second"], facts["idle_share"]), (10.0, 25.0))
        self.assertEqual(self.facts(console, 2)["idle_share"], 12.5)
        self.assertNotIn("idle_share", self.facts(forged.CONSOLE), "an older guest has no such word")


class Figures(unittest.TestCase):
    def test_a_figure_is_the_median_and_the_spread(self):
        rows = [row(clip_frames=v, evicted=n, seconds=30, life=None) for v, n in ((5.0, 10), (7.04, 30), (6.0, 20))]
        self.assertEqual(figures.figure(rows, "clip_frames", 1), "6.0 (5.0–7.0)")
        self.assertEqual(figures.figure(rows[:1], "clip_frames", 1), "5.0")
        self.assertEqual(figures.figure(rows, "(evicted)", 0), "40 (20–60)")
        self.assertEqual(figures.figure(rows, "life", 1), "", "not measured")
        self.assertEqual(figures.figure(rows, "of_later_versions", 1), "")
        some = [*rows[:2], row(clip_frames=None)]
        self.assertEqual(figures.figure(some, "clip_frames", 1), "", "in one of three not measured")
        self.assertEqual(figures.word([{"death": "guest_idle"}, {"death": "refused"}], "death"), "guest idle/refused")

    def test_how_far_repeats_lie_apart(self):
        frames = {"a": (4.0, 8.0), "b": (9.0, 9.9), "once": (1.0,), "unmeasured": (1.0, None), "nothing": (0, 0)}
        rows = {name: [row(clip_frames=v) for v in values] for name, values in frames.items()}
        self.assertEqual(figures.apart(rows)["clip_frames"], (0.5, "a"))

    def test_a_repeat_is_within_the_spread(self):
        rows = [row(clip_frames=v, ooms_a_minute=None, lost=0) for v in (5.0, 7.0, 6.0)]
        for new, verdict in ((3.0, ""), (2.9, "OUTSIDE"), (9.0, ""), (9.1, "OUTSIDE")):
            judged = list(figures.agreement(rows, row(clip_frames=new, lost=9)))
            self.assertEqual([tuple(j) for j in judged], [("frames/s", f"{new:.2f}", "5.00", "7.00", verdict, "")])

    def test_where_there_is_no_spread_nothing_agrees(self):
        """It accepted any figure: the repeats of some other row had 0 to compare with."""
        for values in ((), (10.0,), (4.0, 8.0)):
            for new in (10.0, 0.0, 1000.0):
                judged = list(figures.agreement([row(clip_frames=v) for v in values], row(clip_frames=new)))
                self.assertEqual([j.verdict for j in judged], [figures.INCONCLUSIVE])
                self.assertIn("no spread", judged[0].why)

    def test_a_figure_that_some_lack_is_inconclusive(self):
        rows = [row(clip_frames=v) for v in (5.0, 7.0, None)]
        judged = list(figures.agreement(rows, row(clip_frames=6.0)))
        want = [("INCONCLUSIVE", "not measured in every run of the row")]
        self.assertEqual([(j.verdict, j.why) for j in judged], want)
        judged = list(figures.agreement([row(clip_frames=5.0)] * 3, row()))
        self.assertEqual([(j.verdict, j.why) for j in judged], [("INCONCLUSIVE", "not measured in this run")])


class Agree(forged.InFolder):
    def agree(self, new, values, settings=(), **changes):
        """(exit code, what is printed) of a repeat with `new` frames/s beside a row with `values`."""
        for n, v in enumerate(values):
            forged.result(f"{self.folder}/{len(values)}", f"16a-{n + 1}", row(clip_frames=v), settings, **changes)
        os.makedirs(f"{self.folder}/{len(values)}", exist_ok=True)
        of_bundle = {"name": "16a", "settings": forged.SETTINGS}, forged.facts("16a-9"), row(clip_frames=new)
        with (
            mock.patch.object(bundle, "repeat_of", lambda _: of_bundle),
            mock.patch("sys.argv", ["x", "agree", "bundle", f"{self.folder}/{len(values)}"]),
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(out),
        ):
            return cli.main(), out.getvalue()

    def test_a_row_of_few_runs_is_inconclusive(self):
        for values in ((10.0,), (4.0, 8.0)):
            code, said = self.agree(8.0, values)
            self.assertEqual(code, 3, said)
            runs = "1 run" if len(values) == 1 else "2 runs"
            self.assertIn(f"inconclusive: the row has {runs} of this host; a spread takes 3", said)
            self.assertNotIn("agrees", said)

    def test_three_runs_agree_or_do_not(self):
        code, said = self.agree(5.5, (5.0, 6.0, 7.0))
        self.assertEqual(code, 0, said)
        self.assertIn("agrees: 1 figure within the spread of 3 runs", said)
        code, said = self.agree(50.0, (5.0, 6.0, 7.0, 6.0))
        self.assertEqual(code, 1, said)
        self.assertIn("outside: 1 of 1 figure", said)

    def test_runs_of_another_host_do_not_count(self):
        code, said = self.agree(5.5, (5.0, 6.0, 7.0), **forged.on("Another CPU"))
        self.assertEqual(code, 3, said)
        self.assertIn("0 of the row's 3 runs are of it", said)
        self.assertIn("the row has 0 runs of this host", said)

    def test_other_settings_are_said(self):
        said = self.agree(5.5, (5.0, 6.0, 7.0), {"ram": "128"})[1]
        self.assertIn("warning: its settings are not those of the row", said)

    def test_a_row_that_is_not_there_is_an_error(self):
        code, said = self.agree(5.5, ())
        self.assertEqual(code, 1)
        self.assertIn("error: 16a has no run in ", said)


class Hosts(forged.InFolder):
    def test_what_makes_a_host(self):
        def key(accel="tcg", **changes):
            return hosts.key({"accel": accel, "host": {**forged.HOST, **changes}})

        self.assertEqual(key(), key(kernel="6.2", memory=2**34), "software does not make another host")
        for other in (key("kvm"), key(cpu="B"), key(cpu_version="family 7"), key(cores=4)):
            self.assertNotEqual(other, key())
        self.assertNotEqual(key(cpu_version=None, kernel="6.1"), key(cpu_version=None, kernel="6.2"))

    def test_this_host_is_described_as_the_recorder_does(self):
        cpuinfo = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: A CPU @ 2\nstepping\t: 2\n"
        with (
            mock.patch.object(hosts, "read_text", lambda _: cpuinfo),
            mock.patch.dict(os.environ, {"SPICETAP_ACCEL": "kvm"}),
        ):
            there = hosts.here()
        self.assertEqual(hosts.key(there)[:3], ("kvm", "A CPU @ 2", "family 25, model 1, stepping 2"))
        with mock.patch.dict(os.environ, {"SPICETAP_ACCEL": "qemu"}):
            self.assertEqual(hosts.here()["accel"], "tcg")
        with mock.patch.dict(os.environ, {"SPICETAP_ACCEL": "xen"}), self.assertRaises(LabError) as caught:
            hosts.here()
        self.assertIn("SPICETAP_ACCEL=xen", str(caught.exception))

    def test_a_new_host_gets_the_next_letter(self):
        for n, (cpu, date) in enumerate((("B CPU", "2026-01-01"), ("A CPU", "2026-01-02"), ("B CPU", "2026-01-03"))):
            forged.result(self.folder, f"16a-{n + 1}", row(clip_frames=4.0), date=date, **forged.on(cpu))
        marks = hosts.marks(store.Results(self.folder))
        self.assertEqual({host[1]: mark for host, mark in marks.items()}, {"B CPU": "A", "A CPU": "B"})
        self.assertEqual([hosts.letters(n) for n in (0, 25, 26, 27)], ["A", "Z", "AA", "AB"])

    def two_hosts(self):
        for n, (cpu, frames) in enumerate((("Slow", 4.0), ("Slow", 6.0), ("Quick", 17.0), ("Slow", 5.0))):
            figs = {"clip_frames": frames, "clip_streamed": 78, "seconds": 60}
            for name in ("16a", "debian11-kms-video"):
                forged.result(self.folder, f"{name}-{n + 1}", row(**figs), date=f"{n}", **forged.on(cpu))

    def test_a_row_has_a_line_for_each_host(self):
        self.two_hosts()
        lines = [cells(line) for line in pages.page(self.folder).splitlines() if line.startswith("| 16a |")]
        self.assertEqual([line[:3] for line in lines], [["16a", "A", "[1](16a-1/) [2](16a-2/) [4](16a-4/)"],
                                                        ["16a", "B", "[3](16a-3/)"]])
        self.assertIn("5.0 (4.0–6.0)", lines[0])
        self.assertIn("17.0", lines[1])

    def test_a_cell_has_each_hosts_own_figure(self):
        self.two_hosts()
        results = store.Results(self.folder)
        cell = tables.cell(results, "debian11-kms-video", "video", hosts.marks(results))
        self.assertEqual(
            cell.split("<br>"),
            [
                "A: [5.0 (4.0–6.0) frames/s, 78 (78–78) % of the clip streamed](debian11-kms-video-1/)",
                "B: [17.0 frames/s, 78 % of the clip streamed](debian11-kms-video-3/)",
            ],
        )

    def test_side_by_side_means_on_one_host(self):
        self.two_hosts()
        forged.result(self.folder, "16b-1", row(clip_frames=3.0), date="9", **forged.on("Quick"))
        text = tables.beside(store.Results(self.folder), ["16a", "16b"])
        lines = [cells(line) for line in text.splitlines() if line.startswith("|")]
        self.assertEqual(lines[0], ["", "A: 16a (n=3)", "B: 16a (n=1)", "B: 16b (n=1)"])
        self.assertEqual(lines[2], ["frames of the clip shown a second", "4.0 to 6.0", "17.0", "3.0"])
        self.assertIn("Hosts: **A** Slow, family 6, 2 cores, emulation (TCG); **B** Quick,", text)

    def test_repeats_of_two_hosts_do_not_lie_apart(self):
        for n, cpu in ((1, "Slow"), (2, "Quick")):
            forged.result(self.folder, f"16a-{n}", row(clip_frames=float(n)), **forged.on(cpu))
        self.assertNotIn("| frames/s |", pages.apart_part(store.Results(self.folder)))


class Pages(forged.InFolder):
    def test_the_page_is_made_of_the_runs(self):
        for n, frames in ((1, 4.0), (2, 6.0), (3, 5.0)):
            forged.result(self.folder, f"16a-{n}", row(clip_frames=frames, ooms_a_minute=90))
        forged.result(self.folder, "debian11-kms-video-1", row(clip_frames=7.5, clip_streamed=78, ooms_a_minute=93))
        forged.result(self.folder, "16b-1", None, verdict="refused", why=["the workload did not run"])
        page = pages.page(self.folder)
        line = next(line for line in page.splitlines() if line.startswith("| 16a |"))
        self.assertIn("5.0 (4.0–6.0)", line)
        self.assertIn("[1](16a-1/) [2](16a-2/) [3](16a-3/)", line)
        line = next(line for line in page.splitlines() if line.startswith("| 16b |"))
        self.assertIn("| *failed: the workload did not run* |", line)
        line = next(s for s in page.splitlines() if s.startswith("| QXL, X's `modesetting` | Debian 11")).split(" | ")
        self.assertEqual(line[4], "A: [7.5 frames/s, 78 % of the clip streamed, 93.0 OOM/min](debian11-kms-video-1/)")
        self.assertEqual(line[2], "*not run*")
        self.assertIn("4 of the 4 runs below had no KVM", page)
        self.assertIn("| 16b-1 | failed | the workload did not run |", page)

    def test_rows_side_by_side(self):
        sent = {"stream_bytes": 1e6, "drawing_bytes": 9e5, "other_bytes": 1e5}
        for n, frames in ((1, 4.0), (2, 5.0)):
            of_row = row(clip_frames=frames, ooms_a_minute=120, evicted=600, seconds=60, **sent)
            forged.result(self.folder, f"16a-{n}", of_row)
        forged.result(self.folder, "16b-1", row(clip_frames=5.0, ooms_a_minute=None, evicted=0, seconds=60))
        results = store.Results(self.folder)
        text = tables.beside(results, ["16a", "16b", "16c"])
        lines = {line[0]: line[1:] for line in map(cells, text.splitlines()) if line}
        self.assertEqual(lines[""], ["A: 16a (n=2)", "A: 16b (n=1)", "16c (n=0)"])
        self.assertEqual(lines["frames of the clip shown a second"], ["4.0 to 5.0", "5.0", ""])
        self.assertEqual(lines["kB sent for each frame shown"], ["400 to 500", "", ""])
        self.assertEqual(lines["OOM for each frame shown"], ["0.40 to 0.50", "", ""])
        self.assertEqual(lines["drawings evicted for each frame shown"], ["2.00 to 2.50", "0.00", ""])
        self.assertNotIn(tables.BESIDE[0].heading, lines, "no row has it")
        alone = [cells(line) for line in tables.beside(results, ["16a-2", "16a"]).splitlines()]
        self.assertEqual(alone[0], ["", "A: [16a-2](16a-2/)", "A: 16a (n=2)"])
        self.assertEqual(alone[2], ["frames of the clip shown a second", "5.0", "4.0 to 5.0"])

    def test_a_row_says_nothing_of_a_clip_that_was_not_there(self):
        figs = {"clip_frames": 20.0, "clip_streamed": 80, "interval_median": 42, "longest_freeze": 50, "life": 7}
        did = {"desktop": {"work_a_second": 9.5}, "mixed": {}, "gl": {"work_a_second": 42.4}}
        for workload, guest in did.items():
            name = f"debian11-kms-{workload}-1"
            forged.result(self.folder, name, row(**figs), {"workload": workload}, guest=guest)
        there = store.Results(self.folder)
        rows = {w: figures.rows_of(there.good[f"debian11-kms-{w}"])[0] for w in did}
        for w, want in (
            ("desktop", ["life"]),
            ("mixed", ["clip_streamed", "interval_median", "life"]),
            ("gl", ["clip_frames", "interval_median", "longest_freeze", "life"]),
        ):
            self.assertEqual([k for k in figs if k in rows[w]], want)
        self.assertEqual([rows[w].get("refusal") for w in did], [None, "too_late", None])
        lines = tables.matrix(there, runlist.read()[0]).splitlines()
        line = next(s for s in lines if s.startswith("| QXL, X's `modesetting` | Debian 11"))
        self.assertIn("| A: [9.5 moves/s](debian11-kms-desktop-1/) |", line)
        self.assertIn("42 ms between pictures, 80 % of the clip streamed", line)
        self.assertIn("20.0 pictures/s shown, 42.4 drawn", line)

    def test_the_check_sees_what_was_changed(self):
        results, page = f"{self.folder}/results", f"{self.folder}/docs/dev/page.md"
        forged.result(results, "16a-1", row(clip_frames=4.0))
        pages.make(results, [])
        os.makedirs(os.path.dirname(page))
        marked = "<!-- made by `make results`: {} -->\n{}<!-- made -->\n"
        forged.write(page, "A\n" + marked.format("beside 16a", "B\n") + "C\n" + marked.format("matrix", ""))
        self.assertEqual(list(pages.check(results)), [])
        self.assertEqual(len(list(pages.check(results, [page]))), 1, "its tables are not made")
        pages.make(results, [page])
        self.assertEqual(list(pages.check(results, [page])), [])
        text = store.read_text(page)
        self.assertIn("| A: 16a (n=1) |", text)
        self.assertNotIn("\nB\n", text)
        self.assertIn("\nC\n", text)
        self.assertIn("| virtio-vga |", text)
        forged.result(results, "16a-2", row(clip_frames=5.0))
        self.assertEqual(["make results" in line for line in pages.check(results, [page])], [True, True])
        forged.write(f"{results}/16a-1/info.txt", "in /home/somebody/x\n")
        self.assertIn("/home/somebody/x", "".join(pages.check(results)))

    def test_links_lead_from_where_the_page_lies(self):
        results, page = f"{self.folder}/results", f"{self.folder}/docs/dev/page.md"
        forged.result(results, "16a-1", row(clip_frames=4.0))
        os.makedirs(os.path.dirname(page))
        forged.write(page, "<!-- made by `make results`: beside 16a-1 -->\n<!-- made -->\n")
        self.assertIn("[16a-1](../../results/16a-1/)", pages.filled(page, results))
