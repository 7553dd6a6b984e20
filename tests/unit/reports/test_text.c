/* SPDX-License-Identifier: MIT */
/*
 * Reports against the files in tests/golden/text and tests/golden/run-v1.txt, byte for byte. To take a wanted change
 * over, run with P2P_GOLDEN_UPDATE=1 and read the difference.
 */
#include "reports/text.h"

#include "store/analysis.h"
#include "util/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN P2P_SOURCE_DIR "/tests/golden/"

enum { FILE_BYTES_MAX = 1 << 20 };

static void assert_report(const struct p2p_result *result, const char *golden)
{
    struct p2p_error error = {0};
    char *report = NULL, *expected = NULL;
    size_t size, expected_size;
    FILE *out = open_memstream(&report, &size);

    assert_non_null(out);
    p2p_report_text(result, out);
    assert_int_equal(fclose(out), 0);
    if (getenv("P2P_GOLDEN_UPDATE") != NULL) {
        assert_int_equal(p2p_write_file(golden, report, size, &error), P2P_OK);
    }
    assert_int_equal(p2p_read_file(golden, FILE_BYTES_MAX, &expected, &expected_size, &error), P2P_OK);
    assert_string_equal(report, expected);
    free(expected);
    free(report);
}

static struct p2p_result_configuration measured(const char *name, uint64_t base_ns)
{
    struct p2p_result_configuration configuration = {
        .limits = P2P_NO_LIMITS,
        .boots = 2,
        .stats = {.n = 2000,
                  .n_warm = 1996,
                  .avg_ns = (double)base_ns + 0.25,
                  .min_ns = base_ns - 9,
                  .max_ns = base_ns + 400,
                  .warm_max_ns = base_ns + 50,
                  .p50_ns = base_ns,
                  .p99_ns = base_ns + 40,
                  .p99_9_ns = base_ns + 45,
                  .uncertainty_ns = 8.5},
        .account = {.stimuli = 2000, .answered = 2000, .releases = 2000, .outside = 2, .answers = 2000, .edges = 6002},
    };

    snprintf(configuration.name, sizeof configuration.name, "%s", name);
    return configuration;
}

static struct p2p_result ended(struct p2p_result_configuration *configurations, size_t count)
{
    return (struct p2p_result){
        .plan = "nightly",
        .bench = "lab-1",
        .boots = 2,
        .samples = 1000,
        .warmup = 2,
        .probe = "ftdi",
        .tick_hz = 125000000,
        .serial = "e6616408432d2b21",
        .firmware = "pin2pin-probe 0.1.0",
        .budget = {.quantisation_ns = 3.266, .skew_ns = 2.31, .trigger_ns = 1.45},
        .complete = true,
        .configuration_count = count,
        .configurations = configurations,
    };
}

static void judge(struct p2p_result *result, size_t configuration, enum p2p_verdict verdict, const char *reason)
{
    p2p_judgement_add(&result->configurations[configuration].judgement, verdict, "%s", reason);
    p2p_judgement_add(&result->judgement, verdict, "%s: %s", result->configurations[configuration].name,
                      p2p_verdict_name(verdict));
}

static void a_pass(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320), measured("xen-credit2", 1850)};
    struct p2p_result result = ended(configurations, 2);

    (void)state;
    assert_report(&result, GOLDEN "text/pass.txt");
}

static void a_fail_with_answers_missed_and_late(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320), measured("xen-credit2", 1850)};
    struct p2p_result result = ended(configurations, 2);

    (void)state;
    configurations[1].account.answered = 1996;
    configurations[1].account.missed = 3;
    configurations[1].account.late = 1;
    configurations[1].stats.n = 1996;
    judge(&result, 1, P2P_VERDICT_FAIL, "warm_max 1900 ns > limit 1500 ns; 1 answer later than the deadline");
    assert_report(&result, GOLDEN "text/fail.txt");
}

static void faults_show_the_edges_that_make_them(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320), measured("clipped", 900),
                                                        measured("lost", 950), measured("disordered", 975)};
    struct p2p_result result = ended(configurations, 4);

    (void)state;
    configurations[0].account.spurious = 4;
    configurations[1].account.clipped = 5;
    configurations[2].account.lost = 6;
    configurations[3].account.disordered = 7;
    judge(&result, 0, P2P_VERDICT_BENCH_FAULT, "4 spurious answers");
    judge(&result, 1, P2P_VERDICT_BENCH_FAULT, "5 samples with a clipped or glitch edge");
    judge(&result, 2, P2P_VERDICT_BENCH_FAULT, "6 lost edges");
    judge(&result, 3, P2P_VERDICT_BENCH_FAULT, "7 edges stamped before the edge ahead");
    assert_report(&result, GOLDEN "text/faults.txt");
}

static void a_run_that_did_not_end(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320), {.name = "xen-credit2"}};
    struct p2p_result result = ended(configurations, 2);

    (void)state;
    result.complete = false;
    configurations[0].boots = 1;
    judge(&result, 1, P2P_VERDICT_BENCH_FAULT, "not measured");
    assert_report(&result, GOLDEN "text/incomplete.txt");
}

/* Samples, but all of them within the warm-up; and nothing at all, not even a probe. */
static void figures_that_there_are_none_of(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("warming-up", 320), {.name = "empty"}};
    struct p2p_result result = ended(configurations, 2);

    (void)state;
    result.time_base = P2P_TIME_INSTRUCTIONS;
    result.probe[0] = '\0';
    configurations[0].stats.n = 4;
    configurations[0].stats.n_warm = 0;
    judge(&result, 0, P2P_VERDICT_INCONCLUSIVE, "0 warm samples, 1 needed");
    judge(&result, 1, P2P_VERDICT_BENCH_FAULT, "no stimulus was played");
    assert_report(&result, GOLDEN "text/empty.txt");
}

static void long_names_and_large_figures(void **state)
{
    struct p2p_result_configuration configurations[] = {
        measured("a", 320), measured("xen-4.20-credit2-vwfi-native-debug-with-a-name-of-63-characters", 1850)};
    struct p2p_result result = ended(configurations, 2);

    (void)state;
    configurations[1].stats.n = 2000000000;
    configurations[1].stats.max_ns = 34359738360;
    configurations[1].boots = 1000;
    assert_report(&result, GOLDEN "text/long.txt");
}

/* Two configurations with a truth, one without; the largest error wins, whatever its sign. */
static void a_probe_against_the_truth(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320), measured("xen-credit2", 1850),
                                                        measured("old", 900)};
    struct p2p_result result = ended(configurations, 3);

    (void)state;
    snprintf(result.probe, sizeof result.probe, "virtual");
    configurations[0].truth = (struct p2p_truth){.known = true, .n = 2000, .max_error_ns = 7.25, .error_sum_ns = -900};
    configurations[1].truth = (struct p2p_truth){.known = true, .n = 1000, .max_error_ns = 3, .error_sum_ns = 150};
    assert_report(&result, GOLDEN "text/truth.txt");
}

static void a_probe_that_is_not_the_truth(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320)};
    struct p2p_result result = ended(configurations, 1);

    (void)state;
    result.serial[0] = '\0'; /* nor does any part of its name run into another */
    configurations[0].truth = (struct p2p_truth){.known = true, .unmatched = 12};
    judge(&result, 0, P2P_VERDICT_BENCH_FAULT, "12 samples that the probe or the truth lacks");
    assert_report(&result, GOLDEN "text/untrue.txt");
}

static void a_control_says_whether_the_bench_is_sound(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320), measured("xen-credit2", 1850)};
    struct p2p_result result = ended(configurations, 2);

    (void)state;
    configurations[0].control = (struct p2p_band){300, 340};
    assert_report(&result, GOLDEN "text/sound.txt");
    configurations[0].control = (struct p2p_band){300, 310};
    judge(&result, 0, P2P_VERDICT_BENCH_FAULT,
          "the bench is sick: avg 320.250 ns, expected 300 to 310 ns of this control");
    assert_report(&result, GOLDEN "text/sick.txt");
}

/* Spread and interval, outliers, exceedance, ratios and fresh boots: a line each. */
static void what_stands_beside_the_figures_has_a_line_each(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("trap", 4850), measured("native", 1850)};
    struct p2p_result_configuration *trap = &configurations[0], *native = &configurations[1];
    struct p2p_result result = ended(configurations, 2);

    (void)state;
    trap->boot_figure_count = native->boot_figure_count = 2; /* their figures are not printed */
    trap->spread = (struct p2p_spread){12.3456, 78.9};
    trap->stats.avg = (struct p2p_interval){4840.06, 4860.44, true};
    trap->outliers = (struct p2p_outliers){3, 5100};
    native->outliers = (struct p2p_outliers){1, 2000};
    native->limits.exceedance = (struct p2p_exceedance_limit){2000, 0.001};
    native->exceedance = (struct p2p_exceedance){.n = 2000, .count = 1};
    native->limits.relative_count = 3;
    native->limits.relative[0] = (struct p2p_relative_limit){.figure = P2P_FIGURE_AVG, .at_most = 0.4, .of = "trap"};
    native->relative[0] =
        (struct p2p_relative){.known = true, .bounded = true, .ratio = 0.38144, .low = 0.38, .high = 0.39};
    native->limits.relative[1] = (struct p2p_relative_limit){
        .figure = P2P_FIGURE_WARM_MAX, .at_most = 1.05, .of = "native", .baseline = "4.20.0"};
    native->relative[1].known = true;
    native->relative[1].ratio = 1.25;
    native->relative[1].judgement.verdict = P2P_VERDICT_INCONCLUSIVE;
    native->limits.relative[2] = native->limits.relative[0]; /* not known: the reason has it */
    trap->confirmation = (struct p2p_confirmation){.boots = 1, .stats = {.n = 1000}};
    native->confirmation = (struct p2p_confirmation){.boots = 2, .stats = {.n = 2000}};
    native->confirmation.judgement.verdict = P2P_VERDICT_FAIL;
    snprintf(native->confirmation.judgement.reason, P2P_REASON_BYTES, "max 2250 ns > limit 2000 ns");
    judge(&result, 0, P2P_VERDICT_FAIL, "max 5250 ns > limit 5000 ns; a fresh boot did not show it again");
    judge(&result, 1, P2P_VERDICT_FAIL, "max 2250 ns > limit 2000 ns; confirmed on fresh boots");
    assert_report(&result, GOLDEN "text/details.txt");
}

static void the_ideal_probe_has_a_name_only(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320)};
    struct p2p_result result = ended(configurations, 1);

    (void)state;
    snprintf(result.probe, sizeof result.probe, "ideal");
    result.serial[0] = result.firmware[0] = '\0';
    result.tick_hz = 1000000000;
    result.budget = (struct p2p_uncertainty){0};
    assert_report(&result, GOLDEN "text/ideal.txt");
}

static void a_recorded_run_is_reported_as_it_was(void **state)
{
    struct p2p_error error = {0};
    struct p2p_result *result = p2p_analyse_run(GOLDEN "run-v1", &error);

    (void)state;
    assert_non_null(result);
    assert_report(result, GOLDEN "run-v1.txt");
    p2p_result_free(result);
}

/* A full disk is the caller's to see, in the stream. */
static void a_write_error_is_left_in_the_stream(void **state)
{
    struct p2p_result_configuration configurations[] = {measured("native", 320)};
    const struct p2p_result result = ended(configurations, 1);
    FILE *full = fopen("/dev/full", "we");

    (void)state;
    assert_non_null(full);
    setbuf(full, NULL);
    p2p_report_text(&result, full);
    assert_true(ferror(full));
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass),
        cmocka_unit_test(a_fail_with_answers_missed_and_late),
        cmocka_unit_test(faults_show_the_edges_that_make_them),
        cmocka_unit_test(a_run_that_did_not_end),
        cmocka_unit_test(figures_that_there_are_none_of),
        cmocka_unit_test(long_names_and_large_figures),
        cmocka_unit_test(a_probe_against_the_truth),
        cmocka_unit_test(a_probe_that_is_not_the_truth),
        cmocka_unit_test(a_control_says_whether_the_bench_is_sound),
        cmocka_unit_test(what_stands_beside_the_figures_has_a_line_each),
        cmocka_unit_test(the_ideal_probe_has_a_name_only),
        cmocka_unit_test(a_recorded_run_is_reported_as_it_was),
        cmocka_unit_test(a_write_error_is_left_in_the_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
