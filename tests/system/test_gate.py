# SPDX-License-Identifier: MIT
"""Verdicts of real runs, and the exit codes of `gate`."""
import json
import unittest

from bench import STIMULUS, BenchCase, xen


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

    def test_a_fail_is_confirmed_on_a_fresh_boot(self):
        run = self.bench.measure([{"name": "good"}, {"name": "bad", "limits": {"max_ns": 1}}],
                                 plan={"boots": 2, "confirm_boots": 1})
        self.assert_verdict(run, "FAIL", 1, "bad: FAIL: max 2 ns > limit 1 ns; confirmed on a fresh boot")
        bad = run.configuration("bad")
        self.assertEqual((bad["boots"], bad["stats"]["n"]), (2, 200))
        self.assertEqual((bad["confirmation"]["boots"], bad["confirmation"]["verdict"]), (1, "FAIL"))
        self.assertEqual([run.boot("bad", boot)["confirmation"] for boot in (1, 2, 3)], [False, False, True])
        self.assertIsNone(run.configuration("good")["confirmation"])
        self.assertEqual(len(run.result["order"]), 5)
        self.assertEqual(run.result["order"][4], "bad/boot-003")

    def test_a_limit_relative_to_another_configuration(self):
        """Virtual time leaves no chance: one ratio, exact."""
        def at_most(limit, of):
            return {"relative": [{"figure": "max", "of": of, "at_most": limit}]}

        run = self.bench.measure([{"name": "native", "limits": at_most(0.01, "xen")},
                                  {"name": "xen", "xen": xen(), "limits": at_most(100, "native")}],
                                 plan={"boots": 2, "stimulus": {**STIMULUS, "jitter_ns": 0}})
        self.assert_verdict(run, "FAIL", 1, "xen: FAIL: max is ", "of native, limit 100")
        self.assertEqual(run.configuration("native")["verdict"], "PASS")
        (relative,) = run.configuration("native")["relative"]
        self.assertEqual((relative["verdict"], relative["low"]), ("PASS", relative["high"]))

    def test_a_limit_whose_other_was_not_run(self):
        limits = {"relative": [{"figure": "avg", "of": "other", "at_most": 2}]}
        run = self.bench.measure([{"name": "native", "limits": limits}, {"name": "other"}], ["--only", "native"])
        self.assert_verdict(run, "INCONCLUSIVE", 3, "native: INCONCLUSIVE: other was not run")

    def test_rarity_needs_samples(self):
        """5 samples more than 2995 show 1 in 1000 with 95 %; 100 do not."""
        limits = {"exceedance": {"over_ns": 2, "probability": 0.001}}
        run = self.bench.measure(options=["--samples", "3000"], plan={"limits": limits})
        self.assert_verdict(run, "PASS", 0)
        run = self.bench.measure(plan={"limits": limits})
        self.assert_verdict(run, "INCONCLUSIVE", 3, "0 of 100 over 2 ns", "2895 more samples needed")
        limits["exceedance"]["over_ns"] = 1
        run = self.bench.measure(plan={"limits": limits})
        self.assert_verdict(run, "FAIL", 1, "100 of 100 over 1 ns: P > 0.97")

    def test_a_pinned_baseline(self):
        limits = {"relative": [{"figure": "warm_max", "baseline": "v1", "at_most": 1.0}]}
        plan = {"boots": 2, "baselines": str(self.bench.folder / "pinned")}
        refused = self.bench.measure([{"name": "native", "limits": limits}], plan=plan)
        self.assert_exit(refused, 2)
        self.assert_says(refused.stderr, "there is no baseline v1 in ", "there are: none")
        release = self.bench.measure(plan=plan)
        (self.bench.folder / "pinned").mkdir()
        (self.bench.folder / "pinned/v1.json").write_text(release.result_text)
        run = self.bench.measure([{"name": "native", "limits": limits}], plan=plan)
        self.assert_verdict(run, "PASS", 0)
        (self.bench.folder / "pinned/v1.json").unlink()  # the result holds what it was held against
        self.assertEqual(self.bench.report(run.folder), run.result)
        faster = release.result_text.replace('"warm_max_ns": 2', '"warm_max_ns": 1')
        (self.bench.folder / "pinned/v1.json").write_text(faster)
        run = self.bench.measure([{"name": "native", "limits": limits}], plan=plan)
        self.assert_verdict(run, "FAIL", 1, "native: FAIL: warm_max is 2", "of native of baseline v1, limit 1")
        other = self.bench.measure([{"name": "native", "limits": limits}], plan=plan, gic=3)
        self.assert_verdict(other, "INCONCLUSIVE", 3, "baseline v1 (A) and this run (B) are not comparable: wiring: ")

    def test_edges_of_another_boot_are_not_taken_for_this_one(self):
        run = self.bench.measure(plan={"boots": 2})
        own = run.edges(boot=2)
        (run.boot_folder(boot=2) / "edges.p2p").write_bytes(run.edges(boot=1))
        report = self.bench.report(run.folder)
        (run.boot_folder(boot=2) / "edges.p2p").write_bytes(own)
        self.assertEqual(report["verdict"], "BENCH FAULT")
        self.assert_says(report["configurations"][0]["reason"],
                         "boot 2: edges.p2p: not the file that boot.json was written with")

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
