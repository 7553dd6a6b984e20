/* SPDX-License-Identifier: MIT */
/* The virtual board: qemu-system-aarch64 -M virt, started for each boot with a configuration's device trees. */
#ifndef P2P_BOARD_VIRTUAL_BOARD_H
#define P2P_BOARD_VIRTUAL_BOARD_H

#include "config/bench.h"
#include "ports/socket_console.h"
#include "ports/wires.h"

struct p2p_virtual_board;

/*
 * Looks at everything that can be checked without booting: QEMU runs, plugin and stub are there. `bench` is borrowed,
 * and so is `stop_fd` (readable when the user wants out; may be -1). NULL: see `error`.
 * Free with p2p_virtual_board_close, which also powers off.
 */
struct p2p_virtual_board *p2p_virtual_board_open(const struct p2p_bench *bench, int stop_fd, struct p2p_error *error);
void p2p_virtual_board_close(struct p2p_virtual_board *board);

/* Starts one boot. Returns when QEMU stands at virtual time 0, long before the guest is ready. An earlier boot ends. */
enum p2p_code p2p_virtual_board_on(struct p2p_virtual_board *board, const struct p2p_configuration *configuration,
                                   struct p2p_error *error);
/* At any time, any number of times. */
void p2p_virtual_board_off(struct p2p_virtual_board *board);

/* `cause` is what somebody saw of QEMU; if it has died, its own last words are added. Returns the cause's code. */
enum p2p_code p2p_virtual_board_explain(struct p2p_virtual_board *board, const struct p2p_error *cause,
                                        struct p2p_error *error);

/* Its lines and its UART; borrowed. */
struct p2p_wires *p2p_virtual_board_wires(struct p2p_virtual_board *board);
struct p2p_socket_console *p2p_virtual_board_console(struct p2p_virtual_board *board);

#endif
