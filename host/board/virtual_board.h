/* SPDX-License-Identifier: MIT */
/* The virtual board: qemu-system-aarch64 -M virt, started for each boot with a configuration's device trees. */
#ifndef P2P_BOARD_VIRTUAL_BOARD_H
#define P2P_BOARD_VIRTUAL_BOARD_H

#include "config/bench.h"
#include "ports/ports.h"

struct p2p_virtual_board;

/*
 * Looks at everything that can be checked without booting: QEMU runs, plugin and stub are there. `bench` is borrowed,
 * and so is `stop_fd` (readable when the user wants out; may be -1). NULL: see `error`.
 * Free with p2p_virtual_board_close, which also powers off.
 */
struct p2p_virtual_board *p2p_virtual_board_open(const struct p2p_bench *bench, int stop_fd, struct p2p_error *error);
void p2p_virtual_board_close(struct p2p_virtual_board *board);

/* All ports of this bench; they borrow `board`. */
struct p2p_ports p2p_virtual_board_ports(struct p2p_virtual_board *board);

#endif
