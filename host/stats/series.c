/* SPDX-License-Identifier: MIT */
#include "stats/series.h"

#include "stats/histogram.h"

#include <stdlib.h>

#define NS_PER_S UINT64_C(1000000000)

__extension__ typedef unsigned __int128 uint128;

struct p2p_series {
    struct p2p_histogram *histogram;
    uint64_t n_warm;
    uint64_t warm_max_ticks;
    uint32_t warmup;
    uint32_t cold_left; /* samples of this boot still to drop from the warm ones */
};

struct p2p_series *p2p_series_new(uint32_t warmup)
{
    struct p2p_series *series = calloc(1, sizeof *series);

    if (series == NULL) {
        return NULL;
    }
    series->histogram = p2p_histogram_new();
    if (series->histogram == NULL) {
        free(series);
        return NULL;
    }
    series->warmup = warmup;
    p2p_series_begin_boot(series);
    return series;
}

void p2p_series_free(struct p2p_series *series)
{
    if (series == NULL) {
        return;
    }
    p2p_histogram_free(series->histogram);
    free(series);
}

void p2p_series_begin_boot(struct p2p_series *series)
{
    series->cold_left = series->warmup;
}

bool p2p_series_add(struct p2p_series *series, uint64_t latency_ticks)
{
    if (!p2p_histogram_add(series->histogram, latency_ticks)) {
        return false;
    }
    if (series->cold_left > 0) {
        series->cold_left--;
        return true;
    }
    series->n_warm++;
    if (latency_ticks > series->warm_max_ticks) {
        series->warm_max_ticks = latency_ticks;
    }
    return true;
}

uint64_t p2p_series_count(const struct p2p_series *series)
{
    return p2p_histogram_count(series->histogram);
}

/* Without a correction exact; with one, to double's 53 bits: it is an estimate itself. */
static uint64_t corrected_ns(uint64_t ticks, uint64_t tick_hz, double correction_ns)
{
    double ns;

    if (correction_ns == 0) {
        return p2p_ticks_to_ns(ticks, tick_hz);
    }
    ns = (double)ticks * (double)NS_PER_S / (double)tick_hz - correction_ns;
    return ns > 0 ? (uint64_t)(ns + 0.5) : 0;
}

void p2p_series_stats(const struct p2p_series *series, uint64_t tick_hz, const struct p2p_uncertainty *budget,
                      struct p2p_stats *stats)
{
    const struct p2p_histogram *histogram = series->histogram;
    double correction_ns = budget->skew_correction_ns;
    double mean_ns = p2p_histogram_mean(histogram) * (double)NS_PER_S / (double)tick_hz - correction_ns;

    *stats = (struct p2p_stats){
        .n = p2p_histogram_count(histogram),
        .n_warm = series->n_warm,
        .avg_ns = mean_ns > 0 ? mean_ns : 0,
        .min_ns = corrected_ns(p2p_histogram_min(histogram), tick_hz, correction_ns),
        .max_ns = corrected_ns(p2p_histogram_max(histogram), tick_hz, correction_ns),
        .warm_max_ns = corrected_ns(series->warm_max_ticks, tick_hz, correction_ns),
        .p50_ns = corrected_ns(p2p_histogram_quantile(histogram, 1, 2), tick_hz, correction_ns),
        .p99_ns = corrected_ns(p2p_histogram_quantile(histogram, 99, 100), tick_hz, correction_ns),
        .p99_9_ns = corrected_ns(p2p_histogram_quantile(histogram, 999, 1000), tick_hz, correction_ns),
    };
    stats->below_zero =
        stats->n > 0 && (double)(p2p_histogram_min(histogram) + 1) * (double)NS_PER_S / (double)tick_hz < correction_ns;
    if (stats->n > 0) { /* of the largest: the timebase's part grows with the latency */
        stats->uncertainty_ns = p2p_uncertainty_of_sample_ns(budget, (double)stats->max_ns);
        stats->avg_uncertainty_ns = p2p_uncertainty_of_mean_ns(budget, stats->avg_ns, stats->n);
    }
}

/* A result beyond 64 bits saturates: wrapped round, it could pass a limit. */
static uint64_t saturate(uint128 value)
{
    return value > UINT64_MAX ? UINT64_MAX : (uint64_t)value;
}

uint64_t p2p_ticks_to_ns(uint64_t ticks, uint64_t tick_hz)
{
    return saturate(((uint128)ticks * NS_PER_S + tick_hz / 2) / tick_hz);
}

uint64_t p2p_ns_to_ticks(uint64_t ns, uint64_t tick_hz)
{
    return saturate((uint128)ns * tick_hz / NS_PER_S);
}
