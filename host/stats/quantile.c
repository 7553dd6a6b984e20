/* SPDX-License-Identifier: MIT */
#include "stats/quantile.h"

#include "stats/binomial.h"

/* The least k in 1..n + 1 with P(at least k of n) <= tail. */
static uint64_t tail_begins(double tail, uint64_t n, double probability)
{
    uint64_t low = 0, high = n + 1; /* before the tail; in it */

    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (p2p_binomial_at_least(middle, n, probability) <= tail) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

/* The number of samples below the true quantile is binomial: the ranks are where its tails end. */
bool p2p_quantile_ranks(uint64_t n, uint32_t numerator, uint32_t denominator, double confidence, uint64_t *low_rank,
                        uint64_t *high_rank)
{
    const double tail = (1 - confidence) / 2;
    const double below = (double)numerator / (double)denominator;
    const double above = (double)(denominator - numerator) / (double)denominator;
    const uint64_t from_top = tail_begins(tail, n, above);

    *high_rank = tail_begins(tail, n, below);
    *low_rank = n + 1 - from_top; /* counted from the largest: the same question turned round */
    return *high_rank <= n && *low_rank >= 1;
}
