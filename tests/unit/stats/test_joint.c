/* SPDX-License-Identifier: MIT */
#include "stats/joint.h"

#include "util/prng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEED = 1 };

static void assert_p(const double *values, size_t figures, size_t a, size_t b, const double *expected)
{
    double p[P2P_JOINT_FIGURES_MAX];

    assert_true(p2p_joint_p(values, figures, a, b, SEED, p));
    for (size_t i = 0; i < figures; i++) {
        assert_true(fabs(p[i] - expected[i]) < 1e-12);
    }
}

/* 3 and 3 boots can be split in 20 ways; all of A below all of B is one of the two outermost. */
static void one_figure_is_mann_and_whitneys_test(void **state)
{
    (void)state;
    assert_p((double[]){1, 2, 3, 4, 5, 6}, 1, 3, 3, (double[]){2 / 20.0});
    assert_p((double[]){1, 2, 4, 3, 5, 6}, 1, 3, 3, (double[]){4 / 20.0});
    assert_p((double[]){6, 5, 4, 3, 2, 1}, 1, 3, 3, (double[]){2 / 20.0});
    assert_p((double[]){1, 2, 3, 4, 5}, 1, 2, 3, (double[]){2 / 10.0});
}

static void figures_that_agree_count_once(void **state)
{
    (void)state;
    assert_p((double[]){1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60}, 2, 3, 3, (double[]){2 / 20.0, 2 / 20.0});
}

/* The second has its own two outermost splits: A = {1, 5, 6} or {2, 3, 4}, by number. */
static void figures_that_disagree_count_both(void **state)
{
    (void)state;
    assert_p((double[]){1, 2, 3, 4, 5, 6, 1, 5, 6, 4, 2, 3}, 2, 3, 3, (double[]){4 / 20.0, 18 / 20.0});
}

static void equal_values_share_their_rank(void **state)
{
    (void)state;
    assert_p((double[]){1, 1, 2, 2}, 1, 2, 2, (double[]){2 / 6.0});
    assert_p((double[]){7, 7, 7, 7}, 1, 2, 2, (double[]){1});
}

static void a_figure_that_is_the_same_everywhere_costs_nothing(void **state)
{
    (void)state;
    assert_p((double[]){1, 2, 3, 4, 5, 6, 8, 8, 8, 8, 8, 8}, 2, 3, 3, (double[]){2 / 20.0, 1});
}

/* 12 and 12 boots have 2.7 million splits: some are drawn. The outermost are hardly among them, but it is its own. */
static void many_boots_are_split_at_random(void **state)
{
    double values[24], p, again;

    (void)state;
    for (int i = 0; i < 24; i++) {
        values[i] = i;
    }
    assert_true(p2p_joint_p(values, 1, 12, 12, SEED, &p));
    assert_true(p >= 1.0 / P2P_JOINT_SPLITS && p <= 5.0 / P2P_JOINT_SPLITS);
    for (int i = 0; i < 24; i++) {
        values[i] = i < 12 ? 2 * i : 2 * (i - 12) + 1;
    }
    assert_true(p2p_joint_p(values, 1, 12, 12, SEED, &p));
    assert_true(p2p_joint_p(values, 1, 12, 12, SEED, &again));
    assert_true(p == again);
    assert_true(p > 0.5);
}

/* Under no change p is at or below 5 % in 5 % of all cases, however many figures there are. */
static void is_right_as_often_as_it_says(void **state)
{
    enum { FIGURES = 3, A = 5, B = 5, VALUES = FIGURES * (A + B), CASES = 2000 };
    struct p2p_prng prng;
    int alarms = 0;

    (void)state;
    p2p_prng_seed(&prng, SEED);
    for (int i = 0; i < CASES; i++) {
        double values[VALUES], p[FIGURES];

        for (size_t j = 0; j < VALUES; j++) {
            values[j] = (double)p2p_prng_below(&prng, 1000000);
        }
        assert_true(p2p_joint_p(values, FIGURES, A, B, SEED, p));
        alarms += p[0] <= 0.05 || p[1] <= 0.05 || p[2] <= 0.05;
    }
    print_message("%d alarms in %d cases, seed %d\n", alarms, CASES, SEED);
    assert_true(alarms <= CASES * 0.07);
    assert_true(alarms >= CASES * 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_figure_is_mann_and_whitneys_test),
        cmocka_unit_test(figures_that_agree_count_once),
        cmocka_unit_test(figures_that_disagree_count_both),
        cmocka_unit_test(equal_values_share_their_rank),
        cmocka_unit_test(a_figure_that_is_the_same_everywhere_costs_nothing),
        cmocka_unit_test(many_boots_are_split_at_random),
        cmocka_unit_test(is_right_as_often_as_it_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
