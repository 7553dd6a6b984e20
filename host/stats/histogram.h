/* SPDX-License-Identifier: MIT */
/*
 * Exact counting histogram: one 64-bit counter for each value, no bucketing, nothing rounded. Counters come in pages
 * that are allocated when first hit, so memory follows the spread of the values, not their number (latencies under
 * 2^16 ticks: at most 512 KiB).
 */
#ifndef P2P_STATS_HISTOGRAM_H
#define P2P_STATS_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

#define P2P_HISTOGRAM_VALUE_LIMIT (UINT64_C(1) << 32) /* values are below this: 4.29 s at 1 GHz */

struct p2p_histogram;

struct p2p_histogram *p2p_histogram_new(void); /* NULL: out of memory. Free with p2p_histogram_free. */
void p2p_histogram_free(struct p2p_histogram *histogram);

/* False, with nothing counted: `value` is at or above the limit, or out of memory. */
bool p2p_histogram_add(struct p2p_histogram *histogram, uint64_t value);

/* Undoes one p2p_histogram_add of this value. */
void p2p_histogram_take_back(struct p2p_histogram *histogram, uint64_t value);

/* Empties it; the room stays. */
void p2p_histogram_clear(struct p2p_histogram *histogram);

uint64_t p2p_histogram_count(const struct p2p_histogram *histogram);
uint64_t p2p_histogram_min(const struct p2p_histogram *histogram); /* 0 when empty */
uint64_t p2p_histogram_max(const struct p2p_histogram *histogram); /* 0 when empty */
double p2p_histogram_mean(const struct p2p_histogram *histogram);  /* arithmetic; NaN when empty */
/* By count - 1; 0 with fewer than two values. */
double p2p_histogram_variance(const struct p2p_histogram *histogram);

/* The rank-th smallest of all values recorded, from 1; 0 when empty. */
uint64_t p2p_histogram_at_rank(const struct p2p_histogram *histogram, uint64_t rank);

/*
 * Nearest-rank quantile: the smallest recorded value with at least ceil(count * numerator / denominator) values at or
 * below it. 0 < numerator <= denominator <= 10^6. 0 when empty.
 */
uint64_t p2p_histogram_quantile(const struct p2p_histogram *histogram, uint32_t numerator, uint32_t denominator);

typedef void p2p_histogram_fn(void *user, uint64_t value, uint64_t count);
/* Ascending, only values that occurred. */
void p2p_histogram_each(const struct p2p_histogram *histogram, p2p_histogram_fn *visit, void *user);

#endif
