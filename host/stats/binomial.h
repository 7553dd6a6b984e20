/* SPDX-License-Identifier: MIT */
/*
 * How rare is what was seen `k` times in `n` independent trials? One-sided exact bounds after Clopper and Pearson
 * (1934): too wide rather than too narrow.
 */
#ifndef P2P_STATS_BINOMIAL_H
#define P2P_STATS_BINOMIAL_H

#include <stdint.h>

/* With `confidence` (0..1, exclusive) the probability is at most, or at least, this. k <= n; n == 0: 1 and 0. */
double p2p_binomial_upper(uint64_t k, uint64_t n, double confidence);
double p2p_binomial_lower(uint64_t k, uint64_t n, double confidence);

/* P(at least `k` in `n` trials of `probability`); k <= n. */
double p2p_binomial_at_least(uint64_t k, uint64_t n, double probability);

/*
 * The least n for which the upper bound of `k` occurrences is at or below `probability` (0..1, exclusive): how long to
 * measure if no more occurred. UINT64_MAX: more than 2^53.
 */
uint64_t p2p_binomial_samples_needed(uint64_t k, double probability, double confidence);

#endif
