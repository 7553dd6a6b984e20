#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bench-host VM: real libgpiod, libftdi and kernel drivers, wired to the virtual board and the virtual probe."""
import csv
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from bench import SOURCE, XEN, Bench, xen
from bench_host import BENCH_HOST, STUBS, BenchHost

PROBE_TICK_NS = 8
PATTERN = ("--line", "pattern=400000")


class BenchHostCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.world = BenchHost()

    def tearDown(self):
        self.world.close()

    def run_in_vm(self, commands, *options, exit_code=0):
        done = self.world.run(commands, *options)
        self.assertEqual(done.exit_code, exit_code, str(done))
        return done


class Machine(BenchHostCase):
    def test_lines_names_and_status(self):
        done = self.run_in_vm(r"""
            await_chip
            echo '[lines]'; gpioinfo
            echo '[tty]'; ls /dev/ttyAMA1
            echo '[driver]'; usleep 100000; readlink /sys/bus/usb/devices/1-1:1.0/driver
            gpioset -t 1ms,1ms,1ms,0 p2p-stimulus=1
            echo '[busy]'
            gpioset -t 500ms,0 p2p-stimulus=1 &
            usleep 100000
            gpioset -t 0 p2p-stimulus=1 2>&1
            exit 7
            """, "--line", "nobody", exit_code=7)
        for line, name in enumerate(("p2p-stimulus", "p2p-query", "p2p-power", None, "p2p-answer")):
            self.assertRegex(done.section("lines"), rf'line +{line}:\s+{name or "unnamed"}|"{name}"')
        self.assertIn("/dev/ttyAMA1", done.section("tty"))
        self.assertIn("ftdi_sio", done.section("driver"))
        self.assertIn("busy", done.section("busy").lower())
        edges = done.truth("stimulus")
        self.assertEqual([level for _, level in edges[:4]], [1, 0, 1, 0])
        for (a, _), (b, _) in zip(edges[:3], edges[1:4]):
            self.assertTrue(900_000 < b - a < 2_500_000, f"{b - a} ns between edges 1 ms apart")

    def test_it_ends_with_a_signal(self):
        child = self.world.start("sleep 60", "--line", "nobody")
        time.sleep(3)
        child.send_signal(signal.SIGTERM)
        _, stderr = child.communicate(timeout=5)
        self.assertEqual((child.returncode, stderr), (122, "bench-host: interrupted\n"))

    def test_usage(self):
        for arguments in ([], ["--fault", "ftdi melt", "/tmp"], ["--baud", "-1", "/tmp"], ["/nonexistent"]):
            done = subprocess.run([BENCH_HOST, *arguments], capture_output=True, text=True, timeout=10, check=False)
            self.assertEqual(done.returncode, 121, arguments)
            self.assertIn("bench-host", done.stderr)


class Ftdi(BenchHostCase):
    def test_reading_and_every_fault(self):
        """Pulses of the stimulus line trigger the faults, each in the middle of a read."""
        done = self.run_in_vm(r"""
            await_chip
            read_some() { ./read-pattern "$@" P2P00001 4000000 200000; echo "status $?"; }
            echo '[whole]'; ./read-pattern P2P00001 4000000 400000; echo "status $?"
            for fault in stall babble ioerror overrun unplug; do
                (usleep 300000; pulse) &
                echo "[$fault]"; read_some
                wait
            done
            pulse; await_chip; usleep 200000
            echo '[replug]'; read_some
            (usleep 300000; pulse) &
            echo '[silent]'; read_some
            pulse
            echo '[speaks]'; read_some
            echo '[baud]'; ./read-pattern P2P00001 3000000 1000; echo "status $?"
            """, *PATTERN, *(option for edge, fault in enumerate(
                ("stall", "babble", "ioerror", "overrun", "unplug", "plug", "silent", "plug"), 1)
                for option in ("--fault", f"edge{edge} ftdi {fault}")))
        whole = done.section("whole").split()
        self.assertEqual(whole[1:4] + whole[-1:], ["bytes,", "0", "breaks,", "0"], str(done))
        self.assertGreaterEqual(int(whole[0]), 400_000)
        self.assertLess(int(whole[4]), 1_100_000, "us for 400 kB of the VM's time")
        for fault, words in (("stall", "the endpoint stalled"), ("babble", "babble"), ("overrun", "overrun"),
                             ("unplug", "unplugged"), ("baud", "framing")):
            self.assertIn(words, done.section(fault))
            self.assertIn("status 2", done.section(fault))
        self.assertIn("status 3", done.section("silent"))
        for section in ("ioerror", "replug", "speaks"):  # the kernel tries again after an I/O error, nothing is lost
            self.assertIn("0 breaks", done.section(section))
            self.assertIn("status 0", done.section(section))

    def test_serial_number(self):
        done = self.run_in_vm("""
            usleep 500000
            echo '[serial]'; cat /sys/bus/usb/devices/1-1/serial 2>&1
            ./read-pattern P2P00001 4000000 1000
            """, *PATTERN, "--serial", "", exit_code=2)
        self.assertIn("No such file", done.section("serial"))
        self.assertIn('no FTDI chip with the serial "P2P00001"', done.output)


class Board(BenchHostCase):
    PULSES = 20

    def test_from_pin_to_verdict_by_hand(self):
        """libgpiod -> PL061 -> board pin -> stub -> pin -> probe's firmware -> FT232H -> libusb: the truth."""
        done = self.run_in_vm(rf"""
            open_console
            power_on
            boot_stub
            gpiomon -n {self.PULSES} p2p-answer >answers.log &
            usleep 50000
            ./pin2pin probe capture --edges {3 * self.PULSES} --format csv -o edges.csv probe.bench.json &
            capture=$!
            usleep 300000
            for i in $(seq {self.PULSES}); do pulse; done
            wait $capture || exit 3
            power_off
            """)
        stimuli, answers = done.truth("stimulus"), done.truth("answer")
        rises = [at for at, level in stimuli if level == 1]
        self.assertEqual(len(rises), self.PULSES)
        self.assertEqual(len(answers), self.PULSES, "an answer for each; an even number leaves the pin low")
        latencies = {answer - rise for rise, (answer, _) in zip(rises, answers)}
        self.assertEqual(len(latencies), 1, f"a native board's latency is constant: {latencies}")
        self.assertTrue(0 < min(latencies) < 100, f"{latencies} instructions")
        seen = list(csv.DictReader(done.read("edges.csv").splitlines()))
        self.assertEqual(len(seen), 3 * self.PULSES, str(done))
        truth = sorted([(at, "stimulus") for at, _ in stimuli] + [(at, "answer") for at, _ in answers])
        ticks = [int(row["ticks"]) for row in seen]
        self.assertEqual([row["channel"] for row in seen], [channel for _, channel in truth])
        for tick, (at, _) in zip(ticks, truth):
            difference = (tick - ticks[0]) * PROBE_TICK_NS - (at - truth[0][0])
            self.assertLessEqual(abs(difference), PROBE_TICK_NS, "off the truth by more than a tick")
        self.assertEqual(len(done.read("answers.log").splitlines()), self.PULSES, "what the kernel saw of the answers")
        self.assertEqual([level for _, level in done.truth("power")], [1, 0])

    def test_reset_console_and_relay(self):
        done = self.run_in_vm(r"""
            open_console
            power_on
            expect 'Hit any key'
            printf ' poweroff\r' >/dev/ttyAMA1
            expect 'poweroff ...'
            usleep 50000
            power_off
            usleep 20000
            : >console.log
            power_on
            boot_stub
            pulse
            expect 'Hit any key.*0'
            echo '[reset]'; grep -c '^U-Boot ' console.log
            pulse; : >console.log
            printf 'version\r' >/dev/ttyAMA1; usleep 300000
            echo '[cut]'; wc -c <console.log
            pulse; usleep 20000
            printf '\rversion\r' >/dev/ttyAMA1; expect '^U-Boot '
            pulse; usleep 20000
            power_off; usleep 20000
            echo '[stuck]'; : >console.log; printf 'version\r' >/dev/ttyAMA1; expect '^U-Boot '
            """, "--fault", "edge1 board reset", "--fault", "edge2 console cut", "--fault", "edge3 console join",
            "--fault", "edge4 relay stuck")
        self.assertEqual([level for _, level in done.truth("power")], [1, 0, 1, 0, 1],
                         "on, off, on, reset; and then it stuck")
        self.assertEqual(len(done.truth("halt")), 1, "it has switched itself off")
        self.assertEqual(done.section("cut").split()[0], "0")


class Plan(BenchHostCase):
    TIMEOUT_S = 120  # of the VM's run
    # With vwfi=trap a latency does not depend on where in Xen's own time a stimulus falls.
    CONFIGURATIONS = (("native", {}), ("xen-4.17-vwfi-trap", xen("4.17", "trap")),
                      ("xen-4.20-vwfi-trap", xen("4.20", "trap")))

    def test_whole_plan(self):
        """The arm64 pin2pin measures in the VM what the virtual bench measures, within a tick of the probe."""
        for name in ("lab.bench.json", "lab.plan.json"):
            shutil.copy(SOURCE / "fixtures/bench-host" / name, self.world.lab)
        shutil.copy(STUBS / "stub.bin", self.world.lab)
        for version in ("4.17", "4.20"):
            shutil.copy(XEN / version / "xen", self.world.lab / f"xen-{version}")
        began = time.monotonic()
        done = self.world.run("await_chip; ./pin2pin run lab.plan.json -o run 2>stderr")
        self.assertEqual(done.exit_code, 0, f"{done}\n{done.read('stderr')}")
        self.assertLess(time.monotonic() - began, self.TIMEOUT_S)
        result = json.loads(done.read("run/result.json"))
        truth = self.on_virtual_bench()
        for name, _ in self.CONFIGURATIONS:
            found, expected = (next(entry for entry in run["configurations"] if entry["name"] == name)
                               for run in (result, truth))
            self.assertEqual(found["account"]["answered"], expected["account"]["answered"], name)
            for key in ("avg_ns", "min_ns", "max_ns"):
                self.assertLessEqual(abs(found["stats"][key] - expected["stats"][key]), PROBE_TICK_NS,
                                     f"{name}: {key}")

    def on_virtual_bench(self):
        bench = Bench()
        try:
            run = bench.measure([{"name": name, **({"xen": tree} if tree else {})}
                                 for name, tree in self.CONFIGURATIONS], plan={"samples": 1000})
            self.assertEqual(run.exit_code, 0, f"the virtual bench: {run.stderr}{run.stdout}")
            return run.result
        finally:
            bench.close()


if __name__ == "__main__":
    os.chdir("/")
    unittest.main()
