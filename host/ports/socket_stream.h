/* SPDX-License-Identifier: MIT */
/* The byte stream of a probe behind a socket: the virtual probe's UART. */
#ifndef P2P_PORTS_SOCKET_STREAM_H
#define P2P_PORTS_SOCKET_STREAM_H

#include "ports/byte_stream.h"

/* Takes over `fd`, also when it fails (P2P_E_HOST: out of memory). */
enum p2p_code p2p_socket_stream_open(int fd, struct p2p_byte_stream *stream, struct p2p_error *error);

#endif
