# SPDX-License-Identifier: MIT
"""`pin2pin probe` over the real firmware in the emulated RP2040; where that cannot do wrong, over a fake one."""
import contextlib
import csv
import io
import json
import math
import os
import random
import re
import signal
import unittest
from unittest import mock

import fake_probe
from bench import SOURCE, BenchCase, check_schema, wait_until

FAKE = SOURCE / "tests/system/fake_probe.py"

TICK_NS = 8  # of the image, 125 MHz
SEED = random.SystemRandom().randrange(2 ** 32)


class ProbeCase(BenchCase):
    def probe_bench(self, **probe):
        return self.bench.bench_file(probe=self.bench.virtual_probe(**probe))

    def script(self, name, text):
        path = self.bench.write(name, "#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    def node_with(self, *arguments):
        """Node, with something more said to the runner."""
        return self.script("node-with", f'exec node "$@" {" ".join(arguments)}\n')

    def fake_bench(self, **wishes):
        return self.bench.bench_file(probe={"kind": "virtual", "node": str(FAKE), "runner": str(FAKE),
                                            "image": str(self.bench.write("wishes.json", wishes))})

    def probe(self, verb, *arguments, **options):
        return self.bench.pin2pin("probe", verb, *arguments, **options)

    def answer(self, verb, *arguments, code=0):
        done = self.probe(verb, "--json", *arguments)
        self.assert_exit(done, code)
        return json.loads(done.stdout)

    def played(self, edges, name="played.csv"):
        """`edges`: (ns, channel, level)."""
        return self.bench.write(name, "time_ns,channel,level\n" + "".join(f"{n},{c},{l}\n" for n, c, l in edges))

    def capture(self, *arguments, code=0, bench=None):
        done = self.probe("capture", bench or self.probe_bench(), *arguments)
        self.assert_exit(done, code)
        return done

    def rows(self, text):
        return [(int(row["ticks"]), int(row["time_ns"]), row["channel"], int(row["level"]), row["flags"])
                for row in csv.DictReader(io.StringIO(text))]


def some_edges(count=300):
    """On both channels, each at least a dead time apart."""
    chance = random.Random(SEED)
    now, levels, edges = 0, {"stimulus": 0, "answer": 0}, []
    for _ in range(count):
        now += chance.randrange(500, 40000)
        channel = chance.choice(("stimulus", "answer"))
        levels[channel] ^= 1
        edges.append((now, channel, levels[channel]))
    return edges


def spacing(rows, time=1):
    return [row[time] - rows[0][time] for row in rows]


class Info(ProbeCase):
    def test_tells_who_the_probe_is(self):
        told = self.answer("info", self.probe_bench())
        self.assertEqual({key: told[key] for key in ("probe", "board_id", "protocol_version", "clk_hz", "resolution_ns",
                                                     "calibration")},
                         {"probe": "virtual", "board_id": "0" * 16, "protocol_version": 1, "clk_hz": 125000000,
                          "resolution_ns": 8, "calibration": None})
        self.assertRegex(told["firmware"], r"^pin2pin \d")
        self.assertEqual(told["dead_ns"], told["dead_ticks"] * TICK_NS)
        self.assertEqual(told["stats"]["events"], [0, 0])

    def test_budget_without_calibration_is_the_quantisation(self):
        budget = self.answer("info", self.probe_bench(trigger_ns=2))["uncertainty"]
        quantisation_ns = TICK_NS / math.sqrt(6)
        self.assertAlmostEqual(budget["quantisation_ns"], quantisation_ns, 6)
        self.assertEqual((budget["skew_correction_ns"], budget["trigger_ns"]), (0, 2))
        self.assertAlmostEqual(budget["expanded_ns"], 2 * math.hypot(quantisation_ns, 2, budget["skew_ns"]), 3)

    def test_words_say_the_same(self):
        done = self.probe("info", self.probe_bench())
        self.assert_exit(done, 0)
        told = self.answer("info", self.probe_bench())
        self.assert_says(done.stdout, "virtual, board id 0000000000000000", told["firmware"], told["run_id"],
                         "125000000 Hz", "calibration  none", "quantisation  3.266 ns")
        self.assertEqual(done.stderr, "")


class SelfTest(ProbeCase):
    def test_of_the_firmware_passes(self):
        done = self.probe("selftest", self.probe_bench())
        self.assert_exit(done, 0)
        self.assertEqual(done.stdout, "self-test: passed: counters' clock, DMA, memory\n")
        self.assertEqual(self.answer("selftest", self.probe_bench()), {"passed": True, "failed": []})

    def test_names_what_failed(self):
        for value, names in (1, ["counters' clock"]), (6, ["DMA", "memory"]), (0x80000004, ["memory", "bit 31"]):
            bench = self.fake_bench(selftest=value)
            done = self.probe("selftest", bench)
            self.assert_exit(done, 4)
            self.assertEqual(done.stdout, f"self-test: FAILED: {', '.join(names)}\n")
            self.assertEqual(self.answer("selftest", bench, code=4), {"passed": False, "failed": names})


class Capture(ProbeCase):
    def test_of_played_edges_has_them_all_to_the_tick(self):
        edges = some_edges()
        done = self.capture("--play", self.played(edges), "--format", "csv")
        rows = self.rows(done.stdout)
        self.assertEqual([row[2:] for row in rows], [(channel, level, "") for _, channel, level in edges], f"seed {SEED}")
        for found, wanted in zip(spacing(rows), spacing(edges, time=0)):
            self.assertLessEqual(abs(found - wanted), TICK_NS, f"seed {SEED}")
        for ticks, time_ns, *_ in rows:
            self.assertEqual(time_ns - rows[0][1], (ticks - rows[0][0]) * TICK_NS)
        self.assertRegex(done.stderr, r"^300 edges \(\d+ stimulus, \d+ answer\), 0 glitches, 0 clipped; none lost: the "
                                      r"capture is whole\n$")

    def test_of_a_capture_is_the_same(self):
        first = self.capture("--play", self.played(some_edges()), "--format", "csv").stdout
        again = self.capture("--play", self.bench.write("first.csv", first), "--format", "csv").stdout
        self.assertEqual(spacing(self.rows(first)), spacing(self.rows(again)), f"seed {SEED}")
        self.assertEqual([row[2:] for row in self.rows(first)], [row[2:] for row in self.rows(again)])

    def test_line_that_is_high_from_the_start(self):
        edges = [(0, "answer", 0), (5000, "stimulus", 0), (9000, "answer", 1)]
        rows = self.rows(self.capture("--play", self.played(edges), "--format", "csv").stdout)
        self.assertEqual([row[2:4] for row in rows], [edge[1:] for edge in edges])

    def test_formats_have_the_same_edges(self):
        path = self.played(some_edges())
        rows = self.rows(self.capture("--play", path, "--format", "csv").stdout)
        text = re.findall(r"^ +(\d+) +(?:\d+|-)  (\w+) +([01])$", self.capture("--play", path).stdout, re.M)
        self.assertEqual([(int(time), channel, int(level)) for time, channel, level in text],
                         [row[1:4] for row in rows])
        self.assertEqual(self.vcd_edges(self.capture("--play", path, "--format", "vcd").stdout),
                         [(row[1] * 1000, *row[2:4]) for row in rows])

    def vcd_edges(self, text):
        """As a viewer reads it: definitions, then values at times that go up; x is no edge."""
        head, body = text.split("$enddefinitions $end\n")
        self.assertIn("$timescale 1 ps $end", head)
        names = {code: name for code, name in re.findall(r"\$var wire 1 (\S) (\S+) \$end", head)}
        self.assertEqual(len(names), 4)
        now, edges = -1, []
        for line in re.sub(r"\$(dumpvars|end|comment.*\$end)\n", "", body).splitlines():
            if line.startswith("#"):
                self.assertGreater(int(line[1:]), now)
                now = int(line[1:])
            elif line[0] != "x" and not names[line[1]].endswith("_flagged"):
                edges.append((now, names[line[1]], int(line[0])))
        return edges

    def test_narrow_pulse_is_flagged(self):
        edges = [(0, "stimulus", 1), (100000, "stimulus", 0), (100024, "stimulus", 1), (200000, "stimulus", 0)]
        done = self.capture("--play", self.played(edges), "--format", "csv")
        self.assertIn("CLIPPED", [row[4] for row in self.rows(done.stdout)])
        self.assertRegex(done.stderr, r", [1-9]\d* clipped; none lost")

    def test_stops_after_so_many_edges(self):
        path = self.bench.folder / "out.csv"
        told = self.answer("capture", self.probe_bench(), "--play", self.played(some_edges()), "--edges", "10",
                           "--format", "csv", "-o", path)
        self.assertEqual(len(self.rows(path.read_text())), 10)
        self.assertEqual(told["stimulus_edges"] + told["answer_edges"], 10)
        self.assertEqual(told["left_out"], 290)  # all within the same 50 ms
        self.assertTrue(told["whole"])

    def test_stops_after_so_many_seconds(self):
        edges = [(0, "stimulus", 1), (900000000, "stimulus", 0), (1500000000, "stimulus", 1)]
        done = self.capture("--play", self.played(edges), "--seconds", "1", "--format", "csv")
        self.assertEqual(len(self.rows(done.stdout)), 2)
        self.assertEqual(self.rows(self.capture("--seconds", "1", "--format", "csv").stdout), [])

    def test_quiet(self):
        done = self.capture("-q", "--play", self.played([(0, "stimulus", 1)]))
        self.assertEqual(done.stderr, "")

    def test_output_that_cannot_be_written(self):
        path = self.played(some_edges())
        done = self.capture("--play", path, "-o", "/dev/full", code=4)
        self.assert_says(done.stderr, "/dev/full: cannot write: No space left on device", "INCOMPLETE")
        done = self.capture("--play", path, "-o", self.bench.folder / "no/where", code=2)
        self.assert_says(done.stderr, "no/where: cannot open")
        fifo = self.bench.folder / "fifo"
        os.mkfifo(fifo)
        self.assert_says(self.capture("--play", path, "-o", fifo, code=2).stderr, "fifo: cannot open")


class FaultyCapture(ProbeCase):
    """Exit code 4; what came until then is there, and says that it is not all."""

    SLOW = [(ms * 1000000, "stimulus", (ms + 1) % 2) for ms in range(0, 400)]

    def assert_incomplete(self, done, *says):
        self.assert_says(done.stderr, "INCOMPLETE", "no edge is missing or wrong before tick", *says)
        *edges, last = done.stdout.splitlines()
        self.assertEqual(last, ",,,,INCOMPLETE")
        rows = self.rows("\n".join(edges))
        self.assertEqual([row[2:] for row in rows], [(*edge[1:], "") for edge in self.SLOW[:len(rows)]])
        return rows

    def test_edges_that_come_too_fast(self):
        burst = self.SLOW[:200] + [(200000000 + 100 * i, "stimulus", (i + 1) % 2) for i in range(20000)]
        done = self.capture("--play", self.played(burst), "--format", "csv", code=4)
        rows = self.assert_incomplete(done, "the probe lost", "edges of the stimulus line", "too fast")
        self.assertGreater(len(rows), 90)  # the second EPOCH vouched for these

    def test_cable_that_drops_a_frame(self):
        for fault, says in (("drop@arm+150ms", "frames lost: 1"), ("corrupt@arm+150ms", "damaged frame"),
                            ("stall@arm+150ms", "no EPOCH for"), ("close@arm+150ms", "closed"),
                            ("reset@arm+150ms", "the probe was reset")):
            with self.subTest(fault):
                bench = self.probe_bench(node=str(self.node_with("--fault", fault)))
                done = self.capture("--play", self.played(self.SLOW), "--format", "csv", code=4, bench=bench)
                rows = self.assert_incomplete(done, says)
                self.assertTrue(90 < len(rows) < 200, len(rows))

    def test_account_as_json(self):
        bench = self.probe_bench(node=str(self.node_with("--fault", "drop@arm+150ms")))
        told = self.answer("capture", bench, "--play", self.played(self.SLOW), "-o", self.bench.folder / "out", code=4)
        self.assertFalse(told["whole"])
        self.assertIn("frames lost: 1", told["fault"])
        self.assertIn("INCOMPLETE: the probe's link: frames lost", (self.bench.folder / "out").read_text())

    def test_emulator_that_is_killed(self):
        out = self.bench.folder / "out.csv"
        edges = [(ms * 1000000, "stimulus", (ms + 1) % 2) for ms in range(0, 100000)]
        child = self.bench.start("probe", "capture", self.probe_bench(), "--play", self.played(edges), "--format", "csv",
                                 "-o", out)
        wait_until(lambda: out.exists() and out.stat().st_size > 2000, 20, "edges")
        (pid,) = self.bench.emulators()
        os.kill(pid, signal.SIGKILL)
        _, stderr = child.communicate(timeout=20)
        self.assertEqual(child.returncode, 4, stderr)
        self.assertTrue(out.read_text().endswith("\n,,,,INCOMPLETE\n"))
        self.assert_says(stderr, "INCOMPLETE", "pin2pin: ")


class Interrupted(ProbeCase):
    def interrupt(self, bench, *arguments, sign=signal.SIGINT):
        out = self.bench.folder / "out.csv"
        out.unlink(missing_ok=True)
        child = self.bench.start("probe", "capture", bench, "--format", "csv", "-o", out, *arguments)
        wait_until(lambda: out.exists() and out.stat().st_size > 2000, 20, "edges")
        child.send_signal(sign)
        _, stderr = child.communicate(timeout=20)
        return child.returncode, stderr, self.rows(out.read_text())

    def test_without_a_limit_it_is_the_normal_end(self):
        for sign in signal.SIGINT, signal.SIGTERM:
            code, stderr, rows = self.interrupt(self.fake_bench(edges_per_run=10), sign=sign)
            self.assertEqual(code, 0, stderr)
            self.assertIn(f"{len(rows)} edges ({len(rows)} stimulus, 0 answer), 0 glitches, 0 clipped; none lost: the "
                          "capture is whole\n", stderr)
            self.assertEqual(len(rows) % 10, 0)  # those that came with STOP, too

    def test_before_its_limit_it_is_130(self):
        for limit in ["--seconds", "31536000"], ["--edges", "1000000000"]:
            code, stderr, rows = self.interrupt(self.fake_bench(edges_per_run=10), *limit)
            self.assertEqual(code, 130, stderr)
            self.assertIn("the capture is whole", stderr)
            self.assertGreater(len(rows), 10)


class Calibrate(ProbeCase):
    def node_delaying(self, stimulus_ns, answer_ns, cable_ns):
        """
        What belongs to a pin of the probe stays with it when the cables are exchanged; what belongs to a cable goes
        with it. The first pin behind "=" has the one cable, the second the other.
        """
        delay = {"2": stimulus_ns, "3": answer_ns}
        lines = {f"0={one},{other}": f"0={one}+{delay[one]},{other}+{delay[other] + cable_ns}"
                 for one, other in (("2", "3"), ("3", "2"))}
        cases = "".join(f"{old}) a={new};;\n" for old, new in lines.items())
        return self.script("node-delaying", f'for a in "$@"; do\ncase $a in\n{cases}esac\nset -- "$@" "$a"\nshift\ndone\n'
                                            'exec node "$@"\n')

    def assert_within(self, found, wanted, u):
        self.assertGreater(u, 0)
        self.assertLessEqual(abs(found - wanted), 3 * u, (found, wanted, u))

    def calibrate(self, *delays, ppm=0, **keys):
        path = self.bench.folder / "a.calibration.json"
        path.unlink(missing_ok=True)
        return path, self.answer("calibrate", self.probe_bench(node=str(self.node_delaying(*delays)), clock_ppm=ppm, **keys),
                                 "-o", path, "--edges", "2000")

    def test_finds_the_skew_of_inputs_and_cables_and_the_clock(self):
        for stimulus_ns, answer_ns, cable_ns, ppm in (0, 4.5, 0, 0), (7.25, 1, 2, 31.25), (0, 0, 11, -12.5):
            with self.subTest(skew=answer_ns - stimulus_ns, cable=cable_ns, ppm=ppm):
                path, told = self.calibrate(stimulus_ns, answer_ns, cable_ns, ppm=ppm)
                for polarity in "rising", "falling":
                    parts = told["skew"][polarity]["parts"]
                    self.assert_within(parts["probe_ns"], answer_ns - stimulus_ns, parts["u_ns"])
                    self.assert_within(parts["cable_ns"], cable_ns, parts["u_ns"])
                    self.assertLess(parts["u_ns"], 0.1)
                self.assert_within(told["clock"]["ppm"], ppm, told["clock"]["u_ppm"])
                self.assertLess(told["clock"]["u_ppm"], 0.01)
                self.assertTrue(told["complete"])
                check_schema("calibration", json.loads(path.read_text()))

    def test_info_uses_it(self):
        path, _ = self.calibrate(0, 4.5, 3)
        told = self.answer("info", self.probe_bench(calibration=str(path)))
        self.assertEqual(told["calibration"], str(path))
        self.assertAlmostEqual(told["uncertainty"]["skew_correction_ns"], 4.5, 0)
        self.assertGreater(told["uncertainty"]["skew_ns"], 0)

    def test_words(self):
        path = self.bench.folder / "new.json"
        done = self.probe("calibrate", self.probe_bench(clock_ppm=-20), "-o", path, "--edges", "1000")
        self.assert_exit(done, 0)
        self.assertRegex(done.stdout, r"rising +inputs \+0\.000 ns, cables \+0\.000 ns, each \+-0\.\d+ ns\n"
                                      r" +falling +inputs")
        self.assertRegex(done.stdout, r"clock: (20\.0000|19\.9999)\d* \+-0\.00\d+ ppm too slow")
        self.assertEqual(done.stderr, "")

    def test_same_seed_same_figures(self):
        self.assertEqual(self.calibrate(0, 4.5, 0)[1], self.calibrate(0, 4.5, 0)[1])

    def test_file_of_another_probe_is_left_alone(self):
        path, _ = self.calibrate(0, 0, 0)
        other = json.loads(path.read_text()) | {"serial": "00000000deadbeef"}
        path.write_text(json.dumps(other))
        for verb, bench, more in (("calibrate", self.probe_bench(), ["-o", path]),
                                  ("info", self.probe_bench(calibration=str(path)), [])):
            done = self.probe(verb, bench, *more)
            self.assert_exit(done, 2)
            self.assert_says(done.stderr, path.name, "deadbeef")
        self.assertEqual(json.loads(path.read_text()), other)


class RealProbe(ProbeCase):
    """What waits in real time, for a probe behind a serial port; the port is a socket (fake_serial.c)."""

    SIGNAL = {"period_ns": 200000, "ppm": 12.345}
    REFERENCE = ["--reference-ns", "200000", "--reference-ppm", "0.001"]

    def setUp(self):
        super().setUp()
        program = mock.patch("bench.PIN2PIN", os.environ["PIN2PIN_FAKE_SERIAL"])
        program.start()
        self.addCleanup(program.stop)
        self.port = self.bench.folder / "tty"
        self.path = self.bench.write("alone.bench.json", {
            "schema": "pin2pin.bench", "version": 1, "name": "alone",
            "probe": {"kind": "serial", "device": str(self.port)}, "timeouts": {"stall_s": 1}})
        self.file = self.bench.folder / "real.json"

    @contextlib.contextmanager
    def plugged(self, **wishes):
        probe = fake_probe.RealProbe(self.port, **wishes)
        try:
            yield probe
        finally:
            probe.close()
            self.port.unlink()

    def calibrate(self, wiring, *more, code=0, **wishes):
        with self.plugged(**{**self.SIGNAL, **wishes}):
            done = self.probe("calibrate", "--json", "-o", self.file, "--wiring", wiring, "--edges", "2000", *more,
                              self.path)
        self.assert_exit(done, code)
        return json.loads(done.stdout) if code == 0 else done.stderr

    def test_info(self):
        with self.plugged():
            told = self.answer("info", self.path)
        self.assertEqual((told["probe"], told["firmware"], told["board_id"]), ("serial", "fake 1", "000000000000fa4e"))
        self.assertGreater(told["uncertainty"]["skew_ns"], 0)

    def test_calibrates_one_wiring_after_the_other(self):
        told = self.calibrate("straight", skew_ns=4.5 + 2)
        self.assertFalse(told["complete"])
        self.assertIsNone(told["skew"]["rising"]["swapped"])
        self.assertIsNone(told["skew"]["rising"]["parts"])
        self.assertIsNone(told["clock"])
        told = self.calibrate("swapped", *self.REFERENCE, skew_ns=4.5 - 2)
        self.assertTrue(told["complete"])
        for polarity in "rising", "falling":
            parts = told["skew"][polarity]["parts"]
            self.assertLessEqual(abs(parts["probe_ns"] - 4.5), 3 * parts["u_ns"], parts)
            self.assertLessEqual(abs(parts["cable_ns"] - 2), 3 * parts["u_ns"], parts)
        self.assertLessEqual(abs(told["clock"]["ppm"] - 12.345), 3 * told["clock"]["u_ppm"], told["clock"])
        self.assertGreaterEqual(told["clock"]["u_ppm"], 0.001)

    def test_words_say_what_is_missing(self):
        for wiring, other in ("straight", "swapped"), ("swapped", "straight"):
            self.file.unlink(missing_ok=True)
            with self.plugged(**self.SIGNAL):
                done = self.probe("calibrate", "-o", self.file, "--wiring", wiring, "--edges", "1000", self.path)
            self.assert_exit(done, 0)
            self.assert_says(done.stdout, "inputs and cables together", "clock: not measured", f"--wiring {other}\n")

    def test_signal_that_does_not_come(self):
        says = self.calibrate("straight", code=4, period_ns=1e12)
        self.assert_says(says, "0 edges came, then none for 1 s (timeouts.stall_s): is the signal on both inputs?")
        self.assertFalse(self.file.exists())

    def test_interrupt_is_the_normal_end_of_a_capture(self):
        out = self.bench.folder / "out.csv"
        with self.plugged(**self.SIGNAL, skew_ns=80):
            child = self.bench.start("probe", "capture", "--format", "csv", "-o", out, self.path)
            wait_until(lambda: out.exists() and out.stat().st_size > 2000, 20, "edges")
            child.send_signal(signal.SIGINT)
            _, stderr = child.communicate(timeout=20)
        self.assertEqual(child.returncode, 0, stderr)
        self.assertIn("the capture is whole", stderr)
        rows = self.rows(out.read_text())
        self.assertEqual({row[2] for row in rows}, {"stimulus", "answer"})
        self.assertIn(f"{len(rows)} edges", stderr)

    def test_probe_that_is_unplugged(self):
        out = self.bench.folder / "out.csv"
        with self.plugged(**self.SIGNAL) as probe:
            child = self.bench.start("probe", "capture", "--format", "csv", "-o", out, self.path)
            wait_until(lambda: out.exists() and out.stat().st_size > 2000, 20, "edges")
            probe.wishes["unplug"] = True
            _, stderr = child.communicate(timeout=20)
        self.assertEqual(child.returncode, 4, stderr)
        self.assert_says(stderr, "INCOMPLETE", "closed", "no edge is missing or wrong before tick")
        self.assertTrue(out.read_text().endswith(",,,,INCOMPLETE\n"))

    def test_probe_that_does_not_answer(self):
        with self.plugged(mute=True):
            for verb in "info", "selftest", "capture":
                done = self.probe(verb, self.path)
                self.assert_exit(done, 4)
                self.assert_says(done.stderr, "the probe does not answer")
                self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
