/* SPDX-License-Identifier: MIT */
/*
 * Several figures of the same boots are no independent questions: what one of them says, the others mostly say too. So
 * they are tested together, after Westfall and Young (1993): boots, whole, are exchanged between the groups, and each
 * figure's rank sum is held against the largest that any figure then has. A correction for so many independent
 * questions (holm.h) would miss what this finds.
 */
#ifndef P2P_STATS_JOINT_H
#define P2P_STATS_JOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    P2P_JOINT_FIGURES_MAX = 8,
    P2P_JOINT_SPLITS = 200000, /* 10 and 10 boots have 184756 */
};

/*
 * values[figure * (a_count + b_count) + i]: of each figure first the boots of A, then those of B; both counts > 0. Into
 * p, for each figure: how often chance alone would make any of the figures differ as much. Exact, by all ways to split
 * the boots, if there are no more than P2P_JOINT_SPLITS; else by so many at random, of which `seed` says which. False:
 * out of memory.
 */
bool p2p_joint_p(const double *values, size_t figure_count, size_t a_count, size_t b_count, uint64_t seed, double *p);

#endif
