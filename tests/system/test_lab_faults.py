#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What goes wrong on a bench of hardware ends in the right verdict: each part's faults, in the bench-host VM.

Runs of one VM follow one another; a fault is due at a stimulus of its run. So that the first one of run k is number
64 * k of the VM's, pulses while no run has the line fill up what is missing (`pulses_to`).

P2P_LAB_RANDOM and P2P_LAB_SOAK, from the environment, are how many plans the random faults and the soak take; without
them, none. P2P_LAB_SEED is the first random plan's seed.
"""
import bisect
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import time
import unittest

from bench import PIN2PIN, check_schema
from bench_host import BenchHost, lab_plan

SAMPLES = 30
EACH = 64  # stimuli from the first of one run to the first of the next
FAULTS_MAX = 32  # of one VM
TICK_NS = 8
LIMIT_NS = 1000
PASS, FAIL, BENCH_FAULT = 0, 1, 4
CURES = {"ftdi unplug": "ftdi plug", "ftdi silent": "ftdi plug", "console cut": "console join",
         "relay stuck": "relay free"}
STUCK = "the board may still be on"

SHELL = r"""
pulses=0
mkdir runs
pulses_to() { # so many since the VM began; those at the end of a run's 64 cure its fault
    periods=100us
    for i in $(seq $((2 * ($1 - pulses) - 2))); do periods=$periods,100us; done
    gpioset -t $periods,0 p2p-stimulus=1
    pulses=$1
    usleep 10000
}
played() { # the stimuli of run NAME, by its own account
    sed -n '/"schedule"/,$s/.*"stimuli": \([0-9]*\).*/\1/p' runs/$1/native/boot-001/boot.json
}
plan() { # NAME [BENCH]
    ./pin2pin run lab.plan.json --bench ${2-lab.bench.json} -o runs/$1 >runs/$1.stdout 2>runs/$1.stderr
    echo $? >runs/$1.exit
    [ -d runs/$1 ] && pulses=$((pulses + $(played $1)))
    left_files >runs/$1.left
}
until_on() { # run NAME has its board on: the console's first bytes are written when U-Boot has handed over
    for i in $(seq 500); do
        [ -s runs/$1/native/boot-001/console.log ] && return
        usleep 10000
    done
    exit 9
}
left_files() {
    ls -d /tmp/* tftp/* | grep -v -e '\.lock$' -e '^tftp/stub.bin$'
    find runs -name '*.tmp'
}
"""


def report(done, name, *options):
    return subprocess.run([PIN2PIN, "report", *options, done.lab / "runs" / name], capture_output=True, text=True,
                          timeout=20, check=False)


class Ended:
    """One `plan NAME` that came to its end."""

    def __init__(self, done, name):
        self.name = name
        self.exit_code = int(done.read(f"runs/{name}.exit") or -1)
        self.stdout, self.stderr = (done.read(f"runs/{name}.{what}") for what in ("stdout", "stderr"))
        self.left = done.read(f"runs/{name}.left")
        text = done.read(f"runs/{name}/result.json")
        self.result = json.loads(text) if text else None
        boot = done.read(f"runs/{name}/native/boot-001/boot.json")
        self.fault = json.loads(boot)["fault"] if boot else None
        self.stimuli = json.loads(boot)["schedule"]["stimuli"] if boot else 0

    @property
    def native(self):
        (entry,) = self.result["configurations"]
        return entry

    def __str__(self):
        return f"run {self.name}: exit {self.exit_code}\n{self.stderr}{self.stdout}"


class Truth:
    """truth.csv, run by run."""

    def __init__(self, done):
        self.rises = [at for at, level in done.truth("stimulus") if level == 1]
        self.answers = [at for at, _ in done.truth("answer")]
        self.power = done.truth("power")
        self.done = done

    def is_on(self, at_ns):
        before = bisect.bisect(self.power, (at_ns, 2))
        return before > 0 and self.power[before - 1][1] == 1

    def latencies(self, first):
        """Of the run whose first stimulus is that number; None: not answered before the next one."""
        found = []
        for rise, after in zip(self.rises[first:first + SAMPLES], self.rises[first + 1:] + [2 ** 63]):
            answer = bisect.bisect(self.answers, rise)
            came = answer < len(self.answers) and self.answers[answer] < after
            found.append(self.answers[answer] - rise if came else None)
        return found


class LabCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.world = BenchHost()
        lab_plan(self.world, SAMPLES, LIMIT_NS)

    def tearDown(self):
        self.world.close()

    def run_in_vm(self, commands, faults, timeout_s=200, watch=None):
        options = [option for fault in faults for option in ("--fault", fault)]
        done = self.world.run(SHELL + commands, *options, timeout_s=timeout_s, watch=watch)
        self.assertEqual(done.exit_code, 0, str(done))
        return done

    def assert_clean(self, run):
        self.assertEqual(run.left, "", f"files left by {run}")

    def assert_readable(self, done, name, exit_code=0):
        text, machine = report(done, name), report(done, name, "--format", "json")
        self.assertEqual((text.returncode, machine.returncode), (exit_code, exit_code), text.stderr + machine.stderr)
        return text.stdout

    def assert_power_ends_off(self, truth, run, number):
        """When the next pulse comes after run `number`, its board is off."""
        after = truth.rises[EACH * number + run.stimuli]
        self.assertEqual(truth.is_on(after), STUCK in (run.fault or ""), run)

    def assert_true(self, truth, run, number, expected_max_ns):
        """A verdict on measured figures, and they are what happened."""
        latencies = truth.latencies(EACH * number)
        self.assertNotIn(None, latencies, run)
        self.assertEqual(run.exit_code, FAIL if max(latencies) > LIMIT_NS else PASS, run)
        self.assertLessEqual(max(latencies), expected_max_ns)
        account, stats = run.native["account"], run.native["stats"]
        self.assertEqual((account["stimuli"], account["answered"], stats["n"]), (SAMPLES,) * 3, run)
        for key, true in (("min_ns", min(latencies)), ("max_ns", max(latencies)),
                          ("avg_ns", sum(latencies) / SAMPLES)):
            self.assertLessEqual(abs(stats[key] - true), TICK_NS, f"{key}: {run}")


# Fault, at which stimulus of its run (0: before the board has power), exit code, what the message says.
NAMED = (
    (None, 0, PASS, ""),
    ("ftdi unplug", 10, BENCH_FAULT, 'FTDI chip "P2P00001" .*it was unplugged'),
    (None, 0, PASS, ""),
    ("ftdi stall", 10, BENCH_FAULT, 'FTDI chip "P2P00001" .*the endpoint stalled'),
    ("ftdi babble", 10, BENCH_FAULT, 'FTDI chip "P2P00001" .*babble'),
    ("ftdi ioerror", 10, PASS, ""),
    ("ftdi silent", 10, BENCH_FAULT, 'FTDI chip "P2P00001"'),
    (None, 0, PASS, ""),
    ("ftdi overrun", 10, BENCH_FAULT, 'FTDI chip "P2P00001" .*overrun'),
    ("console cut", 0, BENCH_FAULT, "U-Boot is silent: nothing on the console within 1 s"),
    ("console cut", 10, BENCH_FAULT, "the stub did not print its counters"),
    ("relay stuck", 0, BENCH_FAULT, "nothing on the console within 1 s of power on: check the board's power"),
    (None, 0, PASS, ""),
    ("relay stuck", 10, BENCH_FAULT, STUCK + ".*relay"),
    ("board reset", 10, BENCH_FAULT, "the stub did not print its counters within 1000 ms; the console says: "),
)


class Named(LabCase):
    def test_each_fault(self):
        commands, faults = "await_chip\n", []
        for number, (words, edge, _, _) in enumerate(NAMED, 1):
            commands += f"pulses_to {EACH * number}; await_chip; plan {number}\n"
            if words:
                faults.append(f"edge{EACH * number + edge} {words}")
            if words in CURES:
                faults.append(f"edge{EACH * number + EACH - 4} {CURES[words]}")
        busy, killed, after = (f"{len(NAMED) + more}" for more in (1, 2, 3))
        kill_ms = random.randint(0, 100)
        done = self.run_in_vm(commands + f"""
            pulses_to {EACH * (len(NAMED) + 1)}
            gpioset p2p-stimulus=0 & holder=$!
            usleep 50000; plan {busy}
            kill $holder; wait $holder
            ./pin2pin run lab.plan.json -o runs/{killed} & victim=$!
            until_on {killed}; usleep {1000 * kill_ms}; kill -9 $victim; wait $victim
            plan {after} # the fifth one without a fault
            """, faults)
        truth = Truth(done)
        for number, (words, edge, exit_code, message) in enumerate(NAMED, 1):
            with self.subTest(f"{number}: {words} at {edge}"):
                self.check(done, truth, number, exit_code, message)
        with self.subTest("line busy"):
            run = Ended(done, busy)
            self.assertEqual(run.exit_code, BENCH_FAULT, run)
            self.assertRegex(run.stderr, r'\$\.stimulus: line "p2p-stimulus" .*: busy: held by "gpioset"')
        with self.subTest(f"killed after {kill_ms} ms"):
            self.assertIn("INCOMPLETE", self.assert_readable(done, killed))
            run = Ended(done, after)
            self.assertEqual(run.exit_code, PASS, run)
            self.assertEqual([level for _, level in truth.power[-4:]], [1, 0, 1, 0], "off before it is on again")
            self.assertLessEqual(self.powers(NAMED) + 4, len(truth.power))

    @staticmethod
    def powers(named):
        """How often at least the relay acted: on and off, but for the board that never got power."""
        return 2 * sum(1 for words, edge, _, _ in named if (words, edge) != ("relay stuck", 0))

    def check(self, done, truth, number, exit_code, message):
        run = Ended(done, f"{number}")
        self.assertEqual(run.exit_code, exit_code, run)
        self.assert_clean(run)
        self.assert_readable(done, run.name)
        self.assert_power_ends_off(truth, run, number)
        if exit_code == PASS:
            self.assert_true(truth, run, number, LIMIT_NS)
        else:
            self.assertEqual(run.result["verdict"], "BENCH FAULT")
            self.assertRegex(run.fault, message)
            self.assertRegex(run.stdout, message)


class Doctor(LabCase):
    """`doctor` and `off` on the lab path: a sound bench, then one that ails in one part after the other."""
    # Whatever ails. The first: the VM has no NTP; the last: ftdi_sio is loaded.
    WARNINGS = {"clock", "calibration", "USB driver"}
    BUSY = {"USB driver"}  # fails, too, while another pin2pin has the chip
    SHELL = r"""
doctor() { # NAME [BENCH [STIMULI]]: so many edges it drives on the stimulus line
    ./pin2pin doctor --json ${2-lab.bench.json} >$1.json 2>$1.stderr
    echo $? >$1.exit
    pulses=$((pulses + ${3-0}))
}
"""

    def test_ails_and_cures(self):
        self.bench("typo", stimulus={"chip": "gpiochip0", "line": "p2p-stimulsu"})
        self.bench("cut", stimulus={"chip": "gpiochip0", "offset": 6})
        self.bench("tty", board=None, stub=None, pins=None, stimulus=None, query=None, console=None, power=None,
                   probe={"kind": "serial", "device": "/dev/ttyUSB0", "baud": 4000000})
        done = self.run_in_vm(self.SHELL + f"""
            await_chip; usleep 300000
            doctor sound lab.bench.json 13
            doctor typo typo.bench.json
            doctor cut cut.bench.json
            doctor tty tty.bench.json
            ./pin2pin probe capture --edges 1 -o edges.csv probe.bench.json & usleep 300000
            doctor locked
            pulses_to {EACH}; wait $!
            pulses_to {2 * EACH}; doctor silent
            pulses_to {3 * EACH}; await_chip; usleep 300000
            pulses_to {4 * EACH}; doctor deaf lab.bench.json 1
            pulses_to {5 * EACH}
            open_console; console=$!
            power_on; boot_stub
            kill $console; wait $console
            pulses_to {6 * EACH}; kill $power; wait $power
            doctor stuck
            pulses_to {7 * EACH}
            ./pin2pin run lab.plan.json -o runs/killed & until_on killed; kill -9 $!; wait $!
            pulses_to {8 * EACH}
            ./pin2pin off lab.bench.json >off 2>&1; echo $? >off.exit
            pulses_to {9 * EACH}
            """, [f"edge{EACH * number} {words}" for number, words in (
                (2, "ftdi silent"), (3, "ftdi plug"), (4, "console cut"), (5, "console join"), (6, "relay stuck"),
                (7, "relay free"))])
        self.truth = Truth(done)
        self.check(done, "sound", PASS)
        for name, check, status, message, cure in (
                ("sound", "USB driver", "warning", "ftdi_sio has the chip", "unbind"),
                ("typo", "stimulus line", "failed", 'p2p-stimulsu', "gpioinfo"),
                ("cut", "stimulus seen", "failed", "saw 0 edges", "GPIO 2"),
                ("tty", "latency timer", "warning", "16 ms", "latency_timer"),
                ("locked", "bench free", "failed", "in use by pid [0-9]+ .*probe", "wait until its owner"),
                ("silent", "probe answers", "failed", '"P2P00001" is on USB.*LIBUSB_ERROR_TIMEOUT',
                 "power and pin2pin's firmware"),
                ("deaf", "console speaks", "failed", "U-Boot is silent", "TX goes to our RX"),
                ("stuck", "power off", "failed", STUCK, "switches all of the board's power")):
            with self.subTest(name):
                checks = self.check(done, name, BENCH_FAULT if status == "failed" else PASS)
                failed = {key for key, found in checks.items() if found["status"] == "failed"}
                self.assertEqual(failed - self.BUSY, {check} if status == "failed" else set(), checks)
                self.assertEqual(checks[check]["status"], status)
                self.assertRegex(checks[check]["message"], message)
                self.assertIn(cure, checks[check]["cure"])
        with self.subTest("off"):
            self.assertEqual((done.read("off"), done.read("off.exit")), ("bench bench-host: its board is off\n", "0\n"))
            self.assertTrue(self.truth.is_on(self.truth.rises[8 * EACH - 1]), "the killed run left it on")
            self.assertFalse(self.truth.is_on(self.truth.rises[9 * EACH - 1]))

    def bench(self, name, **more):
        """NAME.bench.json: lab.bench.json with other keys; None: without."""
        bench = {**json.loads((self.world.lab / "lab.bench.json").read_text()), **more}
        (self.world.lab / f"{name}.bench.json").write_text(
            json.dumps({key: value for key, value in bench.items() if value is not None}))

    def check(self, done, name, exit_code):
        text = done.read(f"{name}.json")
        self.assertEqual((done.read(f"{name}.exit"), done.read(f"{name}.stderr")), (f"{exit_code}\n", ""), text)
        answer = json.loads(text)
        check_schema("doctor", answer)
        self.assertEqual(answer["ok"], exit_code == PASS)
        checks = {check["name"]: check for check in answer["checks"]}
        warnings = {name for name, check in checks.items() if check["status"] == "warning"}
        self.assertLessEqual(warnings, self.WARNINGS | {"latency timer"}, text)
        return checks


RANDOM_FAULTS = tuple(CURES) + ("ftdi stall", "ftdi babble", "ftdi ioerror", "ftdi overrun", "board reset")


def wish(name):
    return int(os.environ.get(f"P2P_LAB_{name}", 0))


@unittest.skipUnless(wish("RANDOM"), "P2P_LAB_RANDOM is not set")
class Random(LabCase):
    PER_VM = FAULTS_MAX // 2
    SLOT_MS = 4500  # a plan and its fault; VM's time

    def schedule(self, seed):
        """(fault, when): when is "edgeN" of the run, or ms after its start; (None, None): none. The stub, too."""
        choose = random.Random(seed)
        words = choose.choice((None,) + RANDOM_FAULTS)
        edge = choose.random() < 0.5
        return words, edge, choose.randint(0, SAMPLES) if edge else choose.randint(0, 900), choose.choice((PASS, FAIL))

    def test_no_fault_gives_a_wrong_verdict(self):
        first, count = int(os.environ.get("P2P_LAB_SEED", time.time())), wish("RANDOM")
        verdicts = []
        print(f"P2P_LAB_SEED={first} P2P_LAB_RANDOM={count}", flush=True)
        for start in range(first, first + count, self.PER_VM):
            seeds = range(start, min(start + self.PER_VM, first + count))
            verdicts += self.run_some(seeds)
        told = {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}
        print(f"exit codes: {told}", flush=True)
        if count >= 2 * self.PER_VM:  # or they test nothing
            self.assertEqual(set(told), {PASS, FAIL, BENCH_FAULT})

    def run_some(self, seeds):
        commands, faults = "await_chip\n", []
        slot_began = 5000  # ms of the VM's time, which is 750 ms ahead of /proc/uptime
        for number, seed in enumerate(seeds, 1):
            words, at_edge, when, stub = self.schedule(seed)
            bench = "lab.bench.json" if stub == PASS else "late.bench.json"
            commands += (f"pulses_to {EACH * number}; await_chip; until_ms {slot_began - 750}\n"
                         f"plan {number} {bench}\n")
            if words:
                faults.append(f"edge{EACH * number + when} {words}" if at_edge else f"{slot_began + when}ms {words}")
            if words in CURES:
                faults.append(f"{slot_began + self.SLOT_MS - 800}ms {CURES[words]}")
            commands += f"until_ms {slot_began + self.SLOT_MS - 750 - 700}\n"
            slot_began += self.SLOT_MS
        commands += f"pulses_to {EACH * (len(seeds) + 1)}\n"
        began = time.monotonic()
        done = self.run_in_vm(commands, faults, timeout_s=900)
        print(f"{len(seeds)} plans in {time.monotonic() - began:.0f} s", flush=True)
        truth, verdicts = Truth(done), []
        for number, seed in enumerate(seeds, 1):
            words, at_edge, when, stub = self.schedule(seed)
            run = Ended(done, f"{number}")
            verdicts.append(run.exit_code)
            at = f"{words} at {'edge' if at_edge else 'ms'} {when}"
            with self.subTest(f"P2P_LAB_SEED={seed} P2P_LAB_RANDOM=1: {at}"):
                self.check(done, truth, run, number, words, stub)
        self.tearDown()
        self.setUp()
        return verdicts

    def check(self, done, truth, run, number, words, stub):
        self.assertIn(run.exit_code, (stub, BENCH_FAULT), run)
        self.assert_clean(run)
        self.assert_readable(done, run.name)
        if STUCK in (run.fault or ""):
            self.assertEqual(words, "relay stuck", run)
        else:
            self.assert_power_ends_off(truth, run, number)
        if run.exit_code == BENCH_FAULT:
            self.assertIsNotNone(words, run)
            self.assertTrue(run.fault, run)
            if words == "ftdi ioerror":  # not tried again where the chip is opened
                self.assertIn("cannot get its first packet", run.fault)
        else:
            self.assert_true(truth, run, number, LIMIT_NS if stub == PASS else 10 ** 6)


def slope(points):
    """Of y over x, as the median of all pairs': one that lies off does not matter."""
    return statistics.median((b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.combinations(points, 2))


@unittest.skipUnless(wish("SOAK"), "P2P_LAB_SOAK is not set")
class Soak(LabCase):
    PER_VM = 150
    FAULT_EVERY = 7  # plans; so no VM needs more than it can have
    LOOK_EVERY = 10
    LOOKS_MIN = 5  # of the second half, for a slope
    # From the first look to the last. The kernel counts open files to 32 a processor. /lab itself holds truth.csv and
    # the output, which grow.
    SLACK = {"tmp_kb": 16, "lab_kb": 16, "fds": 32, "processes": 0}
    # kB a plan, over the second half: caches fill in the first. Available memory jumps by 0.9 MB from look to look, as
    # the kernel keeps some free pages back. A leak of pin2pin's ends with its process; one in the kernel is a page a
    # plan. Node collects its garbage when it likes.
    SLOPES = {"available_kb": -4, "slab_kb": 1, "bench-host_kb": 4, "node_kb": 200, "vm_kb": 100}
    FIGURES = r"""
meminfo() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" /proc/meminfo; }
look() { # AFTER
    sync; echo 3 >/proc/sys/vm/drop_caches
    read fds _ </proc/sys/fs/file-nr
    echo "[figures] after=$1 available_kb=$(meminfo MemAvailable) slab_kb=$(meminfo SUnreclaim)" \
        "tmpfs_kb=$(meminfo Shmem) stacks_kb=$(meminfo KernelStack) shell_kb=$(meminfo AnonPages)" \
        "fds=$fds processes=$(ps -o args | grep -vc '^\[')" \
        "tmp_kb=$(df -k /tmp | awk 'END {print $3}') lab_kb=$(du -skc /lab/runs /lab/tftp | awk 'END {print $1}')"
}
"""

    def test_nothing_leaks(self):
        count = wish("SOAK")
        for start in range(0, count, self.PER_VM):
            self.soak(min(self.PER_VM, count - start))
            self.tearDown()
            self.setUp()

    def soak(self, count):
        commands, faults, fault_of = self.FIGURES + "await_chip\nplan warm-up\nrm -r runs/warm-up*\nlook 0\n", [], {}
        look_every = min(self.LOOK_EVERY, max(1, count // 2))
        for number in range(1, count + 1):
            if number % self.FAULT_EVERY == 0:
                words = RANDOM_FAULTS[number // self.FAULT_EVERY % len(RANDOM_FAULTS)]
                fault_of[number] = words
                faults.append(f"edge{EACH * number + 10} {words}")
                if words in CURES:
                    faults.append(f"edge{EACH * number + EACH - 4} {CURES[words]}")
            commands += (f"pulses_to {EACH * number}; await_chip; plan {number}\n"
                         f"echo \"[plan] {number} $(cat runs/{number}.exit) $(cat runs/{number}.left)\"\n"
                         f"rm -r runs/{number} runs/{number}.*\n")
            if number % look_every == 0:
                commands += f"look {number}\n"
        self.assertLessEqual(len(faults), FAULTS_MAX)
        began, looks = time.monotonic(), []
        done = self.run_in_vm(commands, faults, timeout_s=60 + 30 * count, watch=lambda: self.look(looks))
        print(f"{count} plans in {time.monotonic() - began:.0f} s", flush=True)
        for number, exit_code, left in re.findall(r"^\[plan\] (\d+) (\d+) (.*)$", done.output, re.MULTILINE):
            words = fault_of.pop(int(number), None)
            expected = PASS if words in (None, "ftdi ioerror") else BENCH_FAULT
            self.assertEqual((int(exit_code), left), (expected, ""), f"plan {number}: {words}")
        self.assertEqual(fault_of, {}, str(done))
        self.check_figures(looks)

    def look(self, looks):
        """Adds what the VM has told since, and what its machines take of this computer now."""
        output = self.world.lab / "output"
        lines = re.findall(r"^\[figures\] (.*)$", output.read_text(errors="replace") if output.exists() else "",
                           re.MULTILINE)
        for line in lines[len(looks):]:
            looks.append({key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)} | self.world.memory_kb())
            print(" ".join(f"{key}={value}" for key, value in looks[-1].items()), flush=True)

    def check_figures(self, looks):
        self.assertGreaterEqual(len(looks), 2)
        for key, slack in self.SLACK.items():
            self.assertLessEqual(looks[-1][key] - looks[0][key], slack, key)
        half = looks[len(looks) // 2:]
        if len(half) < self.LOOKS_MIN:
            print(f"{len(looks)} looks are too few for slopes: none is checked", flush=True)
            return
        slopes = {key: slope([(look["after"], look[key]) for look in half if key in look]) for key in self.SLOPES}
        print("kB a plan over the second half: " + " ".join(f"{key}={value:.2f}" for key, value in slopes.items()),
              flush=True)
        for key, limit in self.SLOPES.items():
            grown = -slopes[key] if limit < 0 else slopes[key]
            self.assertLessEqual(grown, abs(limit), key)


if __name__ == "__main__":
    os.chdir("/")
    unittest.main()
