/* SPDX-License-Identifier: MIT */
#include "store/boot_seed.h"

#include "util/prng.h"

uint64_t p2p_boot_seed(uint64_t plan_seed, size_t configuration, uint32_t boot)
{
    struct p2p_prng prng;

    /* One step of the generator between the parts, so that neighbouring plans, configurations and boots differ. */
    p2p_prng_seed(&prng, plan_seed);
    p2p_prng_seed(&prng, p2p_prng_next(&prng) + configuration);
    p2p_prng_seed(&prng, p2p_prng_next(&prng) + boot);
    return p2p_prng_next(&prng);
}
