/* SPDX-License-Identifier: MIT */
#include "stats/binomial.h"

#include "near.h"

/* Any table of two-sided 95 % intervals: each side by itself is 97.5 %. */
static void bounds_are_those_of_tables(void **state)
{
    static const struct {
        uint64_t k, n;
        double lower, upper;
    } cases[] = {
        {0, 10, 0, 0.308497},
        {1, 10, 0.002529, 0.445016},
        {5, 10, 0.187086, 0.812914},
        {10, 10, 0.691503, 1},
        {3, 20, 0.032071, 0.378927},
        {50, 100, 0.398321, 0.601679},
        {1, 1000, 0.0000253, 0.0055589},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_near(p2p_binomial_lower(cases[i].k, cases[i].n, 0.975), cases[i].lower, 1e-6);
        assert_near(p2p_binomial_upper(cases[i].k, cases[i].n, 0.975), cases[i].upper, 1e-6);
    }
}

static void without_a_trial_nothing_is_known(void **state)
{
    (void)state;
    assert_near(p2p_binomial_upper(0, 0, 0.95), 1, 0);
    assert_near(p2p_binomial_lower(0, 0, 0.95), 0, 0);
}

static void at_least_is_the_upper_tail(void **state)
{
    (void)state;
    assert_near(p2p_binomial_at_least(0, 5, 0.5), 1, 0);
    assert_near(p2p_binomial_at_least(1, 5, 0.5), 31.0 / 32, 1e-15);
    assert_near(p2p_binomial_at_least(4, 5, 0.5), 6.0 / 32, 1e-15);
    assert_near(p2p_binomial_at_least(5, 5, 0.5), 1.0 / 32, 1e-15);
}

/* ln(1 - c) / ln(1 - p), rounded up. */
static void none_seen_takes_so_many_samples(void **state)
{
    (void)state;
    assert_int_equal(p2p_binomial_samples_needed(0, 1e-3, 0.95), 2995);
    assert_int_equal(p2p_binomial_samples_needed(0, 1e-4, 0.95), 29956);
    assert_int_equal(p2p_binomial_samples_needed(0, 1e-5, 0.95), 299572);
    assert_int_equal(p2p_binomial_samples_needed(0, 1e-6, 0.95), 2995731);
    assert_int_equal(p2p_binomial_samples_needed(0, 1e-9, 0.95), 2995732273);
    assert_int_equal(p2p_binomial_samples_needed(0, 0.6, 0.5), 1);
    assert_int_equal(p2p_binomial_samples_needed(0, 1e-17, 0.95), UINT64_MAX);
}

static void the_samples_needed_are_the_least(void **state)
{
    const uint64_t counts[] = {0, 1, 2, 7, 50, 1000};
    const double probabilities[] = {0.3, 0.01, 1e-4, 1e-6};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t j = 0; j < sizeof probabilities / sizeof *probabilities; j++) {
            const uint64_t n = p2p_binomial_samples_needed(counts[i], probabilities[j], 0.95);

            assert_true(p2p_binomial_upper(counts[i], n, 0.95) <= probabilities[j]);
            assert_true(p2p_binomial_upper(counts[i], n - 1, 0.95) > probabilities[j]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_are_those_of_tables),       cmocka_unit_test(without_a_trial_nothing_is_known),
        cmocka_unit_test(at_least_is_the_upper_tail),       cmocka_unit_test(none_seen_takes_so_many_samples),
        cmocka_unit_test(the_samples_needed_are_the_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
