# SPDX-License-Identifier: MIT
"""Verdicts of real runs, and the exit codes of `gate`."""
import json
import unittest

from bench import BenchCase


class Gate(BenchCase):
    def gate(self, run, *options):
        return self.bench.pin2pin("gate", *options, run.folder / "result.json")

    def assert_verdict(self, run, verdict, code, *fragments):
        """`run` and `gate` agree, and `--exit-code bisect` turns what can't be judged into "skip"."""
        self.assert_exit(run, code)
        done = self.gate(run)
        self.assert_exit(done, code)
        self.assertEqual(done.stdout.splitlines()[-1], verdict)
        self.assert_says(done.stdout, *fragments)
        self.assert_says(run.stdout, *fragments)
        self.assert_exit(self.gate(run, "--exit-code", "bisect"), 125 if code in (3, 4) else code)

    def test_pass(self):
        self.assert_verdict(self.bench.measure(plan={"limits": {"warm_max_ns": 2}}), "PASS", 0)

    def test_fail_names_figure_and_limit(self):
        run = self.bench.measure(plan={"limits": {"warm_max_ns": 1}})
        self.assert_verdict(run, "FAIL", 1, "native: FAIL: warm_max 2 ns > limit 1 ns")

    def test_a_limit_of_one_configuration(self):
        run = self.bench.measure([{"name": "one"}, {"name": "two", "limits": {"avg_ns": 1}}])
        self.assert_verdict(run, "FAIL", 1, "two: FAIL: avg 2.000 ns > limit 1 ns")
        self.assertEqual(run.configuration("one")["verdict"], "PASS")

    def test_inconclusive(self):
        run = self.bench.measure(options=["--samples", "50"], plan={"limits": {"min_samples": 90}})
        self.assert_verdict(run, "INCONCLUSIVE", 3, "native: INCONCLUSIVE: 48 warm samples, 90 needed")

    def test_bench_fault(self):
        run = self.bench.measure(stub="stub-twice")
        self.assert_verdict(run, "BENCH FAULT", 4, "native: BENCH FAULT", "100 spurious answers")

    def test_a_bench_fault_is_worse_than_a_figure_above_its_limit(self):
        run = self.bench.measure(stub="stub-twice", plan={"limits": {"warm_max_ns": 1}})
        self.assert_verdict(run, "BENCH FAULT", 4, "warm_max 2 ns > limit 1 ns")

    def test_one_bad_configuration_makes_the_whole_bad(self):
        run = self.bench.measure([{"name": "good"}, {"name": "bad", "limits": {"max_ns": 1}}, {"name": "fine"}])
        done = self.gate(run)
        self.assert_exit(done, 1)
        self.assertEqual(done.stdout.splitlines(), ["good: PASS", "bad: FAIL: max 2 ns > limit 1 ns", "fine: PASS",
                                                    "FAIL"])

    def test_an_edited_verdict_is_not_believed_over_the_figures(self):
        run = self.bench.measure(plan={"limits": {"warm_max_ns": 1}})
        edited = run.result_text.replace('"FAIL"', '"PASS"').replace("FAIL", "")
        done = self.bench.pin2pin("gate", self.bench.write("edited.json", edited))
        self.assert_exit(done, 4)
        self.assert_says(done.stdout, "the file says PASS, its figures do not: warm_max 2 ns > limit 1 ns")
        done = self.bench.pin2pin("gate", "--json", self.bench.write("edited.json", edited))
        self.assert_exit(done, 4)
        self.assertEqual(json.loads(done.stdout)["verdict"], "BENCH FAULT")

    def test_a_run_folder_will_do(self):
        run = self.bench.measure()
        self.assertEqual(self.bench.pin2pin("gate", run.folder).stdout, self.gate(run).stdout)

    def test_json_is_the_result(self):
        run = self.bench.measure()
        done = self.gate(run, "--json")
        self.assert_exit(done, 0)
        self.assertEqual(json.loads(done.stdout), run.result)

    def test_as_many_samples_as_warm_up_takes(self):
        self.assert_exit(self.bench.measure(options=["--samples", "2"]), 3)

    def test_a_result_that_is_no_result(self):
        for content, message in (("{", "bad.json:1:1:"), ('{"schema": "pin2pin.plan", "version": 1}', "schema")):
            with self.subTest(message):
                done = self.bench.pin2pin("gate", self.bench.write("bad.json", content))
                self.assert_exit(done, 2)
                self.assert_says(done.stderr, "bad.json", message)
                self.assertEqual(done.stdout, "")

    def test_a_folder_is_no_result(self):
        done = self.bench.pin2pin("gate", self.bench.folder)
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "not a regular file")


if __name__ == "__main__":
    unittest.main()
