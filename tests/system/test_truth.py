# SPDX-License-Identifier: MIT
"""The probe's firmware, held to the truth: every latency within a tick, no bias, and the same bytes each time.

P2P_TRUTH_SAMPLES, from the environment, is how many samples a boot has.
"""
import hashlib
import os
import unittest

from bench import BenchCase, PROBE_IMAGE, edge_records, xen

SAMPLES = int(os.environ.get("P2P_TRUTH_SAMPLES", 10000))
TIMEOUT_S = 120 + SAMPLES // 100
MEAN_ERROR_NS_MAX = 0.1  # at 10,000 samples some three standard deviations of the mean of two roundings
CONFIGURATIONS = [{"name": "native"}, {"name": "xen", "xen": xen("4.17")}]
IMAGE_200MHZ = PROBE_IMAGE.with_name("pin2pin-probe-200mhz.bin")


def latencies(data, tick_ns):
    """Of each stimulus that the very next edge answers; None otherwise."""
    records = edge_records(data)
    return [(after[0] - edge[0]) * tick_ns if after[1] == 1 else None
            for edge, after in zip(records, records[1:]) if edge[1] == 0 and edge[2] == 1]


class Truth(BenchCase):
    def measure(self, clk_hz, image, *options):
        probe = self.bench.virtual_probe(image, clk_hz=clk_hz)
        run = self.bench.run(self.bench.plan_file(CONFIGURATIONS, samples=SAMPLES), self.bench.bench_file(probe=probe),
                             *options, timeout_s=TIMEOUT_S)
        self.assert_exit(run, 0)
        return run

    def assert_true(self, run, name, tick_ns):
        entry = run.configuration(name)
        truth = entry["truth"]
        print(f"{name}, tick of {tick_ns} ns: n {truth['n']}, off by {truth['max_error_ns']} ns at most, "
              f"{truth['mean_error_ns']:+} ns on average")
        self.assertEqual((truth["n"], truth["unmatched"], entry["account"]["lost"]), (SAMPLES, 0, 0))
        self.assertLessEqual(truth["max_error_ns"], tick_ns)
        self.assertLessEqual(abs(truth["mean_error_ns"]), MEAN_ERROR_NS_MAX)
        self.assert_figures_are_those_of_the_files(run, name, tick_ns, truth)

    def assert_figures_are_those_of_the_files(self, run, name, tick_ns, truth):
        measured, true = latencies(run.edges(name), tick_ns), latencies(run.truth(name), 1)
        self.assertEqual((len(measured), len(true)), (SAMPLES, SAMPLES))
        errors = [a - b for a, b in zip(measured, true)]
        self.assertEqual(truth["max_error_ns"], max(map(abs, errors)))
        self.assertAlmostEqual(truth["mean_error_ns"], sum(errors) / SAMPLES, delta=0.001)

    def check(self, clk_hz, image):
        first = self.measure(clk_hz, image)
        for entry in CONFIGURATIONS:
            self.assert_true(first, entry["name"], 1000000000 // clk_hz)
        second = self.measure(clk_hz, image, "--only", "xen")
        hashes = [hashlib.sha256(data("xen")).hexdigest()
                  for run in (first, second) for data in (run.edges, run.truth)]
        self.assertEqual(hashes[:2], hashes[2:])
        self.assertEqual(first.configuration("xen"), second.configuration("xen"))

    def test_at_125_mhz(self):
        self.check(125000000, PROBE_IMAGE)

    def test_at_200_mhz(self):
        self.check(200000000, IMAGE_200MHZ)


if __name__ == "__main__":
    unittest.main()
