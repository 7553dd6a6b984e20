# SPDX-License-Identifier: MIT
"""Good and bad files through the command line. The corpus belongs to the unit tests of host/config."""
import json
import unittest

from bench import SOURCE, BenchCase

CORPUS = SOURCE / "tests/unit/config"


def kind_of(path):
    """What `check` takes a file for: what it says itself, else a plan."""
    try:
        schema = json.loads(path.read_bytes())["schema"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "plan"
    return schema[len("pin2pin."):] if schema in ("pin2pin.bench", "pin2pin.result") else "plan"


def expected_message(path):
    return path.with_suffix(".expected").read_text().replace("@FILE@", str(path)).replace("@TESTS@", str(CORPUS))


class Corpus(BenchCase):
    def files(self, kind):
        files = sorted((CORPUS / "bad" / kind).glob("*.json"))
        self.assertGreater(len(files), 20)
        return files

    def assert_refused(self, done, path):
        self.assert_exit(done, 2)
        self.assertEqual(done.stderr, f"pin2pin: {expected_message(path)}")

    def test_run_refuses_every_bad_plan(self):
        bench = self.bench.bench_file()
        for path in self.files("plan"):
            with self.subTest(path.name):
                done = self.bench.pin2pin("run", path, "--bench", bench, "-o", self.bench.folder / "run")
                self.assert_refused(done, path)
                self.assertEqual(done.stdout, "")

    def test_run_refuses_every_bad_bench(self):
        plan = self.bench.plan_file()
        for path in self.files("bench"):
            with self.subTest(path.name):
                done = self.bench.pin2pin("run", plan, "--bench", path, "-o", self.bench.folder / "run")
                self.assert_refused(done, path)
                self.assertEqual(done.stdout, "")

    def test_check_refuses_every_bad_file(self):
        for kind in "plan", "bench":
            for path in self.files(kind):
                with self.subTest(path.name):
                    done = self.bench.pin2pin("check", path)
                    self.assert_exit(done, 2)
                    self.assertEqual(done.stdout, "")
                    if kind_of(path) == kind:
                        self.assert_refused(done, path)

    def test_check_answers_in_json_about_every_file(self):
        for path in sorted(CORPUS.glob("*/*/*.json")):
            with self.subTest(path.name):
                done = self.bench.pin2pin("check", "--json", path)
                answer = json.loads(done.stdout)
                plan = {"configurations"} if path.match("good/plan/*") else set()
                self.assertEqual(set(answer), {"file", "valid", "message"} | plan)
                self.assertEqual(answer["file"], str(path))
                self.assertEqual(answer["valid"], path.parts[-3] == "good")
                self.assert_exit(done, 0 if answer["valid"] else 2)
                if not answer["valid"]:
                    self.assertEqual(done.stderr, f"pin2pin: {answer['message']}\n")

    def test_check_accepts_every_good_file(self):
        for path in sorted((CORPUS / "good").glob("*/*.json")):
            with self.subTest(path.name):
                done = self.bench.pin2pin("check", "-q", path)
                self.assert_exit(done, 0)
                self.assert_says(done.stdout, f"{path}: {path.parent.name} ")
                self.assertEqual(done.stderr, "")

    def test_check_warns_of_files_that_are_not_here(self):
        done = self.bench.pin2pin("check", CORPUS / "good/bench/smallest.json")
        self.assert_exit(done, 0)
        self.assertEqual(done.stderr, "pin2pin: warning: the bench's stub is not on this computer: /s\n"
                                      "pin2pin: warning: the bench's wires plugin is not on this computer: /w\n")


    def test_check_says_what_a_lab_is_and_what_is_not_here(self):
        for name, board, probe in ("lab-tftp-gpiod", "uboot", "ftdi"), ("lab-disk-command", "uboot", "serial"), \
                                  ("lab-script", "script", "ftdi"):
            with self.subTest(name):
                folder = CORPUS / "good/bench"
                done = self.bench.pin2pin("check", folder / f"{name}.json")
                self.assert_exit(done, 0)
                self.assert_says(done.stdout, f"{name}.json: bench lab: {board}, GICv2, probe {probe}")
                self.assertEqual(
                    done.stderr,
                    f"pin2pin: warning: the bench's stub is not on this computer: {folder}/stub.bin\n"
                    f"pin2pin: warning: the board's device tree is not on this computer: {folder}/board.dtb\n")

    def test_a_lab_with_its_files_has_no_warning(self):
        lab = json.loads((CORPUS / "good/bench/lab-tftp-gpiod.json").read_text())
        path = self.bench.write("lab.bench.json", json.dumps(lab))
        self.bench.write("stub.bin", "")
        self.bench.write("board.dtb", "")
        done = self.bench.pin2pin("check", path)
        self.assert_exit(done, 0)
        self.assertEqual(done.stderr, "")


class Check(BenchCase):
    def test_says_how_much_a_plan_is(self):
        done = self.bench.pin2pin("check", self.bench.plan_file([{"name": "a"}, {"name": "b"}], 500, 3))
        self.assert_says(done.stdout, "plan test: 2 configurations x 3 boots x 500 samples")

    def test_says_what_a_matrix_makes(self):
        path = self.bench.plan_file(
            [{"name": "native"}], 500, 3, neighbours={"noisy": {"image": "noisy"}},
            sets=[{"name": "xen", "xen": {"image": "xen", "version": "4.20"},
                   "matrix": {"vwfi": ["trap", "native"], "neighbours": ["quiet", "noisy"], "gic": [3]},
                   "exclude": [{"vwfi": "native", "neighbours": "noisy"}]}])
        done = self.bench.pin2pin("check", "-q", path)
        self.assertEqual(done.stdout.splitlines(), [
            f"{path}: plan test: 4 configurations x 3 boots x 500 samples",
            "  native            native",
            "  xen-trap-quiet    Xen 4.20 credit2 vwfi=trap GICv3",
            "  xen-trap-noisy    Xen 4.20 credit2 vwfi=trap GICv3 noisy",
            "  xen-native-quiet  Xen 4.20 credit2 vwfi=native GICv3"])
        self.assertEqual(json.loads(self.bench.pin2pin("check", "--json", path).stdout)["configurations"],
                         ["native", "xen-trap-quiet", "xen-trap-noisy", "xen-native-quiet"])

    def test_says_what_a_bench_is(self):
        done = self.bench.pin2pin("check", self.bench.bench_file(gic=3))
        self.assert_says(done.stdout, "bench test: qemu-virt, GICv3")

    def test_the_files_that_come_with_it(self):
        files = [*(SOURCE / "fixtures").glob("**/*.plan.json"), *(SOURCE / "fixtures").glob("**/*.bench.json")]
        self.assertGreaterEqual(len(files), 3)
        for path in files:
            with self.subTest(path.name):
                self.assert_exit(self.bench.pin2pin("check", path), 0)

    def test_a_result(self):
        run = self.bench.measure()
        done = self.bench.pin2pin("check", run.folder / "result.json")
        self.assert_exit(done, 0)
        self.assert_says(done.stdout, "result of plan test: PASS")

    def test_a_plan_cut_off_anywhere(self):
        whole = self.bench.plan_file().read_text()
        for length in range(0, len(whole), 16):
            with self.subTest(length):
                done = self.bench.pin2pin("check", self.bench.write("cut.plan.json", whole[:length]))
                self.assert_exit(done, 2)
                self.assert_says(done.stderr, "cut.plan.json:1:")

    def test_what_is_no_file(self):
        for path, message in (self.bench.folder, "not a regular file"), ("nowhere", "No such file"), \
                             ("/dev/zero", "not a regular file"):
            with self.subTest(path):
                done = self.bench.pin2pin("check", path)
                self.assert_exit(done, 2)
                self.assertEqual(done.stderr.count("\n"), 1)
                self.assert_says(done.stderr, f"pin2pin: {path}: ", message)

    def test_a_name_that_is_not_utf8_has_no_json(self):
        name = self.bench.folder / "b\udcff.plan.json"  # the byte 0xff
        name.write_text(self.bench.plan_file().read_text())
        done = self.bench.pin2pin("check", "--json", name, errors="surrogateescape")
        self.assert_exit(done, 4)
        self.assert_says(done.stderr, "UTF-8")
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
