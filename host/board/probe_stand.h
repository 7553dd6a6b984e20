/* SPDX-License-Identifier: MIT */
/*
 * A probe alone, of whatever kind a bench names: opened, asked, and given time. Kinds differ in nothing but how time
 * passes: a virtual probe's in runs of its emulator, a real one's on CLOCK_MONOTONIC.
 */
#ifndef P2P_BOARD_PROBE_STAND_H
#define P2P_BOARD_PROBE_STAND_H

#include "config/bench.h"
#include "ports/probe_device.h"
#include "ports/wires_protocol.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* What is wired to the inputs of a virtual probe; a real one's wiring is the user's. */
enum p2p_stand_wiring {
    P2P_STAND_LINES,   /* line 0 to the stimulus input, line 1 to the answer input */
    P2P_STAND_SAME,    /* line 0 to both, by two cables */
    P2P_STAND_SWAPPED, /* line 0 to both, the cables exchanged */
};

struct p2p_probe_stand_setup {
    const struct p2p_bench *bench; /* borrowed */
    int stop_fd;                   /* borrowed; -1: none */
    p2p_probe_edge_fn *on_edge;    /* takes the edges as they come, in order */
    void *user;
    /* Virtual only. */
    enum p2p_stand_wiring wiring;
    uint64_t seed;    /* of the clock's phase and the firmware's run id */
    double drift_ppm; /* makes its clock faster than the bench says */
};

struct p2p_probe_stand;

/* What is known without starting anything: P2P_E_INPUT if the bench's probe is no device, or a file of it is missing.
 */
enum p2p_code p2p_probe_stand_check(const struct p2p_bench *bench, struct p2p_error *error);

/*
 * Starts or opens the probe and asks who it is; `setup` is borrowed for the call. NULL: see `error` (P2P_E_INPUT: there
 * is no such probe). Close with p2p_probe_stand_close.
 */
struct p2p_probe_stand *p2p_probe_stand_open(const struct p2p_probe_stand_setup *setup, struct p2p_error *error);
void p2p_probe_stand_close(struct p2p_probe_stand *stand); /* may be NULL */

/* Not NULL. Valid until close. */
const struct p2p_probe_info *p2p_probe_stand_info(const struct p2p_probe_stand *stand);
/* Its HELLO, STATS and ACK. Borrowed. */
const struct p2p_probe_link *p2p_probe_stand_link(const struct p2p_probe_stand *stand);

/* The probe's time here: virtual nanoseconds, or CLOCK_MONOTONIC. */
uint64_t p2p_probe_stand_now_ns(const struct p2p_probe_stand *stand);

/*
 * Lets some time pass: until `until_ns`, or 50 ms, or, with a real probe, until something comes. P2P_E_INTERRUPTED: the
 * user wants out; once `stop_fd` is read, the call may be made again and goes on where it was.
 */
enum p2p_code p2p_probe_stand_advance(struct p2p_probe_stand *stand, uint64_t until_ns, struct p2p_error *error);

/* Makes the request, or sends the command, and lets time pass until it is settled; the device says when that is late.
 */
enum p2p_code p2p_probe_stand_request(struct p2p_probe_stand *stand, enum p2p_probe_request request,
                                      struct p2p_error *error);
enum p2p_code p2p_probe_stand_command(struct p2p_probe_stand *stand, enum probe_type command, struct p2p_error *error);

/* What will happen on a virtual probe's lines: ascending, not before its present. P2P_E_INPUT: it is a real one. */
enum p2p_code p2p_probe_stand_drive(struct p2p_probe_stand *stand, const struct wires_record *edges, size_t count,
                                    struct p2p_error *error);

#endif
