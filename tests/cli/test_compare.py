# SPDX-License-Identifier: MIT
"""`compare` and `baseline`, and the reports beside result.json, as their user sees them.

Two runs of the virtual bench with the ideal probe; everything else is these, edited.
"""
import csv
import io
import json
import subprocess
import unittest
import xml.etree.ElementTree

from junitparser import JUnitXml

from bench import SOURCE, BenchCase, check_schema

FIGURES = ["avg", "p50", "p99", "p99_9", "max", "warm_max"]


def total(entry):
    """Makes an entry's totals those of its boots, all of whose stimuli were answered."""
    boots, account = entry["boot_figures"], entry["account"]
    n = sum(boot["n"] for boot in boots)
    entry["stats"].update(n=n, n_warm=sum(boot["n_warm"] for boot in boots))
    entry["stats"].update({name: max(boot[name] for boot in boots) for name in ("max_ns", "warm_max_ns")})
    account.update(dict.fromkeys(("stimuli", "answered", "releases", "answers"), n), edges=3 * n + account["outside"])


def leave_unanswered(result, missed, late):
    """So many stimuli more, which are not answered in time."""
    (entry,) = result["configurations"]
    account, more = entry["account"], missed + late
    account.update(missed=missed, late=late, stimuli=account["stimuli"] + more, releases=account["releases"] + more,
                   answers=account["answers"] + late, edges=account["edges"] + 2 * more + late)
    entry["verdict"] = result["verdict"] = "FAIL"


class CompareCase(BenchCase):
    def setUp(self):
        super().setUp()
        self.a = self.bench.measure(plan={"boots": 2})
        self.b = self.bench.measure(plan={"boots": 2, "seed": 2})

    def compare(self, *arguments):
        return self.bench.pin2pin("compare", *arguments)

    def edited(self, change, run=None, name="edited.json"):
        """A result.json that `change` was done to."""
        result = (run or self.a).result
        change(result)
        return self.bench.write(name, result)

    def slower(self, factor, boots=10, name="slower.json", step=0.001):
        """As if of hardware: boots that differ a little, `factor` times as slow."""
        def change(result):
            result["time_base"] = "hardware"
            (entry,) = result["configurations"]
            result["plan"]["boots"] = entry["boots"] = boots
            entry["boot_figures"] = [{**entry["boot_figures"][0], "boot": boot + 1,
                                      **{f"{figure}_ns": round(1000 * factor * (1 + step * boot))
                                         for figure in FIGURES}} for boot in range(boots)]
            total(entry)
            result["order"] = [f"native/boot-{boot + 1:03}" for boot in range(boots)]
        return self.edited(change, name=name)


class Compare(CompareCase):
    def test_two_seeds_say_the_same(self):
        done = self.compare(self.a.folder, self.b.folder / "result.json")
        self.assert_exit(done, 0)
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.count("  same [1]\n"), len(FIGURES))
        self.assert_says(done.stdout, f"A: {self.a.folder} (plan test on bench test, 2 boots of 100): PASS\n",
                         "time base: instructions", "[1] exact: all boots of A and of B agree\n",
                         "0 slower, 0 faster, 6 same\n")

    def test_slower_and_faster(self):
        one, two = self.slower(1, name="one.json"), self.slower(1.05)
        done = self.compare(one, two)
        self.assert_exit(done, 1)
        self.assert_says(done.stdout, "6 slower, 0 faster\n", "+4.98 %", "interval (99.5 %)")
        done = self.compare(two, one)
        self.assert_exit(done, 0)
        self.assert_says(done.stdout, "0 slower, 6 faster\n", "-4.74 %")

    def test_noise_floor_and_alpha(self):
        one, two = self.slower(1, name="one.json"), self.slower(1.05)
        self.assert_exit(self.compare("--noise-floor", "6", one, two), 0)
        self.assert_exit(self.compare("--noise-floor", "0", one, self.slower(1.02)), 1)
        few = self.slower(1, boots=4, name="few.json"), self.slower(1.05, boots=4)
        done = self.compare(*few)
        self.assert_exit(done, 3)
        self.assert_says(done.stdout, "4 and 4 boots of 1 configuration can show nothing: take 6 of each")
        self.assert_exit(self.compare("--alpha", "0.05", *few), 1)
        self.assert_exit(self.compare("--alpha", "5e-2", *few), 1)

    def test_json(self):
        done = self.compare("--json", self.slower(1, name="one.json"), self.slower(1.05))
        self.assert_exit(done, 1)
        comparison = json.loads(done.stdout)
        check_schema("comparison", comparison)
        self.assertEqual({row["figure"]: row["change"] for row in comparison["rows"]}, dict.fromkeys(FIGURES, "slower"))
        for row in comparison["rows"]:
            self.assertAlmostEqual(row["effect"], 0.05, delta=0.001)
            self.assertLess(row["low_ns"], row["difference_ns"])
            self.assertLess(row["p_adjusted"], 0.0001)

    def unanswered(self, factor, missed, late, name="unanswered.json"):
        result = json.loads(self.slower(factor).read_text())
        leave_unanswered(result, missed, late)
        return self.bench.write(name, result)

    def test_who_loses_the_slow_ones_is_not_faster(self):
        one, lossy = self.slower(1, name="one.json"), self.unanswered(0.9, 2, 1)
        done = self.compare(one, lossy)
        self.assert_exit(done, 1)
        self.assert_says(done.stdout, "\nnative: B missed 2 and answered 1 of 1003 stimuli late, "
                         "A missed 0 and answered 0 of 1000 late: slower\n", "0 slower, 0 faster, 6 not compared\n")
        done = self.compare(lossy, one)
        self.assert_exit(done, 3)
        self.assert_says(done.stdout, "1000 stimuli late, A missed 2 and answered 1 of 1003 late: not compared\n",
                         "0 slower, 0 faster, 6 not compared\n")
        comparison = json.loads(self.compare("--json", one, lossy).stdout)
        check_schema("comparison", comparison)
        self.assertEqual(comparison["configurations"], [
            {"configuration": "native", "a_unanswered": 0, "a_stimuli": 1000, "b_unanswered": 3, "b_stimuli": 1003}])

    def test_an_edited_verdict_is_not_believed(self):
        def change(result):
            leave_unanswered(result, 1, 0)
            result["configurations"][0]["verdict"] = result["verdict"] = "PASS"
        done = self.compare(self.a.folder, self.edited(change))
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "B is a BENCH FAULT: native: BENCH FAULT")

    def test_boots_without_figures_leave_it_open(self):
        def change(result):
            (entry,) = result["configurations"]
            for boot in entry["boot_figures"]:
                boot.update(n_warm=0, warm_max_ns=None)
            entry["stats"].update(n_warm=0, warm_max_ns=None)
            entry["verdict"] = result["verdict"] = "INCONCLUSIVE"
        done = self.compare(self.a.folder, self.edited(change))
        self.assert_exit(done, 3)
        self.assert_says(done.stdout, "no boot of B has samples after warm-up", "0 slower, 0 faster, 6 not compared\n")

    def test_what_is_not_comparable_is_refused_with_all_reasons(self):
        def change(result):
            result.update(time_base="hardware", wiring="uboot, pins 0 1 2, probe ftdi")
            result["configurations"][0]["stub"] = "pin2pin-stub 0.0.1"
        other = self.edited(change)
        done = self.compare(self.a.folder, other)
        self.assert_exit(done, 2)
        self.assertEqual(done.stdout, "")
        self.assert_says(done.stderr, "pin2pin: these are not comparable: ", "time base: instructions and hardware; ",
                         'wiring: "', 'guest stub: "pin2pin-stub ', '"pin2pin-stub 0.0.1"')
        done = self.compare("--json", self.a.folder, other)
        self.assert_exit(done, 2)
        comparison = json.loads(done.stdout)
        check_schema("comparison", comparison)
        self.assertEqual((comparison["comparable"], comparison["rows"]), (False, []))

    def test_a_bench_fault_is_refused(self):
        done = self.compare(self.a.folder, self.bench.measure(stub="stub-twice").folder)
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "B is a BENCH FAULT: native: BENCH FAULT")

    def test_files_that_are_no_results(self):
        done = self.compare(self.a.folder, "nowhere")
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "nowhere: cannot open")
        done = self.compare(self.a.folder, self.bench.plan_file())
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "test.plan.json")

    def test_three_results_are_no_comparison(self):
        done = self.compare(self.a.folder, self.b.folder, self.a.folder)
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "compare takes two results, A and B; a series of nights by --trend")


class Trend(CompareCase):
    def nights(self, factors):
        return [self.slower(factor + 0.001 * (i * 3 % 5), name=f"night-{i:02}.json", step=0)
                for i, factor in enumerate(factors)]

    def test_tells_since_when(self):
        done = self.compare("--trend", *self.nights([1] * 10 + [1.05] * 8))
        self.assert_exit(done, 0)
        self.assert_says(done.stdout, "18 nights, from ", "native warm_max: from 1002.00 to 1051.50 ns (+49.50) since ",
                         "night-10.json\n", "6 changes in 6 series\n")

    def test_json(self):
        done = self.compare("--trend", "--json", *self.nights([1] * 10 + [1.05] * 8))
        self.assert_exit(done, 0)
        trend = json.loads(done.stdout)
        check_schema("trend", trend)
        self.assertEqual([change["night"] for change in trend["changes"]], [10] * len(FIGURES))

    def test_nights_alike(self):
        done = self.compare("--trend", *self.nights([1] * 12))
        self.assert_exit(done, 0)
        self.assert_says(done.stdout, "\n0 changes in 6 series\n")

    def test_a_sick_night_is_left_out(self):
        nights = self.nights([1] * 7)
        sick = self.bench.measure(stub="stub-twice").folder
        done = self.compare("--trend", *nights, sick)
        self.assert_exit(done, 0)
        self.assertEqual(done.stderr, f"pin2pin: {sick} is a BENCH FAULT and left out\n")
        self.assert_says(done.stdout, "7 nights, from ")

    def test_too_few_nights(self):
        done = self.compare("--trend", *self.nights([1] * 5))
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "5 nights without a BENCH FAULT show no trend: it takes 6 or more")


class Baseline(CompareCase):
    def setUp(self):
        super().setUp()
        self.bench.environment["XDG_DATA_HOME"] = str(self.bench.folder / "data")

    def baseline(self, *arguments):
        return self.bench.pin2pin("baseline", *arguments)

    def test_pin_list_compare_drop(self):
        self.assert_exit(self.baseline("pin", "4.20.0", self.a.folder), 0)
        self.assert_exit(self.baseline("pin", "other", self.b.folder / "result.json"), 0)
        done = self.baseline("list")
        self.assert_exit(done, 0)
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], ["4.20.0", "other"])
        self.assert_says(done.stdout, "plan test on bench test, 2 boots of 100, instructions: PASS")
        self.assert_exit(self.compare("baseline:4.20.0", self.b.folder), 0)
        self.assert_exit(self.baseline("drop", "4.20.0"), 0)
        self.assertEqual([entry["name"] for entry in json.loads(self.baseline("list", "--json").stdout)], ["other"])
        done = self.compare("baseline:4.20.0", self.b.folder)
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "4.20.0", "other")

    def test_none_yet(self):
        done = self.baseline("list")
        self.assert_exit(done, 0)
        self.assertEqual(done.stdout, "")
        self.assertEqual(json.loads(self.baseline("list", "--json").stdout), [])

    def test_a_folder_of_ones_own(self):
        folder = self.bench.folder / "pinned"
        self.assert_exit(self.baseline("pin", "--baselines", folder, "mine", self.a.folder), 0)
        self.assertEqual((folder / "mine.json").read_text(), self.a.result_text)
        self.assert_exit(self.compare("--baselines", folder, "baseline:mine", self.a.folder), 0)
        self.assertEqual(self.baseline("list").stdout, "")

    def test_refused(self):
        fault = self.bench.measure(stub="stub-twice")
        incomplete = self.edited(lambda result: result.update(complete=False))
        self.assert_exit(self.baseline("pin", "taken", self.a.folder), 0)
        for name, run, says in ("taken", self.b.folder, "taken"), ("Bad/Name", self.a.folder, "Bad/Name"), \
                ("fault", fault.folder, "BENCH FAULT"), ("incomplete", incomplete, "incomplete"), \
                ("nothing", "nowhere", "nowhere"):
            with self.subTest(name):
                done = self.baseline("pin", name, run)
                self.assert_exit(done, 2)
                self.assert_says(done.stderr, says)
        done = self.baseline("drop", "unknown")
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "unknown")


class Reports(BenchCase):
    def assert_reports(self, run):
        """The files beside result.json are what `report` makes, and what others read."""
        for kind, name in ("junit", "junit.xml"), ("csv", "result.csv"):
            done = self.bench.pin2pin("report", "--format", kind, run.folder, text=False)
            self.assertEqual(done.stdout, (run.folder / name).read_bytes())
        subprocess.run(["xmllint", "--noout", "--nonet", "--schema", SOURCE / "docs/schema/junit.xsd",
                        run.folder / "junit.xml"], check=True, capture_output=True)

    def test_of_a_pass(self):
        run = self.bench.measure(plan={"limits": {"warm_max_ns": 2}})
        self.assert_reports(run)
        (suite,) = JUnitXml.fromfile(str(run.folder / "junit.xml"))
        self.assertEqual([case.name for case in suite if case.is_passed], ["(run)", "native"])
        (row,) = csv.DictReader(io.StringIO((run.folder / "result.csv").read_text(), newline=""))
        self.assertEqual((row["configuration"], row["verdict"], row["warm_max_ns"], row["limit_warm_max_ns"],
                          row["limit_max_ns"]), ("native", "PASS", "2", "2", ""))

    def test_of_a_fail_and_a_bench_fault(self):
        for tag, measured in ("failure", {"plan": {"limits": {"max_ns": 1}}}), ("error", {"stub": "stub-twice"}):
            with self.subTest(tag):
                run = self.bench.measure(**measured)
                self.assert_reports(run)
                tree = xml.etree.ElementTree.parse(run.folder / "junit.xml")
                self.assertEqual(tree.find(f"testsuite/testcase[@name='native']/{tag}").get("message"),
                                 run.configuration()["reason"])

    def test_same_plan_and_seed_give_the_same_bytes(self):
        first, second = self.bench.measure(), self.bench.measure()
        for name in "junit.xml", "result.csv":
            self.assertEqual((first.folder / name).read_bytes(), (second.folder / name).read_bytes())


if __name__ == "__main__":
    unittest.main()
