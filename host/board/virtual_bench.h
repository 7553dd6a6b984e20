/* SPDX-License-Identifier: MIT */
/*
 * The bench without hardware: the virtual board, and what stamps its edges. With the virtual probe the board's own
 * timestamps stand beside it as the truth.
 */
#ifndef P2P_BOARD_VIRTUAL_BENCH_H
#define P2P_BOARD_VIRTUAL_BENCH_H

#include "config/bench.h"
#include "ports/ports.h"

struct p2p_virtual_bench;

/*
 * Looks at everything that can be checked without booting. `bench` is borrowed, and so is `stop_fd` (readable when the
 * user wants out; may be -1). NULL: see `error`. Free with p2p_virtual_bench_close, which also powers off.
 */
struct p2p_virtual_bench *p2p_virtual_bench_open(const struct p2p_bench *bench, int stop_fd, struct p2p_error *error);
void p2p_virtual_bench_close(struct p2p_virtual_bench *self); /* may be NULL */

/* All ports; they borrow `self`. */
struct p2p_ports p2p_virtual_bench_ports(struct p2p_virtual_bench *self);

#endif
