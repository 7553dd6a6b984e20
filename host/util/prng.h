/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that a seed repeats on every machine: jitter of the stimulus, and tests. Not for secrets.
 * xoshiro256** 1.0, seeded by splitmix64, both by David Blackman and Sebastiano Vigna,
 * https://prng.di.unimi.it/
 * ("Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47(4), 2021).
 */
#ifndef P2P_UTIL_PRNG_H
#define P2P_UTIL_PRNG_H

#include <stdint.h>

/* Held by value; nothing to free. */
struct p2p_prng {
    uint64_t state[4]; /* never all zero, which p2p_prng_seed sees to */
};

void p2p_prng_seed(struct p2p_prng *prng, uint64_t seed);

/* Uniform over all 64-bit values. */
uint64_t p2p_prng_next(struct p2p_prng *prng);

/* Uniform over 0..bound-1, without bias; `bound` > 0. */
uint64_t p2p_prng_below(struct p2p_prng *prng, uint64_t bound);

/* Uniform over 0..max, without bias. */
uint64_t p2p_prng_upto(struct p2p_prng *prng, uint64_t max);

#endif
