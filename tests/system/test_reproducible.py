# SPDX-License-Identifier: MIT
"""The same plan and seed give the same bytes, whatever else the computer does."""
import contextlib
import os
import subprocess
import sys
import unittest

from bench import BenchCase, xen

CONFIGURATIONS = [{"name": "native"}, {"name": "trap", "xen": xen("4.17", "trap")},
                  {"name": "vwfi-native", "xen": xen("4.20", "native")}]


@contextlib.contextmanager
def every_core_busy():
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


class Reproducible(BenchCase):
    def measure(self, *options, **bench):
        run = self.bench.measure(CONFIGURATIONS, options, plan={"samples": 300, "boots": 2}, **bench)
        self.assert_exit(run, 0)
        return run

    def edges(self, run):
        return {(entry["name"], boot): run.edges(entry["name"], boot) for entry in CONFIGURATIONS for boot in (1, 2)}

    def assert_same(self, first, second):
        self.assertEqual(first.result_text, second.result_text)
        for name, boot in self.edges(first):
            self.assert_same_edges(first, second, name, boot)

    def assert_same_edges(self, first, second, name, boot):
        one, other = first.edges(name, boot), second.edges(name, boot)
        if one != other:
            at = next((i for i, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
            self.fail(f"edges of {name}, boot {boot}, differ from byte {at} of {len(one)} and {len(other)} on\n"
                      f"{one[at & ~7:][:64].hex(' ', 8)}\n{other[at & ~7:][:64].hex(' ', 8)}\n"
                      f"{first.boot(name, boot)}\n{second.boot(name, boot)}")

    def test_again(self):
        self.assert_same(self.measure(), self.measure())

    def test_again_on_a_busy_computer(self):
        first = self.measure()
        with every_core_busy():
            second = self.measure()
        self.assert_same(first, second)

    def test_lockstep_gives_the_edges_of_a_schedule(self):
        self.assert_same(self.measure(), self.measure(board={"play": "lockstep"}))

    def test_one_instruction_more_shows(self):
        """The whole chain resolves one instruction: a nop before the answer."""
        plan = {"samples": 100, "boots": 1}
        for name in "native", "trap", "vwfi-native":
            one = self.bench.measure(CONFIGURATIONS, ["--only", name], plan=plan).configuration(name)["stats"]
            other = self.bench.measure(CONFIGURATIONS, ["--only", name], plan=plan, stub="stub-plus-one")
            self.assertEqual(other.configuration(name)["stats"]["min_ns"], one["min_ns"] + 1, name)

    def test_another_seed_gives_other_edges(self):
        first, second = self.measure("--seed", "1"), self.measure("--seed", "2")
        for (key, one), other in zip(self.edges(first).items(), self.edges(second).values()):
            self.assertFalse(one == other, f"the edges of {key} are the same")

    def test_only_gives_a_configuration_the_edges_of_the_whole_plan(self):
        whole, alone = self.measure(), self.bench.measure(CONFIGURATIONS, ["--only", "vwfi-native"],
                                                          plan={"samples": 300, "boots": 2})
        self.assert_exit(alone, 0)
        self.assertEqual([entry["name"] for entry in alone.result["configurations"]], ["vwfi-native"])
        self.assertEqual(alone.result["configurations"][0], whole.configuration("vwfi-native"))
        for boot in 1, 2:
            self.assert_same_edges(whole, alone, "vwfi-native", boot)


if __name__ == "__main__":
    unittest.main()
