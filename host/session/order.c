/* SPDX-License-Identifier: MIT */
#include "session/order.h"

#include "util/prng.h"

/* So that the order is not drawn from the numbers that draw a schedule. */
#define ORDER_SALT UINT64_C(0x6f72646572206f66) /* "order of" */

static void swap(size_t *a, size_t *b)
{
    size_t kept = *a;

    *a = *b;
    *b = kept;
}

void p2p_order_round(uint64_t plan_seed, uint32_t round, size_t count, size_t *order)
{
    uint32_t pair = (round - 1) / 2;
    struct p2p_prng prng;

    p2p_prng_seed(&prng, plan_seed ^ ORDER_SALT);
    p2p_prng_seed(&prng, p2p_prng_next(&prng) ^ pair);
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (size_t i = count; i > 1; i--) { /* Fisher and Yates */
        swap(&order[i - 1], &order[p2p_prng_below(&prng, i)]);
    }
    if (round % 2 == 0) {
        for (size_t i = 0; i < count / 2; i++) {
            swap(&order[i], &order[count - 1 - i]);
        }
    }
}
