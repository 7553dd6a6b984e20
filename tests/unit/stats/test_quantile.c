/* SPDX-License-Identifier: MIT */
#include "stats/quantile.h"

#include "near.h"
#include "util/prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { SAMPLES = 50, EXPERIMENTS = 20000 };

static void the_medians_ranks_are_those_of_tables(void **state)
{
    static const struct {
        uint64_t n, low, high;
    } cases[] = {{6, 1, 6}, {8, 1, 8}, {9, 2, 8}, {10, 2, 9}, {20, 6, 15}, {50, 18, 33}, {100, 40, 61}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t low = 0, high = 0;

        assert_true(p2p_quantile_ranks(cases[i].n, 1, 2, 0.95, &low, &high));
        assert_int_equal(low, cases[i].low);
        assert_int_equal(high, cases[i].high);
    }
}

/* 0.5^5 and 0.99^367 are just above 2.5 %: the largest value may be below the quantile too often. */
static void too_few_samples_bound_nothing(void **state)
{
    uint64_t low, high;

    (void)state;
    assert_false(p2p_quantile_ranks(0, 1, 2, 0.95, &low, &high));
    assert_false(p2p_quantile_ranks(5, 1, 2, 0.95, &low, &high));
    assert_false(p2p_quantile_ranks(367, 99, 100, 0.95, &low, &high));
    assert_true(p2p_quantile_ranks(368, 99, 100, 0.95, &low, &high));
    assert_int_equal(high, 368);
    assert_false(p2p_quantile_ranks(367, 1, 100, 0.95, &low, &high));
    assert_true(p2p_quantile_ranks(368, 1, 100, 0.95, &low, &high));
    assert_int_equal(low, 1);
}

static void high_quantiles_of_many_samples_have_ranks(void **state)
{
    uint64_t low, high;

    (void)state;
    assert_true(p2p_quantile_ranks(100000000, 999, 1000, 0.95, &low, &high));
    assert_near((double)low, 99900000 - 1.96 * sqrt(99900), 2); /* as the normal distribution has it */
    assert_near((double)high, 99900000 + 1.96 * sqrt(99900), 2);
}

static int ascending(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* P(7 <= B <= 21) of 50 samples below the 0.3 quantile is 96.7 %; its standard deviation here is 0.13 %. */
static void the_interval_holds_the_quantile_as_often_as_it_says(void **state)
{
    const char *text = getenv("P2P_TEST_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    struct p2p_prng prng;
    uint64_t low, high;
    size_t held = 0;

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    assert_true(p2p_quantile_ranks(SAMPLES, 3, 10, 0.95, &low, &high));
    for (size_t i = 0; i < EXPERIMENTS; i++) {
        uint64_t values[SAMPLES];

        for (size_t k = 0; k < SAMPLES; k++) {
            values[k] = p2p_prng_below(&prng, 1000000);
        }
        qsort(values, SAMPLES, sizeof *values, ascending);
        held += values[low - 1] < 300000 && values[high - 1] >= 300000;
    }
    assert_true((double)held / EXPERIMENTS >= 0.95 - 0.01);
    assert_true((double)held / EXPERIMENTS <= 0.99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_medians_ranks_are_those_of_tables),
        cmocka_unit_test(too_few_samples_bound_nothing),
        cmocka_unit_test(high_quantiles_of_many_samples_have_ranks),
        cmocka_unit_test(the_interval_holds_the_quantile_as_often_as_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
