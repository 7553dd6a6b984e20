/* SPDX-License-Identifier: MIT */
#include "verdict/relative.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BOOTS(...)                                                                                                     \
    (struct p2p_boot_values)                                                                                           \
    {                                                                                                                  \
        .ns = (const double[]){__VA_ARGS__}, .count = COUNT(((const double[]){__VA_ARGS__}))                           \
    }

static const struct p2p_relative_limit TWO_FIFTHS = {.figure = P2P_FIGURE_AVG, .at_most = 0.4, .of = "trap"};

static struct p2p_relative judge(const struct p2p_relative_limit *limit, struct p2p_boot_values own,
                                 struct p2p_boot_values other)
{
    struct p2p_relative relative;

    assert_true(p2p_judge_relative(limit, P2P_TIME_INSTRUCTIONS, own, other, &relative));
    return relative;
}

static void an_interval_below_the_limit_passes(void **state)
{
    const struct p2p_relative relative =
        judge(&TWO_FIFTHS, BOOTS(385, 384, 386, 383, 387), BOOTS(1000, 1001, 999, 1002, 998));

    (void)state;
    assert_true(relative.known && relative.bounded);
    assert_true(fabs(relative.ratio - 0.385) < 1e-9);
    /* Of five and five boots the 99 % interval reaches from the least pair to the greatest. */
    assert_true(fabs(relative.low - 383.0 / 1002) < 1e-9);
    assert_true(fabs(relative.high - 387.0 / 998) < 1e-9);
    assert_string_equal(relative.judgement.reason, "");
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_PASS);
}

static void an_interval_above_the_limit_fails(void **state)
{
    const struct p2p_relative relative =
        judge(&TWO_FIFTHS, BOOTS(450, 451, 449, 452, 448), BOOTS(1000, 1001, 999, 1002, 998));

    (void)state;
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_FAIL);
    assert_string_equal(relative.judgement.reason, "avg is 0.45 (99 %: 0.4471 to 0.4529) of trap, limit 0.4");
}

static void an_interval_around_the_limit_is_inconclusive(void **state)
{
    const struct p2p_relative relative =
        judge(&TWO_FIFTHS, BOOTS(390, 395, 400, 405, 410), BOOTS(1000, 1001, 999, 1002, 998));

    (void)state;
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    assert_string_equal(relative.judgement.reason, "avg is 0.4 (99 %: 0.3892 to 0.4108) of trap, limit 0.4");
}

/* 2 / C(8, 4) = 0.029 is more than 0.01 leaves; 2 / C(10, 5) = 0.008 is not. */
static void too_few_boots_say_how_many_it_takes(void **state)
{
    const struct p2p_relative relative = judge(&TWO_FIFTHS, BOOTS(300, 301, 302, 303), BOOTS(1000, 1001, 999, 1002));

    (void)state;
    assert_true(relative.known && !relative.bounded);
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    assert_string_equal(relative.judgement.reason,
                        "avg is 0.3013 of trap, limit 0.4: too few boots to say so with 99 %, 4 of 5");
}

/* The baseline's boots stay as they are: 2 / C(n + 3, 3) is small enough from 9 on. */
static void a_baseline_of_few_boots_takes_more_of_ours(void **state)
{
    struct p2p_relative_limit limit = {.figure = P2P_FIGURE_WARM_MAX, .at_most = 1.05, .of = "xen", .baseline = "4.20"};
    struct p2p_relative relative = judge(&limit, BOOTS(1000), BOOTS(1000, 1001, 999));

    (void)state;
    assert_string_equal(relative.judgement.reason,
                        "warm_max is 1 of xen of baseline 4.20, limit 1.05: too few boots to say so with 99 %, 1 of 9");
    relative = judge(&limit, BOOTS(1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008), BOOTS(1000, 1001, 999));
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_PASS);
    relative = judge(&limit, BOOTS(1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007), BOOTS(1000, 1001, 999));
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
}

/* On a deterministic bench no chance is left to guard against; one boot alone shows nothing of the kind. */
static void boots_that_agree_give_an_exact_ratio(void **state)
{
    struct p2p_relative relative = judge(&TWO_FIFTHS, BOOTS(400, 400), BOOTS(1000, 1000));

    (void)state;
    assert_true(relative.bounded);
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_PASS);
    relative = judge(&TWO_FIFTHS, BOOTS(400.001, 400.001), BOOTS(1000, 1000));
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_FAIL);
    relative = judge(&TWO_FIFTHS, BOOTS(400, 400), BOOTS(1000, 1001));
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    relative = judge(&TWO_FIFTHS, BOOTS(400), BOOTS(1000));
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
}

/* On hardware two boots that agree are chance; so is, on any bench, the tail of two boots. */
static void boots_that_agree_by_chance_are_too_few(void **state)
{
    struct p2p_relative_limit limit = TWO_FIFTHS;
    struct p2p_boot_values own = BOOTS(3272, 3272), other = BOOTS(1046, 1046);
    struct p2p_relative relative;

    (void)state;
    assert_true(p2p_judge_relative(&limit, P2P_TIME_HARDWARE, own, other, &relative));
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    for (limit.figure = P2P_FIGURE_P99; limit.figure <= P2P_FIGURE_WARM_MAX; limit.figure++) {
        own.alike = other.alike = false;
        assert_int_equal(judge(&limit, own, other).judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
        own.alike = true;
        assert_int_equal(judge(&limit, own, other).judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
        other.alike = true;
        assert_int_equal(judge(&limit, own, other).judgement.verdict, P2P_VERDICT_FAIL);
    }
}

static void the_largest_of_boots_of_other_sizes_decides_nothing(void **state)
{
    struct p2p_relative_limit limit = {.figure = P2P_FIGURE_MAX, .at_most = 1.05, .of = "xen"};
    struct p2p_boot_values own = BOOTS(2000, 2001, 2002, 2003, 2004), other = BOOTS(1000, 1001, 1002, 1003, 1004);
    struct p2p_relative relative;

    (void)state;
    own.n_least = own.n_most = 15000;
    other.n_least = other.n_most = 15000;
    assert_int_equal(judge(&limit, own, other).judgement.verdict, P2P_VERDICT_FAIL);
    other.n_least = 20;
    assert_int_equal(judge(&limit, own, other).judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    other.n_most = 20;
    relative = judge(&limit, own, other);
    assert_false(relative.known);
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    assert_string_equal(relative.judgement.reason, "max cannot be held against xen: boots of 20 and of 15000 samples: "
                                                   "the largest of more is larger");
    limit.figure = P2P_FIGURE_WARM_MAX;
    assert_int_equal(judge(&limit, own, other).judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    limit.figure = P2P_FIGURE_P50; /* no more of it in more samples */
    assert_int_equal(judge(&limit, own, other).judgement.verdict, P2P_VERDICT_FAIL);
}

/* The limit itself is met by the exact quotient, whatever the bits of both are. */
static void an_exact_ratio_at_the_limit_passes(void **state)
{
    (void)state;
    for (int tenth = 1; tenth < 100; tenth++) {
        for (int other = 10; other < 4000; other += 330) {
            const double own_ns = other * tenth / 10.0;
            struct p2p_relative_limit limit = {.figure = P2P_FIGURE_AVG, .at_most = own_ns / other, .of = "trap"};
            struct p2p_relative relative = judge(&limit, BOOTS(own_ns, own_ns, own_ns), BOOTS(other, other));

            assert_int_equal(relative.judgement.verdict, P2P_VERDICT_PASS);
        }
    }
}

static void without_figures_there_is_no_ratio(void **state)
{
    const struct p2p_boot_values none = {0};
    struct p2p_relative relative = judge(&TWO_FIFTHS, none, BOOTS(1000));

    (void)state;
    assert_false(relative.known);
    assert_int_equal(relative.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    assert_string_equal(relative.judgement.reason, "no avg above 0 ns to compare with trap");
    assert_false(judge(&TWO_FIFTHS, BOOTS(1000), none).known);
    assert_false(judge(&TWO_FIFTHS, BOOTS(400, 0), BOOTS(1000, 1000)).known);
    assert_false(judge(&TWO_FIFTHS, BOOTS(400, 400), BOOTS(1000, 0)).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interval_below_the_limit_passes),
        cmocka_unit_test(an_interval_above_the_limit_fails),
        cmocka_unit_test(an_interval_around_the_limit_is_inconclusive),
        cmocka_unit_test(too_few_boots_say_how_many_it_takes),
        cmocka_unit_test(a_baseline_of_few_boots_takes_more_of_ours),
        cmocka_unit_test(boots_that_agree_give_an_exact_ratio),
        cmocka_unit_test(boots_that_agree_by_chance_are_too_few),
        cmocka_unit_test(the_largest_of_boots_of_other_sizes_decides_nothing),
        cmocka_unit_test(an_exact_ratio_at_the_limit_passes),
        cmocka_unit_test(without_figures_there_is_no_ratio),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
