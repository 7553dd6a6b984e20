/* SPDX-License-Identifier: MIT */
#include "stats/binomial.h"

#include "stats/beta.h"

#include <stdbool.h>

#define SAMPLES_LIMIT (UINT64_C(1) << 53) /* beyond it doubles do not count */

double p2p_binomial_upper(uint64_t k, uint64_t n, double confidence)
{
    return k == n ? 1 : p2p_beta_quantile((double)k + 1, (double)(n - k), confidence);
}

double p2p_binomial_lower(uint64_t k, uint64_t n, double confidence)
{
    return k == 0 ? 0 : p2p_beta_quantile((double)k, (double)(n - k) + 1, 1 - confidence);
}

double p2p_binomial_at_least(uint64_t k, uint64_t n, double probability)
{
    return k == 0 ? 1 : p2p_beta((double)k, (double)(n - k) + 1, probability);
}

/* With `probability`, more than k would be seen so often that k is too few for it. */
static bool is_enough(uint64_t k, uint64_t n, double probability, double confidence)
{
    return k < n && p2p_binomial_at_least(k + 1, n, probability) >= confidence;
}

uint64_t p2p_binomial_samples_needed(uint64_t k, double probability, double confidence)
{
    uint64_t low = k, high = k + 1; /* not enough; enough, once found */

    while (!is_enough(k, high, probability, confidence)) {
        if (high >= SAMPLES_LIMIT) {
            return UINT64_MAX;
        }
        low = high;
        high *= 2;
    }
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;

        if (is_enough(k, middle, probability, confidence)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}
