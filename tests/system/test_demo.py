# SPDX-License-Identifier: MIT
"""The demo plan on the virtual board with both interrupt controllers: the main job, from the plan to the figures."""
import json
import time
import unittest

from bench import SOURCE, XEN, Bench, field

HANG_S = 60


class Demo:
    """The tests of one run; the classes below say on which bench."""

    GIC = None
    PINS = None
    TICK_NS = 1  # of the ideal probe

    @classmethod
    def setUpClass(cls):
        cls.bench = Bench()
        plan = json.loads((SOURCE / "fixtures/plans/demo.plan.json").read_text())
        for configuration in plan["configurations"]:
            if "xen" in configuration:
                configuration["xen"]["image"] = str(XEN / configuration["xen"]["version"] / "xen")
        start = time.monotonic()
        cls.plan = plan
        cls.run_ = cls.bench.run(cls.bench.write("demo.plan.json", plan), cls.bench_file())
        cls.seconds = time.monotonic() - start

    @classmethod
    def bench_file(cls):
        return cls.bench.bench_file(cls.GIC, pins=cls.PINS)

    @classmethod
    def tearDownClass(cls):
        cls.bench.close()

    def stats(self, name):
        return self.run_.configuration(name)["stats"]

    def test_passes(self):
        self.assertEqual(self.run_.exit_code, 0, self.run_.stderr)
        self.assertEqual(self.run_.result["verdict"], "PASS")
        self.assertIs(self.run_.result["complete"], True)

    def test_takes_seconds(self):
        print(f"demo on GICv{self.GIC}: {self.seconds:.1f} s")
        self.assertLess(self.seconds, HANG_S)

    def test_native_is_faster_than_vwfi_native_is_faster_than_vwfi_trap(self):
        native = self.stats("native")["avg_ns"]
        for version in "4.17", "4.20":
            with self.subTest(version):
                vwfi_native = self.stats(f"xen-{version}-vwfi-native")["avg_ns"]
                vwfi_trap = self.stats(f"xen-{version}-vwfi-trap")["avg_ns"]
                self.assertLess(native, vwfi_native)
                self.assertLess(vwfi_native, vwfi_trap)

    def test_native_is_the_length_of_the_stubs_path(self):
        path = int(field(self.run_.boot()["stub"], "path"))
        least, most = path // self.TICK_NS * self.TICK_NS, -(-path // self.TICK_NS) * self.TICK_NS
        self.assertEqual((self.stats("native")["min_ns"], self.stats("native")["max_ns"]), (least, most))

    def test_counts_instructions_and_says_so(self):
        self.assertEqual(self.run_.result["time_base"], "instructions")
        self.assertIn("time base: instructions", self.run_.stdout)

    def test_accounts_for_every_stimulus(self):
        expected = self.plan["boots"] * self.plan["samples"]
        for configuration in self.run_.result["configurations"]:
            with self.subTest(configuration["name"]):
                account = configuration["account"]
                self.assertEqual(account["stimuli"], expected)
                self.assertEqual(account["answered"], expected)
                self.assertEqual(account["answers"], expected)
                self.assertEqual(configuration["stats"]["n"], expected)
                self.assertEqual([account[key] for key in ("missed", "late", "spurious", "clipped", "lost")], [0] * 5)

    def test_the_stub_is_the_one_of_the_bench(self):
        for configuration in self.plan["configurations"]:
            with self.subTest(configuration["name"]):
                ready = self.run_.boot(configuration["name"], 2)["stub"]
                self.assertEqual(field(ready, "gic"), f"v{self.GIC}")
                self.assertEqual({key: int(field(ready, key)) for key in self.PINS}, self.PINS)
                self.assertEqual(field(ready, "entry_el"), "1" if "xen" in configuration else "2")

    def test_boot_json_says_which_xen_ran(self):
        for configuration in self.plan["configurations"]:
            with self.subTest(configuration["name"]):
                boot, asked = self.run_.boot(configuration["name"], 1), configuration.get("xen")
                self.assertIs(boot["complete"], True)
                if asked is None:
                    self.assertIsNone(boot["xen"])
                else:
                    self.assertTrue(boot["xen"]["version"].startswith(asked["version"] + "."), boot["xen"])
                    self.assertIn(f"vwfi={asked['vwfi']} ", boot["xen"]["command_line"])

    def test_boots_have_stimuli_of_their_own(self):
        self.assertNotEqual(self.run_.boot(boot=1)["seed"], self.run_.boot(boot=2)["seed"])
        self.assertNotEqual(self.run_.edges(boot=1), self.run_.edges(boot=2))

    def test_report_prints_what_run_printed(self):
        self.assertEqual(self.bench.pin2pin("report", self.run_.folder).stdout, self.run_.stdout)

    def test_report_makes_the_same_result_again(self):
        result = self.run_.result_text
        (self.run_.folder / "result.json").write_text(self.with_figures_forgotten(result))
        try:
            again = self.bench.pin2pin("report", "--format", "json", self.run_.folder).stdout
        finally:
            (self.run_.folder / "result.json").write_text(result)
        self.assertEqual(again, result)

    @staticmethod
    def with_figures_forgotten(result):
        """`report` shall make the figures again, not copy them."""
        result = json.loads(result)
        for configuration in result["configurations"]:
            configuration["stats"]["max_ns"] = 999999
            configuration["account"]["answered"] = 0
            configuration["verdict"] = "FAIL"
        return json.dumps(result)


class DemoOnGicV2(Demo, unittest.TestCase):
    GIC = 2
    PINS = {"stimulus": 0, "answer": 1, "query": 2}


class DemoOnGicV3(Demo, unittest.TestCase):
    GIC = 3
    PINS = {"stimulus": 6, "answer": 4, "query": 7}


class DemoThroughTheProbe(Demo, unittest.TestCase):
    """As a user gets it: stamped by the firmware, to its tick."""

    GIC = 2
    PINS = {"stimulus": 0, "answer": 1, "query": 2}
    TICK_NS = 8

    @classmethod
    def bench_file(cls):
        return cls.bench.bench_file(cls.GIC, pins=cls.PINS, probe=cls.bench.virtual_probe())

    def test_the_probe_is_true(self):
        for configuration in self.run_.result["configurations"]:
            with self.subTest(configuration["name"]):
                truth = configuration["truth"]
                self.assertEqual((truth["n"], truth["unmatched"]), (configuration["stats"]["n"], 0))
                self.assertLessEqual(truth["max_error_ns"], self.TICK_NS)

    def test_the_probe_and_its_uncertainty_are_told(self):
        self.assertEqual(self.run_.result["probe"]["firmware"].split()[0], "pin2pin")
        self.assertAlmostEqual(self.run_.result["probe"]["uncertainty_ns"], 2 * self.TICK_NS / 6 ** 0.5, places=3)
        self.assertIn("against the truth: 10000 samples", self.run_.stdout)

    def test_the_mean_is_less_uncertain_than_a_sample(self):
        for configuration in self.run_.result["configurations"]:
            stats = configuration["stats"]
            self.assertLess(0, stats["avg_uncertainty_ns"])
            self.assertLess(stats["avg_uncertainty_ns"], stats["uncertainty_ns"])


class ShippedBenches(unittest.TestCase):
    def test_measure_through_the_firmware_but_for_the_ideal_one(self):
        for path in sorted((SOURCE / "fixtures/benches").glob("*.bench.json")):
            with self.subTest(path.name):
                kind = json.loads(path.read_text())["probe"]["kind"]
                self.assertEqual(kind, "ideal" if "ideal" in path.name else "virtual")


if __name__ == "__main__":
    unittest.main()
