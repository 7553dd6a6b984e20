/* SPDX-License-Identifier: MIT */
/*
 * The probe without its chip: the firmware's own core (firmware/core), shown edges at times of the bench. Its counters'
 * words are made as the hardware would make them, and its bytes leave at the UART's rate.
 */
#ifndef P2P_TESTS_SESSION_SIMULATED_PROBE_H
#define P2P_TESTS_SESSION_SIMULATED_PROBE_H

#include "capture/edge.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SIMULATED_CLK_HZ = 125000000, SIMULATED_TICK_NS = 8 };

/* What it was doing before the bench's time 0. */
enum simulated_past { SIMULATED_POWERED_ON, SIMULATED_IDLE, SIMULATED_LEFT_ARMED, SIMULATED_PASTS };

struct simulated_probe;

/* NULL never: a test without memory ends. Free with simulated_probe_free. */
struct simulated_probe *simulated_probe_new(enum simulated_past past, uint32_t run_id);
void simulated_probe_free(struct simulated_probe *probe);

/* Its firmware starts anew: another run, time from 0, and what it had not sent is lost. */
void simulated_probe_reset(struct simulated_probe *probe, uint64_t now_ns, uint32_t run_id);

/* An edge on its pin, ascending, not before the last round. */
void simulated_probe_edge(struct simulated_probe *probe, uint64_t at_ns, enum p2p_channel channel, uint8_t level);
void simulated_probe_receive(struct simulated_probe *probe, const uint8_t *bytes, size_t count, uint64_t now_ns);
/* One round of the firmware's main loop; returns how many bytes have left, at most `capacity`. */
size_t simulated_probe_round(struct simulated_probe *probe, uint64_t now_ns, uint8_t *bytes, size_t capacity);

/* The truth: what happened from ARM to STOP, in ticks. Of the run of the firmware that saw any. */
const struct p2p_edge *simulated_probe_measured(struct simulated_probe *probe, size_t *count);

#endif
