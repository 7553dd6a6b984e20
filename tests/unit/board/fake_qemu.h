/* SPDX-License-Identifier: MIT */
/*
 * QEMU, played by a test's own program when it is started with QEMU's arguments. What it is to do wrong stands in the
 * environment variable FAKE_QEMU; what it was given it leaves in the working folder: "arguments", one a line,
 * "boot.dtb", "passthrough.dtb"; "dumps" gets "GIC CPUS" for each device tree it dumped. It says "hello" on its
 * console. Its guest answers each rising stimulus.
 */
#ifndef P2P_TESTS_BOARD_FAKE_QEMU_H
#define P2P_TESTS_BOARD_FAKE_QEMU_H

/* Lines of its guest, and how long that takes for an answer. */
enum { FAKE_QEMU_STIMULUS = 3, FAKE_QEMU_ANSWER = 4, FAKE_QEMU_ANSWER_NS = 1900 };

/* Returns the exit code. */
int fake_qemu(char **argv);

#endif
