# SPDX-License-Identifier: MIT
"""What runs a bench every night (dist/), and the files of the bench owner's guide. pin2pin is a script here."""
import datetime
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from bench import BenchCase, wait_until

SOURCE = pathlib.Path(os.environ["P2P_SOURCE"])
PIN2PIN = os.environ["PIN2PIN"]
BUILD = pathlib.Path(os.environ["P2P_BUILD"])
NIGHTLY = SOURCE / "dist/nightly.sh"


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="pin2pin-nightly-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)


class Night(Scratch):
    def setUp(self):
        super().setUp()
        for name in "etc", "state", "log", "bin":
            (self.folder / name).mkdir()
        self.runs = self.folder / "state/runs/lab bench"
        self.log = self.folder / "log/lab bench.log"

    def start(self, code=0, nights=None, says="the report", makes_folder=True, how="exit"):
        program = self.folder / "bin/pin2pin"
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >'{self.folder}/arguments'\n"
                           + ('mkdir "$6"\n' if makes_folder else "")
                           + f"echo '{says}'\necho complaint >&2\n{how} {code}\n")
        program.chmod(0o755)
        environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "STATE_DIRECTORY": str(self.folder / "state"),
                       "CONFIGURATION_DIRECTORY": str(self.folder / "etc"), "LOGS_DIRECTORY": str(self.folder / "log")}
        if nights is not None:
            environment["PIN2PIN_NIGHTS"] = nights
        return subprocess.Popen([NIGHTLY, "lab bench"], env=environment, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, start_new_session=True)

    def night(self, code=0, **wishes):
        child = self.start(code, **wishes)
        stdout, stderr = child.communicate(timeout=20)
        return subprocess.CompletedProcess(child.args, child.returncode, stdout, stderr)

    def old_nights(self, count):
        start = datetime.datetime(2026, 1, 1, 1)
        names = [f"{start + datetime.timedelta(days=day):%Y%m%dT%H%M%SZ}" for day in range(count)]
        for name in names:
            (self.runs / name / "native").mkdir(parents=True)
            (self.runs / name / "native/edges.p2p").touch()
        return names

    def nights(self):
        return sorted(path.name for path in self.runs.iterdir() if path.name != "latest")

    def test_runs_the_plan_on_the_bench_into_a_folder_by_date(self):
        done = self.night()
        self.assertEqual(done.returncode, 0, done.stderr)
        (name,) = self.nights()
        self.assertRegex(name, r"^\d{8}T\d{6}Z$")
        self.assertEqual((self.folder / "arguments").read_text().splitlines(),
                         ["run", "-q", "--bench", f"{self.folder}/etc/lab bench.bench.json", "-o", f"{self.runs}/{name}",
                          f"{self.folder}/etc/lab bench.plan.json"])
        self.assertEqual(os.readlink(self.runs / "latest"), name)
        self.assertEqual(self.log.read_text(), f"{name} lab bench: PASS (exit code 0)\nthe report\ncomplaint\n")
        self.assertTrue(done.stdout.startswith(f"{name} lab bench: PASS"))

    def test_exit_code_is_the_runs(self):
        for code, verdict in {1: "FAIL", 2: "not run: a wrong file", 3: "INCONCLUSIVE", 4: "BENCH FAULT",
                              130: "interrupted"}.items():
            with self.subTest(code):
                self.log.unlink(missing_ok=True)
                shutil.rmtree(self.runs, ignore_errors=True)
                self.assertEqual(self.night(code).returncode, code)
                self.assertIn(f" lab bench: {verdict} (exit code {code})\nthe report\n", self.log.read_text())

    def test_a_run_that_was_killed(self):
        self.assertEqual(self.night(how="kill -KILL $$ #").returncode, 137)
        self.assertIn("ended by a signal (exit code 137)", self.log.read_text())

    def test_a_night_that_is_stopped_waits_for_the_run_and_logs_it(self):
        child = self.start(how=f"trap 'exit 130' TERM; touch '{self.folder}/started'; sleep 20 & wait #")
        wait_until((self.folder / "started").exists, 10, "a run")
        os.killpg(child.pid, signal.SIGTERM)  # as systemd does
        child.communicate(timeout=10)
        self.assertEqual(child.returncode, 130)
        self.assertIn("interrupted (exit code 130)\nthe report\n", self.log.read_text())

    def test_a_run_that_made_no_folder_leaves_the_latest(self):
        (old,) = self.old_nights(1)
        (self.runs / "latest").symlink_to(old)
        self.assertEqual(self.night(2, makes_folder=False).returncode, 2)
        self.assertEqual(os.readlink(self.runs / "latest"), old)

    def test_the_log_goes_on(self):
        self.night(says="one")
        shutil.rmtree(self.runs)
        self.night(says="two")
        self.assertRegex(self.log.read_text(), r"(?s)PASS.*\none\n.*PASS.*\ntwo\n")

    def test_keeps_as_many_nights_as_asked(self):
        names = self.old_nights(5)
        self.night(nights="3")
        self.assertEqual(self.nights()[:2], names[3:])
        self.assertEqual(len(self.nights()), 3)

    def test_keeps_90_nights_by_default(self):
        names = self.old_nights(95)
        self.night()
        self.assertEqual(self.nights()[:89], names[6:])
        self.assertEqual(len(self.nights()), 90)

    def test_removes_nothing_but_nights(self):
        self.old_nights(3)
        (self.runs / "20250101-mine").mkdir()
        (self.runs / "notes").write_text("")
        outside = self.folder / "outside"
        outside.mkdir()
        (outside / "precious").touch()
        (self.runs / "20200101T010000Z").symlink_to(outside)
        self.night(nights="1")
        self.assertEqual(len(self.nights()), 4)
        self.assertLess({"20250101-mine", "notes", "20200101T010000Z"}, set(self.nights()))
        self.assertTrue((outside / "precious").exists())

    def test_a_wrong_number_of_nights_removes_nothing(self):
        names = self.old_nights(2)
        for nights in "0", "-1", "all", "1 2", "010":
            with self.subTest(nights):
                done = self.night(nights=nights)
                self.assertEqual(done.returncode, 2)
                self.assertIn(f'PIN2PIN_NIGHTS: expected a number from 1, found "{nights}"', done.stderr)
                self.assertEqual(self.nights(), names)

    def test_needs_a_name(self):
        done = subprocess.run([NIGHTLY], capture_output=True, text=True, timeout=20, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("usage: pin2pin-nightly NAME", done.stderr)


class Installed(Scratch):
    """`cmake --install` of dist/ alone, below a folder."""

    def setUp(self):
        super().setUp()
        subprocess.run(["cmake", "--install", BUILD / "dist"], env={**os.environ, "DESTDIR": str(self.folder)}, check=True,
                       capture_output=True, timeout=60)

    def find(self, end):
        (path,) = (path for path in self.folder.rglob("*") if str(path).endswith(end))
        return path

    def test_everything_is_there(self):
        for end in ("systemd/system/pin2pin-nightly@.timer", "sysusers.d/pin2pin.conf", "tmpfiles.d/pin2pin.conf",
                    "logrotate.d/pin2pin", "rules.d/60-pin2pin.rules", "man1/pin2pin.1", "lab-bench.md", "wiring.svg"):
            self.assertGreater(self.find(end).stat().st_size, 0)

    def test_the_service_starts_what_is_installed_and_switches_off_last(self):
        service = self.find("pin2pin-nightly@.service").read_text()
        program = re.search(r"^ExecStart=(\S+) %i$", service, re.M).group(1)
        self.assertTrue(os.access(f"{self.folder}{program}", os.X_OK))
        self.assertRegex(service, r"(?m)^ExecStopPost=/\S+/pin2pin off /etc/pin2pin/%i\.bench\.json$")
        self.assertNotIn("@CMAKE", service)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "no systemd-analyze")
    def test_systemd_understands_the_units(self):
        units = self.folder / "units"
        units.mkdir()
        for kind in "service", "timer":
            text = self.find(f"pin2pin-nightly@.{kind}").read_text()
            (units / f"pin2pin-nightly@.{kind}").write_text(re.sub(r"(Exec\w+)=\S+", r"\1=/bin/true", text))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", units / "pin2pin-nightly@lab.service",
                               units / "pin2pin-nightly@lab.timer"], capture_output=True, text=True, timeout=60,
                              check=False)
        complaints = [line for line in done.stderr.splitlines() if "pin2pin" in line]
        self.assertEqual((done.returncode, complaints), (0, []), done.stderr)


class Control(BenchCase):
    """The healthy mean of the native stub is 2 instructions."""

    def measure(self, low, high):
        return self.bench.measure(plan={"control": {"configuration": "native", "avg_ns": {"min": low, "max": high}}})

    def test_out_of_its_band_it_voids_the_night(self):
        run = self.measure(3, 100)
        self.assert_exit(run, 4)
        self.assert_says(run.stdout, "BENCH FAULT", "control native: avg 2.0 ns, expected 3 to 100 ns: THE BENCH IS SICK")
        self.assertIn("the bench is sick: avg 2.000 ns", run.result["reason"])
        self.assertEqual(run.configuration()["control"], {"avg_ns": {"min": 3, "max": 100}})
        self.assert_exit(self.bench.pin2pin("gate", run.folder / "result.json"), 4)

    def test_it_is_run_whatever_is_asked_for(self):
        control = {"configuration": "native", "avg_ns": {"min": 3, "max": 100}}
        run = self.bench.measure([{"name": "native"}, {"name": "other"}], ["--only", "other"], {"control": control})
        self.assert_exit(run, 4)
        self.assert_says(run.stderr, "native is run as well: it is the control")
        self.assertEqual([entry["name"] for entry in run.result["configurations"]], ["native", "other"])

    def test_within_it_the_night_counts(self):
        run = self.measure(2, 2)
        self.assert_exit(run, 0)
        self.assert_says(run.stdout, "expected 2 to 2 ns: the bench is sound")


class Guide(unittest.TestCase):
    def test_the_bench_of_the_guide_is_good(self):
        done = subprocess.run([PIN2PIN, "check", "-q", SOURCE / "docs/zcu102.bench.json"], capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("bench zcu102: uboot, GICv2, probe ftdi", done.stdout)

    def test_the_plan_of_the_guide_is_good(self):
        done = subprocess.run([PIN2PIN, "check", "-q", SOURCE / "docs/zcu102.plan.json"], capture_output=True, text=True,
                              timeout=20, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("plan zcu102: 3 configurations x 10 boots x 10000 samples", done.stdout)

    def test_what_the_guide_links_to_is_there(self):
        guide = (SOURCE / "docs/lab-bench.md").read_text()
        links = re.findall(r"\]\(([^)#]+)", guide)
        self.assertGreater(len(links), 4)
        for link in links:
            self.assertTrue((SOURCE / "docs" / link).exists(), link)


if __name__ == "__main__":
    unittest.main()
