/* SPDX-License-Identifier: MIT */
/* The figures that limits, comparisons and histories are about, and those of a single boot. */
#ifndef P2P_STATS_FIGURES_H
#define P2P_STATS_FIGURES_H

#include <stdint.h>

enum p2p_figure {
    P2P_FIGURE_AVG,
    P2P_FIGURE_P50,
    P2P_FIGURE_P99,
    P2P_FIGURE_P99_9,
    P2P_FIGURE_MAX,
    P2P_FIGURE_WARM_MAX,
    P2P_FIGURE_COUNT,
};

/* "avg", "p50", "p99", "p99_9", "max", "warm_max": as limits are spelled, without their unit. */
const char *p2p_figure_name(enum p2p_figure figure);
/* The reverse; -1 if there is no such figure. */
int p2p_figure_from_name(const char *name);

/*
 * One boot's figures, corrected and rounded as those of struct p2p_stats. With n == 0 nothing else is valid; with
 * n_warm == 0 the WARM_MAX is not.
 */
struct p2p_boot_figures {
    uint64_t n;          /* samples */
    uint64_t n_warm;     /* of them after the warm-up */
    double variance_ns2; /* of the samples, by n - 1; 0 if n == 1 */
    double value_ns[P2P_FIGURE_COUNT];
};

#endif
