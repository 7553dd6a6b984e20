# SPDX-License-Identifier: MIT
"""What goes wrong in the middle of a run: what was recorded until then can be read, and nothing is left running."""
import os
import resource
import signal
import subprocess
import time
import unittest

from bench import BenchCase, LongRun, RUN_TIMEOUT_S, reasons, wait_until

ENDLESS = 1000000000  # samples: a run that does not end by itself


class MidRun(BenchCase):
    def assert_incomplete(self, long_run, recorded=None):
        """`report` shows at least the edges that were in the file when the test struck, but not a whole run."""
        text = self.bench.pin2pin("report", long_run.folder)
        self.assert_exit(text, 0)
        self.assert_says(text.stdout, "INCOMPLETE")
        self.assert_part(self.bench.report(long_run.folder), recorded or long_run.edges_recorded)
        self.assert_exit(self.bench.pin2pin("gate", long_run.folder / "result.json"), 4)

    def assert_part(self, result, recorded):
        (native,) = result["configurations"]
        self.assertEqual(native["verdict"], "BENCH FAULT")
        self.assertGreaterEqual(native["account"]["edges"], recorded - 2)  # two marks are no edges
        self.assertLess(native["account"]["stimuli"], LongRun.SAMPLES)
        self.assertEqual((native["stats"]["min_ns"], native["stats"]["max_ns"]), (2, 2))

    def test_qemu_killed(self):
        long_run = LongRun(self.bench)
        os.kill(long_run.qemu, signal.SIGKILL)
        run = long_run.finish()
        self.assert_exit(run, 4)
        self.assert_says(reasons(run), "the virtual board is gone: its process ended in mid-run", "killed by signal 9")
        self.assert_says(run.stdout, "the virtual board is gone: its process ended in mid-run")
        self.assert_says(run.boot()["fault"], "the virtual board is gone: its process ended in mid-run")
        self.assert_part(run.result, long_run.edges_recorded)

    def test_qemu_stopped(self):
        long_run = LongRun(self.bench)
        os.kill(long_run.qemu, signal.SIGSTOP)
        start = time.monotonic()
        run = long_run.finish()
        self.assertLess(time.monotonic() - start, LongRun.STALL_S + 5)
        self.assert_exit(run, 4)
        self.assert_says(reasons(run), f"no progress for {LongRun.STALL_S} s (timeouts.stall_s)")
        self.assert_part(run.result, long_run.edges_recorded)
        self.assertEqual(self.bench.qemus(), {})

    def test_qemu_stopped_for_less_than_the_limit(self):
        run_folder = self.bench.new_folder()
        long_run = LongRun(self.bench, run_folder)
        os.kill(long_run.qemu, signal.SIGSTOP)
        time.sleep(0.5)
        os.kill(long_run.qemu, signal.SIGCONT)
        size = (run_folder / "native/boot-001/edges.p2p").stat().st_size
        wait_until(lambda: (run_folder / "native/boot-001/edges.p2p").stat().st_size > size + 100000, 10, "going on")
        long_run.child.terminate()
        self.assert_exit(long_run.finish(), 130)

    def interrupt(self, number):
        long_run = LongRun(self.bench)
        long_run.child.send_signal(number)
        start = time.monotonic()
        run = long_run.finish()
        self.assertLess(time.monotonic() - start, 5)
        self.assert_exit(run, 130)
        self.assertEqual(run.stdout, "")
        self.assert_says(run.stderr, "pin2pin: interrupted", f"recorded until then is in {long_run.folder}")
        self.assertEqual(self.bench.qemus(), {})
        self.assertIs(run.boot()["complete"], False)
        self.assertEqual(run.boot()["fault"], "interrupted")
        self.assertIs(run.result["complete"], False)
        self.assert_incomplete(long_run)

    def test_sigint(self):
        self.interrupt(signal.SIGINT)

    def test_sigterm(self):
        self.interrupt(signal.SIGTERM)

    def test_sighup(self):
        self.interrupt(signal.SIGHUP)

    def test_nohup_is_respected(self):
        """A signal that whoever started us has ignored, as nohup does, stays ignored."""
        long_run = LongRun(self.bench, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        long_run.child.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertIsNone(long_run.child.poll())
        long_run.child.terminate()
        self.assert_exit(long_run.finish(), 130)

    def test_a_file_size_limit_is_an_error_of_the_write(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        folder = self.bench.new_folder()
        done = self.bench.pin2pin("run", self.bench.plan_file(samples=200000), "--bench", self.bench.bench_file(), "-o",
                                  folder, preexec_fn=limit)
        self.assert_exit(done, 4)
        self.assert_says(done.stderr, "edges.p2p", "File too large")

    def test_sigterm_in_a_later_boot_keeps_the_earlier_ones(self):
        folder = self.bench.new_folder()
        child = self.bench.start("run", self.bench.plan_file([{"name": "first"}, {"name": "second"}], 2000, 50), "--bench",
                                 self.bench.bench_file(), "-o", folder)
        wait_until(lambda: all((folder / name / "boot-002").exists() for name in ("first", "second")), 20,
                   "the fourth boot")
        child.terminate()
        self.assertEqual(child.wait(RUN_TIMEOUT_S), 130)
        child.communicate()
        report = self.bench.pin2pin("report", folder)
        self.assertRegex(report.stdout, r"(first|second) .* PASS\n")
        self.assert_says(report.stdout, "INCOMPLETE")

    def test_pin2pin_killed(self):
        long_run = LongRun(self.bench)
        long_run.child.kill()
        long_run.child.communicate()
        wait_until(lambda: not self.bench.qemus(), 1, "QEMU gone")
        self.assert_incomplete(long_run)
        self.assert_says(self.bench.pin2pin("report", long_run.folder).stdout, "boot 1 was cut off: it has no boot.json")

    def test_pin2pin_killed_while_qemu_is_stopped(self):
        long_run = LongRun(self.bench)
        os.kill(long_run.qemu, signal.SIGSTOP)
        long_run.child.kill()
        long_run.child.communicate()
        wait_until(lambda: not self.bench.qemus(), 1, "QEMU gone")
        self.assert_incomplete(long_run)

    def test_disk_full(self):
        disk = self.bench.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True, text=True,
                                 check=False)
        if mounted.returncode != 0:
            self.skipTest(f"no small disk to be had: {mounted.stderr.strip()}")
        try:
            run = self.bench.run(self.bench.plan_file(samples=ENDLESS), self.bench.bench_file(),
                                 folder=disk / "run")
            self.assert_exit(run, 4)
            self.assert_says(run.stderr, "edges.p2p", "No space left on device", "recorded until then")
            self.assert_part(self.bench.report(run.folder), 1000)
            self.bench.check_readable(run.folder)
            self.assertEqual(list(disk.glob("**/*.tmp")), [])
        finally:
            subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    unittest.main()
