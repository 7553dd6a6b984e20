/* SPDX-License-Identifier: MIT */
#include "stats/spread.h"

#include "near.h"

static struct p2p_boot_figures boot(uint64_t n, double mean_ns, double variance_ns2)
{
    return (struct p2p_boot_figures){.n = n, .variance_ns2 = variance_ns2, .value_ns = {[P2P_FIGURE_AVG] = mean_ns}};
}

/* (1, 3) and (5, 7): mean squares 16 between and 2 within, of 2 samples each. */
static void both_parts_are_told_apart(void **state)
{
    const struct p2p_boot_figures boots[] = {boot(2, 2, 2), boot(2, 6, 2)};
    struct p2p_spread spread;

    (void)state;
    p2p_spread_of(boots, 2, &spread);
    assert_near(spread.between_boots_ns, sqrt(7), 1e-12);
    assert_near(spread.within_boot_ns, sqrt(2), 1e-12);
}

/* 0; and 3, 4, 5: mean squares 12 and 1, of 1.5 samples on the average. */
static void boots_may_differ_in_length(void **state)
{
    const struct p2p_boot_figures boots[] = {boot(1, 0, 0), boot(0, NAN, NAN), boot(3, 4, 1)};
    struct p2p_spread spread;

    (void)state;
    p2p_spread_of(boots, 3, &spread);
    assert_near(spread.between_boots_ns, sqrt(11 / 1.5), 1e-12);
    assert_near(spread.within_boot_ns, 1, 1e-12);
}

static void what_samples_explain_is_not_between_boots(void **state)
{
    const struct p2p_boot_figures boots[] = {boot(10, 100, 50), boot(10, 101, 50), boot(10, 99, 50)};
    struct p2p_spread spread;

    (void)state;
    p2p_spread_of(boots, 3, &spread);
    assert_near(spread.between_boots_ns, 0, 0);
    assert_near(spread.within_boot_ns, sqrt(50), 1e-12);
}

static void boots_that_agree_have_no_spread(void **state)
{
    const struct p2p_boot_figures boots[] = {boot(3, 0.1, 0), boot(7, 0.1, 0), boot(5, 0.1, 0)};
    struct p2p_spread spread;

    (void)state;
    p2p_spread_of(boots, 3, &spread);
    assert_near(spread.between_boots_ns, 0, 0);
    assert_near(spread.within_boot_ns, 0, 0);
}

static void one_boot_says_nothing_of_others(void **state)
{
    const struct p2p_boot_figures single = boot(5, 3, 4);
    const struct p2p_boot_figures short_ones[] = {boot(1, 3, 0), boot(1, 7, 0)};
    struct p2p_spread spread;

    (void)state;
    p2p_spread_of(&single, 1, &spread);
    assert_near(spread.between_boots_ns, 0, 0);
    assert_near(spread.within_boot_ns, 2, 0);
    p2p_spread_of(short_ones, 2, &spread);
    assert_near(spread.between_boots_ns, sqrt(8), 1e-12);
    assert_near(spread.within_boot_ns, 0, 0);
    p2p_spread_of(NULL, 0, &spread);
    assert_near(spread.between_boots_ns, 0, 0);
    assert_near(spread.within_boot_ns, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_parts_are_told_apart),
        cmocka_unit_test(boots_may_differ_in_length),
        cmocka_unit_test(what_samples_explain_is_not_between_boots),
        cmocka_unit_test(boots_that_agree_have_no_spread),
        cmocka_unit_test(one_boot_says_nothing_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
