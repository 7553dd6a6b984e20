# SPDX-License-Identifier: MIT
"""A virtual bench in a temporary folder, for tests of the whole program.

Whatever a test does to it, `Bench.close` checks what must hold on every path: no QEMU and no emulator is left, no
temporary file is left, and the run folders can be read.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import time
import unittest

try:
    import jsonschema
except ImportError:  # Debian's python3-jsonschema; the other checks do without
    jsonschema = None

SOURCE = pathlib.Path(os.environ["P2P_SOURCE"])
PIN2PIN = os.environ["PIN2PIN"]
STUBS = pathlib.Path(os.environ["STUBS"])
WIRES = os.environ["WIRES"]
XEN = pathlib.Path(os.environ["XEN"])
PROBE_RUNNER = pathlib.Path(os.environ["PROBE_RUNNER"])
PROBE_IMAGE = pathlib.Path(os.environ["PROBE_IMAGE"])

RUN_TIMEOUT_S = 60  # a guard against hanging; the longest run takes a tenth of it
GONE_TIMEOUT_S = 1  # how long QEMU and the emulator may outlive a pin2pin that was killed

# edges.p2p: host/store/SPEC.md
HEADER_BYTES = 64
BLOCK_BYTES = 4096
BLOCK_EDGES = 510
BLOCK_HEADER_BYTES = 16
MARK = 7

STIMULUS = {"period_ns": 1000000, "jitter_ns": 780000, "width_ns": 50000, "deadline_ns": 150000}
PINS = {"stimulus": 0, "answer": 1, "query": 2}


def xen(version="4.17", vwfi="trap", **more):
    """The "xen" of a configuration: Debian's real one."""
    return {"image": str(XEN / version / "xen"), "version": version, "vwfi": vwfi, **more}


def edge_records(data):
    """[(ticks, channel, level, flags)] of a finished edges.p2p, without the marks."""
    records = []
    for block in range(HEADER_BYTES, len(data), BLOCK_BYTES):
        (count, kind) = struct.unpack_from("<HB", data, block + 8)
        for (record,) in struct.iter_unpack("<Q", data[block + BLOCK_HEADER_BYTES:][:8 * count] if kind == 1 else b""):
            channel = record >> 57 & 7
            if channel != MARK:
                records.append((record & (1 << 56) - 1, channel, record >> 56 & 1, record >> 60))
    return records


def processes_naming(text):
    """{pid: command line} of the processes that have `text` in their command line."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            command_line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if text in command_line:
                found[int(path.parent.name)] = command_line
    return found


def wait_until(condition, timeout_s, what):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout_s} s")
        time.sleep(0.01)


def check_schema(name, content):
    schema = SOURCE / f"docs/schema/{name}.schema.json"
    if schema.exists() and jsonschema is not None:
        jsonschema.validate(content, json.loads(schema.read_text()))


class Run:
    """What one `pin2pin run` left behind."""

    def __init__(self, folder, exit_code, stdout, stderr):
        self.folder, self.exit_code, self.stdout, self.stderr = folder, exit_code, stdout, stderr

    @property
    def result_text(self):
        return (self.folder / "result.json").read_text()

    @property
    def result(self):
        return json.loads(self.result_text)

    def configuration(self, name="native"):
        return next(entry for entry in self.result["configurations"] if entry["name"] == name)

    def boot_folder(self, name="native", boot=1):
        return self.folder / name / f"boot-{boot:03}"

    def boot(self, name="native", boot=1):
        return json.loads((self.boot_folder(name, boot) / "boot.json").read_text())

    def edges(self, name="native", boot=1):
        return (self.boot_folder(name, boot) / "edges.p2p").read_bytes()

    def truth(self, name="native", boot=1):
        return (self.boot_folder(name, boot) / "truth.p2p").read_bytes()


class Bench:
    def __init__(self, suffix=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pin2pin-test-", suffix=suffix))
        self.scratch = self.folder / "tmp"
        self.scratch.mkdir()
        # A copy: its path is on QEMU's command line and tells this test's QEMU from all others.
        self.wires = self.folder / "wires.so"
        shutil.copy(WIRES, self.wires)
        self.environment = {**os.environ, "TMPDIR": str(self.scratch), "PIN2PIN_LOCK_FOLDER": str(self.folder)}
        self.children = []
        self.runs = 0

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def bench_file(self, gic=2, stub="stub", pins=None, timeouts=None, board=None, **more):
        """`board` and `more` replace keys; `stub` is a name in the folder of stubs, or a path."""
        return self.write("test.bench.json", {
            "schema": "pin2pin.bench", "version": 1, "name": "test",
            "board": {"kind": "qemu-virt", "gic": gic, "wires": str(self.wires), **(board or {})},
            "stub": str(stub if "/" in str(stub) else STUBS / f"{stub}.bin"),
            "pins": pins or PINS, "probe": {"kind": "ideal"},
            "timeouts": {"boot_s": 10, "stall_s": 10, **(timeouts or {})}, **more})

    def virtual_probe(self, image=PROBE_IMAGE, **more):
        """The "probe" of a bench that measures through the firmware in its emulator."""
        own_image = self.folder / image.name  # a copy, for the same reason as the wires
        shutil.copy(image, own_image)
        return {"kind": "virtual", "runner": str(PROBE_RUNNER), "image": str(own_image), **more}

    def plan_file(self, configurations=None, samples=100, boots=1, confirm_boots=0, **more):
        """Without fresh boots of what fails: tests that are about them ask for them."""
        return self.write("test.plan.json", {
            "schema": "pin2pin.plan", "version": 1, "name": "test", "samples": samples, "boots": boots,
            "confirm_boots": confirm_boots, "stimulus": STIMULUS,
            "configurations": configurations or [{"name": "native"}], **more})

    def new_folder(self):
        self.runs += 1
        return self.folder / f"run-{self.runs}"

    def pin2pin(self, *arguments, **options):
        options = {"env": self.environment, "cwd": self.folder, "stdin": subprocess.DEVNULL, "capture_output": True,
                   "text": True, "timeout": RUN_TIMEOUT_S, **options}
        return subprocess.run([PIN2PIN, *map(str, arguments)], check=False, **options)

    def run(self, plan, bench, *options, folder=None, timeout_s=RUN_TIMEOUT_S):
        folder = folder or self.new_folder()
        done = self.pin2pin("run", plan, "--bench", bench, "-o", folder, *options, timeout=timeout_s)
        return Run(folder, done.returncode, done.stdout, done.stderr)

    def measure(self, configurations=None, options=(), plan=None, **bench):
        return self.run(self.plan_file(configurations, **(plan or {})), self.bench_file(**bench), *options)

    def start(self, *arguments, **options):
        """A pin2pin that goes on while the test does; `close` ends it if the test does not."""
        options = {"env": self.environment, "cwd": self.folder, "stdin": subprocess.DEVNULL,
                   "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        child = subprocess.Popen([PIN2PIN, *map(str, arguments)], **options)
        self.children.append(child)
        return child

    def report(self, folder):
        """The result as `report` makes it again."""
        return json.loads(self.pin2pin("report", "--json", folder).stdout)

    def processes(self):
        """QEMU has the wires, or while it dumps its tree a file in TMPDIR, on its command line; an emulator its image."""
        ours = {child.pid for child in self.children}
        return {pid: line for pid, line in processes_naming(self.folder.name).items() if pid not in ours}

    def qemus(self):
        return {pid: line for pid, line in self.processes().items() if "--image" not in line}

    def emulators(self):
        return {pid: line for pid, line in self.processes().items() if "--image" in line}

    def close(self):
        try:
            for child in self.children:
                if child.poll() is None:
                    child.kill()
                child.communicate()
            self.check_no_process()
            self.check_no_temporary_files()
            for folder in sorted(self.folder.glob("**/result.json")):
                self.check_readable(folder.parent)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_no_process(self):
        wait_until(lambda: not self.processes(), GONE_TIMEOUT_S, f"QEMU and emulator gone ({self.folder.name})")

    def check_no_temporary_files(self):
        left = [*self.scratch.iterdir(), *self.folder.glob("**/*.tmp")]
        assert not left, f"temporary files left: {left}"

    def check_readable(self, folder):
        text = self.pin2pin("report", folder)
        machine = self.pin2pin("report", "--format", "json", folder)
        assert text.returncode == 0 and machine.returncode == 0, f"{folder}: {text.stderr}{machine.stderr}"
        result = json.loads(machine.stdout)
        check_schema("result", result)
        for boot in folder.glob("*/boot-*/boot.json"):
            check_schema("boot", json.loads(boot.read_text()))
        for entry in result["configurations"]:
            account = entry["account"]
            assert account["stimuli"] == account["answered"] + account["missed"] + account["late"], entry
        if result["complete"]:
            assert machine.stdout == (folder / "result.json").read_text(), f"{folder}: `report` made another result"


class BenchCase(unittest.TestCase):
    """A fresh bench for each test."""

    maxDiff = None
    suffix = ""

    def setUp(self):
        self.bench = Bench(self.suffix)

    def tearDown(self):
        self.bench.close()

    def assert_says(self, text, *fragments):
        for fragment in fragments:
            self.assertIn(fragment, text)

    def assert_exit(self, done, code):
        """Of a Run or a CompletedProcess."""
        found = done.exit_code if isinstance(done, Run) else done.returncode
        self.assertEqual(found, code, f"stdout: {done.stdout}\nstderr: {done.stderr}")


class LongRun:
    """A run of many native samples, caught in the middle: some edges are recorded, most are not."""

    SAMPLES = 200000
    BLOCKS = 4
    STALL_S = 2

    def __init__(self, bench, folder=None, probe=None, **options):
        self.bench = bench
        self.folder = folder or bench.new_folder()
        more = {} if probe is None else {"probe": probe}
        self.child = bench.start("run", bench.plan_file(samples=self.SAMPLES), "--bench",
                                 bench.bench_file(timeouts={"stall_s": self.STALL_S}, **more), "-o", self.folder,
                                 **options)
        path = self.folder / "native/boot-001/edges.p2p"
        wait_until(lambda: path.exists() and path.stat().st_size > HEADER_BYTES + self.BLOCKS * BLOCK_BYTES, 20,
                   "edges recorded")
        self.edges_recorded = ((path.stat().st_size - HEADER_BYTES) // BLOCK_BYTES - 1) * BLOCK_EDGES
        (self.qemu,) = bench.qemus()

    def finish(self, timeout_s=20):
        stdout, stderr = self.child.communicate(timeout=timeout_s)
        return Run(self.folder, self.child.returncode, stdout, stderr)


def reasons(run):
    """What the configurations' verdicts say, one string."""
    return "; ".join(entry["reason"] for entry in run.result["configurations"])


def field(ready_line, key):
    """The value of key=value in the stub's READY line."""
    return re.search(rf"(?:^| ){key}=(\S*)", ready_line).group(1)
