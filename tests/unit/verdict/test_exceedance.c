/* SPDX-License-Identifier: MIT */
#include "verdict/exceedance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct p2p_exceedance_limit RARE = {.over_ns = 1950, .probability = 0.001};

static void expect(uint64_t count, uint64_t n, enum p2p_verdict verdict, const char *reason)
{
    struct p2p_exceedance exceedance = {.n = n, .count = count};
    struct p2p_judgement judgement = {0};

    p2p_judge_exceedance(&RARE, &exceedance, &judgement);
    assert_string_equal(judgement.reason, reason);
    assert_int_equal(judgement.verdict, verdict);
}

/* ln(1 - c) / ln(1 - p), rounded up: 2995 samples without any show it. */
static void enough_samples_without_any_pass(void **state)
{
    (void)state;
    expect(0, 2995, P2P_VERDICT_PASS, "");
    expect(0, 2994, P2P_VERDICT_INCONCLUSIVE,
           "0 of 2994 over 1950 ns: P < 0.001 at 95 %, asked for < 0.001; 1 more sample needed, if none of them is "
           "over");
    expect(
        0, 1, P2P_VERDICT_INCONCLUSIVE,
        "0 of 1 over 1950 ns: P < 0.95 at 95 %, asked for < 0.001; 2994 more samples needed, if none of them is over");
}

/* For one: 4742 by Clopper and Pearson. */
static void one_that_is_over_costs_more_samples(void **state)
{
    (void)state;
    expect(1, 4742, P2P_VERDICT_PASS, "");
    expect(1, 2995, P2P_VERDICT_INCONCLUSIVE,
           "1 of 2995 over 1950 ns: P < 0.00158 at 95 %, asked for < 0.001; 1747 more samples needed, if none of them "
           "is over");
}

static void too_many_are_a_fact(void **state)
{
    (void)state;
    expect(20, 1000, P2P_VERDICT_FAIL, "20 of 1000 over 1950 ns: P > 0.0133 at 95 %, asked for < 0.001");
    expect(1000, 1000, P2P_VERDICT_FAIL, "1000 of 1000 over 1950 ns: P > 0.997 at 95 %, asked for < 0.001");
}

static void the_bounds_are_filled_in(void **state)
{
    struct p2p_exceedance exceedance = {.n = 1000, .count = 2, .upper_95 = 7, .samples_needed = 7};
    struct p2p_judgement judgement = {0};

    (void)state;
    p2p_judge_exceedance(&RARE, &exceedance, &judgement);
    assert_true(fabs(exceedance.upper_95 - 0.0062826) < 1e-6);
    assert_true(fabs(exceedance.lower_95 - 0.00035552) < 1e-7);
    assert_int_equal(exceedance.samples_needed, 6294);
}

static void without_a_limit_or_a_stimulus_there_is_nothing_to_say(void **state)
{
    const struct p2p_exceedance_limit none = {.over_ns = UINT64_MAX};
    struct p2p_exceedance exceedance = {.n = 5, .count = 2, .samples_needed = 9};
    struct p2p_judgement judgement = {0};

    (void)state;
    p2p_judge_exceedance(&none, &exceedance, &judgement);
    assert_int_equal(exceedance.n + exceedance.count + exceedance.samples_needed, 0);
    p2p_judge_exceedance(&RARE, &exceedance, &judgement);
    assert_int_equal(judgement.verdict, P2P_VERDICT_PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enough_samples_without_any_pass),
        cmocka_unit_test(one_that_is_over_costs_more_samples),
        cmocka_unit_test(too_many_are_a_fact),
        cmocka_unit_test(the_bounds_are_filled_in),
        cmocka_unit_test(without_a_limit_or_a_stimulus_there_is_nothing_to_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
