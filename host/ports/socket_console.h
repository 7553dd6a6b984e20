/* SPDX-License-Identifier: MIT */
/* A console whose bytes come through a socket: QEMU's UART. */
#ifndef P2P_PORTS_SOCKET_CONSOLE_H
#define P2P_PORTS_SOCKET_CONSOLE_H

#include "ports/ports.h"

struct p2p_socket_console {
    int fd; /* owned by whoever connects it; closed and -1 after the peer's end. -1 has nothing to say */
};

/* Borrows `console`. */
struct p2p_console p2p_socket_console_port(struct p2p_socket_console *console);

#endif
