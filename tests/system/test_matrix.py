# SPDX-License-Identifier: MIT
"""A matrix for real: Xen 4.20 by its build's name, both GICs, both kinds of WFI, with and without a noisy neighbour."""
import unittest

from bench import STUBS, XEN, BenchCase, reasons

NOISY = STUBS / "pin2pin-noisy.bin"

# The longest that a neighbour keeps the CPU from a guest is credit2's least run of 1 ms, and a little.
STIMULUS = {"period_ns": 2500000, "jitter_ns": 780000, "width_ns": 50000, "deadline_ns": 1500000}
SAMPLES = 20


def name_of(vwfi, gic, neighbour):
    return f"xen-{vwfi}-gicv{gic}-{neighbour}"


class Matrix(BenchCase):
    def plan(self, configurations=None, **more):
        plan = {
            "schema": "pin2pin.plan", "version": 1, "name": "matrix", "builds": str(XEN), "samples": SAMPLES,
            "boots": 1, "confirm_boots": 0, "stimulus": STIMULUS, "neighbours": {"noisy": {"image": str(NOISY)}},
            "sets": [
                {"name": "native", "matrix": {"gic": [2, 3]}},
                {"name": "xen", "xen": {"build": "4.20"},
                 "matrix": {"vwfi": ["trap", "native"], "gic": [2, 3], "neighbours": ["quiet", "noisy"]}}], **more}
        if configurations is not None:
            plan["configurations"] = configurations
        return self.bench.write("matrix.plan.json", plan)

    def test_every_combination_runs_as_it_is_called(self):
        run = self.bench.run(self.plan(), self.bench.bench_file())
        self.assert_exit(run, 0)
        names = ["native-gicv2", "native-gicv3"] + [
            name_of(vwfi, gic, neighbour)
            for vwfi in ("trap", "native") for gic in (2, 3) for neighbour in ("quiet", "noisy")]
        self.assertEqual([entry["name"] for entry in run.result["configurations"]], names)
        for name in names:
            with self.subTest(name):
                self.check_console(run, name)
        self.check_figures(run)

    def check_console(self, run, name):
        console = (run.boot_folder(name) / "console.log").read_text()
        self.assertEqual(f"GICv{name[name.index('gicv') + 4]} initialization" in console, name.startswith("xen"))
        self.assertEqual("LOADING DOMU" in console, name.startswith("xen"))
        self.assertEqual("DOM2: NEIGHBOUR pin2pin-noisy" in console, name.endswith("noisy"))
        self.assertIn(f"gic=v{name[name.index('gicv') + 4]} ", console)
        if name.startswith("xen"):
            self.assertIn(f"vwfi={'trap' if '-trap-' in name else 'native'}", console)

    def check_figures(self, run):
        """What each of the three is there to show, with room for another Xen or compiler."""
        stats = {entry["name"]: entry["stats"] for entry in run.result["configurations"]}
        for gic in 2, 3:
            trap, native = (stats[name_of(vwfi, gic, "quiet")] for vwfi in ("trap", "native"))
            self.assertLess(stats[f"native-gicv{gic}"]["max_ns"], 100)
            self.assertLess(native["avg_ns"], 0.4 * trap["avg_ns"])
            self.assertGreater(stats[name_of("trap", gic, "noisy")]["avg_ns"], 1.2 * trap["avg_ns"])
            self.assertGreater(stats[name_of("native", gic, "noisy")]["max_ns"], 100000)

    def test_a_set_can_be_chosen_with_others(self):
        plan = self.plan([{"name": "bare"}])
        run = self.bench.run(plan, self.bench.bench_file(), "--only", "native", "--only",
                             name_of("native", 3, "quiet"), "--only", "bare")
        self.assert_exit(run, 0)
        self.assertEqual([entry["name"] for entry in run.result["configurations"]],
                         ["bare", "native-gicv2", "native-gicv3", name_of("native", 3, "quiet")])
        refused = self.bench.run(plan, self.bench.bench_file(), "--only", "native", "--only", "xen-trap")
        self.assert_exit(refused, 2)
        self.assert_says(refused.stderr, 'no configuration or set "xen-trap" (--only); there are: bare, native-gicv2, ')

    def test_a_neighbour_that_does_not_run_is_a_fault(self):
        """It is domU2, but its first instruction is none."""
        dead = self.bench.folder / "dead.bin"
        image = bytearray(NOISY.read_bytes())
        image[0:4] = bytes(4)
        dead.write_bytes(image)
        run = self.bench.run(self.plan(neighbours={"noisy": {"image": str(dead)}}), self.bench.bench_file(), "--only",
                             name_of("native", 2, "noisy"))
        self.assert_exit(run, 4)
        self.assert_says(reasons(run), "neighbours: asked for 1, but the board runs 0")

    def test_a_neighbour_that_is_not_there_is_told_before_the_first_boot(self):
        run = self.bench.run(self.plan(neighbours={"noisy": {"image": "nowhere"}}), self.bench.bench_file())
        self.assert_exit(run, 2)
        self.assert_says(run.stderr, "xen-trap-gicv2-noisy", "the neighbour's image, ", "nowhere: No such file")
        self.assertFalse(run.folder.exists())

    def test_two_cpus(self):
        two = {"name": "two", "cpus": 2, "neighbours": ["noisy"], "xen": {"build": "4.20", "vwfi": "trap"}}
        run = self.bench.run(self.plan([two]), self.bench.bench_file(), "--only", "two")
        self.assert_exit(run, 0)
        console = (run.boot_folder("two") / "console.log").read_text()
        self.assert_says(console, "Brought up 2 CPUs", "maxcpus=2", "DOM2: NEIGHBOUR")

    def test_a_pool_of_its_own(self):
        """The guest alone on CPU 1, under null; its noisy neighbour stays on CPU 0, under credit2."""
        pool = {"name": "pool", "cpus": 2, "neighbours": ["noisy"],
                "xen": {"build": "4.20-schedulers", "vwfi": "trap", "cpupool": {"cpus": [1], "scheduler": "null"}}}
        run = self.bench.run(self.plan([pool]), self.bench.bench_file(), "--only", "pool")
        self.assert_exit(run, 0)
        console = (run.boot_folder("pool") / "console.log").read_text()
        self.assert_says(console, "Logical CPU 0 in Pool-0", "Logical CPU 1 in Pool-1", "DOM2: NEIGHBOUR")
        self.assertLess(run.result["configurations"][0]["stats"]["max_ns"], 100000)  # no neighbour in its way

    def test_a_pool_that_xen_knows_nothing_of_is_a_fault(self):
        pool = {"name": "pool", "cpus": 2,
                "xen": {"build": "4.20", "vwfi": "trap", "cpupool": {"cpus": [1], "scheduler": "credit2"}}}
        run = self.bench.run(self.plan([pool]), self.bench.bench_file(), "--only", "pool")
        self.assert_exit(run, 4)
        self.assert_says(reasons(run), "Xen tells of no pool: was it built with BOOT_TIME_CPUPOOLS?")


if __name__ == "__main__":
    unittest.main()
