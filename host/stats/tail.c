/* SPDX-License-Identifier: MIT */
#include "stats/tail.h"

#include <math.h>

#define HALF 0.5 /* ticks: a value stands for what was rounded to it, so peaks begin half way to the next */

/* Sums over the values above a quantile, in ascending order. */
struct peaks {
    uint64_t quantile;
    uint64_t n;
    uint64_t ahead;  /* of them visited so far */
    double sum;      /* of the excesses over the threshold */
    double weighted; /* of each excess, times how many peaks are at or above it in order */
};

static void count_peak(void *user, uint64_t value, uint64_t count)
{
    struct peaks *peaks = user;

    if (value > peaks->quantile) {
        peaks->n += count;
    }
}

static void add_peak(void *user, uint64_t value, uint64_t count)
{
    struct peaks *peaks = user;
    const double excess = (double)value - (double)peaks->quantile - HALF;
    const double n = (double)count;

    if (value > peaks->quantile) {
        const double after_first = (double)(peaks->n - peaks->ahead - 1);

        peaks->sum += n * excess;
        peaks->weighted += excess * n * (after_first - (n - 1) / 2); /* of `count` equal ones: their mean */
        peaks->ahead += count;
    }
}

void p2p_tail_of(const struct p2p_histogram *histogram, double probability, double tick_ns, struct p2p_tail *tail)
{
    struct peaks peaks = {.quantile = p2p_histogram_quantile(histogram, 99, 100)};
    double a0, a1, ratio;

    *tail = (struct p2p_tail){0};
    p2p_histogram_each(histogram, count_peak, &peaks);
    if (peaks.n < P2P_TAIL_PEAKS_MIN) {
        return;
    }
    p2p_histogram_each(histogram, add_peak, &peaks);
    a0 = peaks.sum / (double)peaks.n;
    a1 = peaks.weighted / (double)peaks.n / (double)(peaks.n - 1);
    if (a0 - 2 * a1 <= 0) { /* all alike */
        return;
    }
    tail->known = true;
    tail->peaks = peaks.n;
    tail->threshold_ns = ((double)peaks.quantile + HALF) * tick_ns;
    tail->shape = 2 - a0 / (a0 - 2 * a1);
    tail->scale_ns = 2 * a0 * a1 / (a0 - 2 * a1) * tick_ns;
    ratio = fmax((double)peaks.n / (double)p2p_histogram_count(histogram) / probability, 1);
    tail->return_level_ns =
        tail->threshold_ns +
        tail->scale_ns * (fabs(tail->shape) < 1e-9 ? log(ratio) : expm1(tail->shape * log(ratio)) / tail->shape);
}
