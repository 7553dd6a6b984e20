/* SPDX-License-Identifier: MIT */
/*
 * Where did a series of nights change? E-divisive (Matteson and James 2014): the split with the largest energy distance
 * between both sides is a change if a permutation test says so; then each side is looked at alone. No distribution
 * is assumed. The permutations are seeded: the same series gives the same points.
 */
#ifndef P2P_STATS_CHANGE_POINTS_H
#define P2P_STATS_CHANGE_POINTS_H

#include <stddef.h>
#include <stdint.h>

enum { P2P_CHANGE_POINTS_SEGMENT_MIN = 3 }; /* values on either side of a change */

#define P2P_CHANGE_POINTS_FAILED SIZE_MAX /* out of memory */

/*
 * Puts the index of the first value after each change into `points`, ascending, at most `capacity`; returns how many
 * there are. `alpha` (0..1, exclusive): how often a series without any change may show one. It takes some 5 / alpha *
 * count^2 steps a change, and much fewer without one.
 */
size_t p2p_change_points(const double *series, size_t count, double alpha, uint64_t seed, size_t *points,
                         size_t capacity);

#endif
