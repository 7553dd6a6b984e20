/* SPDX-License-Identifier: MIT */
/*
 * The rate of the probe's clock against a reference of known period (1PPS, 10 kHz) on the stimulus input. Pure: edges
 * in, one figure out; one pass, constant memory.
 *
 * The line of least squares through all edges. An edge that did not come shows as an interval of several periods: it
 * is counted and costs nothing, as the line knows how many periods have gone by. Refused are more than one missing in a
 * hundred, a gap of more than 10 periods, and an interval more than a tenth of a period off: that is no such reference.
 */
#ifndef P2P_CALIBRATION_RATE_H
#define P2P_CALIBRATION_RATE_H

#include "capture/edge.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

enum { P2P_RATE_EDGES_MIN = 10, P2P_RATE_PPM_MAX = 1000 };

struct p2p_rate_setup {
    uint64_t tick_hz;          /* the clock's nominal rate, > 0 */
    uint64_t resolution_ticks; /* > 0 */
    double period_ns;          /* the reference's: at least 20 resolutions, at most 10 s */
    double reference_u_ppm;    /* standard uncertainty of that period, 0..P2P_RATE_PPM_MAX */
};

/* What the file of a calibration keeps. */
struct p2p_rate_result {
    double ppm;   /* > 0: the clock runs fast, and latencies read too long */
    double u_ppm; /* standard: scatter, quantisation, reference */
    double period_ns;
    double reference_u_ppm;
    uint64_t n;       /* edges seen; 0: not measured */
    uint64_t missing; /* edges that the intervals show to have been there */
    double seconds;   /* first to last edge, in whole periods of the reference */
};

struct p2p_rate;

/* NULL: see `error`; P2P_E_INPUT if the setup breaks a rule. Free with p2p_rate_free. */
struct p2p_rate *p2p_rate_new(const struct p2p_rate_setup *setup, struct p2p_error *error);
void p2p_rate_free(struct p2p_rate *rate); /* may be NULL */

/* Rising edges of the stimulus channel count, in order; all others are passed over, flagged ones too: they are gaps. */
void p2p_rate_feed(struct p2p_rate *rate, const struct p2p_edge *edges, size_t count);

/* No more edges come. P2P_E_BENCH: fewer than P2P_RATE_EDGES_MIN, one of the above, or P2P_RATE_PPM_MAX exceeded. */
enum p2p_code p2p_rate_finish(const struct p2p_rate *rate, struct p2p_rate_result *result, struct p2p_error *error);

#endif
