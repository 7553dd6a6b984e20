/* SPDX-License-Identifier: MIT */
/* Verdicts of results that are written down here, figure by figure. */
#include "store/judging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRAP, NATIVE, CONFIGURATIONS, BOOTS = 5, SAMPLES = 100, WARM = 98 };

struct fixture {
    struct p2p_result result;
    struct p2p_result_configuration configurations[CONFIGURATIONS];
    struct p2p_result_boot boots[CONFIGURATIONS][BOOTS];
    struct p2p_reference reference;
    struct p2p_result_boot pinned[BOOTS];
};

/* Boots of `avg_ns` and 1 ns more each; their maxima are 100 ns above. */
static void fill_boots(struct p2p_result_boot *boots, double avg_ns)
{
    for (uint32_t i = 0; i < BOOTS; i++) {
        struct p2p_boot_figures *figures = &boots[i].figures;

        boots[i].boot = i + 1;
        figures->n = SAMPLES;
        figures->n_warm = WARM;
        for (enum p2p_figure figure = 0; figure < P2P_FIGURE_COUNT; figure++) {
            figures->value_ns[figure] = avg_ns + i + (figure >= P2P_FIGURE_MAX ? 100 : 0);
        }
    }
}

/* A sound account of `stimuli`, all answered, and figures that go with it. */
static void fill_measured(struct p2p_stats *stats, struct p2p_account *account, uint64_t stimuli, uint64_t avg_ns)
{
    *account = (struct p2p_account){
        .stimuli = stimuli, .answered = stimuli, .releases = stimuli, .answers = stimuli, .edges = 3 * stimuli};
    *stats = (struct p2p_stats){.n = stimuli,
                                .n_warm = stimuli / SAMPLES * WARM,
                                .avg_ns = (double)avg_ns + 2,
                                .min_ns = avg_ns,
                                .max_ns = avg_ns + 104,
                                .warm_max_ns = avg_ns + 104,
                                .p50_ns = avg_ns + 2,
                                .p99_ns = avg_ns + 4,
                                .p99_9_ns = avg_ns + 4};
}

static void fill(struct fixture *fixture, size_t number, const char *name, uint64_t avg_ns)
{
    struct p2p_result_configuration *configuration = &fixture->configurations[number];

    snprintf(configuration->name, sizeof configuration->name, "%s", name);
    snprintf(configuration->stub, sizeof configuration->stub, "pin2pin-stub 0.1.0");
    snprintf(configuration->stub_path, sizeof configuration->stub_path, "2");
    configuration->limits = P2P_NO_LIMITS;
    configuration->boots = BOOTS;
    configuration->boot_figures = fixture->boots[number];
    configuration->boot_figure_count = BOOTS;
    fill_boots(fixture->boots[number], (double)avg_ns);
    fill_measured(&configuration->stats, &configuration->account, (uint64_t)BOOTS * SAMPLES, avg_ns);
}

/* Two configurations: "trap" of 1000 ns and "native" of 380 ns, and no limits. */
static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){.result = {.plan = "p",
                                           .bench = "b",
                                           .wiring = "w",
                                           .probe = "ideal",
                                           .tick_hz = 1000000000,
                                           .boots = BOOTS,
                                           .confirm_boots = 1,
                                           .complete = true,
                                           .configuration_count = CONFIGURATIONS}};
    fixture->result.configurations = fixture->configurations;
    fill(fixture, TRAP, "trap", 1000);
    fill(fixture, NATIVE, "native", 380);
}

static struct p2p_result_configuration *judge(struct fixture *fixture, size_t number)
{
    assert_true(p2p_result_judge(&fixture->result));
    return &fixture->configurations[number];
}

static void limit(struct fixture *fixture, size_t number, const struct p2p_relative_limit *relative)
{
    struct p2p_limits *limits = &fixture->configurations[number].limits;

    limits->relative[limits->relative_count++] = *relative;
}

static const struct p2p_relative_limit OF_TRAP = {.figure = P2P_FIGURE_AVG, .at_most = 0.4, .of = "trap"};
static const struct p2p_relative_limit OF_PINNED = {
    .figure = P2P_FIGURE_WARM_MAX, .at_most = 1.05, .of = "trap", .baseline = "4.20"};

/* The baseline "4.20" holds boots of "trap" of `avg_ns`, measured as today. */
static void pin(struct fixture *fixture, double avg_ns)
{
    fixture->reference = (struct p2p_reference){.baseline = "4.20",
                                                .configuration = "trap",
                                                .wiring = "w",
                                                .stub = "pin2pin-stub 0.1.0",
                                                .stub_path = "2",
                                                .probe = "ideal",
                                                .tick_hz = 1000000000,
                                                .boot_figure_count = BOOTS,
                                                .boot_figures = fixture->pinned};
    fill_boots(fixture->pinned, avg_ns);
    fixture->result.references = &fixture->reference;
    fixture->result.reference_count = 1;
}

static void figures_without_limits_pass(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    assert_string_equal(judge(&fixture, TRAP)->judgement.reason, "");
    assert_int_equal(fixture.result.judgement.verdict, P2P_VERDICT_PASS);
    assert_string_equal(fixture.result.judgement.reason, "");
}

static void one_configuration_is_held_against_another(void **state)
{
    struct fixture fixture;
    const struct p2p_result_configuration *native;

    (void)state;
    set_up(&fixture);
    limit(&fixture, NATIVE, &OF_TRAP);
    native = judge(&fixture, NATIVE);
    assert_int_equal(native->judgement.verdict, P2P_VERDICT_PASS);
    assert_true(native->relative[0].known && native->relative[0].bounded);
    fixture.configurations[NATIVE].limits.relative[0].at_most = 0.35;
    fixture.configurations[NATIVE].judgement = (struct p2p_judgement){0};
    native = judge(&fixture, NATIVE);
    assert_int_equal(native->judgement.verdict, P2P_VERDICT_FAIL);
    assert_string_equal(native->judgement.reason, native->relative[0].judgement.reason);
    assert_non_null(strstr(native->judgement.reason, "of trap, limit 0.35"));
    assert_int_equal(fixture.result.judgement.verdict, P2P_VERDICT_FAIL);
}

/* Whichever of the two stands first in the plan. */
static void figures_that_do_not_count_decide_nothing(void **state)
{
    static const struct p2p_relative_limit of_native = {.figure = P2P_FIGURE_AVG, .at_most = 3, .of = "native"};
    struct fixture fixture;

    (void)state;
    for (size_t sick = 0; sick < CONFIGURATIONS; sick++) {
        const size_t other = 1 - sick;

        set_up(&fixture);
        limit(&fixture, other, other == NATIVE ? &OF_TRAP : &of_native);
        fixture.configurations[sick].account.lost = 1;
        assert_int_equal(judge(&fixture, other)->judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
        assert_string_equal(fixture.configurations[other].judgement.reason,
                            sick == TRAP ? "trap has no figures that count" : "native has no figures that count");
        assert_int_equal(fixture.result.judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    }
    /* Its own: the fault has said it. */
    set_up(&fixture);
    limit(&fixture, NATIVE, &OF_TRAP);
    fixture.configurations[NATIVE].account.lost = 1;
    fixture.configurations[NATIVE].limits.relative[0].at_most = 0.1;
    assert_string_equal(judge(&fixture, NATIVE)->judgement.reason, "1 lost edge");
}

static void somebody_who_was_not_run_decides_nothing(void **state)
{
    static const struct p2p_relative_limit of_nobody = {.figure = P2P_FIGURE_AVG, .at_most = 3, .of = "nobody"};
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    limit(&fixture, NATIVE, &of_nobody);
    assert_int_equal(judge(&fixture, NATIVE)->judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    assert_string_equal(fixture.configurations[NATIVE].judgement.reason, "nobody was not run");
}

static void a_pinned_baseline_gates(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    pin(&fixture, 1000);
    limit(&fixture, TRAP, &OF_PINNED);
    assert_int_equal(judge(&fixture, TRAP)->judgement.verdict, P2P_VERDICT_PASS);
    set_up(&fixture);
    pin(&fixture, 800);
    limit(&fixture, TRAP, &OF_PINNED);
    assert_int_equal(judge(&fixture, TRAP)->judgement.verdict, P2P_VERDICT_FAIL);
    assert_non_null(strstr(fixture.configurations[TRAP].judgement.reason, "of trap of baseline 4.20, limit 1.05"));
}

static void a_baseline_of_another_setup_decides_nothing(void **state)
{
    struct fixture fixture;

    (void)state;
    for (int what = 0; what < 6; what++) {
        set_up(&fixture);
        pin(&fixture, 1000);
        limit(&fixture, TRAP, &OF_PINNED);
        fixture.reference.time_base = what == 0 ? P2P_TIME_INSTRUCTIONS : P2P_TIME_HARDWARE;
        fixture.reference.tick_hz = what == 1 ? 125000000 : 1000000000;
        fixture.reference.wiring[0] = what == 2 ? 'v' : 'w';
        fixture.reference.stub[0] = what == 3 ? 'P' : 'p';
        fixture.reference.probe[0] = what == 4 ? 'I' : 'i';
        fixture.reference.configuration[0] = what == 5 ? 'T' : 't';
        assert_int_equal(judge(&fixture, TRAP)->judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
        assert_non_null(strstr(fixture.configurations[TRAP].judgement.reason,
                               what == 5 ? "there is no trap of baseline 4.20"
                                         : "baseline 4.20 (A) and this run (B) are not comparable: "));
        assert_false(fixture.configurations[TRAP].relative[0].known);
    }
}

static void an_exceedance_limit_is_judged_by_its_counts(void **state)
{
    struct fixture fixture;
    struct p2p_result_configuration *trap = &fixture.configurations[TRAP];

    (void)state;
    set_up(&fixture);
    trap->limits.exceedance = (struct p2p_exceedance_limit){.over_ns = 1050, .probability = 0.01};
    trap->limits.exceedance.over_ns = 1104;
    trap->exceedance = (struct p2p_exceedance){.n = 500};
    assert_int_equal(judge(&fixture, TRAP)->judgement.verdict, P2P_VERDICT_PASS);
    trap->limits.exceedance.over_ns = 1050;
    trap->exceedance = (struct p2p_exceedance){.n = 500, .count = 50};
    assert_int_equal(judge(&fixture, TRAP)->judgement.verdict, P2P_VERDICT_FAIL);
}

/* ---- fresh boots ---- */

static void confirm(struct fixture *fixture, size_t number, uint64_t avg_ns)
{
    struct p2p_confirmation *confirmation = &fixture->configurations[number].confirmation;

    confirmation->boots = 1;
    fill_measured(&confirmation->stats, &confirmation->account, SAMPLES, avg_ns);
}

static void a_fresh_boot_changes_no_verdict(void **state)
{
    static const struct {
        uint64_t fresh_ns;
        enum p2p_verdict verdict;
        const char *reason;
    } cases[] = {
        {1000, P2P_VERDICT_FAIL, "max 1104 ns > limit 1050 ns; confirmed on a fresh boot"},
        {900, P2P_VERDICT_PASS, "max 1104 ns > limit 1050 ns; a fresh boot did not show it again"},
    };
    struct fixture fixture;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        set_up(&fixture);
        confirm(&fixture, TRAP, cases[i].fresh_ns);
        fixture.configurations[TRAP].limits.max_ns = 1050;
        fixture.configurations[TRAP].limits.min_samples = 400; /* not of the fresh boot */
        judge(&fixture, TRAP);
        assert_int_equal(fixture.configurations[TRAP].judgement.verdict, P2P_VERDICT_FAIL);
        assert_string_equal(fixture.configurations[TRAP].judgement.reason, cases[i].reason);
        assert_int_equal(fixture.configurations[TRAP].confirmation.judgement.verdict, cases[i].verdict);
    }
}

static void a_fresh_boot_that_could_not_tell_says_why(void **state)
{
    struct fixture fixture;
    struct p2p_result_configuration *trap = &fixture.configurations[TRAP];

    (void)state;
    set_up(&fixture);
    trap->limits.exceedance = (struct p2p_exceedance_limit){.over_ns = 1050, .probability = 0.05};
    trap->exceedance = (struct p2p_exceedance){.n = 500, .count = 50};
    confirm(&fixture, TRAP, 1000);
    trap->confirmation.exceedance = (struct p2p_exceedance){.n = SAMPLES, .count = 5};
    judge(&fixture, TRAP);
    assert_int_equal(trap->confirmation.judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    assert_non_null(strstr(trap->judgement.reason, "; a fresh boot could not tell: 5 of 100 over 1050 ns"));
}

/* One boot has no interval: its own figure has to be above the limit again. */
static void a_ratio_is_confirmed_by_the_fresh_figure(void **state)
{
    struct fixture fixture;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        set_up(&fixture);
        limit(&fixture, NATIVE, &OF_TRAP);
        fixture.configurations[NATIVE].limits.relative[0].at_most = 0.35;
        confirm(&fixture, NATIVE, i == 0 ? 380 : 340);
        judge(&fixture, NATIVE);
        assert_int_equal(fixture.configurations[NATIVE].judgement.verdict, P2P_VERDICT_FAIL);
        assert_int_equal(fixture.configurations[NATIVE].confirmation.judgement.verdict,
                         i == 0 ? P2P_VERDICT_FAIL : P2P_VERDICT_PASS);
    }
    assert_non_null(strstr(fixture.configurations[NATIVE].judgement.reason, "; a fresh boot did not show it again"));
}

static void a_fresh_boot_with_lost_edges_confirms_nothing(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    fixture.configurations[TRAP].limits.max_ns = 1050;
    confirm(&fixture, TRAP, 1000);
    fixture.configurations[TRAP].confirmation.account.lost = 2;
    judge(&fixture, TRAP);
    assert_string_equal(fixture.configurations[TRAP].judgement.reason,
                        "max 1104 ns > limit 1050 ns; the fresh boot was a BENCH FAULT");
    assert_int_equal(fixture.result.judgement.verdict, P2P_VERDICT_FAIL);
}

/* ---- the whole, and the gate ---- */

static void boots_that_are_missing_void_the_run(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    fixture.configurations[TRAP].boots = 4;
    judge(&fixture, TRAP);
    assert_int_equal(fixture.result.judgement.verdict, P2P_VERDICT_BENCH_FAULT);
    assert_string_equal(fixture.result.judgement.reason, "the run is incomplete: 9 of 10 boots recorded");
}

/* As its own run left it; the gate must add nothing. */
static void set_up_judged(struct fixture *fixture)
{
    set_up(fixture);
    limit(fixture, NATIVE, &OF_TRAP);
    fixture->configurations[TRAP].limits.max_ns = 1050;
    confirm(fixture, TRAP, 1000);
    judge(fixture, TRAP);
}

static void an_honest_file_is_judged_as_it_says(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up_judged(&fixture);
    assert_true(p2p_result_judge_again(&fixture.result));
    assert_int_equal(fixture.result.judgement.verdict, P2P_VERDICT_FAIL);
    assert_string_equal(fixture.result.judgement.reason, "trap: FAIL");
    assert_string_equal(fixture.configurations[TRAP].judgement.reason,
                        "max 1104 ns > limit 1050 ns; confirmed on a fresh boot");
    assert_int_equal(fixture.configurations[NATIVE].judgement.verdict, P2P_VERDICT_PASS);
}

/* Each edit of a file makes of its PASS, or of its FAIL, what its figures do not say. */
static void flatter(struct fixture *fixture)
{
    fixture->configurations[TRAP].judgement = (struct p2p_judgement){0};
    fixture->result.judgement = (struct p2p_judgement){0};
}

static void raise_limit_breaker(struct fixture *fixture)
{
    fixture->configurations[NATIVE].limits.relative[0].at_most = 0.3;
}

static void shrink_truth(struct fixture *fixture)
{
    fixture->configurations[NATIVE].truth = (struct p2p_truth){.known = true, .n = 10, .max_error_ns = 99};
}

static void exceed(struct fixture *fixture)
{
    fixture->configurations[NATIVE].limits.exceedance = (struct p2p_exceedance_limit){400, 0.001};
    fixture->configurations[NATIVE].exceedance = (struct p2p_exceedance){.n = 500, .count = 400};
}

static void lower_max(struct fixture *fixture)
{
    fixture->configurations[NATIVE].stats.max_ns--;
}

static void forget_samples(struct fixture *fixture)
{
    fixture->boots[NATIVE][2].figures.n--;
}

static void hide_exceedances(struct fixture *fixture)
{
    fixture->configurations[NATIVE].limits.exceedance = (struct p2p_exceedance_limit){400, 0.5};
    fixture->configurations[NATIVE].exceedance = (struct p2p_exceedance){.n = 500, .count = 0};
}

static void shrink_exceedances(struct fixture *fixture)
{
    fixture->configurations[NATIVE].limits.exceedance = (struct p2p_exceedance_limit){400, 0.5};
    fixture->configurations[NATIVE].exceedance = (struct p2p_exceedance){.n = 400, .count = 1};
}

static void add_stimuli(struct fixture *fixture)
{
    fill_measured(&(struct p2p_stats){0}, &fixture->configurations[NATIVE].account, 600, 380);
}

static void count_a_boot_twice(struct fixture *fixture)
{
    fixture->boots[NATIVE][2].boot = 2;
}

static void move_boots(struct fixture *fixture)
{
    fixture->configurations[TRAP].boots--;
    fixture->configurations[NATIVE].boots++;
}

static void lower_p99_of_a_boot(struct fixture *fixture)
{
    fixture->boots[NATIVE][2].figures.value_ns[P2P_FIGURE_P99] = 1;
}

static void lower_p99(struct fixture *fixture)
{
    fixture->configurations[NATIVE].stats.p99_ns = 1;
}

static void lower_mean(struct fixture *fixture)
{
    fixture->configurations[NATIVE].stats.avg_ns = 300;
}

static void confirm_a_pass(struct fixture *fixture)
{
    confirm(fixture, NATIVE, 380);
}

static void drift_control(struct fixture *fixture)
{
    fixture->configurations[NATIVE].control = (struct p2p_band){500, 600};
}

static void edited_files_are_not_believed(void **state)
{
    static void (*const edits[])(struct fixture *) = {flatter,
                                                      raise_limit_breaker,
                                                      shrink_truth,
                                                      exceed,
                                                      lower_max,
                                                      forget_samples,
                                                      drift_control,
                                                      hide_exceedances,
                                                      shrink_exceedances,
                                                      add_stimuli,
                                                      count_a_boot_twice,
                                                      move_boots,
                                                      lower_p99_of_a_boot,
                                                      lower_p99,
                                                      lower_mean,
                                                      confirm_a_pass};

    (void)state;
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct fixture fixture;
        const struct p2p_judgement *judgement = &fixture.configurations[i == 0 ? TRAP : NATIVE].judgement;

        set_up_judged(&fixture);
        edits[i](&fixture);
        assert_true(p2p_result_judge_again(&fixture.result));
        assert_int_equal(fixture.result.judgement.verdict, P2P_VERDICT_BENCH_FAULT);
        assert_int_equal(judgement->verdict, P2P_VERDICT_BENCH_FAULT);
        assert_ptr_equal(strstr(judgement->reason, "the file says PASS, its figures do not: "), judgement->reason);
    }
}

/* A fault of a boot is in no figure: it stands as the file says. */
static void a_fault_that_no_figure_shows_stands(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    limit(&fixture, NATIVE, &OF_TRAP);
    p2p_judgement_add(&fixture.configurations[TRAP].judgement, P2P_VERDICT_BENCH_FAULT, "boot 2: it broke");
    judge(&fixture, TRAP);
    assert_true(p2p_result_judge_again(&fixture.result));
    assert_string_equal(fixture.configurations[TRAP].judgement.reason, "boot 2: it broke");
    assert_int_equal(fixture.configurations[NATIVE].judgement.verdict, P2P_VERDICT_INCONCLUSIVE);
    assert_string_equal(fixture.configurations[NATIVE].judgement.reason, "trap has no figures that count");
}

/* A confirmation that is edited away from its own figures. */
static void a_confirmation_is_judged_again(void **state)
{
    struct fixture fixture;
    const struct p2p_judgement *judgement = &fixture.configurations[TRAP].confirmation.judgement;

    (void)state;
    set_up_judged(&fixture);
    fixture.configurations[TRAP].confirmation.judgement = (struct p2p_judgement){0};
    assert_true(p2p_result_judge_again(&fixture.result));
    assert_int_equal(judgement->verdict, P2P_VERDICT_BENCH_FAULT);
    assert_string_equal(judgement->reason, "the file says PASS, its figures do not: max 1104 ns > limit 1050 ns");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_without_limits_pass),
        cmocka_unit_test(one_configuration_is_held_against_another),
        cmocka_unit_test(figures_that_do_not_count_decide_nothing),
        cmocka_unit_test(somebody_who_was_not_run_decides_nothing),
        cmocka_unit_test(a_pinned_baseline_gates),
        cmocka_unit_test(a_baseline_of_another_setup_decides_nothing),
        cmocka_unit_test(an_exceedance_limit_is_judged_by_its_counts),
        cmocka_unit_test(a_fresh_boot_changes_no_verdict),
        cmocka_unit_test(a_fresh_boot_that_could_not_tell_says_why),
        cmocka_unit_test(a_ratio_is_confirmed_by_the_fresh_figure),
        cmocka_unit_test(a_fresh_boot_with_lost_edges_confirms_nothing),
        cmocka_unit_test(boots_that_are_missing_void_the_run),
        cmocka_unit_test(an_honest_file_is_judged_as_it_says),
        cmocka_unit_test(edited_files_are_not_believed),
        cmocka_unit_test(a_fault_that_no_figure_shows_stands),
        cmocka_unit_test(a_confirmation_is_judged_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
