/* SPDX-License-Identifier: MIT */
/* The interval of a quantile by order statistics: exact for independent samples of any distribution whatever. */
#ifndef P2P_STATS_QUANTILE_H
#define P2P_STATS_QUANTILE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * With `confidence` the true quantile numerator / denominator (between 0 and 1, exclusive) is between the low-th and
 * the high-th smallest of `n` samples (ranks from 1), each side missing it with at most half of the rest. False: n is
 * too small for that, and the ranks are not valid.
 */
bool p2p_quantile_ranks(uint64_t n, uint32_t numerator, uint32_t denominator, double confidence, uint64_t *low_rank,
                        uint64_t *high_rank);

#endif
