/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict/verdict.h"

#include <stdio.h>
#include <string.h>

/* All that p2p_judge looks at. */
struct scene {
    struct p2p_stats stats;
    struct p2p_account account;
    struct p2p_limits limits;
};

/* 1000 stimuli in one boot with warmup 2, all answered; the limits are just met. */
static const struct scene CLEAN = {
    .stats = {.n = 1000, .n_warm = 998, .avg_ns = 1200.0, .max_ns = 3883, .warm_max_ns = 1950, .p99_ns = 1900},
    .account = {.stimuli = 1000, .answered = 1000, .releases = 1000, .outside = 7, .answers = 1000, .edges = 3007},
    .limits = {.avg_ns = 1200, .max_ns = 3883, .warm_max_ns = 1950, .p99_ns = 1900, .min_samples = 998},
};

static void few_warm_samples(struct scene *scene)
{
    scene->limits.min_samples = 5000;
}

static void avg_over(struct scene *scene)
{
    scene->stats.avg_ns = 1200.125;
}

static void max_over(struct scene *scene)
{
    scene->stats.max_ns = 4000;
}

static void warm_max_over(struct scene *scene)
{
    scene->stats.warm_max_ns = 3883;
}

static void p99_over(struct scene *scene)
{
    scene->stats.p99_ns = 1901;
}

static void below_zero(struct scene *scene)
{
    scene->stats.below_zero = true;
}

static void missed(struct scene *scene)
{
    scene->account.answered -= 12;
    scene->account.missed += 12;
    scene->account.answers -= 12;
    scene->account.edges -= 12;
}

static void late(struct scene *scene)
{
    scene->account.answered -= 3;
    scene->account.late += 3;
}

static void lost(struct scene *scene)
{
    scene->account.lost = 4;
}

static void spurious(struct scene *scene)
{
    scene->account.spurious += 2;
    scene->account.answers += 2;
    scene->account.edges += 2;
}

static void clipped(struct scene *scene)
{
    scene->account.clipped = 1;
}

static void disordered(struct scene *scene)
{
    scene->account.disordered = 5;
}

/* Each finding alone; in the order in which p2p_judge names them. */
static const struct finding {
    void (*cause)(struct scene *scene);
    enum p2p_verdict verdict;
    const char *reason;
} FINDINGS[] = {
    {lost, P2P_VERDICT_BENCH_FAULT, "4 lost edges"},
    {spurious, P2P_VERDICT_BENCH_FAULT, "2 spurious answers"},
    {clipped, P2P_VERDICT_BENCH_FAULT, "1 sample with a clipped or glitch edge"},
    {disordered, P2P_VERDICT_BENCH_FAULT, "5 edges stamped before the edge ahead"},
    {below_zero, P2P_VERDICT_BENCH_FAULT,
     "latencies are below the correction for the probe's skew: its calibration is wrong"},
    {warm_max_over, P2P_VERDICT_FAIL, "warm_max 3883 ns > limit 1950 ns"},
    {max_over, P2P_VERDICT_FAIL, "max 4000 ns > limit 3883 ns"},
    {p99_over, P2P_VERDICT_FAIL, "p99 1901 ns > limit 1900 ns"},
    {avg_over, P2P_VERDICT_FAIL, "avg 1200.125 ns > limit 1200 ns"},
    {missed, P2P_VERDICT_FAIL, "12 of 1000 stimuli not answered before the next one"},
    {late, P2P_VERDICT_FAIL, "3 answers later than the deadline"},
    {few_warm_samples, P2P_VERDICT_INCONCLUSIVE, "998 warm samples, 5000 needed"},
};

enum { FINDING_COUNT = sizeof FINDINGS / sizeof FINDINGS[0] };

static void assert_judged(const struct scene *scene, enum p2p_verdict verdict, const char *reason)
{
    struct p2p_judgement judgement;

    memset(&judgement, 0x5a, sizeof judgement); /* what was there before must not matter */
    p2p_judge(&scene->stats, &scene->account, &scene->limits, &judgement);
    assert_string_equal(judgement.reason, reason);
    assert_int_equal(judgement.verdict, verdict);
}

static void a_clean_run_within_its_limits_passes(void **state)
{
    struct scene scene = CLEAN;

    (void)state;
    assert_judged(&scene, P2P_VERDICT_PASS, "");
    assert_int_equal(P2P_NO_LIMITS.min_samples, 1);
    scene.limits = P2P_NO_LIMITS;
    scene.stats.avg_ns = 1e18;
    scene.stats.max_ns = scene.stats.warm_max_ns = scene.stats.p99_ns = UINT64_MAX;
    assert_judged(&scene, P2P_VERDICT_PASS, "");
}

static void each_finding_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < FINDING_COUNT; i++) {
        struct scene scene = CLEAN;

        FINDINGS[i].cause(&scene);
        assert_judged(&scene, FINDINGS[i].verdict, FINDINGS[i].reason);
    }
}

static void findings_in_pairs_name_the_worse_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < FINDING_COUNT; i++) {
        for (size_t k = i + 1; k < FINDING_COUNT; k++) {
            struct scene scene = CLEAN;
            char reason[2 * P2P_REASON_BYTES];

            FINDINGS[k].cause(&scene);
            FINDINGS[i].cause(&scene);
            snprintf(reason, sizeof reason, "%s; %s", FINDINGS[i].reason, FINDINGS[k].reason);
            assert_judged(&scene, FINDINGS[i].verdict, reason);
        }
    }
}

static void all_findings_at_once_are_all_named(void **state)
{
    struct scene scene = CLEAN;
    char reason[2 * P2P_REASON_BYTES];
    int used = 0;

    (void)state;
    for (size_t i = 0; i < FINDING_COUNT; i++) {
        FINDINGS[i].cause(&scene);
        used += snprintf(reason + used, sizeof reason - (size_t)used, "%s%s", i > 0 ? "; " : "", FINDINGS[i].reason);
    }
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT, reason);
}

static void an_account_out_of_balance_voids_the_run(void **state)
{
    struct scene scene = CLEAN;

    (void)state;
    scene.account.missed = 1;
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT,
                  "account does not balance: stimuli 1000 != answered 1000 + missed 1 + late 0; "
                  "1 of 1000 stimuli not answered before the next one");
    scene = CLEAN;
    scene.account.answers = 1001;
    scene.account.edges = 3008;
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT,
                  "account does not balance: answers 1001 != answered 1000 + late 0 + spurious 0");
    scene = CLEAN;
    scene.account.edges = 3006;
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT,
                  "account does not balance: edges 3006 != stimuli 1000 + releases 1000 + answers 1000 + outside 7");
}

static void no_measurement_is_a_bench_fault(void **state)
{
    struct scene scene = {.limits = P2P_NO_LIMITS};

    (void)state;
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT, "no stimulus was played; 0 warm samples, 1 needed");
    scene.limits.min_samples = 0;
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT, "no stimulus was played; 0 warm samples, 1 needed");
    scene.limits = (struct p2p_limits){.min_samples = 1};
    scene.stats = (struct p2p_stats){.avg_ns = 9, .max_ns = 9, .warm_max_ns = 9, .p99_ns = 9}; /* not valid: n == 0 */
    scene.account = (struct p2p_account){.stimuli = 1000, .missed = 1000, .releases = 1000, .edges = 2000};
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT, "no answer to any of 1000 stimuli; 0 warm samples, 1 needed");
}

static void answers_that_are_all_late_are_a_failure_of_the_board(void **state)
{
    const struct scene scene = {
        .account = {.stimuli = 1, .late = 1, .releases = 1, .answers = 1, .edges = 3},
        .limits = {.min_samples = 1},
    };

    (void)state;
    assert_judged(&scene, P2P_VERDICT_FAIL, "1 answer later than the deadline; 0 warm samples, 1 needed");
}

static void cold_samples_alone_have_no_warm_max(void **state)
{
    const struct scene scene = {
        .stats = {.n = 2, .avg_ns = 10, .max_ns = 10, .warm_max_ns = 99, .p99_ns = 10},
        .account = {.stimuli = 2, .answered = 2, .answers = 2, .edges = 4},
        .limits = {.avg_ns = 10, .max_ns = 10, .warm_max_ns = 10, .p99_ns = 9, .min_samples = 1},
    };

    (void)state;
    assert_judged(&scene, P2P_VERDICT_FAIL, "p99 10 ns > limit 9 ns; 0 warm samples, 1 needed");
}

static void a_single_thing_is_named_in_the_singular(void **state)
{
    struct scene scene = CLEAN;

    (void)state;
    scene.stats.n_warm = 1;
    scene.account.lost = scene.account.spurious = scene.account.disordered = 1;
    scene.account.clipped = 2;
    scene.account.answers++;
    scene.account.edges++;
    assert_judged(&scene, P2P_VERDICT_BENCH_FAULT,
                  "1 lost edge; 1 spurious answer; 2 samples with a clipped or glitch edge; "
                  "1 edge stamped before the edge ahead; 1 warm sample, 998 needed");
}

static void an_added_finding_goes_first_only_if_it_is_worse(void **state)
{
    struct p2p_judgement judgement = {0};

    (void)state;
    p2p_judgement_add(&judgement, P2P_VERDICT_FAIL, "boot %d", 1);
    p2p_judgement_add(&judgement, P2P_VERDICT_INCONCLUSIVE, "boot %d", 2);
    p2p_judgement_add(&judgement, P2P_VERDICT_BENCH_FAULT, "boot %d", 3);
    p2p_judgement_add(&judgement, P2P_VERDICT_BENCH_FAULT, "boot %d", 4);
    assert_string_equal(judgement.reason, "boot 3; boot 1; boot 2; boot 4");
    assert_int_equal(judgement.verdict, P2P_VERDICT_BENCH_FAULT);
}

/* `length` characters, at most what fits. */
static const char *text_of(char *text, size_t length)
{
    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

static void a_reason_that_does_not_fit_is_cut_and_says_so(void **state)
{
    struct p2p_judgement judgement = {0};
    char text[2 * P2P_REASON_BYTES];

    (void)state;
    p2p_judgement_add(&judgement, P2P_VERDICT_FAIL, "%s", text_of(text, P2P_REASON_BYTES - 1));
    assert_string_equal(judgement.reason, text); /* just fits */

    p2p_judgement_add(&judgement, P2P_VERDICT_BENCH_FAULT, "worse");
    assert_int_equal(strlen(judgement.reason), P2P_REASON_BYTES - 1);
    assert_memory_equal(judgement.reason, "worse; xxx", 10);
    assert_string_equal(judgement.reason + P2P_REASON_BYTES - 6, "xx...");

    judgement = (struct p2p_judgement){0};
    p2p_judgement_add(&judgement, P2P_VERDICT_FAIL, "%s", text_of(text, P2P_REASON_BYTES));
    assert_int_equal(strlen(judgement.reason), P2P_REASON_BYTES - 1);
    assert_string_equal(judgement.reason + P2P_REASON_BYTES - 6, "xx...");
    for (int i = 0; i < 3; i++)
        p2p_judgement_add(&judgement, P2P_VERDICT_FAIL, "%s", text_of(text, sizeof text - 1));
    assert_int_equal(strlen(judgement.reason), P2P_REASON_BYTES - 1);
}

static void a_control_out_of_its_band_makes_the_bench_sick(void **state)
{
    static const struct {
        double avg_ns;
        const char *reason;
    } cases[] = {
        {480, ""},
        {520, ""},
        {479.999, "the bench is sick: avg 479.999 ns, expected 480 to 520 ns of this control"},
        {520.001, "the bench is sick: avg 520.001 ns, expected 480 to 520 ns of this control"},
    };
    const struct p2p_band control = {480, 520}, none = {0, 0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bool sick = cases[i].reason[0] != '\0';
        struct p2p_stats stats = {.n = 10, .avg_ns = cases[i].avg_ns};
        struct p2p_judgement judgement = {0};

        p2p_judge_control(&stats, &none, &judgement);
        assert_int_equal(judgement.verdict, P2P_VERDICT_PASS);
        p2p_judge_control(&stats, &control, &judgement);
        assert_string_equal(judgement.reason, cases[i].reason);
        assert_int_equal(judgement.verdict, sick ? P2P_VERDICT_BENCH_FAULT : P2P_VERDICT_PASS);
    }
}

static void a_control_without_samples_says_nothing_of_the_bench(void **state)
{
    const struct p2p_band control = {480, 520};
    const struct p2p_stats stats = {0};
    struct p2p_judgement judgement = {0};

    (void)state;
    p2p_judge_control(&stats, &control, &judgement);
    assert_int_equal(judgement.verdict, P2P_VERDICT_PASS);
}

static void the_worse_of_two_verdicts_stands(void **state)
{
    (void)state;
    for (int a = P2P_VERDICT_PASS; a <= P2P_VERDICT_BENCH_FAULT; a++) {
        for (int b = P2P_VERDICT_PASS; b <= P2P_VERDICT_BENCH_FAULT; b++)
            assert_int_equal(p2p_verdict_worse((enum p2p_verdict)a, (enum p2p_verdict)b), a > b ? a : b);
    }
}

static void verdicts_have_names_and_exit_codes(void **state)
{
    const struct {
        enum p2p_verdict verdict;
        const char *name;
        int exit_code;
    } cases[] = {
        {P2P_VERDICT_PASS, "PASS", 0},
        {P2P_VERDICT_INCONCLUSIVE, "INCONCLUSIVE", 3},
        {P2P_VERDICT_FAIL, "FAIL", 1},
        {P2P_VERDICT_BENCH_FAULT, "BENCH FAULT", 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(p2p_verdict_name(cases[i].verdict), cases[i].name);
        assert_int_equal(p2p_verdict_from_name(cases[i].name), cases[i].verdict);
        assert_int_equal(p2p_verdict_exit_code(cases[i].verdict), cases[i].exit_code);
    }
    assert_int_equal(p2p_verdict_from_name("pass"), -1);
    assert_int_equal(p2p_verdict_from_name(""), -1);
    assert_int_equal(p2p_verdict_from_name("PASSED"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_run_within_its_limits_passes),
        cmocka_unit_test(each_finding_alone),
        cmocka_unit_test(findings_in_pairs_name_the_worse_first),
        cmocka_unit_test(all_findings_at_once_are_all_named),
        cmocka_unit_test(an_account_out_of_balance_voids_the_run),
        cmocka_unit_test(no_measurement_is_a_bench_fault),
        cmocka_unit_test(answers_that_are_all_late_are_a_failure_of_the_board),
        cmocka_unit_test(cold_samples_alone_have_no_warm_max),
        cmocka_unit_test(a_single_thing_is_named_in_the_singular),
        cmocka_unit_test(an_added_finding_goes_first_only_if_it_is_worse),
        cmocka_unit_test(a_reason_that_does_not_fit_is_cut_and_says_so),
        cmocka_unit_test(a_control_out_of_its_band_makes_the_bench_sick),
        cmocka_unit_test(a_control_without_samples_says_nothing_of_the_bench),
        cmocka_unit_test(the_worse_of_two_verdicts_stands),
        cmocka_unit_test(verdicts_have_names_and_exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
