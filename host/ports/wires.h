/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the wires (WIRES-SPEC.md): clock, stimulus and ideal probe of the virtual board. The ideal probe
 * sees each edge with QEMU's virtual time, exact to the instruction: it is the truth other probes are judged by.
 */
#ifndef P2P_PORTS_WIRES_H
#define P2P_PORTS_WIRES_H

#include "config/bench.h"
#include "ports/ports.h"

#include <stdbool.h>

struct p2p_wires;

/* `stop_fd`: readable when the user wants out, or -1; borrowed. NULL: out of memory. Free with p2p_wires_free. */
struct p2p_wires *p2p_wires_new(const struct p2p_pins *pins, uint32_t stall_s, int stop_fd);
void p2p_wires_free(struct p2p_wires *wires);

/*
 * Takes over `fd` and waits until the board says HELLO and stands paused at virtual time 0. On failure `fd` is closed.
 * An earlier board is detached first.
 */
enum p2p_code p2p_wires_attach(struct p2p_wires *wires, int fd, struct p2p_error *error);

/* While `console_fd` (borrowed; -1: none) has bytes, the clock's advance returns early so that they are read. */
void p2p_wires_watch(struct p2p_wires *wires, int console_fd);
/* True if the board, the last one attached, ended the stream: it died without a word, and whoever runs it knows more. */
bool p2p_wires_board_gone(const struct p2p_wires *wires);

/* Closes the socket: the board ends itself. Unread edges are gone. */
void p2p_wires_detach(struct p2p_wires *wires);

/* The ports borrow `wires`. */
struct p2p_clock p2p_wires_clock(struct p2p_wires *wires);
struct p2p_stimulus p2p_wires_stimulus(struct p2p_wires *wires);
struct p2p_probe p2p_wires_probe(struct p2p_wires *wires);

#endif
