/* SPDX-License-Identifier: MIT */
/*
 * How far do two groups of values differ, and could chance alone do that? Of boots, not of samples: the values have to
 * be independent of each other. By ranks (Mann and Whitney, Hodges and Lehmann): no distribution is assumed.
 */
#ifndef P2P_STATS_DIFFERENCE_H
#define P2P_STATS_DIFFERENCE_H

#include <stdbool.h>
#include <stddef.h>

struct p2p_difference {
    double shift;     /* of b against a, after Hodges and Lehmann: the median over all pairs of b - a, or of b / a */
    double low, high; /* its interval; with ties wider than it had to be */
    bool bounded;     /* false: too few values for this confidence, and the ends are not valid */
    double p;         /* Mann and Whitney's, two-sided: small if chance hardly explains it */
    double p_least;   /* the least that so many values can give */
};

/* `a_count` and `b_count` > 0. False: out of memory. */
bool p2p_difference_of(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                       struct p2p_difference *difference);

/* The same of b / a; all values > 0. Where each group has but one value, the ratio is exactly theirs. */
bool p2p_ratio_of(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                  struct p2p_difference *ratio);

#endif
