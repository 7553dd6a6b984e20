/* SPDX-License-Identifier: MIT */
/*
 * The clock of the virtual bench: one virtual time for the board and, if there is one, for the virtual probe. The board
 * leads; the probe is shown the edges and follows, while the board goes on. `advance` ends when both stand at the same
 * time, so what has come by then does not depend on how fast either runs.
 */
#ifndef P2P_PORTS_VIRTUAL_CLOCK_H
#define P2P_PORTS_VIRTUAL_CLOCK_H

#include "ports/ports.h"
#include "ports/probe_device.h"
#include "ports/virtual_probe.h"
#include "ports/wires.h"

#include <stdbool.h>
#include <stdint.h>

struct p2p_virtual_clock;

/* Borrows `wires`. `stall_s`: longest silence of both. NULL: out of memory. Free with p2p_virtual_clock_free. */
struct p2p_virtual_clock *p2p_virtual_clock_new(struct p2p_wires *wires, uint32_t stall_s, int stop_fd);
void p2p_virtual_clock_free(struct p2p_virtual_clock *clock); /* may be NULL */

/*
 * For the next boot; borrowed until the next call. `device` is the one at the probe's UART; both may be missing (NULL),
 * and so may the console. A console's fd of -1 is closed.
 */
void p2p_virtual_clock_attach(struct p2p_virtual_clock *clock, struct p2p_virtual_probe *probe,
                              struct p2p_probe_device *device, const int *console_fd);

/*
 * Virtual time for the probe's device: the end of the probe's run. Pieces are short enough (50 ms) for it to tell a
 * silent probe by.
 */
uint64_t p2p_virtual_clock_probe_ns(void *self);

struct p2p_clock p2p_virtual_clock_port(struct p2p_virtual_clock *clock);

#endif
