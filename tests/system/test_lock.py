# SPDX-License-Identifier: MIT
"""One run at a time on a bench of hardware, and a board that can be switched off after a run that was killed.

The probe's serial port is a socket (fake_serial.c); the board's lock is held by this test, as another run would.
"""
import contextlib
import fcntl
import json
import os
import re
import signal
import struct
import unittest
from unittest import mock

import fake_probe
from bench import SOURCE, BenchCase, wait_until

OWNER = r"pid {pid} \(\S+@\S+, since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ, {what}\)"
OTHER = "pid 4711 (night@lab, since 2026-11-22T18:00:00Z, run nightly.plan.json)"


class LockCase(BenchCase):
    def setUp(self):
        super().setUp()
        program = mock.patch("bench.PIN2PIN", os.environ["PIN2PIN_FAKE_SERIAL"])
        program.start()
        self.addCleanup(program.stop)
        self.port = self.bench.folder / "tty"
        self.switched = self.bench.folder / "switched"
        for name in "stub.bin", "board.dtb":
            self.bench.write(name, "")
        self.lab = self.lab_bench("lab")

    def lab_bench(self, name, off=("sh", "-c", "echo off >>switched"), **probe):
        bench = json.loads((SOURCE / "tests/unit/config/good/bench/lab-disk-command.json").read_text())
        bench |= {"name": name, "probe": {"kind": "serial", "device": str(self.port), **probe},
                  "power": {"kind": "command", "on": ["true"], "off": list(off)}}
        return self.bench.write(f"{name}.bench.json", bench)

    def file_of(self, name):
        return self.bench.folder / f"pin2pin-{name}.lock"

    @contextlib.contextmanager
    def held(self, name, owner=OTHER):
        """By another process, as far as pin2pin can see: F_OFD_SETLK belongs to the open file."""
        with self.file_of(name).open("w") as file:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqixxxx", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            file.write(owner + "\n")
            file.flush()
            yield

    @contextlib.contextmanager
    def capturing(self):
        """`probe capture` until it is ended, and its process."""
        probe = fake_probe.RealProbe(self.port, period_ns=200000)
        try:
            out = self.bench.folder / "out.csv"
            child = self.bench.start("probe", "capture", "--format", "csv", "-o", out, self.lab)
            wait_until(lambda: out.exists() and out.stat().st_size > 0, 10, "a capture")
            yield child
        finally:
            probe.close()

    def run_on(self, bench):
        return self.bench.run(self.bench.plan_file(), bench, "-v")

    def assert_in_use(self, done, name, owner):
        self.assert_exit(done, 4)
        self.assertRegex(done.stderr, rf"\Apin2pin: {re.escape(name)} is in use by {owner}\n\Z")
        self.assertEqual(done.stdout, "")


class Board(LockCase):
    def test_second_run_is_refused_and_leaves_no_folder(self):
        with self.held("bench-lab"):
            run = self.run_on(self.lab)
        self.assert_exit(run, 4)
        self.assertEqual(run.stderr, f"pin2pin: bench lab is in use by {OTHER}\n")
        self.assertFalse(run.folder.exists())
        self.assertFalse(self.switched.exists())  # it may not even switch the other's board off

    def test_another_bench_is_not(self):
        with self.held("bench-other"):
            run = self.run_on(self.lab)
        self.assertNotIn("in use", run.stderr)

    def test_what_a_killed_run_left_is_taken_over(self):
        self.file_of("bench-lab").write_text(OTHER + "\n")
        run = self.run_on(self.lab)
        self.assert_says(run.stderr, f"bench lab: taken over from {OTHER}, which was killed\n")
        self.assertEqual(self.file_of("bench-lab").read_text(), "")  # released, though the run failed

    def test_overdue_owner_is_said_to_hang(self):
        owner = OTHER.replace(")", ", until 2026-01-01T00:00:00Z)")
        with self.held("bench-lab", owner):
            run = self.run_on(self.lab)
        self.assert_says(run.stderr, f"in use by {owner}: it should be done by now")

    def test_virtual_benches_run_side_by_side(self):
        with self.held("bench-test"):
            run = self.run_on(self.bench.bench_file())
        self.assertNotIn("in use", run.stderr)
        self.assertEqual([*self.bench.folder.glob("*.lock")], [self.file_of("bench-test")])


class Probe(LockCase):
    def test_a_probe_in_use_is_refused_to_all(self):
        with self.capturing() as child:
            owner = OWNER.format(pid=child.pid, what="probe")
            name = f"probe {os.path.realpath(self.port)}"
            self.assert_in_use(self.bench.pin2pin("probe", "info", self.lab), name, owner)
            self.assert_in_use(self.run_on(self.lab_bench("other")), name, owner)
            link = self.bench.folder / "by-id"
            link.symlink_to(self.port)
            by_link = self.lab_bench("by-link", device=str(link))
            self.assert_in_use(self.bench.pin2pin("probe", "info", by_link), name, owner)

    def test_kill_frees_it(self):
        with self.capturing() as child:
            child.send_signal(signal.SIGKILL)
            child.wait()
            done = self.bench.pin2pin("probe", "info", "-v", self.lab)
            self.assert_exit(done, 0)
            self.assertRegex(done.stderr, f"taken over from {OWNER.format(pid=child.pid, what='probe')}, which was killed")

    def test_an_interrupt_releases_it(self):
        with self.capturing() as child:
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=10)
            (file,) = self.bench.folder.glob("pin2pin-probe-*.lock")
            self.assertEqual(file.read_text(), "")


class Off(LockCase):
    def off(self, *arguments):
        return self.bench.pin2pin("off", *arguments)

    def test_switches_the_board_off(self):
        done = self.off(self.lab)
        self.assert_exit(done, 0)
        self.assertEqual(done.stdout, "bench lab: its board is off\n")
        self.assertEqual(self.switched.read_text(), "off\n")
        done = self.off("--json", self.lab)
        self.assertEqual(json.loads(done.stdout), {"off": True})

    def test_needs_nothing_but_the_power(self):
        for name in "stub.bin", "board.dtb":
            (self.bench.folder / name).unlink()
        self.assert_exit(self.off(self.lab), 0)

    def test_not_under_a_run(self):
        with self.held("bench-lab"):
            self.assert_in_use(self.off(self.lab), "bench lab", re.escape(OTHER))
        self.assertFalse(self.switched.exists())

    def test_a_board_that_stays_on_is_a_bench_fault(self):
        done = self.off(self.lab_bench("lab", off=["false"]))
        self.assert_exit(done, 4)
        self.assert_says(done.stderr, "power off")
        self.assertEqual(done.stdout, "")

    def test_a_virtual_board_is_refused(self):
        done = self.off(self.bench.bench_file())
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "test.bench.json: this bench has no board of hardware to switch off")


if __name__ == "__main__":
    unittest.main()
