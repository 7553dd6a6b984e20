/* SPDX-License-Identifier: MIT */
/*
 * The uncertainty of a latency, after the "Guide to the Expression of Uncertainty in Measurement" (JCGM 100) and the
 * manner of the HP 53131A's manual: a budget of standard uncertainties, combined as root sum of squares, expanded with
 * k = 2 (about 95 %). docs/uncertainty.md says where each figure comes from.
 */
#ifndef P2P_STATS_UNCERTAINTY_H
#define P2P_STATS_UNCERTAINTY_H

#include <stdbool.h>
#include <stdint.h>

/* Standard uncertainties (k = 1); all zero for the ideal probe. */
struct p2p_uncertainty {
    double quantisation_ns; /* of one sample: both edges are rounded to a tick */
    double skew_ns;         /* left after the correction below; all of it if there is no calibration */
    double trigger_ns;      /* of one sample: noise at the threshold */
    double timebase_ppm;    /* of the clock's rate: of the latency itself, as a part of it */
    /* The correction: subtracted from every latency. Answer channel minus stimulus channel; 0 without calibration. */
    double skew_correction_ns;
};

/* Two independent roundings to `resolution_ticks` of a clock of `tick_hz`: triangular, half-width one resolution. */
double p2p_quantisation_ns(uint64_t resolution_ticks, uint64_t tick_hz);

/* Expanded (k = 2) uncertainty of one latency of `latency_ns`. */
double p2p_uncertainty_of_sample_ns(const struct p2p_uncertainty *budget, double latency_ns);

/* The same of the mean of `n` (> 0) latencies: what is random shrinks with the root of n, the rest does not. */
double p2p_uncertainty_of_mean_ns(const struct p2p_uncertainty *budget, double mean_ns, uint64_t n);

/* Whether both say the same of every latency, to the last bit. */
bool p2p_uncertainty_is_same(const struct p2p_uncertainty *a, const struct p2p_uncertainty *b);

#endif
