/* SPDX-License-Identifier: MIT */
#include "verdict/comparison.h"

#include "boots.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct p2p_comparison_rules RULES = {.alpha = 0.01, .noise_floor = 0.01};

static void assert_near(double found, double expected)
{
    assert_true(fabs(found - expected) < 1e-9);
}

static struct p2p_comparison compared(const struct boots *a, const struct boots *b)
{
    struct p2p_comparison comparison;

    assert_true(p2p_compare(&a->result, &b->result, &RULES, &comparison));
    return comparison;
}

static const struct p2p_comparison_row *row_of(const struct p2p_comparison *comparison, enum p2p_figure figure)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        if (comparison->rows[i].figure == figure) {
            return &comparison->rows[i];
        }
    }
    fail_msg("no row of %s", p2p_figure_name(figure));
    return NULL;
}

/* All six figures of these boots are alike. */
static void assert_all(const struct boots *a, const struct boots *b, enum p2p_change change, const char *reason)
{
    struct p2p_comparison comparison = compared(a, b);

    assert_string_equal(comparison.comparability.reasons, "");
    assert_int_equal(comparison.row_count, P2P_FIGURE_COUNT);
    for (size_t i = 0; i < comparison.row_count; i++) {
        assert_string_equal(p2p_change_name(comparison.rows[i].change), p2p_change_name(change));
        assert_string_equal(comparison.rows[i].reason, reason);
    }
    assert_int_equal(p2p_comparison_count(&comparison, change), P2P_FIGURE_COUNT);
    p2p_comparison_free(&comparison);
}

static void assert_refused(const struct boots *a, const struct boots *b, const char *reasons)
{
    struct p2p_comparison comparison = compared(a, b);

    assert_string_equal(comparison.comparability.reasons, reasons);
    assert_int_equal(comparison.row_count, 0);
    p2p_comparison_free(&comparison);
}

static void ten_boots_apart_are_slower_or_faster(void **state)
{
    static const char reason[] = "p is at most 0.01, and the effect beyond the noise floor of 1 %";
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 1050, 1, 10);
    assert_all(&a, &b, P2P_CHANGE_SLOWER, reason);
    assert_all(&b, &a, P2P_CHANGE_FASTER, reason);
}

/* With all of A below all of B: p = 2 / C(20, 10). All figures say the same, so none makes another less sure. */
static void figures_of_a_row(void **state)
{
    struct p2p_comparison comparison;
    const struct p2p_comparison_row *row;
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 1050, 1, 10);
    comparison = compared(&a, &b);
    row = row_of(&comparison, P2P_FIGURE_P99);
    assert_string_equal(row->configuration, "xen");
    assert_int_equal(row->a_boots, 10);
    assert_int_equal(row->b_boots, 10);
    assert_near(row->a_ns, 1004.5);
    assert_near(row->b_ns, 1054.5);
    assert_near(row->difference.shift, 50);
    assert_near(row->effect, 50 / 1004.5);
    assert_near(row->difference.p, 2.0 / 184756);
    assert_near(row->p_adjusted, 2.0 / 184756);
    assert_false(row->exact);
    p2p_comparison_free(&comparison);
}

static void a_significant_effect_below_the_noise_floor_is_the_same(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 100000, 1, 10);
    boots_from(&b, 100050, 1, 10);
    assert_all(&a, &b, P2P_CHANGE_SAME, "p is at most 0.01, but the effect within the noise floor of 1 %");
}

static void an_interval_within_the_noise_floor_is_the_same(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 10000, 1, 10);
    boots_from(&b, 10000.5, 1, 10);
    assert_all(&a, &b, P2P_CHANGE_SAME, "the whole interval is within the noise floor of 1 %");
}

static void what_chance_can_explain_is_undecided(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 20, 10);
    boots_from(&b, 1030, 20, 10);
    assert_all(&a, &b, P2P_CHANGE_UNDECIDED, "p is above 0.01: chance can explain it");
}

/* 2 / C(8, 4) = 0.029, and 2 / C(10, 5) = 0.0079. */
static void too_few_boots_are_told_with_how_many_it_takes(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 4);
    boots_from(&b, 2000, 1, 4);
    assert_all(&a, &b, P2P_CHANGE_TOO_FEW, "4 and 4 boots of 1 configuration can show nothing: take 5 of each");
    boots_from(&a, 1000, 1, 5);
    boots_from(&b, 2000, 1, 5);
    assert_all(&a, &b, P2P_CHANGE_SLOWER, "p is at most 0.01, and the effect beyond the noise floor of 1 %");
}

static void on_virtual_time_boots_that_agree_are_exact(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 3855, 0, 2);
    boots_from(&b, 3856, 0, 2);
    a.result.time_base = b.result.time_base = P2P_TIME_INSTRUCTIONS;
    assert_all(&a, &b, P2P_CHANGE_SLOWER, "exact: all boots of A agree, and all of B do");
    assert_all(&b, &a, P2P_CHANGE_FASTER, "exact: all boots of A agree, and all of B do");
    assert_all(&a, &a, P2P_CHANGE_SAME, "exact: all boots of A and of B agree");
}

/* Of samples that spread, two boots have the same maximum by chance; 5 and 5 do not: 2 / C(10, 5) = 0.0079. */
static void boots_that_agree_by_chance_are_not_exact(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 1046, 0, 2);
    boots_from(&b, 3272, 0, 2);
    a.result.time_base = b.result.time_base = P2P_TIME_INSTRUCTIONS;
    a.configuration.stats.max_ns = 1046;
    assert_all(&a, &b, P2P_CHANGE_TOO_FEW, "2 and 2 boots of 1 configuration can show nothing: take 5 of each");
    assert_all(&b, &a, P2P_CHANGE_TOO_FEW, "2 and 2 boots of 1 configuration can show nothing: take 5 of each");
    boots_from(&a, 3855, 0, 5);
    boots_from(&b, 3856, 0, 5);
    a.result.time_base = b.result.time_base = P2P_TIME_INSTRUCTIONS;
    a.configuration.stats.max_ns = b.configuration.stats.max_ns = 3900;
    assert_all(&a, &b, P2P_CHANGE_SLOWER, "exact: all boots of A agree, and all of B do");
}

static void set_account(struct boots *boots, uint64_t stimuli, uint64_t missed, uint64_t late)
{
    boots->configuration.account =
        (struct p2p_account){.stimuli = stimuli, .answered = stimuli - missed - late, .missed = missed, .late = late};
}

static void assert_answers(const struct boots *a, const struct boots *b, enum p2p_change change, bool slower, bool open)
{
    struct p2p_comparison comparison = compared(a, b);

    assert_int_equal(comparison.configuration_count, 1);
    assert_string_equal(comparison.answers[0].configuration, "xen");
    assert_int_equal(comparison.answers[0].change, change);
    assert_int_equal(comparison.answers[0].b.missed, b->configuration.account.missed);
    assert_int_equal(p2p_comparison_is_slower(&comparison), slower);
    assert_int_equal(p2p_comparison_is_open(&comparison), open);
    p2p_comparison_free(&comparison);
}

static void who_loses_the_slow_ones_is_slower(void **state)
{
    static const char of_b[] = "B missed or was late for more stimuli: what is beyond the deadline is in no figure";
    static const char of_a[] = "A missed or was late for more stimuli: what is beyond the deadline is in no figure";
    struct boots a, b;

    (void)state;
    boots_from(&a, 1050, 1, 10);
    boots_from(&b, 1000, 1, 10);
    set_account(&a, 10000, 0, 0);
    set_account(&b, 10000, 1, 0);
    assert_all(&a, &b, P2P_CHANGE_NOT_COMPARED, of_b);
    assert_answers(&a, &b, P2P_CHANGE_SLOWER, true, true);
    set_account(&b, 10000, 0, 1);
    assert_all(&a, &b, P2P_CHANGE_NOT_COMPARED, of_b);
    assert_all(&b, &a, P2P_CHANGE_NOT_COMPARED, of_a);
    assert_answers(&b, &a, P2P_CHANGE_NOT_COMPARED, false, true);
}

/* It is slower even without its slowest. */
static void slower_rows_stand_beside_more_late_answers(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 1050, 1, 10);
    set_account(&a, 10000, 0, 0);
    set_account(&b, 10000, 0, 1);
    assert_all(&a, &b, P2P_CHANGE_SLOWER, "p is at most 0.01, and the effect beyond the noise floor of 1 %");
    assert_answers(&a, &b, P2P_CHANGE_SLOWER, true, false);
}

static void as_many_unanswered_of_as_many_are_no_difference(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 1050, 1, 10);
    boots_from(&b, 1000, 1, 10);
    set_account(&a, 10000, 1, 1);
    set_account(&b, 20000, 4, 0);
    assert_all(&a, &b, P2P_CHANGE_FASTER, "p is at most 0.01, and the effect beyond the noise floor of 1 %");
    assert_answers(&a, &b, P2P_CHANGE_SAME, false, false);
}

/* 20 and 20 boots have 1.4e11 splits, of which 200000 are drawn: no p is below 5e-6. */
static void what_the_test_cannot_resolve_is_told(void **state)
{
    struct p2p_comparison_rules strict = {.alpha = 5e-6, .noise_floor = 0.01};
    struct p2p_comparison comparison;
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 20);
    boots_from(&b, 5000, 1, 20);
    assert_true(p2p_compare(&a.result, &b.result, &strict, &comparison));
    assert_int_equal(p2p_comparison_count(&comparison, P2P_CHANGE_SLOWER), P2P_FIGURE_COUNT);
    assert_false(p2p_comparison_is_open(&comparison));
    p2p_comparison_free(&comparison);
    strict.alpha = 4e-6;
    assert_true(p2p_compare(&a.result, &b.result, &strict, &comparison));
    assert_int_equal(p2p_comparison_count(&comparison, P2P_CHANGE_TOO_STRICT), P2P_FIGURE_COUNT);
    assert_string_equal(comparison.rows[0].reason, "200000 random splits of the boots cannot tell so little chance in "
                                                   "1 configuration: --alpha 5e-06 at least");
    assert_true(p2p_comparison_is_open(&comparison));
    p2p_comparison_free(&comparison);
}

static void one_boot_or_a_clock_is_never_exact(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 3855, 0, 1);
    boots_from(&b, 3856, 0, 2);
    a.result.time_base = b.result.time_base = P2P_TIME_INSTRUCTIONS;
    assert_all(&a, &b, P2P_CHANGE_TOO_FEW, "1 and 2 boots of 1 configuration can show nothing: take 5 of each");
    boots_from(&a, 3856, 0, 10);
    boots_from(&b, 3864, 0, 10);
    assert_all(&a, &b, P2P_CHANGE_SAME, "p is at most 0.01, but the effect within the noise floor of 1 %");
}

static void without_a_noise_floor_every_significant_effect_counts(void **state)
{
    static const struct p2p_comparison_rules none = {.alpha = 0.01, .noise_floor = 0};
    struct p2p_comparison comparison;
    struct boots a, b;

    (void)state;
    boots_from(&a, 100000, 1, 10);
    boots_from(&b, 100050, 1, 10);
    assert_true(p2p_compare(&a.result, &b.result, &none, &comparison));
    assert_int_equal(p2p_comparison_count(&comparison, P2P_CHANGE_SLOWER), P2P_FIGURE_COUNT);
    p2p_comparison_free(&comparison);
}

/* 10 000 ns and +-200 ns by the time base: 2 % are within what the other probe may be off by. */
static void another_probe_has_to_be_beyond_its_uncertainty(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 10000, 1, 10);
    boots_from(&b, 10200, 1, 10);
    a.result.budget.timebase_ppm = b.result.budget.timebase_ppm = 10000;
    assert_all(&a, &b, P2P_CHANGE_SLOWER, "p is at most 0.01, and the effect beyond the noise floor of 1 %");
    snprintf(b.result.serial, sizeof b.result.serial, "another");
    assert_all(&a, &b, P2P_CHANGE_SAME,
               "p is at most 0.01, but the effect within the noise floor of 1 % and the probes' uncertainty");
}

static void maxima_of_boots_of_other_sizes_are_not_compared(void **state)
{
    struct p2p_comparison comparison;
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 2000, 1, 10);
    b.result.samples = 2000;
    comparison = compared(&a, &b);
    assert_int_equal(row_of(&comparison, P2P_FIGURE_MAX)->change, P2P_CHANGE_NOT_COMPARED);
    assert_int_equal(row_of(&comparison, P2P_FIGURE_WARM_MAX)->change, P2P_CHANGE_NOT_COMPARED);
    assert_int_equal(row_of(&comparison, P2P_FIGURE_P99_9)->change, P2P_CHANGE_SLOWER);
    p2p_comparison_free(&comparison);
    b.result.samples = a.result.samples;
    b.result.warmup = 3;
    comparison = compared(&a, &b);
    assert_int_equal(row_of(&comparison, P2P_FIGURE_MAX)->change, P2P_CHANGE_SLOWER);
    assert_int_equal(row_of(&comparison, P2P_FIGURE_WARM_MAX)->change, P2P_CHANGE_NOT_COMPARED);
    p2p_comparison_free(&comparison);
}

static void boots_without_samples_have_no_part(void **state)
{
    struct p2p_comparison comparison;
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 2000, 1, 10);
    a.boots[0].figures.n_warm = 0;
    comparison = compared(&a, &b);
    assert_int_equal(comparison.rows[0].a_boots, 9);
    assert_int_equal(comparison.rows[0].b_boots, 10);
    p2p_comparison_free(&comparison);
    b.configuration.boot_figure_count = 0;
    assert_all(&a, &b, P2P_CHANGE_NOT_COMPARED, "no boot of B has samples after warm-up");
    assert_all(&b, &a, P2P_CHANGE_NOT_COMPARED, "no boot of A has samples after warm-up");
}

static void of_nothing_an_effect_is_infinite(void **state)
{
    struct p2p_comparison comparison;
    struct boots a, b;

    (void)state;
    boots_from(&a, 0, 0, 10);
    boots_from(&b, 8, 0, 10);
    comparison = compared(&a, &b);
    assert_true(isinf(comparison.rows[0].effect));
    assert_int_equal(comparison.rows[0].change, P2P_CHANGE_SLOWER);
    p2p_comparison_free(&comparison);
}

static void faults_and_unlike_setups_are_refused_together(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 1000, 1, 10);
    a.result.complete = false;
    p2p_judgement_add(&b.result.judgement, P2P_VERDICT_BENCH_FAULT, "xen: BENCH FAULT");
    b.result.time_base = P2P_TIME_INSTRUCTIONS;
    snprintf(b.configuration.stub, sizeof b.configuration.stub, "pin2pin-stub 0.2.0");
    assert_refused(&a, &b,
                   "A is incomplete; B is a BENCH FAULT: xen: BENCH FAULT; time base: hardware and instructions; guest "
                   "stub: \"pin2pin-stub 0.1.0\" and \"pin2pin-stub 0.2.0\"");
}

static void nothing_in_common_is_refused(void **state)
{
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 1000, 1, 10);
    snprintf(b.configuration.name, sizeof b.configuration.name, "other");
    assert_refused(&a, &b, "no configuration is in both");
}

static void a_fail_is_compared_and_other_stimuli_are_noted(void **state)
{
    struct p2p_comparison comparison;
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 1000, 1, 10);
    p2p_judgement_add(&b.result.judgement, P2P_VERDICT_FAIL, "xen: FAIL");
    b.result.stimulus.period_ns = 1;
    comparison = compared(&a, &b);
    assert_true(p2p_is_comparable(&comparison.comparability));
    assert_string_equal(comparison.comparability.notes, "the stimuli come at other times");
    p2p_comparison_free(&comparison);
}

static void what_changed_comes_first_then_the_larger_effect(void **state)
{
    struct p2p_result_configuration configurations[2][3];
    struct p2p_comparison comparison;
    struct boots a[3], b[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        boots_from(&a[i], 1000, i == 0 ? 200 : 1, 10); /* the first spreads too much to tell */
        boots_from(&b[i], i == 0 ? 1500 : i == 1 ? 1050 : 900, i == 0 ? 200 : 1, 10);
        configurations[0][i] = a[i].configuration;
        configurations[1][i] = b[i].configuration;
        for (int side = 0; side < 2; side++) {
            snprintf(configurations[side][i].name, P2P_NAME_BYTES, "%s",
                     i == 0   ? "spread"
                     : i == 1 ? "slower"
                              : "faster");
        }
    }
    a[0].result.configurations = configurations[0];
    b[0].result.configurations = configurations[1];
    a[0].result.configuration_count = b[0].result.configuration_count = 3;
    comparison = compared(&a[0], &b[0]);
    assert_int_equal(comparison.row_count, 3 * P2P_FIGURE_COUNT);
    assert_string_equal(comparison.rows[0].configuration, "faster"); /* by a tenth */
    assert_int_equal(comparison.rows[0].figure, P2P_FIGURE_AVG);
    assert_string_equal(comparison.rows[P2P_FIGURE_COUNT].configuration, "slower"); /* by a twentieth */
    assert_string_equal(comparison.rows[P2P_FIGURE_COUNT + P2P_FIGURE_COUNT].configuration, "spread");
    assert_int_equal(comparison.rows[P2P_FIGURE_COUNT + P2P_FIGURE_COUNT].change, P2P_CHANGE_UNDECIDED);
    p2p_comparison_free(&comparison);
}

static void configurations_of_one_side_only_are_told(void **state)
{
    struct p2p_result_configuration both[2];
    struct p2p_comparison comparison;
    struct boots a, b;

    (void)state;
    boots_from(&a, 1000, 1, 10);
    boots_from(&b, 1000, 1, 10);
    both[0] = both[1] = b.configuration;
    snprintf(both[1].name, sizeof both[1].name, "new");
    b.result.configurations = both;
    b.result.configuration_count = 2;
    comparison = compared(&a, &b);
    assert_string_equal(comparison.comparability.notes, "only in B: new");
    assert_int_equal(comparison.row_count, P2P_FIGURE_COUNT);
    p2p_comparison_free(&comparison);
    comparison = compared(&b, &a);
    assert_string_equal(comparison.comparability.notes, "only in A: new");
    p2p_comparison_free(&comparison);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_boots_apart_are_slower_or_faster),
        cmocka_unit_test(figures_of_a_row),
        cmocka_unit_test(a_significant_effect_below_the_noise_floor_is_the_same),
        cmocka_unit_test(an_interval_within_the_noise_floor_is_the_same),
        cmocka_unit_test(what_chance_can_explain_is_undecided),
        cmocka_unit_test(too_few_boots_are_told_with_how_many_it_takes),
        cmocka_unit_test(on_virtual_time_boots_that_agree_are_exact),
        cmocka_unit_test(boots_that_agree_by_chance_are_not_exact),
        cmocka_unit_test(who_loses_the_slow_ones_is_slower),
        cmocka_unit_test(slower_rows_stand_beside_more_late_answers),
        cmocka_unit_test(as_many_unanswered_of_as_many_are_no_difference),
        cmocka_unit_test(what_the_test_cannot_resolve_is_told),
        cmocka_unit_test(one_boot_or_a_clock_is_never_exact),
        cmocka_unit_test(without_a_noise_floor_every_significant_effect_counts),
        cmocka_unit_test(another_probe_has_to_be_beyond_its_uncertainty),
        cmocka_unit_test(maxima_of_boots_of_other_sizes_are_not_compared),
        cmocka_unit_test(boots_without_samples_have_no_part),
        cmocka_unit_test(of_nothing_an_effect_is_infinite),
        cmocka_unit_test(faults_and_unlike_setups_are_refused_together),
        cmocka_unit_test(nothing_in_common_is_refused),
        cmocka_unit_test(a_fail_is_compared_and_other_stimuli_are_noted),
        cmocka_unit_test(what_changed_comes_first_then_the_larger_effect),
        cmocka_unit_test(configurations_of_one_side_only_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
