/* SPDX-License-Identifier: MIT */
/*
 * The host's end of the probe's protocol (firmware/protocol/SPEC.md): bytes in, edges and the account of the link out.
 * Pure: no device, no clock; the caller says what time it is, in nanoseconds of a clock that never goes back.
 *
 * Until the first HELLO the link may be joined in mid-stream, so whatever comes is dropped but that HELLO and the
 * answer to a command. From then on every byte counts: the first thing that shows an edge may be lost makes the link
 * faulty for good; no edge is handed out after. An edge that was handed out is to be trusted once an EPOCH after it was
 * taken, whose counts and checksum vouch for all before it; the fault says until when they did.
 * A run is whole only if STOP was answered and the link is not faulty: then each edge the probe counted was handed out,
 * as the probe sent it.
 */
#ifndef P2P_CAPTURE_PROBE_LINK_H
#define P2P_CAPTURE_PROBE_LINK_H

#include "capture/edge.h"
#include "firmware/protocol/protocol.h"
#include "util/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The protocol allows 200 ms for an answer and 300 ms from one EPOCH to the next, when edges come too fast for the
 * link; the rest is what a busy host may add.
 */
#define P2P_PROBE_SILENCE_NS UINT64_C(500000000)

enum p2p_probe_state {
    P2P_PROBE_UNKNOWN, /* no HELLO yet */
    P2P_PROBE_STOPPED,
    P2P_PROBE_ARMED,
    P2P_PROBE_FAULTY,
};

typedef void p2p_probe_edge_fn(void *user, const struct p2p_edge *edge);

struct p2p_probe_link;

/* Edges come out through `on_edge`, in order of time. NULL: out of memory. Free with p2p_probe_link_free. */
struct p2p_probe_link *p2p_probe_link_new(p2p_probe_edge_fn *on_edge, void *user);
void p2p_probe_link_free(struct p2p_probe_link *link);

/*
 * Makes `command` into the bytes that the caller sends, at `now_ns`; ARM is for both channels. Returns their number,
 * 0 if the link is faulty, `command` is no command, or one is still waiting for its answer. Only while no HELLO has
 * come may the waiting command be repeated: the probe may have been starting.
 */
size_t p2p_probe_link_command(struct p2p_probe_link *link, enum probe_type command, uint64_t now_ns,
                              uint8_t wire[PROBE_WIRE_MAX]);

/* Bytes in pieces of any size, as they came at `now_ns`. P2P_E_BENCH: the link is faulty, `error` says why. */
enum p2p_code p2p_probe_link_feed(struct p2p_probe_link *link, const uint8_t *bytes, size_t size, uint64_t now_ns,
                                  struct p2p_error *error);

/* To be called after each feed, or at least every 100 ms. P2P_E_BENCH: the link is faulty, or has been silent too long.
 */
enum p2p_code p2p_probe_link_check_alive(struct p2p_probe_link *link, uint64_t now_ns, struct p2p_error *error);

/* The stream has ended, whoever ended it. Returns P2P_E_BENCH: no link, no probe. */
enum p2p_code p2p_probe_link_unplugged(struct p2p_probe_link *link, struct p2p_error *error);

enum p2p_probe_state p2p_probe_link_state(const struct p2p_probe_link *link);

/* EPOCHs taken since the last ARM, the first right behind its answer; 0 while not armed, or faulty. */
uint64_t p2p_probe_link_epochs(const struct p2p_probe_link *link);

/* A command is out whose answer has not come. */
bool p2p_probe_link_waiting(const struct p2p_probe_link *link);

/* These belong to the link and change with the next feed; NULL: none came yet. The ACK is of the latest command. */
const struct probe_hello *p2p_probe_link_hello(const struct p2p_probe_link *link);
const struct probe_stats *p2p_probe_link_stats(const struct p2p_probe_link *link);
const struct probe_ack *p2p_probe_link_ack(const struct p2p_probe_link *link);

#endif
