# SPDX-License-Identifier: MIT
"""What is wrong before or at the start of a boot: files, programs, images, stubs. Exit code and message of each."""
import os
import stat
import unittest

from bench import STUBS, STIMULUS, XEN, BenchCase, reasons, xen


class BadFiles(BenchCase):
    """Exit code 2, before anything is started or written."""

    def assert_refused(self, run, *fragments):
        self.assert_exit(run, 2)
        self.assert_says(run.stderr, *fragments)
        self.assertEqual(run.stdout, "")
        self.assertNotIn("recorded", run.stderr)
        self.assertFalse(run.folder.exists())

    def test_xen_image_missing(self):
        run = self.bench.measure([{"name": "native"}, {"name": "lost", "xen": xen(image="/nowhere/xen")}])
        self.assert_refused(run, "test.plan.json", '"lost"', "/nowhere/xen", "No such file")

    def test_xen_image_is_a_text(self):
        text = self.bench.write("xen.txt", "Xen, or so it says\n" * 100)
        run = self.bench.measure([{"name": "text", "xen": xen(image=str(text))}])
        self.assert_refused(run, '"text"', str(text), "not an arm64 boot image")

    def test_xen_image_is_another_arm64_image(self):
        run = self.bench.measure([{"name": "stub", "xen": xen(image=str(STUBS / "stub.bin"))}])
        self.assert_refused(run, '"stub"', "stub.bin", "an arm64 boot image, but not a Xen")

    def test_stub_missing(self):
        self.assert_refused(self.bench.measure(stub="/nowhere/stub.bin"), "/nowhere/stub.bin", "stub", "No such file")

    def test_stub_too_large(self):
        large = self.bench.write("large.bin", "x" * (1 << 20) + "x")
        self.assert_refused(self.bench.measure(stub=str(large)), "large.bin", "1..1048576 bytes")

    def test_stub_empty(self):
        self.assert_refused(self.bench.measure(stub=str(self.bench.write("none.bin", ""))), "none.bin", "bytes")

    def test_wires_missing(self):
        self.assert_refused(self.bench.measure(board={"wires": "/nowhere/wires.so"}), "/nowhere/wires.so", "wires plugin")

    def test_plan_missing(self):
        self.assert_refused(self.bench.run("nowhere.plan.json", self.bench.bench_file()), "nowhere.plan.json", "No such")

    def test_bench_missing(self):
        self.assert_refused(self.bench.run(self.bench.plan_file(), "nowhere.bench.json"), "nowhere.bench.json", "No such")

    def test_plan_names_no_bench(self):
        done = self.bench.pin2pin("run", self.bench.plan_file())
        self.assert_exit(done, 2)
        self.assert_says(done.stderr, "names no bench", "--bench FILE")

    def test_plan_and_bench_in_each_others_place(self):
        self.assert_refused(self.bench.run(self.bench.bench_file(), self.bench.plan_file()), "test.bench.json", "schema")

    def test_no_such_configuration(self):
        self.assert_refused(self.bench.measure(options=["--only", "nativ"]), 'no configuration or set "nativ"',
                            'there are: native')


class RunFolder(BenchCase):
    def test_not_empty(self):
        folder = self.bench.new_folder()
        folder.mkdir()
        (folder / "notes.txt").write_text("mine")
        run = self.bench.run(self.bench.plan_file(), self.bench.bench_file(), folder=folder)
        self.assert_exit(run, 2)
        self.assert_says(run.stderr, str(folder), "not empty", "notes.txt")
        self.assertNotIn("recorded", run.stderr)
        self.assertEqual([path.name for path in folder.iterdir()], ["notes.txt"])

    def test_a_second_run_into_the_same_folder(self):
        first = self.bench.measure()
        before = first.result_text
        second = self.bench.run(self.bench.plan_file(samples=50), self.bench.bench_file(), folder=first.folder)
        self.assert_exit(second, 2)
        self.assert_says(second.stderr, "not empty")
        self.assertEqual(first.result_text, before)

    def test_empty_is_fine_and_parents_are_made(self):
        run = self.bench.run(self.bench.plan_file(), self.bench.bench_file(), folder=self.bench.folder / "a/b/c")
        self.assert_exit(run, 0)
        self.assertTrue((run.folder / "result.json").exists())

    def test_below_a_file(self):
        file = self.bench.write("file", "")
        run = self.bench.run(self.bench.plan_file(), self.bench.bench_file(), folder=file / "run")
        self.assert_exit(run, 4)
        self.assert_says(run.stderr, str(file), "cannot make the folder")

    def test_not_writable(self):
        if os.geteuid() == 0:
            folder = "/proc/run"  # nobody can make this one
        else:
            (self.bench.folder / "locked").mkdir(mode=0o555)
            folder = self.bench.folder / "locked/run"
        run = self.bench.run(self.bench.plan_file(), self.bench.bench_file(), folder=folder)
        self.assert_exit(run, 4)
        self.assert_says(run.stderr, str(folder), "cannot make the folder")

    def test_default_is_named_after_the_plan_and_the_date(self):
        done = self.bench.pin2pin("run", self.bench.plan_file(), "--bench", self.bench.bench_file())
        self.assert_exit(done, 0)
        (folder,) = (self.bench.folder / "runs").iterdir()
        self.assertRegex(folder.name, r"^test-\d{8}-\d{6}$")
        self.assertEqual(done.stderr, f"run folder: runs/{folder.name}\n")


class Names(BenchCase):
    suffix = " , and, ,, spaces "

    def test_spaces_and_commas_in_every_path(self):
        stub = self.bench.folder / "stub, the.bin"
        stub.write_bytes((STUBS / "stub.bin").read_bytes())
        image = self.bench.folder / "xen, ,4.17"
        image.write_bytes((XEN / "4.17/xen").read_bytes())
        configurations = [{"name": "native"}, {"name": "xen", "xen": xen(image=str(image))}]
        run = self.bench.run(self.bench.plan_file(configurations), self.bench.bench_file(stub=stub),
                             folder=self.bench.folder / "a run, of course")
        self.assert_exit(run, 0)


class Qemu(BenchCase):
    def test_not_in_path(self):
        self.bench.environment["PATH"] = str(self.bench.scratch)
        run = self.bench.measure()
        self.assert_exit(run, 4)
        self.assert_says(run.stderr, "qemu-system-aarch64", "cannot run", "No such file")

    def test_the_one_of_the_bench_is_missing(self):
        run = self.bench.measure(board={"qemu": "/nowhere/qemu"})
        self.assert_exit(run, 4)
        self.assert_says(run.stderr, "/nowhere/qemu", "cannot run", "No such file")

    def test_is_another_program(self):
        run = self.bench.measure(board={"qemu": "/bin/false"})
        self.assert_exit(run, 4)
        self.assert_says(run.stderr, "no device tree", "exit code 1", "printed nothing")

    def test_its_own_words_are_passed_on(self):
        run = self.bench.measure(board={"wires": str(self.bench.write("wires.txt", "no plugin"))})
        self.assert_exit(run, 4)
        self.assert_says(reasons(run), "did not start", "wires.txt")


class OtherThanAskedFor(BenchCase):
    """What boots is not what the plan says: measured it must never be."""

    def assert_fault(self, run, *fragments, name="xen"):
        self.assert_exit(run, 4)
        self.assert_says(run.configuration(name)["reason"], *fragments)
        self.assert_says(run.stdout, *fragments)
        self.assertIs(run.boot(name)["complete"], False)

    def measure(self, **more):
        return self.bench.measure([{"name": "xen", "xen": xen(**more)}])

    def test_version(self):
        run = self.measure(image=str(XEN / "4.17/xen"), version="4.20")
        self.assert_fault(run, "Xen's version", "asked for 4.20", "runs 4.17")
        self.assertEqual(run.configuration("xen")["stats"]["n"], 0)

    def test_debug(self):
        self.assert_fault(self.measure(debug=True), "debug", "asked for y", "runs n")

    def test_scheduler_that_this_xen_does_not_have(self):
        """Debian builds neither null nor the others, and Xen takes its default without a word."""
        for scheduler in "null", "rtds", "arinc653":
            with self.subTest(scheduler):
                self.assert_fault(self.measure(scheduler=scheduler), "scheduler", f"asked for {scheduler}", "runs credit2")

    def test_scheduler_that_this_xen_has(self):
        run = self.measure(scheduler="credit")
        self.assert_exit(run, 0)
        self.assertEqual(run.boot("xen")["xen"]["scheduler"], "credit")

    def test_vwfi(self):
        """A bench that boots vwfi=trap whatever it is told: its QEMU gets a changed tree."""
        qemu = self.bench.write("qemu", QEMU_WITH_VWFI_TRAP)
        qemu.chmod(qemu.stat().st_mode | stat.S_IXUSR)
        run = self.bench.measure([{"name": "xen", "xen": xen(vwfi="native")}], board={"qemu": str(qemu)})
        self.assert_fault(run, "command line", "asked for vwfi=native", "vwfi=trap")

    def test_other_configurations_are_measured_all_the_same(self):
        run = self.bench.measure([{"name": "xen", "xen": xen(debug=True)}, {"name": "native"}], plan={"boots": 2})
        self.assert_fault(run, "debug")
        self.assertEqual(run.configuration("native")["verdict"], "PASS")
        self.assertEqual(run.configuration("native")["stats"]["n"], 200)
        self.assertEqual(run.configuration("xen")["boots"], 2)
        self.assertIs(run.result["complete"], True)


QEMU_WITH_VWFI_TRAP = """#!/usr/bin/python3
import os, sys
arguments = sys.argv[:]
if "-dtb" in arguments:
    path = arguments[arguments.index("-dtb") + 1]
    tree = open(path, "rb").read().replace(b"vwfi=native", b"vwfi=trap  ")
    fd = os.memfd_create("tree", 0)
    os.write(fd, tree)
    arguments[arguments.index("-dtb") + 1] = f"/proc/self/fd/{fd}"
os.execvp("qemu-system-aarch64", arguments)
"""


class FaultyStubs(BenchCase):
    """Guests that misbehave, natively and on Xen."""

    CONFIGURATIONS = [{"name": "native"}, {"name": "xen", "xen": xen()}]

    def measure(self, stub, **more):
        return self.bench.measure(self.CONFIGURATIONS, stub=f"stub-{stub}", **more)

    def assert_each(self, run, code, *fragments, **account):
        """All configurations say and count the same."""
        self.assert_exit(run, code)
        for entry in self.CONFIGURATIONS:
            with self.subTest(entry["name"]):
                found = run.configuration(entry["name"])
                self.assert_says(found["reason"], *fragments)
                self.assertEqual({key: found["account"][key] for key in account}, account)

    def test_never_ready(self):
        run = self.measure("silent", timeouts={"boot_s": 1})
        self.assert_each(run, 4, "no READY from the guest stub within 1 s (timeouts.boot_s)", stimuli=0)
        self.assert_says(run.configuration("native")["reason"], "the console is silent")
        self.assert_says(run.configuration("xen")["reason"], "last line on the console: ")

    def test_answers_every_second_stimulus(self):
        run = self.measure("every-second")
        self.assert_each(run, 4, "took 101 interrupts, but the probe saw 50 answers", stimuli=100, answered=50, missed=50)

    def test_answers_late(self):
        run = self.measure("late")
        self.assert_each(run, 1, "100 answers later than the deadline", stimuli=100, answered=0, late=100, spurious=0)

    def test_late_is_a_matter_of_the_deadline(self):
        run = self.measure("late", plan={"stimulus": {**STIMULUS, "jitter_ns": 0, "deadline_ns": 400000}})
        self.assert_each(run, 0, stimuli=100, answered=100, late=0)

    def test_answers_twice(self):
        run = self.measure("twice")
        self.assert_each(run, 4, "took 101 interrupts, but the probe saw 202 answers", "100 spurious answers",
                         stimuli=100, answered=100, spurious=100)

    def test_answers_unasked(self):
        run = self.measure("spontaneous")
        self.assert_each(run, 4, "spurious answer", stimuli=100, answered=100)
        self.assertGreater(run.configuration()["account"]["spurious"], 0)

    def test_one_instruction_more_is_seen(self):
        usual, longer = self.bench.measure(self.CONFIGURATIONS), self.measure("plus-one")
        self.assert_exit(longer, 0)
        for entry in self.CONFIGURATIONS:
            with self.subTest(entry["name"]):
                self.assertEqual(longer.configuration(entry["name"])["stats"]["avg_ns"],
                                 usual.configuration(entry["name"])["stats"]["avg_ns"] + 1)


if __name__ == "__main__":
    unittest.main()
