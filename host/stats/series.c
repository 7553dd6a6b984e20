/* SPDX-License-Identifier: MIT */
#include "stats/series.h"

#include "stats/beta.h"
#include "stats/histogram.h"
#include "stats/quantile.h"

#include <math.h>
#include <stdlib.h>

#define NS_PER_S   UINT64_C(1000000000)
#define CONFIDENCE 0.95

__extension__ typedef unsigned __int128 uint128;

enum { BOOTS_AT_FIRST = 16 };

/* One boot in ticks. All but what is warm is taken from the histogram when the next boot begins. */
struct boot {
    uint64_t n;
    uint64_t n_warm;
    uint64_t warm_max;
    uint64_t p50, p99, p99_9, max;
    double mean;
    double variance;
};

struct p2p_series {
    struct p2p_histogram *all;
    struct p2p_histogram *latest; /* of boots[boot_count - 1] alone */
    struct boot *boots;
    size_t boot_count;
    size_t boot_capacity;
    uint32_t warmup;
    uint32_t cold_left; /* samples of this boot still to drop from the warm ones */
};

/* How to get from ticks to a figure. */
struct scale {
    uint64_t tick_hz;
    double correction_ns;
};

struct p2p_series *p2p_series_new(uint32_t warmup)
{
    struct p2p_series *series = calloc(1, sizeof *series);

    if (series == NULL) {
        return NULL;
    }
    series->warmup = warmup;
    series->all = p2p_histogram_new();
    series->latest = p2p_histogram_new();
    if (series->all == NULL || series->latest == NULL) {
        p2p_series_free(series);
        return NULL;
    }
    return series;
}

void p2p_series_free(struct p2p_series *series)
{
    if (series == NULL) {
        return;
    }
    p2p_histogram_free(series->all);
    p2p_histogram_free(series->latest);
    free(series->boots);
    free(series);
}

/* The boot with all of its figures; only the latest has to be completed. */
static struct boot whole_boot(const struct p2p_series *series, size_t index)
{
    struct boot boot = series->boots[index];

    if (index + 1 == series->boot_count) {
        boot.n = p2p_histogram_count(series->latest);
        boot.p50 = p2p_histogram_quantile(series->latest, 1, 2);
        boot.p99 = p2p_histogram_quantile(series->latest, 99, 100);
        boot.p99_9 = p2p_histogram_quantile(series->latest, 999, 1000);
        boot.max = p2p_histogram_max(series->latest);
        boot.mean = p2p_histogram_mean(series->latest);
        boot.variance = p2p_histogram_variance(series->latest);
    }
    return boot;
}

bool p2p_series_begin_boot(struct p2p_series *series)
{
    if (series->boot_count == series->boot_capacity) {
        size_t capacity = series->boot_capacity > 0 ? 2 * series->boot_capacity : BOOTS_AT_FIRST;
        struct boot *boots = realloc(series->boots, capacity * sizeof *boots);

        if (boots == NULL) {
            return false;
        }
        series->boots = boots;
        series->boot_capacity = capacity;
    }
    if (series->boot_count > 0) {
        series->boots[series->boot_count - 1] = whole_boot(series, series->boot_count - 1);
    }
    series->boots[series->boot_count++] = (struct boot){0};
    series->cold_left = series->warmup;
    p2p_histogram_clear(series->latest);
    return true;
}

bool p2p_series_add(struct p2p_series *series, uint64_t latency_ticks)
{
    struct boot *boot = &series->boots[series->boot_count - 1];

    if (!p2p_histogram_add(series->latest, latency_ticks)) {
        return false;
    }
    if (!p2p_histogram_add(series->all, latency_ticks)) {
        p2p_histogram_take_back(series->latest, latency_ticks);
        return false;
    }
    if (series->cold_left > 0) {
        series->cold_left--;
        return true;
    }
    boot->n_warm++;
    if (latency_ticks > boot->warm_max) {
        boot->warm_max = latency_ticks;
    }
    return true;
}

uint64_t p2p_series_count(const struct p2p_series *series)
{
    return p2p_histogram_count(series->all);
}

size_t p2p_series_boot_count(const struct p2p_series *series)
{
    return series->boot_count;
}

static struct scale scale_of(uint64_t tick_hz, const struct p2p_uncertainty *budget)
{
    return (struct scale){.tick_hz = tick_hz, .correction_ns = budget->skew_correction_ns};
}

/* Without a correction exact; with one, to double's 53 bits: it is an estimate itself. */
static uint64_t corrected_ns(uint64_t ticks, struct scale scale)
{
    double ns;

    if (scale.correction_ns == 0) {
        return p2p_ticks_to_ns(ticks, scale.tick_hz);
    }
    ns = (double)ticks * (double)NS_PER_S / (double)scale.tick_hz - scale.correction_ns;
    return ns > 0 ? (uint64_t)(ns + 0.5) : 0;
}

static double corrected_mean_ns(double mean_ticks, struct scale scale)
{
    double ns = mean_ticks * (double)NS_PER_S / (double)scale.tick_hz - scale.correction_ns;

    return ns > 0 ? ns : 0;
}

void p2p_series_boot_figures(const struct p2p_series *series, size_t index, uint64_t tick_hz,
                             const struct p2p_uncertainty *budget, struct p2p_boot_figures *figures)
{
    const struct boot boot = whole_boot(series, index);
    const struct scale scale = scale_of(tick_hz, budget);
    const double tick_ns = (double)NS_PER_S / (double)tick_hz;

    *figures = (struct p2p_boot_figures){
        .n = boot.n,
        .n_warm = boot.n_warm,
        .variance_ns2 = boot.variance * tick_ns * tick_ns,
        .value_ns =
            {
                [P2P_FIGURE_AVG] = corrected_mean_ns(boot.mean, scale),
                [P2P_FIGURE_P50] = (double)corrected_ns(boot.p50, scale),
                [P2P_FIGURE_P99] = (double)corrected_ns(boot.p99, scale),
                [P2P_FIGURE_P99_9] = (double)corrected_ns(boot.p99_9, scale),
                [P2P_FIGURE_MAX] = (double)corrected_ns(boot.max, scale),
                [P2P_FIGURE_WARM_MAX] = (double)corrected_ns(boot.warm_max, scale),
            },
    };
}

static struct p2p_interval quantile_interval(const struct p2p_histogram *histogram, uint32_t numerator,
                                             uint32_t denominator, struct scale scale)
{
    struct p2p_interval interval = {0};
    uint64_t low_rank, high_rank;

    interval.bounded =
        p2p_quantile_ranks(p2p_histogram_count(histogram), numerator, denominator, CONFIDENCE, &low_rank, &high_rank);
    if (interval.bounded) {
        interval.low_ns = (double)corrected_ns(p2p_histogram_at_rank(histogram, low_rank), scale);
        interval.high_ns = (double)corrected_ns(p2p_histogram_at_rank(histogram, high_rank), scale);
    }
    return interval;
}

/* Student's t, two-sided: |t| of v degrees of freedom is below it with CONFIDENCE. */
static double student_t(double v)
{
    double x = p2p_beta_quantile(v / 2, 0.5, 1 - CONFIDENCE);

    return sqrt(v * (1 - x) / x);
}

static struct p2p_interval mean_interval(const struct p2p_series *series, struct scale scale)
{
    const double tick_ns = (double)NS_PER_S / (double)scale.tick_hz;
    struct p2p_interval interval = {0};
    double mean = 0, squares = 0, k = 0;

    for (size_t i = 0; i < series->boot_count; i++) { /* Welford's way: boots that agree have no variance at all */
        const struct boot boot = whole_boot(series, i);
        double distance = boot.mean - mean;

        if (boot.n > 0) {
            k++;
            mean += distance / k;
            squares += distance * (boot.mean - mean);
        }
    }
    interval.bounded = k > 1;
    if (interval.bounded) {
        const double half_ns = student_t(k - 1) * sqrt(squares / (k - 1) / k) * tick_ns;
        const double mean_ns = mean * tick_ns - scale.correction_ns;

        interval.low_ns = fmax(mean_ns - half_ns, 0);
        interval.high_ns = fmax(mean_ns + half_ns, 0);
    }
    return interval;
}

static void take_warm(const struct p2p_series *series, struct scale scale, struct p2p_stats *stats)
{
    uint64_t warm_max = 0;

    for (size_t i = 0; i < series->boot_count; i++) {
        const struct boot *boot = &series->boots[i];

        stats->n_warm += boot->n_warm;
        warm_max = boot->warm_max > warm_max ? boot->warm_max : warm_max;
    }
    stats->warm_max_ns = corrected_ns(warm_max, scale);
}

void p2p_series_stats(const struct p2p_series *series, uint64_t tick_hz, const struct p2p_uncertainty *budget,
                      struct p2p_stats *stats)
{
    const struct p2p_histogram *all = series->all;
    const struct scale scale = scale_of(tick_hz, budget);

    *stats = (struct p2p_stats){
        .n = p2p_histogram_count(all),
        .avg_ns = corrected_mean_ns(p2p_histogram_mean(all), scale),
        .min_ns = corrected_ns(p2p_histogram_min(all), scale),
        .max_ns = corrected_ns(p2p_histogram_max(all), scale),
        .p50_ns = corrected_ns(p2p_histogram_quantile(all, 1, 2), scale),
        .p99_ns = corrected_ns(p2p_histogram_quantile(all, 99, 100), scale),
        .p99_9_ns = corrected_ns(p2p_histogram_quantile(all, 999, 1000), scale),
        .avg = mean_interval(series, scale),
        .p50 = quantile_interval(all, 1, 2, scale),
        .p99 = quantile_interval(all, 99, 100, scale),
        .p99_9 = quantile_interval(all, 999, 1000, scale),
    };
    take_warm(series, scale, stats);
    stats->below_zero =
        stats->n > 0 && (double)(p2p_histogram_min(all) + 1) * (double)NS_PER_S / (double)tick_hz < scale.correction_ns;
    if (stats->n > 0) { /* of the largest: the timebase's part grows with the latency */
        stats->uncertainty_ns = p2p_uncertainty_of_sample_ns(budget, (double)stats->max_ns);
        stats->avg_uncertainty_ns = p2p_uncertainty_of_mean_ns(budget, stats->avg_ns, stats->n);
    }
}

struct above {
    struct scale scale;
    uint64_t over_ns;
    uint64_t count;
};

static void count_above(void *user, uint64_t value, uint64_t count)
{
    struct above *above = user;

    if (corrected_ns(value, above->scale) > above->over_ns) {
        above->count += count;
    }
}

uint64_t p2p_series_count_above(const struct p2p_series *series, uint64_t over_ns, uint64_t tick_hz,
                                const struct p2p_uncertainty *budget)
{
    struct above above = {.scale = scale_of(tick_hz, budget), .over_ns = over_ns};

    p2p_histogram_each(series->all, count_above, &above);
    return above.count;
}

void p2p_series_outliers(const struct p2p_series *series, uint64_t tick_hz, const struct p2p_uncertainty *budget,
                         struct p2p_outliers *outliers)
{
    const uint64_t q1 = p2p_histogram_quantile(series->all, 1, 4);
    const uint64_t q3 = p2p_histogram_quantile(series->all, 3, 4);
    const uint64_t range = q3 > q1 ? q3 - q1 : 1;

    outliers->fence_ns = corrected_ns(q3 + 3 * range, scale_of(tick_hz, budget));
    outliers->count = p2p_series_count_above(series, outliers->fence_ns, tick_hz, budget);
}

void p2p_series_tail(const struct p2p_series *series, double probability, uint64_t tick_hz,
                     const struct p2p_uncertainty *budget, struct p2p_tail *tail)
{
    p2p_tail_of(series->all, probability, (double)NS_PER_S / (double)tick_hz, tail);
    tail->threshold_ns -= budget->skew_correction_ns;
    tail->return_level_ns -= budget->skew_correction_ns;
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
