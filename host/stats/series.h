/* SPDX-License-Identifier: MIT */
/*
 * The samples of one configuration, boot by boot, and the figures made of them. Memory: two histograms and some 80
 * bytes a boot, however many samples there are.
 */
#ifndef P2P_STATS_SERIES_H
#define P2P_STATS_SERIES_H

#include "stats/figures.h"
#include "stats/tail.h"
#include "stats/uncertainty.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With 95 % confidence the true figure is in here, both ends included. */
struct p2p_interval {
    double low_ns, high_ns;
    bool bounded; /* false: too few samples or boots to say so, and the ends are not valid */
};

/* Figures in nanoseconds. With n == 0 nothing else is valid; with n_warm == 0 warm_max_ns is not. */
struct p2p_stats {
    uint64_t n;      /* samples of all boots */
    uint64_t n_warm; /* samples left after dropping the first `warmup` of each boot */
    double avg_ns;   /* arithmetic mean of all n */
    uint64_t min_ns; /* ticks to ns: rounded half up once, here */
    uint64_t max_ns;
    uint64_t warm_max_ns; /* largest of n_warm: what gates a release */
    uint64_t p50_ns;      /* nearest-rank quantiles of all n */
    uint64_t p99_ns;
    uint64_t p99_9_ns;
    struct p2p_interval avg; /* Student's, of the boots' means: the boot is the replicate. From 2 boots on. */
    struct p2p_interval p50; /* order statistics of all n, as if samples were independent; struct p2p_spread says */
    struct p2p_interval p99; /* how far boots differ */
    struct p2p_interval p99_9;
    double uncertainty_ns;     /* expanded (k = 2), of a single sample: of each figure but the mean */
    double avg_uncertainty_ns; /* expanded (k = 2), of the mean */
    bool below_zero;           /* the correction exceeds the smallest latency by more than its rounding */
};

/* Samples above Tukey's outer fence: flagged and shown, but part of every figure. */
struct p2p_outliers {
    uint64_t count;
    uint64_t fence_ns; /* third quartile + 3 * max(interquartile range, one tick) */
};

struct p2p_series;

/* NULL: out of memory. Free with p2p_series_free. */
struct p2p_series *p2p_series_new(uint32_t warmup);
void p2p_series_free(struct p2p_series *series);

/* The next samples are the first of a fresh boot. False: out of memory; the run is void. */
bool p2p_series_begin_boot(struct p2p_series *series);

/*
 * Into the boot begun last; there is one. False: latency out of the histogram's range or out of memory; the sample is
 * not counted and the run is void.
 */
bool p2p_series_add(struct p2p_series *series, uint64_t latency_ticks);

uint64_t p2p_series_count(const struct p2p_series *series);

/* In all of the following, `tick_hz` > 0, and latencies are corrected by the budget's skew, and not below 0. */
void p2p_series_stats(const struct p2p_series *series, uint64_t tick_hz, const struct p2p_uncertainty *budget,
                      struct p2p_stats *stats);

/* Samples above `over_ns`. */
uint64_t p2p_series_count_above(const struct p2p_series *series, uint64_t over_ns, uint64_t tick_hz,
                                const struct p2p_uncertainty *budget);

void p2p_series_outliers(const struct p2p_series *series, uint64_t tick_hz, const struct p2p_uncertainty *budget,
                         struct p2p_outliers *outliers);

/* Advisory: what latency would be exceeded with `probability` (> 0) if the tail went on as it looks. */
void p2p_series_tail(const struct p2p_series *series, double probability, uint64_t tick_hz,
                     const struct p2p_uncertainty *budget, struct p2p_tail *tail);

/* Boots begun, those without a sample too. */
size_t p2p_series_boot_count(const struct p2p_series *series);

/* `index` from 0, in the order in which they were begun. */
void p2p_series_boot_figures(const struct p2p_series *series, size_t index, uint64_t tick_hz,
                             const struct p2p_uncertainty *budget, struct p2p_boot_figures *figures);

/* Rounded half up; 128-bit inside, so exact for any ticks and hz. */
uint64_t p2p_ticks_to_ns(uint64_t ticks, uint64_t tick_hz);
/* Rounded down. */
uint64_t p2p_ns_to_ticks(uint64_t ns, uint64_t tick_hz);

#endif
