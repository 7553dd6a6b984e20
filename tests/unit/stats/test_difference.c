/* SPDX-License-Identifier: MIT */
#include "stats/difference.h"

#include "memory.h"
#include "near.h"

static struct p2p_difference difference_of(const double *a, size_t a_count, const double *b, size_t b_count,
                                           double confidence)
{
    struct p2p_difference difference;

    assert_true(p2p_difference_of(a, a_count, b, b_count, confidence, &difference));
    return difference;
}

static struct p2p_difference ratio_of(const double *a, size_t a_count, const double *b, size_t b_count)
{
    struct p2p_difference ratio;

    assert_true(p2p_ratio_of(a, a_count, b, b_count, 0.99, &ratio));
    return ratio;
}

/* One order of 20 is as clear as this, and one to the other side. */
static void two_groups_apart(void **state)
{
    const double a[] = {2, 3, 1}, b[] = {4, 6, 5};
    const struct p2p_difference up = difference_of(a, 3, b, 3, 0.9);
    const struct p2p_difference down = difference_of(b, 3, a, 3, 0.9);

    (void)state;
    assert_near(up.p, 0.1, 1e-12);
    assert_near(up.p_least, 0.1, 1e-12);
    assert_near(up.shift, 3, 0);
    assert_true(up.bounded);
    assert_near(up.low, 1, 0);
    assert_near(up.high, 5, 0);
    assert_near(down.p, 0.1, 1e-12);
    assert_near(down.shift, -3, 0);
    assert_near(down.low, -5, 0);
    assert_near(down.high, -1, 0);
}

/* All 100 differences are different: 0..99. Tables of U for 10 and 10 say 23 at 5 % and 16 at 1 %. */
static void the_interval_is_by_the_table_of_u(void **state)
{
    double a[10], b[10];
    struct p2p_difference difference;

    (void)state;
    for (int i = 0; i < 10; i++) {
        a[i] = -10 * i;
        b[i] = i;
    }
    difference = difference_of(a, 10, b, 10, 0.95);
    assert_near(difference.low, 23, 0);
    assert_near(difference.high, 76, 0);
    assert_near(difference.shift, 49.5, 0);
    difference = difference_of(a, 10, b, 10, 0.99);
    assert_near(difference.low, 16, 0);
    assert_near(difference.high, 83, 0);
}

/* 2 / 70 is more than 1 %, 2 / 126 too, 2 / 252 is not. */
static void few_values_cannot_say_much(void **state)
{
    const double a[] = {1, 2, 3, 4, 5}, b[] = {11, 12, 13, 14, 15};

    (void)state;
    assert_false(difference_of(a, 4, b, 4, 0.99).bounded);
    assert_false(difference_of(a, 4, b, 5, 0.99).bounded);
    assert_true(difference_of(a, 5, b, 5, 0.99).bounded);
    assert_false(difference_of(a, 1, b, 1, 0.95).bounded);
    assert_near(difference_of(a, 1, b, 1, 0.95).p_least, 1, 0);
    assert_near(difference_of(a, 5, b, 4, 0.99).p_least, 2 / 126.0, 1e-15);
}

static void equal_values_do_not_differ(void **state)
{
    const double a[] = {7, 7, 7, 7, 7}, b[] = {7, 7, 7, 7, 7, 7};
    const struct p2p_difference difference = difference_of(a, 5, b, 6, 0.95);

    (void)state;
    assert_near(difference.p, 1, 0);
    assert_near(difference.shift, 0, 0);
    assert_true(difference.bounded);
    assert_near(difference.low, 0, 0);
    assert_near(difference.high, 0, 0);
}

static void a_ratio_of_groups_that_agree_is_exact(void **state)
{
    const double a[] = {1000, 1000, 1000, 1000, 1000}, b[] = {400, 400, 400, 400, 400};
    const struct p2p_difference ratio = ratio_of(a, 5, b, 5);

    (void)state;
    assert_true(ratio.bounded);
    assert_near(ratio.shift, 0.4, 0);
    assert_near(ratio.low, 0.4, 0);
    assert_near(ratio.high, 0.4, 0);
}

/* Pairs 1/2, 1, 2 and 4: the middle is the root of 2, and seen from the other side the root of a half. */
static void ratios_mirror_each_other(void **state)
{
    const double a[] = {1, 4}, b[] = {2, 4};

    (void)state;
    assert_near(ratio_of(a, 2, b, 2).shift * ratio_of(b, 2, a, 2).shift, 1, 1e-15);
    assert_near(ratio_of(a, 2, b, 2).shift, sqrt(2), 1e-15);
    assert_near(ratio_of(a, 2, b, 2).p, difference_of(a, 2, b, 2, 0.99).p, 0);
}

static void out_of_memory_is_told(void **state)
{
    const double a[] = {1, 2, 3}, b[] = {4, 5, 6};
    struct p2p_difference difference;
    int lasts = 0;

    (void)state;
    for (;; lasts++) { /* ASan watches for what is left behind */
        bool done;

        memory_lasts_for(lasts);
        done = p2p_difference_of(a, 3, b, 3, 0.9, &difference);
        if (!memory_ran_out()) {
            assert_true(done);
            break;
        }
        assert_false(done);
    }
    assert_true(lasts >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_groups_apart),
        cmocka_unit_test(the_interval_is_by_the_table_of_u),
        cmocka_unit_test(few_values_cannot_say_much),
        cmocka_unit_test(equal_values_do_not_differ),
        cmocka_unit_test(a_ratio_of_groups_that_agree_is_exact),
        cmocka_unit_test(ratios_mirror_each_other),
        cmocka_unit_test(out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
