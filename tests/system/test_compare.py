# SPDX-License-Identifier: MIT
"""Real runs held against each other: one instruction more in the interrupt path is seen, another seed is not.

With the ideal probe, so to the instruction.
"""
import json
import unittest

from bench import BenchCase, xen

CONFIGURATIONS = [{"name": "native", "limits": {"warm_max_ns": 2}}, {"name": "xen", "xen": xen("4.17")}]
BODY = "p50"  # of Xen's path; its other figures depend on which branches a boot's stimuli meet


class Compare(BenchCase):
    def measure(self, stub="stub", seed=1):
        return self.bench.measure(CONFIGURATIONS, stub=stub,
                                  plan={"boots": 6, "samples": 300, "seed": seed, "confirm_boots": 0})

    def compare(self, a, b):
        done = self.bench.pin2pin("compare", "--json", a.folder, b.folder)
        rows = json.loads(done.stdout)["rows"]
        return done.returncode, {(row["configuration"], row["figure"]): row for row in rows}

    def test_one_instruction_more(self):
        usual, longer = self.measure(), self.measure("stub-plus-one")
        self.assert_exit(usual, 0)
        self.assert_exit(longer, 1)
        self.assertEqual(longer.configuration()["reason"], "warm_max 3 ns > limit 2 ns")
        code, rows = self.compare(usual, longer)
        self.assertEqual(code, 1)
        for place in ("native", "avg"), ("native", "warm_max"), ("xen", BODY):
            row = rows[place]
            self.assertEqual((row["difference_ns"], row["exact"], row["change"]), (1, True, "slower"), place)
        done = self.bench.pin2pin("compare", usual.folder, longer.folder)
        self.assert_says(done.stdout, "note: native: the stub answers after 2 and 3 instructions", "+1.00",
                         "slower [1]\n", "[1] exact: all boots of A agree, and all of B do\n")

    def test_another_seed(self):
        code, rows = self.compare(self.measure(seed=1), self.measure(seed=2))
        self.assertIn(code, (0, 3))  # 6 boots are few for the figures that chance moves
        self.assertNotIn("slower", {row["change"] for row in rows.values()})
        for place in ("native", "avg"), ("native", "warm_max"), ("xen", BODY):
            self.assertEqual((rows[place]["difference_ns"], rows[place]["change"]), (0, "same"), place)

    def test_a_bench_with_another_gic_is_refused(self):
        other = self.bench.measure(gic=3, plan={"boots": 2})
        done = self.bench.pin2pin("compare", self.bench.measure(plan={"boots": 2}).folder, other.folder)
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, 'wiring: "qemu-virt gicv2, ', '"qemu-virt gicv3, ')


if __name__ == "__main__":
    unittest.main()
