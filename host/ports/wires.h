/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the wires (WIRES-SPEC.md): stimulus and ideal probe of the virtual board, and what its clock is
 * made of. The ideal probe sees each edge with QEMU's virtual time, exact to the instruction: it is the truth that
 * other probes are judged by.
 */
#ifndef P2P_PORTS_WIRES_H
#define P2P_PORTS_WIRES_H

#include "config/bench.h"
#include "ports/ports.h"
#include "ports/wires_protocol.h"

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

/* True if the board, the last one attached, ended the stream: it died without a word, and whoever runs it knows more.
 */
bool p2p_wires_board_gone(const struct p2p_wires *wires);

/* The present; while the board runs, the last edge. */
uint64_t p2p_wires_now_ns(const struct p2p_wires *wires);
bool p2p_wires_running(const struct p2p_wires *wires);

/* While the board stands: lets its time pass until `until_ns`. Returns at once; `take` what comes, until it stands. */
enum p2p_code p2p_wires_run(struct p2p_wires *wires, uint64_t until_ns, struct p2p_error *error);
int p2p_wires_fd(const struct p2p_wires *wires);
/* Takes in one frame, waiting for the rest of it. Not while the ideal probe is full: memory is bounded. */
enum p2p_code p2p_wires_take(struct p2p_wires *wires, struct p2p_error *error);
bool p2p_wires_full(const struct p2p_wires *wires);

/* What happened on any line, by the frame taken last: for another probe on the same lines. Until the next `take`. */
const struct wires_record *p2p_wires_records(const struct p2p_wires *wires, size_t *count);

/* Closes the socket: the board ends itself. Unread edges are gone. */
void p2p_wires_detach(struct p2p_wires *wires);

/* The ports borrow `wires`. */
struct p2p_stimulus p2p_wires_stimulus(struct p2p_wires *wires);
struct p2p_probe p2p_wires_probe(struct p2p_wires *wires);

#endif
