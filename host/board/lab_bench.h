/* SPDX-License-Identifier: MIT */
/*
 * The bench of hardware: GPIO lines of this computer drive the board, U-Boot or a program of the user's boots it, its
 * console is a serial port, a relay or a program switches its power, and a probe behind an FTDI chip or a serial port
 * stamps the edges.
 */
#ifndef P2P_BOARD_LAB_BENCH_H
#define P2P_BOARD_LAB_BENCH_H

#include "config/bench.h"
#include "config/plan.h"
#include "ports/ports.h"

struct p2p_lab_bench;

/*
 * Takes the lines, the console and the power, and switches off. Probe and console are opened anew for each boot, so
 * that one that was unplugged may come back. Before power the board is off for power.off_ms at least, and must not
 * answer. `bench` and `stimulus` are borrowed, and so is `stop_fd` (readable when the user wants out;
 * may be -1). NULL: see `error`. Free with p2p_lab_bench_close, which also powers off.
 */
struct p2p_lab_bench *p2p_lab_bench_open(const struct p2p_bench *bench, const struct p2p_stimulus_plan *stimulus,
                                         int stop_fd, struct p2p_error *error);
void p2p_lab_bench_close(struct p2p_lab_bench *self); /* may be NULL */

/* Switches the board off and takes nothing else of the bench: for what a killed run left on. */
enum p2p_code p2p_lab_bench_off(const struct p2p_bench *bench, struct p2p_error *error);

/* What this computer did not allow: the stimuli may come later for it. "": nothing. */
const char *p2p_lab_bench_warning(const struct p2p_lab_bench *self);

/* All ports; they borrow `self`. */
struct p2p_ports p2p_lab_bench_ports(struct p2p_lab_bench *self);

#endif
