/* SPDX-License-Identifier: MIT */
#include "util/prng.h"

#include <stddef.h>

static uint64_t rotate_left(uint64_t value, unsigned int bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void p2p_prng_seed(struct p2p_prng *prng, uint64_t seed)
{
    for (size_t i = 0; i < sizeof prng->state / sizeof prng->state[0]; i++) {
        prng->state[i] = splitmix64(&seed);
    }
}

uint64_t p2p_prng_next(struct p2p_prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Drops the lowest 2^64 mod bound values, so that each remainder is left equally often. */
uint64_t p2p_prng_below(struct p2p_prng *prng, uint64_t bound)
{
    uint64_t dropped = (UINT64_MAX - bound + 1) % bound;
    uint64_t value;

    do {
        value = p2p_prng_next(prng);
    } while (value < dropped);
    return value % bound;
}

uint64_t p2p_prng_upto(struct p2p_prng *prng, uint64_t max)
{
    return max == UINT64_MAX ? p2p_prng_next(prng) : p2p_prng_below(prng, max + 1);
}
