# SPDX-License-Identifier: MIT
"""Memory does not grow with the number of samples."""
import fcntl
import os
import re
import unittest

from bench import BenchCase, wait_until

KIB = 1024


class Memory(BenchCase):
    def peak_kib(self, samples):
        """
        Of pin2pin alone: what wait4() tells has QEMU in it. So it is asked at its end, while it waits to print to a
        pipe that is full.
        """
        reader, writer = os.pipe()
        capacity = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4 * KIB)
        os.write(writer, b"x" * capacity)
        notes = self.bench.folder / f"stderr-{samples}"
        with open(notes, "w") as stderr:
            child = self.bench.start("run", self.bench.plan_file(samples=samples), "--bench", self.bench.bench_file(),
                                     "-o", self.bench.new_folder(), stdout=writer, stderr=stderr)
        os.close(writer)
        wait_until(lambda: "run folder" in notes.read_text(), 60, "the run's end")
        with open(f"/proc/{child.pid}/status") as status:
            peak = int(re.search(r"VmHWM:\s*(\d+) kB", status.read()).group(1))
        with open(reader, "rb") as stdout:
            stdout.read()
        self.assertEqual(child.wait(10), 0)
        return peak

    def test_a_hundred_thousand_samples_take_no_more_than_ten_thousand(self):
        few, many = self.peak_kib(10000), self.peak_kib(100000)
        print(f"peak memory: {few} KiB for 10000 samples, {many} KiB for 100000")
        # Two runs of one length differ by up to 300 KiB: how full the frames' buffers get is up to the load. Keeping
        # but one edge of each sample would take 700 KiB more.
        self.assertLess(many - few, 512)


if __name__ == "__main__":
    unittest.main()
