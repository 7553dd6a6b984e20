/* SPDX-License-Identifier: MIT */
/*
 * The other end of the wires, as a test plays it: the virtual board's or the virtual probe's. Frames are written from
 * WIRES-SPEC.md and fixtures/virtual-probe/SPEC.md, not by the product's helpers.
 */
#ifndef P2P_TESTS_PORTS_WIRES_PEER_H
#define P2P_TESTS_PORTS_WIRES_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RUN = 0x01, EDGES = 0x02, HELLO = 0x81, SEEN = 0x82, PAUSED = 0x83, FAULT = 0x84 };
enum { HEADER_BYTES = 8, RECORD_BYTES = 16, FRAME_EDGES = 4096, FRAME_BYTES = 65536 };

struct peer_edge {
    uint64_t at_ns;
    uint8_t line, level, source;
};

struct peer_frame {
    uint32_t type, size;
    uint8_t payload[FRAME_BYTES];
};

void peer_put(uint8_t *at, uint64_t value, size_t bytes);
uint64_t peer_get(const uint8_t *at, size_t bytes);
void peer_put_edge(uint8_t at[RECORD_BYTES], const struct peer_edge *edge);
struct peer_edge peer_get_edge(const uint8_t at[RECORD_BYTES]);

/* For peers that are processes of their own: both wait. False: the host is gone. */
bool peer_send(int fd, uint32_t type, const void *payload, size_t size);
bool peer_receive(int fd, struct peer_frame *frame);

/* What the peer says, before it is asked for. Fails the test if it does not fit the socket. */
void peer_says(int fd, uint32_t type, const void *payload, size_t size);
void peer_greets(int fd);
void peer_pauses(int fd, uint64_t at_ns);
void peer_sees(int fd, uint64_t at_ns, uint8_t line, uint8_t level, uint8_t source);
/* A full frame of answers on line 1 from `from_ns` on, `step_ns` apart; the first rises. */
void peer_babbles(int fd, uint64_t from_ns, uint64_t step_ns);

/* What it has been told. Never wait: what has not come fails the test. */
void peer_hears(int fd, const void *expected, size_t size);
void peer_hears_frame(int fd, struct peer_frame *frame);
void peer_hears_run(int fd, uint64_t until_ns);
void peer_hears_nothing(int fd);

#endif
