/* SPDX-License-Identifier: MIT */
/* The samples of one configuration over its boots, and the figures made of them. */
#ifndef P2P_STATS_SERIES_H
#define P2P_STATS_SERIES_H

#include "stats/uncertainty.h"

#include <stdbool.h>
#include <stdint.h>

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
    double uncertainty_ns;     /* expanded (k = 2), of a single sample: of each figure but the mean */
    double avg_uncertainty_ns; /* expanded (k = 2), of the mean */
    bool below_zero;           /* the correction exceeds the smallest latency by more than its rounding */
};

struct p2p_series;

/* NULL: out of memory. Free with p2p_series_free. */
struct p2p_series *p2p_series_new(uint32_t warmup);
void p2p_series_free(struct p2p_series *series);

/* The next samples are the first of a fresh boot. */
void p2p_series_begin_boot(struct p2p_series *series);

/* False: latency out of the histogram's range or out of memory; the sample is not counted and the run is void. */
bool p2p_series_add(struct p2p_series *series, uint64_t latency_ticks);

uint64_t p2p_series_count(const struct p2p_series *series);

/* `tick_hz` > 0. Each figure is corrected by the budget's skew, and not below 0. */
void p2p_series_stats(const struct p2p_series *series, uint64_t tick_hz, const struct p2p_uncertainty *budget,
                      struct p2p_stats *stats);

/* Rounded half up; 128-bit inside, so exact for any ticks and hz. */
uint64_t p2p_ticks_to_ns(uint64_t ticks, uint64_t tick_hz);
/* Rounded down. */
uint64_t p2p_ns_to_ticks(uint64_t ns, uint64_t tick_hz);

#endif
