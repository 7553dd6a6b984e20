# SPDX-License-Identifier: MIT
"""`pin2pin doctor`: the virtual bench is well; lab benches without their hardware are told what is missing, and what to do.

No test here needs hardware, and none takes this computer's for a bench's: the names in these files exist nowhere.
"""
import json
import os
import signal
import time
import unittest
from unittest import mock

import fake_probe
from bench import PINS, STUBS, BenchCase, check_schema, wait_until

LINE = {"chip": "p2p-nowhere", "line": "stimulus"}
ADDRESSES = {"xen": "0x40600000", "stub": "0x50000000", "tree": "0x48000000", "partial": "0x50100000"}


class Doctor(BenchCase):
    def setUp(self):
        super().setUp()
        self.bench.environment["PIN2PIN_LOCK_FOLDER"] = str(self.bench.folder)

    def lab(self, **more):
        """Of kind "script"; nothing of it is there."""
        return self.bench.write("lab.bench.json", {
            "schema": "pin2pin.bench", "version": 1, "name": "lab",
            "board": {"kind": "script", "gic": 2, "device_tree": "absent.dtb", "addresses": ADDRESSES,
                      "boot": ["./absent"]},
            "stub": str(STUBS / "stub.bin"), "pins": PINS,
            "stimulus": LINE, "query": {"chip": "p2p-nowhere", "offset": 1},
            "console": {"device": "/dev/ttyAbsent0"},
            "power": {"kind": "command", "on": ["false"], "off": ["false"]},
            "probe": {"kind": "serial", "device": "/dev/ttyAbsent1"}, **more})

    def alone(self, **probe):
        return self.bench.write("alone.bench.json", {"schema": "pin2pin.bench", "version": 1, "name": "alone",
                                                     "probe": probe})

    def examine(self, path, exit_code):
        """{name: check} of the machine's answer; the lines for people say the same."""
        done = self.bench.pin2pin("doctor", "--json", path)
        self.assert_exit(done, exit_code)
        self.assertEqual(done.stderr, "")
        answer = json.loads(done.stdout)
        check_schema("doctor", answer)
        self.assertEqual(answer["ok"], exit_code == 0)
        self.assertEqual(answer["ok"], all(check["status"] != "failed" for check in answer["checks"]))
        return {check["name"]: check for check in answer["checks"]}

    def assert_status(self, checks, **expected):
        """`status=[names]`, of all checks."""
        found = {}
        for name, check in checks.items():
            found.setdefault(check["status"], []).append(name)
        self.assertEqual(found, expected, checks)


class Virtual(Doctor):
    BOARD = ["board files", "console speaks", "board boots", "board answers"]

    def test_all_is_well(self):
        path = self.bench.bench_file(probe=self.bench.virtual_probe())
        checks = self.examine(path, 0)
        self.assert_status(checks, ok=["clock", "disk space", "board files", "probe answers", "probe firmware",
                                       "probe self-test", "stimulus seen", "console speaks", "board boots",
                                       "board answers"])
        self.assertIn("125 MHz", checks["probe answers"]["message"])
        self.assertEqual(checks["board answers"]["message"], "10 answers to 10 stimuli")

    def test_lines_for_people(self):
        done = self.bench.pin2pin("doctor", self.bench.bench_file())
        self.assert_exit(done, 0)
        lines = done.stdout.splitlines()
        self.assertEqual([line[9:26].strip() for line in lines[:-1]], ["clock", "disk space", *self.BOARD])
        self.assertEqual({line[:9] for line in lines[:-1]}, {"ok       "})
        self.assertEqual(lines[-1], "bench test: 6 checks: 6 ok, 0 warnings, 0 failed, 0 skipped")

    def test_a_board_that_says_nothing(self):
        checks = self.examine(self.bench.bench_file(stub="stub-silent", timeouts={"boot_s": 1}), 4)
        self.assert_status(checks, ok=["clock", "disk space", "board files"], failed=["console speaks"],
                           skipped=["board boots", "board answers"])
        self.assertIn("said nothing", checks["console speaks"]["message"])

    def test_stubs_that_answer_wrongly(self):
        for stub in "stub-every-second", "stub-twice":
            with self.subTest(stub):
                checks = self.examine(self.bench.bench_file(stub=stub), 4)
                self.assert_status(checks, ok=["clock", "disk space", *self.BOARD[:3]], failed=["board answers"])

    def test_wires_missing(self):
        path = self.bench.bench_file()
        self.bench.wires.unlink()
        checks = self.examine(path, 4)
        self.assert_status(checks, ok=["clock", "disk space"], failed=["board files"], skipped=self.BOARD[1:])
        self.assertIn("./lab build", checks["board files"]["cure"])
        self.assertEqual(checks["board boots"]["message"], "needs: console speaks")

    def test_clock_before_the_bench_file(self):
        path = self.bench.bench_file()
        os.utime(path, (time.time() + 86400, ) * 2)
        checks = self.examine(path, 4)
        self.assertEqual(checks["clock"]["status"], "failed")
        self.assertIn("timedatectl", checks["clock"]["cure"])
        self.assertEqual(checks["board answers"]["status"], "ok")

    def test_interrupted_with_the_board_on(self):
        (self.bench.folder / "hang.bin").write_bytes((STUBS / "stub.bin").read_bytes()[:64] + bytes(4096))
        path = self.bench.bench_file(stub=self.bench.folder / "hang.bin", timeouts={"boot_s": 60, "stall_s": 60})
        child = self.bench.start("doctor", path)
        wait_until(lambda: any("-plugin" in line or "wires.so" in line for line in self.bench.qemus().values()), 20,
                   "QEMU runs")
        child.send_signal(signal.SIGINT)
        _, stderr = child.communicate(timeout=10)
        self.assertEqual(child.returncode, 130)
        self.assertEqual(stderr, "pin2pin: interrupted\n")


class Lab(Doctor):
    def test_nothing_is_there(self):
        checks = self.examine(self.lab(), 4)
        for name, says, cure in (("board files", "absent.dtb", "dtc -O dtb"),
                                 ("stimulus line", "p2p-nowhere", "gpiodetect"),
                                 ("query line", "$.query", "gpioinfo"),
                                 ("console port", "/dev/ttyAbsent0", "$.console"),
                                 ("latency timer", "/dev/ttyAbsent1", "$.probe.device"),
                                 ("probe answers", "/dev/ttyAbsent1", "TX to RX"),
                                 ("power off", "exit code 1", "$.power.off")):
            with self.subTest(name):
                self.assertEqual(checks[name]["status"], "failed")
                self.assert_says(checks[name]["message"], says)
                self.assert_says(checks[name]["cure"], cure)
        self.assertEqual(checks["calibration"]["status"], "warning")
        self.assertEqual([name for name, check in checks.items() if check["status"] == "skipped"],
                         ["probe firmware", "probe self-test", "link rate", "stimulus seen", "console speaks",
                          "board boots", "board answers", "power relay"])
        self.assertEqual(checks["power relay"]["message"], "needs: board answers")

    def test_cures_stand_below_their_check(self):
        done = self.bench.pin2pin("doctor", self.lab())
        self.assert_exit(done, 4)
        lines = done.stdout.splitlines()
        failed = [i for i, line in enumerate(lines) if line.startswith("failed ")]
        self.assertEqual(len(failed), 7)
        for i in failed:
            self.assertRegex(lines[i + 1], "^ {27}cure: ")
        self.assertRegex(lines[-1], "^bench lab: 20 checks: .* 7 failed, 8 skipped$")

    def test_board_is_left_alone_while_another_has_the_bench(self):
        """It holds the lock while its power program runs; the second doctor must not run that program."""
        log = self.bench.folder / "log"
        slow = {"kind": "command", "on": ["false"], "off": ["sh", "-c", f"echo off >> {log}; exec sleep 30"],
                "timeout_s": 60}
        path = self.lab(power=slow)
        first = self.bench.start("doctor", path)
        wait_until(log.exists, 20, "the first doctor runs its power program")
        checks = self.examine(path, 4)
        self.assertEqual(checks["bench free"]["status"], "failed")
        self.assert_says(checks["bench free"]["message"], f"pid {first.pid}", "doctor")
        for name in "stimulus line", "console port", "probe answers", "power off":
            self.assertEqual(checks[name]["message"], "needs: bench free")
        self.assertEqual(log.read_text(), "off\n")

    def test_files_that_are_wrong(self):
        (self.bench.folder / "absent.dtb").write_text("no tree")
        checks = self.examine(self.lab(), 4)
        self.assertEqual(checks["board files"]["status"], "failed")
        self.assertIn("device tree", checks["board files"]["message"])


class ProbeAlone(Doctor):
    def test_serial(self):
        checks = self.examine(self.alone(kind="serial", device="/dev/ttyAbsent0"), 4)
        self.assert_status(checks, ok=["bench free", "clock", "disk space"], warning=["calibration"],
                           failed=["latency timer", "probe answers"],
                           skipped=["probe firmware", "probe self-test", "link rate"])

    def test_ftdi(self):
        checks = self.examine(self.alone(kind="ftdi", serial="P2P-NOWHERE"), 4)
        self.assertEqual(checks["USB chip"]["status"], "failed")
        self.assertEqual(checks["probe answers"]["message"], "needs: USB chip")
        self.assertNotIn("latency timer", checks)

    def test_calibration_missing(self):
        checks = self.examine(self.alone(kind="serial", device="/dev/ttyAbsent0", calibration="absent.json"), 4)
        self.assertEqual(checks["calibration"]["status"], "failed")
        self.assertIn("probe calibrate", checks["calibration"]["cure"])
        self.assertEqual(checks["probe calibrated"]["message"], "needs: calibration")


class ProbeAtAPort(Doctor):
    """The port is a socket (tests/system/fake_serial.c), the probe at it a fake in real time."""

    def setUp(self):
        super().setUp()
        program = mock.patch("bench.PIN2PIN", os.environ["PIN2PIN_FAKE_SERIAL"])
        program.start()
        self.addCleanup(program.stop)
        self.port = self.bench.folder / "tty"
        self.path = self.alone(kind="serial", device=str(self.port))

    def examine_with(self, exit_code, **wishes):
        probe = fake_probe.RealProbe(self.port, **wishes)
        try:
            return self.examine(self.path, exit_code)
        finally:
            probe.close()
            self.port.unlink()

    def test_it_answers(self):
        checks = self.examine_with(0)
        self.assert_status(checks, ok=["bench free", "clock", "disk space", "latency timer", "probe answers",
                                       "probe self-test", "link rate"], warning=["calibration", "probe firmware"])
        self.assertIn("flash", checks["probe firmware"]["cure"])

    def test_its_selftest_fails(self):
        checks = self.examine_with(4, selftest=2)
        self.assertEqual(checks["probe self-test"]["status"], "failed")
        self.assertEqual(checks["link rate"]["status"], "ok")

    def test_it_is_silent(self):
        checks = self.examine_with(4, mute=True)
        self.assertEqual(checks["probe answers"]["status"], "failed")
        self.assertEqual(checks["probe self-test"]["message"], "needs: probe answers")


class Usage(Doctor):
    def test_a_bad_file_is_no_finding(self):
        for text in "nonsense", '{"schema": "pin2pin.bench", "version": 1}':
            done = self.bench.pin2pin("doctor", "--json", self.bench.write("bad.json", text))
            self.assert_exit(done, 2)
            self.assertEqual(done.stdout, "")
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = self.bench.pin2pin("doctor", self.bench.bench_file(), stdout=full, stderr=-1, capture_output=False)
        self.assert_exit(done, 4)
        self.assertIn("cannot write to stdout", done.stderr)


if __name__ == "__main__":
    unittest.main()
