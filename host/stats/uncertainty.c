/* SPDX-License-Identifier: MIT */
#include "stats/uncertainty.h"

#include <math.h>

#define COVERAGE 2.0 /* k: about 95 % */
#define PPM      1e-6
#define NS_PER_S 1e9

static double square(double value)
{
    return value * value;
}

/* A triangle of half-width a has the variance a^2 / 6. */
double p2p_quantisation_ns(uint64_t resolution_ticks, uint64_t tick_hz)
{
    return (double)resolution_ticks * NS_PER_S / (double)tick_hz / sqrt(6);
}

double p2p_uncertainty_of_sample_ns(const struct p2p_uncertainty *budget, double latency_ns)
{
    return p2p_uncertainty_of_mean_ns(budget, latency_ns, 1);
}

double p2p_uncertainty_of_mean_ns(const struct p2p_uncertainty *budget, double mean_ns, uint64_t n)
{
    double random = square(budget->quantisation_ns) + square(budget->trigger_ns);
    double systematic = square(budget->skew_ns) + square(budget->timebase_ppm * PPM * mean_ns);

    return COVERAGE * sqrt(random / (double)n + systematic);
}

bool p2p_uncertainty_is_same(const struct p2p_uncertainty *a, const struct p2p_uncertainty *b)
{
    return a->quantisation_ns == b->quantisation_ns && a->skew_ns == b->skew_ns && a->trigger_ns == b->trigger_ns &&
           a->timebase_ppm == b->timebase_ppm && a->skew_correction_ns == b->skew_correction_ns;
}
