#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A probe whose firmware does as a test wants (firmware/protocol/SPEC.md).

As a program it is a virtual probe (fixtures/virtual-probe/SPEC.md): the bench names it as Node, and a JSON file as
firmware's image. Keys of the file: "selftest", the value of its answer; "edges_per_run", how many edges come in each
piece of time while it is armed.
As a class it is a probe behind a socket, in real time; "period_ns" is that of a signal on both inputs, which reaches
the answer input "skew_ns" later, as seen by a clock that runs "ppm" fast; "mute" and "unplug" are what they say.
"""
import contextlib
import json
import math
import select
import socket
import struct
import sys
import threading
import time
import zlib

TICK_NS = 8
RUN, HELLO, PAUSED = 0x01, 0x81, 0x83
SAY_HELLO, SAY_EVENTS, SAY_EPOCH, SAY_STATS, SAY_ACK = 1, 2, 3, 5, 7
IDENTIFY, ARM, STOP, SELF_TEST = 0x41, 0x42, 0x43, 0x44


def crc16(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc


def cobs(data):
    """Of frames below 254 bytes."""
    return b"".join(bytes([len(part) + 1]) + part for part in data.split(b"\0"))


def uncobs(data):
    parts = []
    while data:
        parts.append(data[1:data[0]])
        data = data[data[0]:]
    return b"\0".join(parts)


class Firmware:
    def __init__(self, wishes, uart):
        self.wishes, self.uart = wishes, uart
        self.received = b""
        self.sequence = self.now = self.checksum = self.next = 0
        self.counts = [0, 0]
        self.armed = False

    def say(self, kind, payload):
        frame = struct.pack("<BH", kind, self.sequence & 0xFFFF) + payload
        self.sequence += 1
        self.uart.sendall(cobs(frame + struct.pack("<H", crc16(frame))) + b"\0")

    def say_epoch(self):
        checksum = zlib.crc32(struct.pack("<QB", self.now, 0), self.checksum)
        self.say(SAY_EPOCH, struct.pack("<QIIII", self.now, *self.counts, 0, checksum))

    def half_period_ns(self):
        return self.wishes["period_ns"] / 2 * (1 + self.wishes.get("ppm", 0) / 1e6)

    def due(self, until_ns):
        """[(tick, channel, level)] of what has come since."""
        if "period_ns" not in self.wishes:
            return [(self.now + 1 + i, 0, (self.counts[0] + i + 1) % 2)
                    for i in range(self.wishes.get("edges_per_run", 0))]
        edges = []
        while self.next * self.half_period_ns() < until_ns:  # and its answer, so that no later EPOCH is before an edge
            for channel, delay_ns in enumerate((0, self.wishes.get("skew_ns", 0))):
                tick = math.ceil((self.next * self.half_period_ns() + delay_ns) / TICK_NS)
                edges.append((tick, channel, self.next % 2))
            self.next += 1
        return sorted(edges)

    def say_edges(self, until_ns):
        for tick, channel, level in self.due(until_ns):
            what = channel | level << 4
            self.now = tick
            self.counts[channel] += 1
            self.checksum = zlib.crc32(struct.pack("<QB", tick, what), self.checksum)
            self.say(SAY_EVENTS, struct.pack("<QIB", tick, 0, what))

    def arm(self):
        self.armed, self.counts, self.checksum = True, [0, 0], 0
        if "period_ns" in self.wishes:
            self.next = math.ceil((self.now + 1) * TICK_NS / self.half_period_ns())
        self.say_epoch()

    def obey(self, command, sequence):
        value = 0
        if command == IDENTIFY:
            self.say(SAY_HELLO, struct.pack("<HHIHHQI16s", 1, 2, 10 ** 9 // TICK_NS, 1, 9, 0xFA4E, 1, b"fake 1"))
        elif command == STOP:
            if self.armed:
                self.say_edges(self.now * TICK_NS)
                self.say_epoch()
            self.armed = False
        elif command == SELF_TEST:
            value = self.wishes.get("selftest", 0)
        if command not in (IDENTIFY, ARM, SELF_TEST):
            self.say(SAY_STATS, struct.pack("<Q9I", self.now, *self.counts, *[0] * 7))
        self.say(SAY_ACK, struct.pack("<BHBI", command, sequence, 0, value))
        if command == ARM:
            self.arm()

    def run(self, until_ns):
        while select.select([self.uart], [], [], 0)[0]:
            received = self.uart.recv(4096)
            if not received:
                break
            self.received += received
        *frames, self.received = self.received.split(b"\0")
        for frame in filter(None, [] if self.wishes.get("mute") else frames):
            self.obey(*struct.unpack_from("<BH", uncobs(frame)))
        if self.armed:
            self.say_edges(until_ns)
            self.now = max(self.now, until_ns // TICK_NS)
            self.say_epoch()
        self.now = max(self.now, until_ns // TICK_NS)


class VirtualProbe:
    def __init__(self, firmware, edges):
        self.firmware, self.edges = firmware, edges

    def send(self, kind, payload):
        self.edges.sendall(struct.pack("<II", len(payload), kind) + payload)

    def take(self, size):
        data = self.edges.recv(size, socket.MSG_WAITALL) if size else b""
        if len(data) < size:
            sys.exit(0)
        return data

    def serve(self):
        self.send(HELLO, struct.pack("<HHII", 1, 2, 10 ** 9 // TICK_NS, 0))
        self.send(PAUSED, struct.pack("<Q", 0))
        while True:
            size, kind = struct.unpack("<II", self.take(8))
            payload = self.take(size)
            if kind == RUN:
                self.firmware.run(*struct.unpack("<Q", payload))
                self.send(PAUSED, payload)


class RealProbe:
    """Listens at `path` until it is closed; serves one host after the other."""

    STEP_S = 0.01

    def __init__(self, path, **wishes):
        self.wishes, self.closed = wishes, False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while not self.closed:
            if select.select([self.listener], [], [], self.STEP_S)[0]:
                uart, _ = self.listener.accept()
                with uart, contextlib.suppress(OSError):  # the host hung up
                    self.attend(uart)

    def attend(self, uart):
        firmware = Firmware(self.wishes, uart)
        while not self.closed and not self.wishes.get("unplug"):
            firmware.run(time.monotonic_ns())
            time.sleep(self.STEP_S)

    def close(self):
        self.closed = True
        self.thread.join()
        self.listener.close()


if __name__ == "__main__":
    given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
    with open(given["--image"], encoding="utf-8") as image:
        VirtualProbe(Firmware(json.load(image), socket.socket(fileno=int(given["--uart-fd"]))),
                     socket.socket(fileno=int(given["--edges-fd"]))).serve()
