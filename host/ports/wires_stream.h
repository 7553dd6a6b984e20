/* SPDX-License-Identifier: MIT */
/*
 * Frames of the wires protocol over a socket, for both peers that speak it with us: the virtual board (WIRES-SPEC.md)
 * and the virtual probe (fixtures/virtual-probe/SPEC.md). Every wait ends by the peer's silence or the user's wish.
 */
#ifndef P2P_PORTS_WIRES_STREAM_H
#define P2P_PORTS_WIRES_STREAM_H

#include "ports/wires_protocol.h"
#include "util/deadline.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p2p_wires_stream {
    const char *peer; /* in messages: "the virtual board", "the virtual probe" */
    int64_t stall_ms; /* the longest silence of the peer */
    int stop_fd;      /* borrowed; -1: none */
    int fd;           /* owned; -1: closed */
    bool gone;        /* the peer ended the stream */
};

struct p2p_wires_frame {
    uint32_t type, size;
    uint8_t payload[WIRES_PAYLOAD_MAX];
};

/* Waits for a whole frame. FAULT and a stream that ends are P2P_E_BENCH, in the peer's words. */
enum p2p_code p2p_wires_receive(struct p2p_wires_stream *stream, struct p2p_wires_frame *frame,
                                struct p2p_error *error);

/* Waits until the socket has taken all of it. `payload` may be NULL if `size` is 0. */
enum p2p_code p2p_wires_send(struct p2p_wires_stream *stream, enum wires_type type, const uint8_t *payload,
                             uint32_t size, struct p2p_error *error);

/* RUN: lets the peer's time pass until `until_ns`. */
enum p2p_code p2p_wires_send_run(struct p2p_wires_stream *stream, uint64_t until_ns, struct p2p_error *error);

/* The time in a PAUSED frame; P2P_E_BENCH: the frame is not one. */
enum p2p_code p2p_wires_paused_at(const struct p2p_wires_stream *stream, const struct p2p_wires_frame *frame,
                                  uint64_t *at_ns, struct p2p_error *error);

/* What a wait's outcome means here: P2P_OK, the peer's stall, the user's wish, this computer's failure. */
enum p2p_code p2p_wires_outcome(const struct p2p_wires_stream *stream, enum p2p_wait outcome, struct p2p_error *error);

void p2p_wires_stream_close(struct p2p_wires_stream *stream);

#endif
