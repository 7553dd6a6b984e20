# SPDX-License-Identifier: MIT
"""`pin2pin probe`: what it refuses before any probe is started."""
import os
import unittest

from bench import BenchCase

VERBS = "info", "selftest", "calibrate", "capture"
PLAY = "time_ns,channel,level\n0,stimulus,1\n"


class Probe(BenchCase):
    def bench_with(self, kind, **keys):
        """A real probe stands alone in its bench."""
        if kind in ("ideal", "virtual"):
            return self.bench.bench_file(probe={"kind": kind, **keys})
        return self.bench.write("alone.bench.json", {"schema": "pin2pin.bench", "version": 1, "name": "alone",
                                                     "probe": {"kind": kind, **keys}})

    def virtual(self):
        """It would be found out that these are no programs only if they were started."""
        return self.bench_with("virtual", runner=str(self.bench.write("main.js", "")),
                               image=str(self.bench.write("image.bin", "")))

    def serial(self):
        return self.bench_with("serial", device="/dev/ttyAbsent0")

    def assert_refused(self, *arguments, says, code=2):
        done = self.bench.pin2pin("probe", *arguments)
        self.assert_exit(done, code)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assert_says(done.stderr, "pin2pin: ", *says)
        self.assertEqual(done.stdout, "")

    def on_each_verb(self, path, says, code=2):
        output = ["-o", self.bench.folder / "new.json"]
        wiring = ["--wiring", "straight"] if path.name == "alone.bench.json" else []
        for verb in VERBS:
            with self.subTest(verb):
                self.assert_refused(verb, path, *(output + wiring if verb == "calibrate" else []), says=says, code=code)
                self.assertFalse((self.bench.folder / "new.json").exists())


class Bench(Probe):
    def test_missing(self):
        self.on_each_verb(self.bench.folder / "nowhere.json", ["nowhere.json: cannot open"])

    def test_ideal_probe_is_no_device(self):
        self.on_each_verb(self.bench_with("ideal"), ['test.bench.json: $.probe.kind: an "ideal" probe is no device'])

    def test_files_of_a_virtual_probe_missing(self):
        path = self.virtual()
        (self.bench.folder / "image.bin").unlink()
        self.on_each_verb(path, ["image.bin: the probe's firmware is not there"])
        (self.bench.folder / "main.js").unlink()
        self.on_each_verb(path, ["main.js: the virtual probe's runner is not there"])

    def test_device_of_a_real_probe_missing(self):
        self.on_each_verb(self.serial(), ["/dev/ttyAbsent0: no such serial port"], code=4)

    def test_calibration_missing(self):
        path = self.bench_with("serial", device="/dev/ttyAbsent0", calibration="nowhere.json")
        self.assert_refused("info", path, says=["nowhere.json: cannot open"])


class Capture(Probe):
    def test_json_needs_a_file(self):
        self.assert_refused("capture", "--json", self.serial(), says=["--json: the edges go to stdout", "-o FILE"])

    def test_only_a_virtual_probe_plays(self):
        self.assert_refused("capture", "--play", self.bench.write("a.csv", PLAY), self.serial(),
                            says=["--play: ", "alone.bench.json has no virtual probe"])

    def test_does_not_write_over_what_it_plays(self):
        path = self.bench.write("a.csv", PLAY)
        self.assert_refused("capture", "--play", path, "-o", "./a.csv", self.virtual(),
                            says=["./a.csv: cannot be played and written at once"])
        self.assertEqual(path.read_text(), PLAY)

    def test_wrong_lines_are_told_before_anything_is_started(self):
        for line, says in (("5,stimulus,2", 'level: expected 0 or 1, found "2"'),
                           ("x,answer,1", 'time_ns: expected nanoseconds from 0, found "x"'),
                           ("5,query,1", 'channel: expected stimulus or answer (or 0, 1), found "query"'),
                           ("5,answer", "expected 3 fields, found 2")):
            with self.subTest(line):
                path = self.bench.write("wrong.csv", PLAY + line + "\n")
                self.assert_refused("capture", "--play", path, self.virtual(), says=[f"{path}:3: {says}\n"])

    def test_played_file_that_is_none(self):
        fifo = self.bench.folder / "fifo"
        os.mkfifo(fifo)
        for path, says in ("nowhere.csv", "cannot open"), (fifo, "not a regular file"), (self.bench.folder, "not a reg"):
            self.assert_refused("capture", "--play", path, self.virtual(), says=[f"{path}: {says}"])


class Calibrate(Probe):
    def test_needs_a_file(self):
        self.assert_refused("calibrate", self.virtual(), says=["expected -o FILE"])

    def test_needs_enough_edges(self):
        self.assert_refused("calibrate", "-o", "c.json", "--edges", "199", self.virtual(),
                            says=["--edges: expected 200 or more", "found 199"])

    def test_real_probe_needs_a_wiring(self):
        self.assert_refused("calibrate", "-o", "c.json", self.serial(), says=["expected --wiring straight or"])

    def test_virtual_probe_takes_none_and_no_reference(self):
        for option in ["--wiring", "swapped"], ["--reference-ns", "1000000"], ["--reference-ppm", "1"]:
            self.assert_refused("calibrate", "-o", "c.json", *option, self.virtual(), says=["are for real probes"])

    def test_uncertainty_of_no_reference(self):
        self.assert_refused("calibrate", "-o", "c.json", "--wiring", "straight", "--reference-ppm", "1", self.serial(),
                            says=["--reference-ppm: of which reference?"])

    def test_file_that_is_no_calibration_is_left_alone(self):
        path = self.bench.write("thesis.txt", "it was a dark night\n")
        self.assert_refused("calibrate", "-o", path, self.virtual(), says=["thesis.txt"])
        self.assertEqual(path.read_text(), "it was a dark night\n")


if __name__ == "__main__":
    unittest.main()
