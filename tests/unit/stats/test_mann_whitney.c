/* SPDX-License-Identifier: MIT */
#include "stats/mann_whitney.h"

#include "memory.h"
#include "near.h"
#include "util/prng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

enum { VALUES_MAX = 6, TRIALS = 300, LONG = 60 };

static double p_of(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double p = NAN;

    assert_true(p2p_mann_whitney(a, a_count, b, b_count, &p));
    return p;
}

static size_t rank_of(size_t a_count, size_t b_count, double confidence)
{
    size_t k = SIZE_MAX;

    assert_true(p2p_mann_whitney_rank(a_count, b_count, confidence, &k));
    return k;
}

/* One order of 20 is as clear as this, and one to the other side. */
static void groups_apart_have_the_least_p(void **state)
{
    const double a[] = {2, 3, 1}, b[] = {4, 6, 5};

    (void)state;
    assert_near(p_of(a, 3, b, 3), 0.1, 1e-12);
    assert_near(p_of(b, 3, a, 3), 0.1, 1e-12);
    assert_near(p2p_mann_whitney_least(3, 3), 0.1, 1e-15);
    assert_near(p2p_mann_whitney_least(4, 5), 2 / 126.0, 1e-15);
    assert_near(p2p_mann_whitney_least(5, 4), 2 / 126.0, 1e-15);
    assert_near(p2p_mann_whitney_least(1, 1), 1, 0);
    assert_near(p_of(a, 1, b, 1), 1, 0);
}

/* ---- All ways to draw group a, one by one ---- */

static double midrank(const double *values, size_t count, size_t index)
{
    double rank = 0.5;

    for (size_t i = 0; i < count; i++) {
        rank += values[i] < values[index] ? 1 : 0;
        rank += values[i] == values[index] ? 0.5 : 0;
    }
    return rank;
}

static double p_by_enumeration(const double *values, size_t a_count, size_t count)
{
    double seen = 0, below = 0, above = 0, ways = 0;

    for (size_t i = 0; i < a_count; i++) {
        seen += midrank(values, count, i);
    }
    for (unsigned int drawn = 0; drawn < 1U << count; drawn++) {
        double sum = 0;

        if ((size_t)__builtin_popcount(drawn) != a_count) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            sum += (drawn >> i & 1) != 0 ? midrank(values, count, i) : 0;
        }
        below += sum <= seen ? 1 : 0;
        above += sum >= seen ? 1 : 0;
        ways++;
    }
    return fmin(2 * fmin(below, above) / ways, 1);
}

static void ties_are_exact_too(void **state)
{
    const char *text = getenv("P2P_TEST_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    struct p2p_prng prng;

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t trial = 0; trial < TRIALS; trial++) {
        const size_t a_count = 1 + p2p_prng_below(&prng, VALUES_MAX);
        const size_t b_count = 1 + p2p_prng_below(&prng, VALUES_MAX);
        double values[2 * VALUES_MAX] = {0};

        for (size_t i = 0; i < a_count + b_count; i++) {
            values[i] = (double)p2p_prng_below(&prng, 5) + (i < a_count ? 0 : 1);
        }
        assert_near(p_of(values, a_count, values + a_count, b_count),
                    p_by_enumeration(values, a_count, a_count + b_count), 1e-12);
    }
}

/* One more than tables of U say: 2 and 23 at 5 %, 0 and 16 at 1 %; 2 / 70 and 2 / 126 are too much for that. */
static void ranks_are_those_of_tables(void **state)
{
    (void)state;
    assert_int_equal(rank_of(5, 5, 0.95), 2 + 1);
    assert_int_equal(rank_of(10, 10, 0.95), 23 + 1);
    assert_int_equal(rank_of(5, 5, 0.99), 0 + 1);
    assert_int_equal(rank_of(10, 10, 0.99), 16 + 1);
    assert_int_equal(rank_of(4, 4, 0.99), 0);
    assert_int_equal(rank_of(4, 5, 0.99), 0);
    assert_int_equal(rank_of(1, 1, 0.95), 0);
    assert_int_equal(rank_of(3, 3, 0.9), 1); /* 1 / 20 on each side, to the digit */
}

/* On either side of the limit of the exact way both ways must say much the same. */
static void many_values_are_taken_for_normal(void **state)
{
    double a[LONG], b[LONG];
    double exact, normal;

    (void)state;
    for (int i = 0; i < LONG; i++) {
        a[i] = i / 2; /* with ties */
        b[i] = i / 2 + 3;
    }
    exact = p_of(a, 50, b, 50);
    normal = p_of(a, 51, b, 51);
    assert_true(exact > 0.01 && exact < 0.1);
    assert_near(normal, exact, 0.1 * exact);
    assert_near((double)rank_of(51, 51, 0.95) / (51 * 51), (double)rank_of(50, 50, 0.95) / (50 * 50), 0.01);
    assert_int_equal(rank_of(1, 200, 0.95), 0); /* less than 0 by the formula */
    for (int i = 0; i < LONG; i++) {
        a[i] = b[i] = 3;
    }
    assert_near(p_of(a, LONG, b, LONG), 1, 0);
}

static void out_of_memory_is_told(void **state)
{
    const double a[] = {1, 2, 3}, b[] = {4, 5, 6};
    double p;
    size_t k;

    (void)state;
    for (int lasts = 0; lasts < 3; lasts++) { /* ASan watches for what is left behind */
        memory_lasts_for(lasts);
        assert_false(p2p_mann_whitney(a, 3, b, 3, &p));
        assert_true(memory_ran_out());
    }
    memory_lasts_for(0);
    assert_false(p2p_mann_whitney_rank(3, 3, 0.9, &k));
    assert_true(memory_ran_out());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_apart_have_the_least_p), cmocka_unit_test(ties_are_exact_too),
        cmocka_unit_test(ranks_are_those_of_tables),     cmocka_unit_test(many_values_are_taken_for_normal),
        cmocka_unit_test(out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
