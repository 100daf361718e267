# SPDX-License-Identifier: GPL-2.0-or-later
"""What refuses a run, and what does not."""

import unittest

import forged
from forged import CONSOLE, SECOND
from spicetap_lab import checks, ooms

CHANNELS = {"ready": 99 * SECOND, "channels": [{"channel": n} for n in (1, 2, 4, 3)]}
SUMMARY = {**CHANNELS, "rate_limit": 0, "clip": {"region": [50, 50, 1074, 818]}}
SMALL = {**SUMMARY, "clip": {"region": [50, 50, 690, 410]}}
SMALL_CONSOLE = CONSOLE.replace("clip 1024x768", "clip 640x360")


def of_channel(event, second, channel="display"):
    return [{"event": event, "t": second * SECOND, "channel": channel}]


def reasons(info=None, events=None, summary=None, console=CONSOLE, first=2, **settings):
    summary = SUMMARY if summary is None else summary
    settings = {**forged.SETTINGS, **settings}
    return list(checks.reasons(settings, info or forged.info(), events or [], summary, console, first))


class Checks(unittest.TestCase):
    def test_a_good_run_is_not_refused(self):
        self.assertEqual(reasons(), [])
        self.assertEqual(reasons(events=[], summary={}, client="none"), [])

    def changed(self, change):
        info = forged.info()
        change(info)
        return " ".join(reasons(info))

    def test_losses_refuse(self):
        self.assertIn("6 of 5000 events lost", self.changed(lambda i: i["losses"].update(events=6)))
        self.assertEqual(self.changed(lambda i: i["losses"].update(events=5)), "")
        text = self.changed(lambda i: i["losses"].update(places_without_count=1))
        self.assertIn("1 losses without a count", text)
        self.assertIn("the recording is recording", self.changed(lambda i: i.update(state="recording")))

    def test_clocks_length_and_server_refuse(self):
        self.assertIn("nothing of the guest", self.changed(lambda i: i["run"].update(clocks=[])))
        text = self.changed(lambda i: i["run"]["clocks"][0].update(segments=[{"error_ns": 300000}]))
        self.assertIn("known to 300000 ns only", text)
        self.assertIn("recorded 40.0 s of 60", self.changed(lambda i: i["run"]["window"].update(to=140 * SECOND)))

    def test_another_server_refuses(self):
        def ran(variant, **settings):
            info = forged.info()
            info["run"]["target"]["spice"]["path"] = f"/x/build/stack{variant}/lib/libspice-server.so.1"
            return reasons(info, **settings)

        self.assertEqual(ran("-ring128"), ["the server was that of server=ring128, not of server=traced"])
        self.assertEqual(ran(""), [])
        self.assertEqual(ran("", server="delta"), ["the server was that of server=traced, not of server=delta"])
        self.assertEqual(ran("-delta", server="delta"), [])
        self.assertEqual(
            ran("-delta-newest", server="delta"), ["the server was that of server=delta-newest, not of server=delta"])

    def test_slow_motion_must_be_what_was_asked_for(self):
        def slow(scale):
            info = forged.info()
            info["run"].update({"time_scale": scale} if scale else {})
            return info

        self.assertEqual(reasons(slow(10.0), slowdown="10"), [])
        self.assertEqual(reasons(slow(1 / 0.333333333333333), slowdown="3"), [])
        self.assertEqual(reasons(slow(10.0)), ["a second of the VM took 10 s, not 1"])
        self.assertEqual(reasons(slow(None), slowdown="10"), ["a second of the VM took 1 s, not 10"])
        info = slow(None)
        line = info["run"]["target"]["command_line"]
        line[line.index("-accel") + 1] = "kvm"
        self.assertEqual(reasons(info, slowdown="10"), [], "KVM needs none")

    def test_the_vm_must_be_the_one_asked_for(self):
        """A bug once ran the baseline's VM under the names of 16a, 16b and 16c."""
        for key, was, wanted in (
            ("guest", "debian11", "debian13"),
            ("domain", "qxl.xml", "virtio-vga.xml"),
            ("ram", "64", "128"),
            ("vram", "64", "128"),
            ("vgamem", "16", "32"),
            ("memory", "1024", "2048"),
            ("compression", "auto_glz", "glz"),
            ("streaming", "filter", "off"),
        ):
            text = f"the VM was another one: its {key} was {was}, not {wanted}"
            self.assertEqual(reasons(**{key: wanted})[0], text)
        info = forged.info()
        info["run"]["devices"] = []
        self.assertEqual(reasons(info), ["the VM was another one: it has no display device"])
        info["run"]["target"]["command_line"] = []
        self.assertEqual(len(reasons(info)), 4, "memory, compression and streaming are not known either")

    def test_the_clock_of_a_virtio_guest_may_be_wider(self):
        info = forged.info()
        info["run"]["clocks"][0]["segments"] = [{"error_ns": 3000000}]
        self.assertEqual(len(reasons(info)), 1)
        info = forged.info(forged.device("virtio-vga"))
        info["run"]["clocks"][0]["segments"] = [{"error_ns": 3000000}]
        self.assertEqual(reasons(info, domain="virtio-vga.xml"), [])
        info["run"]["clocks"][0]["segments"] = [{"error_ns": 6000000}]
        self.assertEqual(len(reasons(info, domain="virtio-vga.xml")), 1)

    def test_the_client_must_stay(self):
        """It connects before the window, whose events are all that `spicetap export` prints: every run was refused."""
        late, early = of_channel("client_connected", 101), of_channel("client_disconnected", 150)
        self.assertEqual(reasons(events=[]), [])
        text = "the client's display channel was not connected when the recording began"
        self.assertEqual(reasons(events=late), [text])
        self.assertEqual(reasons(events=early), ["the client's display channel ended 10.0 s before the recording did"])
        self.assertEqual(reasons(summary={**SUMMARY, "channels": [{"channel": 1}]}), [text])
        self.assertEqual(len(reasons(summary={**SUMMARY, "ready": 0})), 2)
        self.assertEqual(len(reasons(summary={**SUMMARY, "channels": []})), 2, "no client at all")
        info = forged.info()
        info["run"]["client"]["exit"] = 1
        self.assertIn("did not end well", reasons(info)[0])
        info = forged.info()
        info["events"]["by_kind"] = {}
        self.assertEqual(reasons(info), ["the client showed no picture"])

    def test_the_client_must_be_the_one_asked_for(self):
        self.assertEqual(reasons(client="slow", rate="5000", summary={**SUMMARY, "rate_limit": 5000}), [])
        self.assertEqual(reasons(client="slow", rate="5000"), ["the client's rate was 0, not 5000"])
        self.assertEqual(reasons(link="80ms/10mbit", summary={**SUMMARY, "link": {"words": "80ms/10mbit"}}), [])
        self.assertIn("link was local, not 80ms/10mbit", reasons(link="80ms/10mbit")[0])
        self.assertEqual(reasons(asks="lz4", summary={**SUMMARY, "asked_compression": "lz4"}), [])
        self.assertEqual(reasons(asks="lz4"), ["the client asked for the compression None, not lz4"])

    def test_the_keys_must_be_pressed_and_answered(self):
        console = CONSOLE.replace("workload video", "workload keys") + "spicetap-workload: activity heavy\n"
        want = {"workload": "keys", "activity": "heavy", "keys": "40,500", "console": console}
        for pressed, answered, reason in (
            (40, 39, []),
            (31, 31, ["the client pressed 31 keys of 40: too short a run, or too slow a guest"]),
            (40, 0, ["none of 40 key presses was answered"]),
        ):
            summary = {**SUMMARY, "keys": {"pressed": pressed, "answered": answered}}
            self.assertEqual(reasons(**want, summary=summary), reason)
            self.assertEqual(
                reasons(**{**want, "activity": "busy"}, summary=summary), ["the guest's activity was not busy", *reason]
            )

    def test_the_client_must_see_the_clip(self):
        text = "the client looked for the clip in [50, 50, 1074, 818], not where 640x360 is"
        self.assertEqual(reasons(clip="640x360", console=SMALL_CONSOLE), [text])
        text = "the clip is not where the client looked for it: it could read its number 5 times of 4662"
        for unread, want in ((0, []), (4000, []), (4657, [text])):
            clip = {**SUMMARY["clip"], "looks": 4662, "unreadable": unread}
            self.assertEqual(reasons(summary={**SUMMARY, "clip": clip}), want)

    def test_a_desktop_must_come_up_and_stay(self):
        up = "spicetap-workload: xfce is up: xfwm4 4.16.1, compositor 0x600003, panel, desktop\n"
        plays = "spicetap-workload: firefox plays at 50,200,1024,768\n"
        console = CONSOLE.replace("desktop bare, player mpv, page plain", "desktop xfce, player firefox, page player")
        good = console.replace("spicetap-workload: started\n", f"{up}{plays}spicetap-workload: started\n")
        summary = {**SUMMARY, "clip": {"region": [50, 200, 1074, 968]}}
        asked = {"desktop": "xfce", "player": "firefox", "page": "player", "guest": "debian11-xfce"}
        no_desktop = "the guest's desktop xfce did not come up, or has no compositor"
        for text, want in (
            (good, []),
            (good.replace(up, ""), [no_desktop]),
            (good.replace("compositor 0x600003, ", ""), [no_desktop]),
            (good.replace(plays, ""), ["in the guest Firefox never said that it plays at 50,200,1024,768"]),
            (good + "spicetap-workload: xfce has ended; the end of its log:\n", ["in the guest xfce has ended"]),
        ):
            self.assertEqual(reasons(console=text, summary=summary, **asked), want)
        article = good.replace("workload video", "workload desktop").replace("page player", "page plain")
        desk = {**asked, "workload": "desktop", "page": "plain"}
        text = "in the guest Firefox never said that it shows an article"
        self.assertEqual(reasons(console=article, summary=summary, **desk), [text])
        article = article.replace("plays at 50,200,1024,768", "shows an article")
        self.assertEqual(reasons(console=article, summary=summary, **desk), [])
        other = reasons(console=good, summary=summary, **{**asked, "page": "plain"})
        self.assertIn("the guest runs another session", other[0])
        text = "the client looked for the clip in [50, 50, 1074, 818], not where 1024x768 is"
        self.assertEqual(reasons(console=good, **asked), [text])

    def test_the_control_has_no_bars(self):
        console = CONSOLE.replace("bars yes", "bars no")
        text = "the clip should have no bars, but the client read its number 10 times of 4662"
        for unread, want in ((4662, []), (4652, [text])):
            clip = {**SUMMARY["clip"], "looks": 4662, "unreadable": unread}
            self.assertEqual(reasons(bars="no", console=console, summary={**SUMMARY, "clip": clip}), want)
        self.assertIn("another session", reasons(console=console)[0])
        clip = {**SUMMARY["clip"], "looks": 9, "unreadable": 9}
        self.assertIn("another session", reasons(bars="no", summary={**SUMMARY, "clip": clip})[0])

    def test_the_guest_driver_must_be_the_patched_one(self):
        def drawn(raw):
            draw = {"event": "draw", "release_id": "0x8", "box": [50, 50, 150, 60]}
            return [draw, {"event": "image", "release_id": "0x8", "raw": raw}]

        def found(name, events):
            return list(checks.driver({"driver": name}, events))

        self.assertEqual(found("stock", drawn(76800)), [])
        self.assertEqual(found("tight", drawn(4000)), [])
        text = "the guest's qxl driver is not the one with patches/linux: 1 of 1 images have other rows"
        self.assertEqual(found("tight", drawn(76800)), [text])
        self.assertTrue(found("tight", []), "no image: not known")
        again = {"event": "draw", "release_id": "0x8", "box": [0, 0, 9, 9]}
        image = {"event": "image", "release_id": "0x8", "raw": 324}
        self.assertEqual(found("tight", [*drawn(4000), again, image]), [], "a release's id is used again")

    def test_the_guest_must_run_what_was_asked(self):
        self.assertIn("another session", reasons(x="qxl")[0])
        self.assertIn("another session", reasons(workload="desktop")[0])
        self.assertIn("another session", reasons(clip="640x360", summary=SMALL)[0])
        self.assertEqual(reasons(clip="640x360", summary=SMALL, console=SMALL_CONSOLE), [])
        other = CONSOLE.replace("mode 1920x1440", "mode 1024x768")
        self.assertIn("screen is not 1920x1440", reasons(console=other)[0])

    def test_the_guest_must_draw_gl_as_asked(self):
        console = CONSOLE.replace("X with modesetting", "modesetting").replace("amd64", "amd64, virgl")
        drawn_by = console + "spicetap-workload: GL renderer: {}\n"
        info = forged.info(forged.device("virtio-vga-gl"))
        domain = "virtio-vga-gl.xml"
        self.assertEqual(reasons(info, console=drawn_by.format("virgl (LLVMPIPE)"), domain=domain), [])
        text = reasons(info, console=drawn_by.format("llvmpipe"), domain=domain)[0]
        self.assertIn("no virgl: GL is drawn by llvmpipe", text)
        self.assertIn("no virgl: GL is drawn by nobody", reasons(info, domain=domain)[0])
        console = CONSOLE.replace("workload video", "workload gl")
        self.assertIn("who draws GL", reasons(console=console, workload="gl")[0])

    def test_the_workload_must_get_on(self):
        """It may stand still for three lines, as a guest does that waits for memory; not for four, and not go back."""

        def works(*numbers):
            text = CONSOLE
            for n, number in zip(range(20, 80, 10), numbers, strict=False):
                text = text.replace(f"alive {n}.00 s, work {n * 7},", f"alive {n}.00 s, work {number},")
            return reasons(console=text)

        self.assertEqual(works(140, 140, 140, 350), [])
        self.assertIn("did not run: the guest said work", works(140, 140, 140, 140)[0])
        self.assertIn("did not run", works(140, 130)[0])
        self.assertIn("did not run", works(70, 70, 70, 70, 70, 70)[0])
        self.assertEqual(len(reasons(first=6)), 1, "too few lines")
        self.assertEqual(len(reasons(console=CONSOLE.replace("work 490", "work 5"))), 1, "it began anew")


class Ooms(unittest.TestCase):
    HEAD = {
        "started": {"wall": "2026-01-02T03:04:05.000Z", "monotonic": 100 * SECOND},
        "window": {"from": 101 * SECOND, "to": 110 * SECOND},
    }
    WALL = 1767323045  # that time of day

    def logged(self, *seconds):
        lines = [f"77@{self.WALL + s:.6f}:qxl_spice_oom 0" for s in seconds]
        return ooms.logged(lines, self.HEAD)

    def test_lines_in_the_window_are_counted(self):
        self.assertEqual(self.logged(0.5, 2, 3, 11), (2, 0))

    def test_in_slow_motion_the_log_has_the_runs_own_time(self):
        """Its time of day begins where the VM's monotonic clock does; `wall` is the host's."""
        head = {
            "started": {"wall": "2026-01-02T03:05:45.000Z", "monotonic": (self.WALL + 10) * SECOND},
            "time_line": {},
            "window": {"from": (self.WALL + 11) * SECOND, "to": (self.WALL + 20) * SECOND},
        }
        lines = [f"77@{self.WALL + s:.6f}:qxl_spice_oom 0" for s in (10.5, 12, 13, 21)]
        self.assertEqual(ooms.logged(lines, head), (2, 0))

    def test_a_line_at_the_edge_may_be_in_or_out(self):
        self.assertEqual(self.logged(1.001, 5), (2, 1))
        self.assertEqual(self.logged(0.999, 5), (1, 1))

    def test_a_line_without_a_time_is_no_count(self):
        self.assertIsNone(ooms.logged(["qxl_spice_oom 0"], self.HEAD))
