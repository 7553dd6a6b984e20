/* SPDX-License-Identifier: MIT */
/*
 * A guess at what lies beyond the samples: peaks over a threshold, a generalised Pareto distribution fitted by
 * probability-weighted moments (Hosking and Wallis 1987). Extreme-value fits of latencies are contested: this is
 * advice, and no verdict may rest on it.
 */
#ifndef P2P_STATS_TAIL_H
#define P2P_STATS_TAIL_H

#include "stats/histogram.h"

#include <stdbool.h>
#include <stdint.h>

enum { P2P_TAIL_PEAKS_MIN = 100 }; /* fewer say nothing */

struct p2p_tail {
    bool known;             /* false: too few peaks, or all alike; nothing else is valid */
    uint64_t peaks;         /* samples above the threshold: about the highest hundredth */
    double threshold_ns;    /* the 99 % quantile and half a tick */
    double shape;           /* > 0: heavier than exponential; < 0: it has an end */
    double scale_ns;        /* > 0 */
    double return_level_ns; /* is exceeded with the probability asked for; at or above the threshold */
};

/* In ticks, each `tick_ns` long; nothing corrected. */
void p2p_tail_of(const struct p2p_histogram *histogram, double probability, double tick_ns, struct p2p_tail *tail);

#endif
