/* SPDX-License-Identifier: MIT */
/*
 * The virtual probe's runner, played by a test's own program when it is started as one: after
 * fixtures/virtual-probe/SPEC.md, with fake_probe.h on its UART. What it is to do wrong stands in the environment
 * variable FAKE_PROBE; what it was given it writes, one a line, to the file that FAKE_PROBE_ARGUMENTS names.
 * An edge before the present, and what else a runner refuses, is a FAULT.
 */
#ifndef P2P_TESTS_PORTS_FAKE_RUNNER_H
#define P2P_TESTS_PORTS_FAKE_RUNNER_H

#include <stdbool.h>

/* What main's arguments are for. */
bool fake_runner_is_meant(char **argv);
/* Returns the exit code. */
int fake_runner(char **argv);

#endif
