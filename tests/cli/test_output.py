# SPDX-License-Identifier: MIT
"""What goes to stdout, to stderr and to a terminal, and what happens when it can't."""
import contextlib
import json
import os
import pty
import subprocess
import unittest

from bench import PIN2PIN, BenchCase

# Digits of a progress line, whatever they are.
COUNT, RATE, LEFT = r"\d+", r"\d+/s", r"\d+ s left"


def read_terminal(master):
    text = b""
    with contextlib.suppress(OSError):  # EIO: nobody has the terminal open any more
        while chunk := os.read(master, 4096):
            text += chunk
    os.close(master)
    return text.decode()


class Streams(BenchCase):
    def test_results_on_stdout_and_the_rest_on_stderr(self):
        run = self.bench.measure()
        self.assertTrue(run.stdout.startswith("plan test on bench test: PASS\n"), run.stdout)
        self.assertEqual(run.stderr, f"run folder: {run.folder}\n")

    def test_quiet_prints_nothing_on_stderr(self):
        for option in "-q", "--quiet":
            run = self.bench.measure(options=[option])
            self.assert_exit(run, 0)
            self.assertEqual(run.stderr, "")
            self.assertIn("PASS", run.stdout)

    def test_quiet_still_tells_errors(self):
        run = self.bench.run("nowhere", self.bench.bench_file(), "-q")
        self.assert_exit(run, 2)
        self.assert_says(run.stderr, "nowhere: cannot open")

    def test_verbose_names_plan_bench_and_folder(self):
        run = self.bench.measure(options=["-v"])
        self.assert_says(run.stderr, "test.plan.json", "test.bench.json", str(run.folder))

    def test_run_json_is_result_json(self):
        run = self.bench.measure(options=["--json"])
        self.assert_exit(run, 0)
        self.assertEqual(run.stdout, run.result_text)

    def test_report_json_both_ways(self):
        run = self.bench.measure()
        for option in ["--json"], ["--format", "json"]:
            self.assertEqual(self.bench.pin2pin("report", *option, run.folder).stdout, run.result_text)

    def test_run_json_says_why_it_is_a_bench_fault(self):
        run = self.bench.measure(options=["--json"], stub="stub-twice")
        self.assert_exit(run, 4)
        self.assert_says(json.loads(run.stdout)["configurations"][0]["reason"], "spurious")


class Options(BenchCase):
    def test_samples_boots_and_seed_replace_the_plans(self):
        run = self.bench.measure(options=["--samples", "30", "--boots", "3", "--seed", "77"], plan={"seed": 5})
        self.assert_exit(run, 0)
        plan = run.result["plan"]
        self.assertEqual((plan["samples"], plan["boots"], plan["seed"]), (30, 3, 77))
        self.assertEqual(run.configuration()["account"]["stimuli"], 90)
        self.assertEqual(sorted(path.name for path in (run.folder / "native").iterdir()),
                         ["boot-001", "boot-002", "boot-003"])

    def test_seed_of_the_option_is_seed_of_the_plan(self):
        option, plan = self.bench.measure(options=["--seed", "9"]), self.bench.measure(plan={"seed": 9})
        self.assertTrue(option.edges() == plan.edges())

    def test_only(self):
        run = self.bench.measure([{"name": "one"}, {"name": "two"}], ["--only", "two"])
        self.assertEqual([entry["name"] for entry in run.result["configurations"]], ["two"])
        self.assertEqual(sorted(path.name for path in run.folder.iterdir()), ["junit.xml", "result.csv", "result.json", "two"])


class Unwritable(BenchCase):
    """Results that could not be written are no success."""

    def commands(self):
        run = self.bench.measure()
        return [["run", self.bench.plan_file(), "--bench", self.bench.bench_file(), "-o", self.bench.new_folder()],
                ["report", run.folder], ["report", "--json", run.folder], ["gate", run.folder / "result.json"],
                ["check", self.bench.plan_file()], ["check", "--json", self.bench.plan_file()], ["-h"], ["run", "-h"],
                ["--version"]]

    def test_stdout_full(self):
        for command in self.commands():
            with self.subTest(command[0]), open("/dev/full", "w") as full:
                done = self.bench.pin2pin(*command, capture_output=False, stdout=full, stderr=subprocess.PIPE)
                self.assert_exit(done, 4)
                self.assert_says(done.stderr, "pin2pin: cannot write to stdout")

    def test_stdout_closed(self):
        for command in self.commands():
            with self.subTest(command[0]):
                done = self.closed(command, ">&-")
                self.assert_exit(done, 4)
                self.assert_says(done.stderr, "pin2pin: cannot write to stdout")

    def test_nothing_printed_gets_into_a_file_when_all_is_closed(self):
        """The files of the run would take the numbers 0 to 2."""
        usual = self.bench.measure()
        folder = self.bench.new_folder()
        command = ["run", "-v", self.bench.plan_file(), "--bench", self.bench.bench_file(), "-o", folder]
        self.assert_exit(self.closed(command, "<&- >&- 2>&-"), 4)
        for name in "result.json", "native/boot-001/edges.p2p", "native/boot-001/console.log":
            self.assertEqual((folder / name).read_bytes(), (usual.folder / name).read_bytes(), name)

    def closed(self, command, redirection):
        return subprocess.run(["/bin/sh", "-c", f'"$0" "$@" {redirection}', PIN2PIN, *map(str, command)], text=True,
                              capture_output=True, env=self.bench.environment, timeout=60, check=False)


class Progress(BenchCase):
    def on_terminal(self, *options, samples=30000, boots=1):
        master, terminal = pty.openpty()
        folder = self.bench.new_folder()
        child = self.bench.start("run", self.bench.plan_file(samples=samples, boots=boots), "--bench",
                                 self.bench.bench_file(), "-o", folder, *options, stderr=terminal)
        os.close(terminal)
        text = read_terminal(master)
        child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, text)
        return text, folder

    def test_none_when_stderr_is_no_terminal(self):
        run = self.bench.measure(plan={"samples": 20000})
        self.assert_exit(run, 0)
        self.assertEqual(run.stderr, f"run folder: {run.folder}\n")

    def test_on_a_terminal(self):
        text, folder = self.on_terminal()
        self.assertRegex(text, rf"\r\x1b\[Knative, boot 1 \(0/1\): {COUNT}/30000 samples, {RATE}, {LEFT}\r")
        self.assertTrue(text.endswith(f"\r\x1b[Krun folder: {folder}\r\n"), text[-200:])

    def test_goes_up_and_ends_at_all(self):
        text, _ = self.on_terminal()
        counts = [int(part.split("): ")[1].split("/")[0]) for part in text.split("\r\x1b[K") if "): " in part]
        self.assertGreater(len(counts), 3)
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(counts[-1], 30000)

    def test_counts_all_boots(self):
        text, _ = self.on_terminal(samples=3000, boots=3)
        self.assertRegex(text, rf"native, boot 3 \(2/3\): {COUNT}/9000 samples")

    def test_none_when_quiet(self):
        text, _ = self.on_terminal("-q", samples=100)
        self.assertEqual(text, "")


if __name__ == "__main__":
    unittest.main()
