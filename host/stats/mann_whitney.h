/* SPDX-License-Identifier: MIT */
/*
 * Could chance alone have ranked two groups of independent values as they are? Mann and Whitney (1947). No distribution
 * is assumed.
 */
#ifndef P2P_STATS_MANN_WHITNEY_H
#define P2P_STATS_MANN_WHITNEY_H

#include <stdbool.h>
#include <stddef.h>

/* Up to so many values in both groups together all is exact; with more, ranks are taken for normal. */
enum { P2P_MANN_WHITNEY_EXACT_MAX = 100 };

/* Two-sided, ties by midranks. Both counts > 0, here and below. False: out of memory. */
bool p2p_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count, double *p);

/* The least p that so many values can give: with it, group a lies beyond group b as a whole. */
double p2p_mann_whitney_least(size_t a_count, size_t b_count);

/*
 * Of the a_count * b_count pairs, sorted by how far b is from a, the *k-th and the *k-th last hold the true shift with
 * this confidence. *k is 0 if all of them are too few for it. False: out of memory.
 */
bool p2p_mann_whitney_rank(size_t a_count, size_t b_count, double confidence, size_t *k);

#endif
