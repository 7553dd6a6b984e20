# SPDX-License-Identifier: MIT
"""The bench-host VM for tests: fixtures/bench-host/README.md.

`BenchHost.run` runs shell commands in the VM; whatever happened, `close` checks that no process of it is left.
"""
import contextlib
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

BENCH_HOST = os.environ["BENCH_HOST"]
ARM64 = pathlib.Path(os.environ["ARM64"])
STUBS = pathlib.Path(os.environ["STUBS"])
LAB_FILES = pathlib.Path(os.environ["P2P_SOURCE"]) / "fixtures/bench-host"

TIMEOUT_S = 100  # a guard against hanging; a run takes some 5 s
GONE_TIMEOUT_S = 1

# What commands may use: the board's console in the file `console.log`, its power, one stimulus.
SHELL = r"""
open_console() {
    stty -F /dev/ttyAMA1 115200 raw -echo
    cat </dev/ttyAMA1 >console.log &
    usleep 20000
}
power_on() {
    gpioset p2p-power=1 &
    power=$!
}
power_off() {
    kill $power
    wait $power
    gpioset -t 0 p2p-power=0
}
expect() { # TEXT: fails if it does not come within 5 s
    for i in $(seq 250); do
        grep -q "$1" console.log && return
        usleep 20000
    done
    echo "not on the console: $1"
    exit 9
}
enter() { # COMMAND PROMPT-COUNT: types a line, waits for that many prompts since power on
    printf '%s\r' "$1" >/dev/ttyAMA1
    for i in $(seq 250); do
        [ "$(grep -c '^=> ' console.log)" -ge "$2" ] && return
        usleep 20000
    done
    echo "no prompt after: $1"
    exit 9
}
boot_stub() {
    expect 'Hit any key'
    printf ' ' >/dev/ttyAMA1
    expect '^=> '
    enter 'setenv ipaddr 10.0.2.15; setenv serverip 10.0.2.2; setenv bootargs stimulus=0 answer=1 query=2' 2
    enter 'tftpboot 0x50000000 stub.bin' 3
    printf 'booti 0x50000000 - ${fdtcontroladdr}\r' >/dev/ttyAMA1
    expect '^READY .*intid=39'
}
pulse() { # one stimulus of 100 us
    gpioset -t 100us,0 p2p-stimulus=1
}
until_ms() { # of /proc/uptime; not at all if that has passed
    while read -r up _ </proc/uptime && [ "${up%.*}${up#*.}0" -lt "$1" ]; do usleep 10000; done
}
await_chip() {
    for i in $(seq 100); do
        grep -q P2P00001 /sys/bus/usb/devices/*/serial 2>/dev/null && return
        usleep 10000
    done
    exit 8
}
"""


class Done:
    """What a run left behind."""

    def __init__(self, lab, exit_code, stderr):
        self.lab, self.exit_code, self.stderr = lab, exit_code, stderr

    def read(self, name):
        path = self.lab / name
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def output(self):
        return self.read("output")

    def truth(self, what):
        """[(ns, level)] of what really happened: "stimulus", "answer", "power"."""
        rows = csv.DictReader(self.read("truth.csv").splitlines())
        return [(int(row["at_ns"]), int(row["level"])) for row in rows if row["what"] == what]

    def section(self, name):
        """What the commands printed between `echo "[NAME]"` and the next such line."""
        found = re.search(rf"^\[{re.escape(name)}\]\n(.*?)(?=^\[|\Z)", self.output, re.MULTILINE | re.DOTALL)
        assert found, f"no [{name}] in: {self.output}"
        return found.group(1)

    def __str__(self):
        return (f"exit {self.exit_code}\nstderr: {self.stderr}\noutput: {self.output}\n"
                f"vm.log: {self.read('vm.log')}\nconsole.log: {self.read('console.log')}")


class BenchHost:
    def __init__(self):
        self.child = None
        self.lab = pathlib.Path(tempfile.mkdtemp(prefix="pin2pin-lab-"))
        (self.lab / "tftp").mkdir()
        shutil.copy(STUBS / "stub.bin", self.lab / "tftp")
        shutil.copy(ARM64 / "pin2pin", self.lab)
        shutil.copy(ARM64 / "fixtures/bench-host/inside/read-pattern", self.lab)
        (self.lab / "probe.bench.json").write_text(
            '{"schema": "pin2pin.bench", "version": 1, "name": "probe",'
            ' "probe": {"kind": "ftdi", "serial": "P2P00001", "baud": 4000000}}')

    def start(self, commands, *options, timeout_s=TIMEOUT_S):
        (self.lab / "command").write_text(SHELL + commands)
        self.child = subprocess.Popen([BENCH_HOST, "--timeout", str(timeout_s), *options, self.lab],
                                      stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        return self.child

    def run(self, commands, *options, timeout_s=TIMEOUT_S, watch=None):
        """`watch` is called each second, and at the end."""
        child = self.start(commands, *options, timeout_s=timeout_s)
        deadline = time.monotonic() + timeout_s + 10
        try:
            while watch and child.poll() is None and time.monotonic() < deadline:
                watch()
                time.sleep(1)
            _, stderr = child.communicate(timeout=max(0, deadline - time.monotonic()))
        finally:
            child.kill()
        if watch:
            watch()
        return Done(self.lab, child.returncode, stderr)

    def processes(self):
        """{pid: command line} of what still runs of this world: all of its machines name its folder or its parts."""
        found = {}
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if self.lab.name in line:
                    found[int(path.parent.name)] = line
        return found

    def memory_kb(self):
        """What bench-host, the VM and the probe's emulator take of this computer; nothing once they have ended."""
        found = {}
        with contextlib.suppress(OSError):
            pid = self.child.pid
            machines = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for path in map(pathlib.Path, (f"/proc/{each}" for each in (pid, *machines))):
                line, status = (path / "cmdline").read_text(), (path / "status").read_text()
                program = line.split("\0")[0].split("/")[-1]
                resident = re.search(r"^VmRSS:\s*(\d+)", status, re.MULTILINE)
                if resident and (program in ("bench-host", "node") or "id=usb" in line):  # the board comes and goes
                    found[f"{'vm' if 'id=usb' in line else program}_kb"] = int(resident[1])
        return found

    def close(self):
        deadline = time.monotonic() + GONE_TIMEOUT_S
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.01)
        left = self.processes()
        shutil.rmtree(self.lab, ignore_errors=True)
        assert not left, f"still running: {list(left.values())}"


def lab_plan(world, samples, limit_ns):
    """lab.plan.json: one short native boot, with deadlines of 1 s; late.bench.json has the stub that takes 200 us."""
    bench = json.loads((LAB_FILES / "lab.bench.json").read_text())
    bench["board"]["boot_tries"] = 1
    bench["timeouts"] = {"boot_s": 1, "stall_s": 1}
    plan = json.loads((LAB_FILES / "lab.plan.json").read_text())
    plan.update(samples=samples, confirm_boots=0, configurations=[{"name": "native", "limits": {"max_ns": limit_ns}}])
    plan["stimulus"].update(period_ns=2000000, deadline_ns=400000)
    for name, stub in (("lab", "stub.bin"), ("late", "stub-late.bin")):
        shutil.copy(STUBS / stub, world.lab)
        (world.lab / f"{name}.bench.json").write_text(json.dumps({**bench, "stub": stub}))
    (world.lab / "lab.plan.json").write_text(json.dumps(plan))
