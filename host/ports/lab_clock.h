/* SPDX-License-Identifier: MIT */
/*
 * The clock of a lab bench, for one thread: CLOCK_MONOTONIC from when it was made. While time passes it drives the
 * stimulus' edges, takes in what the probe sends, and looks at the console. It sleeps until 50 us before an edge and
 * then spins; 200 us before an edge it begins nothing else.
 *
 * Bench time never runs ahead of an edge that still waits: when this computer is late, bench time stands until the
 * edge is played. So who waits for a bench time knows that all edges from before have been played.
 */
#ifndef P2P_PORTS_LAB_CLOCK_H
#define P2P_PORTS_LAB_CLOCK_H

#include "ports/gpiod_stimulus.h"
#include "ports/ports.h"
#include "ports/probe_device.h"
#include "ports/stream_console.h"

#include <stdbool.h>

struct p2p_lab_clock;

/*
 * `realtime` asks for SCHED_FIFO at priority 10 (children do not inherit it) and for memory locked as it is now, both
 * until the clock is freed. It needs CAP_SYS_NICE and CAP_IPC_LOCK, or the limits rtprio and memlock; without them all
 * goes on, and p2p_lab_clock_refused says so. `stop_fd`: readable when the user wants out, or -1; borrowed. NULL: out
 * of memory. Free with p2p_lab_clock_free.
 */
struct p2p_lab_clock *p2p_lab_clock_new(int stop_fd, bool realtime);
void p2p_lab_clock_free(struct p2p_lab_clock *clock); /* may be NULL */

/* What was asked for and refused, for the report of the achieved schedule: "SCHED_FIFO: ..."; "": nothing. */
const char *p2p_lab_clock_refused(const struct p2p_lab_clock *clock);

/* Borrowed until the next call; each may be missing (NULL). */
void p2p_lab_clock_attach(struct p2p_lab_clock *clock, struct p2p_probe_device *device,
                          struct p2p_stream_console *console, struct p2p_gpiod_stimulus *stimulus);

/* Time that nothing makes stand: for the stimulus, and for a probe's device, which tells a silent probe by it. */
uint64_t p2p_lab_clock_real_ns(void *self);

/* `advance` returns after 20 ms at the latest, so that ports are read. */
struct p2p_clock p2p_lab_clock_port(struct p2p_lab_clock *clock);

#endif
