# SPDX-License-Identifier: MIT
"""Whatever happens between the probe and its host is a BENCH FAULT that says what and when; never a wrong latency.

The product has no key for faults: a script stands in for the emulator's Node and adds --fault
(fixtures/virtual-probe/SPEC.md). P2P_FAULT_SEED and P2P_FAULT_SCHEDULES, from the environment, are the first random
schedule and how many there are.
"""
import itertools
import os
import random
import re
import signal
import stat
import time
import unittest

from bench import BenchCase, LongRun, edge_records

TICK_NS = 8
ANSWER = 1
SAMPLES = 150  # some 150 ms; the EPOCH that SYNC waits for comes 200 ms after arming

# Node for several boots: each takes the next line of a file for its faults.
NODE = """#!/bin/sh
read -r faults <"$0.faults"
sed -i 1d "$0.faults"
exec node "$@" $faults
"""


def from_first_stimulus(records):
    first = next((i for i, (_, channel, level, _) in enumerate(records) if channel != ANSWER and level), len(records))
    return records[first:]


class ProbeCase(BenchCase):
    def node(self, schedules):
        """A stand-in for Node, that gives the nth boot the faults of schedules[n]."""
        path = self.bench.write("node", NODE)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.bench.write("node.faults", "".join(" ".join(f"--fault {fault}" for fault in faults) + "\n"
                                                for faults in schedules))
        return str(path)

    def measure(self, schedules, configurations=None, timeout_s=60, **probe):
        """One boot each; the configurations are all native."""
        plan = self.bench.plan_file(configurations, samples=SAMPLES)
        probe = self.bench.virtual_probe(node=self.node(schedules), **probe)
        return self.bench.run(plan, self.bench.bench_file(probe=probe, timeouts={"stall_s": LongRun.STALL_S}),
                              timeout_s=timeout_s)

    def assert_edges_true(self, run, name="native"):
        """What is in the file happened, in that order and to the tick, from the first stimulus on. Returns how many."""
        edges = from_first_stimulus(edge_records(run.edges(name)))
        truth = from_first_stimulus(edge_records(run.truth(name)))
        self.assertLessEqual(len(edges), len(truth))
        for edge, true in zip(edges, truth):
            self.assertEqual(edge[1:], true[1:])
            late_ns = (edge[0] - edges[0][0]) * TICK_NS - (true[0] - truth[0][0])
            self.assertLess(abs(late_ns), TICK_NS, f"{edge} is {true}")
        return len(edges)

    def assert_fault(self, run, *fragments, edges=True):
        self.assert_exit(run, 4)
        self.assertEqual(run.result["verdict"], "BENCH FAULT")
        self.assertIs(run.result["complete"], True)
        self.assert_says(run.configuration()["reason"], *fragments)
        self.assert_says(run.boot()["fault"], *fragments)
        self.assert_says(run.stdout, "BENCH FAULT", fragments[0])
        self.assert_says(self.bench.pin2pin("report", run.folder).stdout, "BENCH FAULT", fragments[0])
        if edges:
            self.assert_says(run.boot()["fault"], "no edge is missing or wrong before tick ", " s after arming)")
            self.assertGreater(self.assert_edges_true(run), 0)


class EachFault(ProbeCase):
    def assert_named(self, fault, *fragments, **more):
        run = self.measure([[fault]])
        self.assert_fault(run, *fragments, **more)
        return run

    def test_none(self):
        run = self.measure([[]])
        self.assert_exit(run, 0)
        self.assertEqual(self.assert_edges_true(run), 3 * SAMPLES + 1)  # the query's answer

    def test_drop(self):
        self.assert_named("drop@arm+20ms", "frames lost: 1, number")

    def test_drop_of_a_frame_without_edges(self):
        self.assert_named("drop@arm+185ms", "frames lost: 1, number")

    def test_repeat(self):
        self.assert_named("repeat@arm+20ms", "came again or out of order")

    def test_corrupt(self):
        self.assert_named("corrupt@arm+20ms", "a damaged frame came")

    def test_truncate(self):
        self.assert_named("truncate@arm+20ms", "a damaged frame came")

    def test_swap(self):
        self.assert_named("swap@arm+20ms", "frames lost: 1, number")

    def test_garbage(self):
        self.assert_named("garbage@arm+20ms", "a damaged frame came")

    def test_stall(self):
        self.assert_named("stall@arm+20ms", "no EPOCH for 50")

    def test_close(self):
        self.assert_named("close@arm+20ms", "it was closed: the probe was unplugged")

    def test_reset(self):
        run = self.assert_named("reset@arm+20ms", "the probe was reset: in run")
        self.assertRegex(run.boot()["fault"], r"in run [0-9a-f]{8} came a HELLO of run [0-9a-f]{8}")

    def test_when_it_happened_is_said(self):
        """Between the moment of the last good EPOCH and that of the fault."""
        for ms in 30, 150:
            with self.subTest(ms):
                fault = self.assert_named(f"drop@arm+{ms}ms", "frames lost").boot()["fault"]
                whole, last = (float(s) for s in re.findall(r"\((\d+\.\d+) s after arming\)", fault))
                self.assertLessEqual(whole, last)
                self.assertAlmostEqual(whole, ms // 100 / 10, delta=0.01)
                self.assertLess(last, ms / 1000 + 0.002)

    def test_before_arming(self):
        self.assert_named("stall@10ms", "no answer to ARM", edges=False)

    def test_from_the_start(self):
        self.assert_named("stall@0ms", "the probe does not answer", edges=False)

    def test_hello_is_lost(self):
        """It is asked for again, and no harm was done."""
        run = self.measure([["drop@0ms"]])
        self.assert_exit(run, 0)
        self.assert_edges_true(run)


class Emulator(ProbeCase):
    def refused(self, **probe):
        return self.bench.measure(probe=self.bench.virtual_probe(**probe))

    def test_node_missing(self):
        run = self.refused(node="/nowhere/node")
        self.assert_fault(run, "/nowhere/node", "cannot run this program", "./lab setup", edges=False)

    def test_node_is_another_program(self):
        self.assert_fault(self.refused(node="/bin/false"), "virtual probe", "exit code 1", edges=False)

    def test_files_missing(self):
        """Told before anything is started or written."""
        for key, what in ("runner", "the virtual probe's runner is not there"), ("image", "build it: ./lab build"):
            with self.subTest(key):
                path = f"/nowhere/{key}"
                run = self.bench.measure(probe={**self.bench.virtual_probe(), key: path})
                self.assert_exit(run, 2)
                self.assert_says(run.stderr, path, what, "No such file")
                self.assertFalse(run.folder.exists())

    def test_image_of_another_clock(self):
        run = self.refused(clk_hz=200000000)
        self.assert_fault(run, "the image runs clk_sys at 125000000 Hz", "not 200000000 Hz", edges=False)

    def long_run(self):
        long_run = LongRun(self.bench, probe=self.bench.virtual_probe())
        (emulator,) = self.bench.emulators()
        return long_run, emulator

    def test_killed(self):
        long_run, emulator = self.long_run()
        os.kill(emulator, signal.SIGKILL)
        run = long_run.finish()
        self.assert_fault(run, "killed by signal 9", edges=False)
        self.assertGreaterEqual(self.assert_edges_true(run), long_run.edges_recorded - 2)

    def test_stopped(self):
        long_run, emulator = self.long_run()
        os.kill(emulator, signal.SIGSTOP)
        start = time.monotonic()
        run = long_run.finish()
        self.assertLess(time.monotonic() - start, LongRun.STALL_S + 5)
        self.assert_fault(run, "the virtual probe", f"no progress for {LongRun.STALL_S} s (timeouts.stall_s)", edges=False)
        self.assertGreaterEqual(self.assert_edges_true(run), long_run.edges_recorded - 2)

    def test_pin2pin_killed(self):
        """The emulator does not outlive it; `close` looks."""
        long_run, _ = self.long_run()
        long_run.child.kill()
        long_run.child.communicate()
        self.assert_says(self.bench.pin2pin("report", long_run.folder).stdout, "INCOMPLETE")


# The first of these two kinds of moment is while edges and EPOCHs come, so that whatever happens is harm.
WHILE_ARMED = ("arm", 0, 150)
AT_ANY_TIME = ("", 0, 320)
KINDS = ("drop", "repeat", "corrupt", "truncate", "swap", "stall", "close", "reset", "garbage")
# At 8 ns a tick native latencies are 0 or 8 ns: the same board passes or fails by its limit.
LIMITS = {"PASS": {"max_ns": 8}, "FAIL": {"max_ns": 7}}
EACH_RUN = 20  # schedules, as configurations of one run


def random_schedule(seed):
    """(faults, certain): certain if one of them must show."""
    choose = random.Random(seed)
    faults, certain = [], False
    for _ in range(choose.choice((0, 1, 1, 1, 2, 3))):
        (since, first, last) = choose.choice((WHILE_ARMED, WHILE_ARMED, AT_ANY_TIME))
        certain |= since == "arm"
        moment_us = choose.randint(1000 * first, 1000 * last)
        faults.append(f"{choose.choice(KINDS)}@{since}{'+' if since else ''}{moment_us}us")
    return faults, certain


class Random(ProbeCase):
    def check(self, run, name, faults, certain):
        entry = run.configuration(name)
        true_verdict = name.partition("-")[0].upper()
        if entry["verdict"] == "BENCH FAULT":
            self.assertTrue(faults, entry)
            self.assertRegex(entry["reason"], "boot 1: (the probe's link: |the probe does not answer|.*; the probe's link: )")
            if entry["account"]["edges"] > 0:
                self.assert_says(entry["reason"], "no edge is missing or wrong before tick ")
        else:
            self.assertFalse(certain, entry)
            self.assertEqual(entry["verdict"], true_verdict)
            self.assertEqual((entry["stats"]["n"], entry["account"]["stimuli"]), (SAMPLES, SAMPLES))
            self.assertEqual((entry["truth"]["n"], entry["truth"]["unmatched"]), (SAMPLES, 0))
        if (run.boot_folder(name) / "edges.p2p").exists():
            self.assert_edges_true(run, name)
        return entry["verdict"]

    def test_no_schedule_gives_a_wrong_verdict(self):
        first, count = (int(os.environ.get(f"P2P_FAULT_{name}", default)) for name, default in
                        (("SEED", 1), ("SCHEDULES", EACH_RUN)))
        verdicts = []
        for start in range(first, first + count, EACH_RUN):
            seeds = range(start, min(start + EACH_RUN, first + count))
            schedules = [random_schedule(seed) for seed in seeds]
            configurations = [{"name": f"{verdict.lower()}-{number}", "limits": limits} for number, (verdict, limits) in
                              zip(range(len(seeds)), itertools.cycle(LIMITS.items()))]
            run = self.measure([faults for faults, _ in schedules], configurations, timeout_s=300)
            # The runner takes a schedule a boot, and the order of boots is drawn by the plan's seed.
            for seed, (faults, certain), boot in zip(seeds, schedules, run.result["order"]):
                with self.subTest(f"P2P_FAULT_SEED={seed} P2P_FAULT_SCHEDULES=1: {' '.join(faults)}", boot=boot):
                    verdicts.append(self.check(run, boot.partition("/")[0], faults, certain))
        told = {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
        print(f"seeds {first} to {first + count - 1}: {told}")
        if count >= EACH_RUN:  # or they test nothing
            self.assertEqual(set(told), {"PASS", "FAIL", "BENCH FAULT"})


if __name__ == "__main__":
    unittest.main()
