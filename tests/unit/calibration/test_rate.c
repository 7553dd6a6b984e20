/* SPDX-License-Identifier: MIT */
#include "calibration/rate.h"

#include "util/prng.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define TICK_HZ UINT64_C(125000000)

/* 10 kHz: 12500 ticks. */
static const struct p2p_rate_setup SETUP = {
    .tick_hz = TICK_HZ, .resolution_ticks = 1, .period_ns = 100000, .reference_u_ppm = 0};

#define PERIOD_TICKS UINT64_C(12500)

enum { EXPERIMENTS = 300 };

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool memory_is_out;

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_is_out ? NULL : __real_calloc(count, size);
}

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance)) {
        print_error("found %.9g, expected %.9g +- %.3g\n", found, expected, tolerance);
        fail();
    }
}

static struct p2p_rate *new_rate(const struct p2p_rate_setup *setup)
{
    struct p2p_error error = {0};
    struct p2p_rate *rate = p2p_rate_new(setup, &error);

    assert_string_equal(error.message, "");
    assert_non_null(rate);
    return rate;
}

static void feed_edge(struct p2p_rate *rate, uint8_t channel, uint8_t level, uint64_t ticks, uint8_t flags)
{
    const struct p2p_edge edge = {.ticks = ticks, .channel = channel, .level = level, .flags = flags};

    p2p_rate_feed(rate, &edge, 1);
}

static void feed_rise(struct p2p_rate *rate, uint64_t ticks)
{
    feed_edge(rate, P2P_CHANNEL_STIMULUS, 1, ticks, 0);
}

static void feed_periods(struct p2p_rate *rate, size_t from, size_t count)
{
    for (size_t k = from; k < from + count; k++) {
        feed_rise(rate, 777 + k * PERIOD_TICKS);
    }
}

static struct p2p_rate_result finish(struct p2p_rate *rate)
{
    struct p2p_rate_result result;
    struct p2p_error error = {0};
    enum p2p_code code = p2p_rate_finish(rate, &result, &error);

    assert_string_equal(error.message, "");
    assert_int_equal(code, P2P_OK);
    p2p_rate_free(rate);
    return result;
}

static void assert_refused(struct p2p_rate *rate, const char *message)
{
    struct p2p_rate_result result;
    struct p2p_error error = {0};

    assert_int_equal(p2p_rate_finish(rate, &result, &error), P2P_E_BENCH);
    assert_int_equal(error.code, P2P_E_BENCH);
    assert_string_equal(error.message, message);
    p2p_rate_free(rate);
}

/* ---- The figures ---- */

static void a_true_clock_has_no_error(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);
    struct p2p_rate_result result;

    (void)state;
    feed_periods(rate, 0, 10001);
    result = finish(rate);
    assert_near(result.ppm, 0, 1e-9);
    assert_near(result.u_ppm, 8 / sqrt(6) / 1e9 * 1e6, 1e-9); /* two roundings in a second */
    assert_int_equal(result.n, 10001);
    assert_int_equal(result.missing, 0);
    assert_near(result.seconds, 1, 1e-12);
    assert_near(result.period_ns, 100000, 0);
}

static void a_fast_clock_counts_more_ticks(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    for (uint64_t k = 0; k < 100; k++) {
        feed_rise(rate, k * (PERIOD_TICKS + 1));
    }
    assert_near(finish(rate).ppm, 80, 1e-9); /* 1 in 12500 */
}

static void a_slow_clock_counts_fewer(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    for (uint64_t k = 0; k < 100; k++) {
        feed_rise(rate, k * (PERIOD_TICKS - 1));
    }
    assert_near(finish(rate).ppm, -80, 1e-9);
}

/* Stamps 0 and 2 ticks off in turn: the line's own uncertainty, by hand: s^2 = 1, over the root of sum (x - mean)^2. */
static void scatter_counts(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);
    const double n = 1000;
    double fit_ppm, ends_ppm;

    (void)state;
    for (uint64_t k = 0; k < 1000; k++) {
        feed_rise(rate, k * PERIOD_TICKS + k % 2 * 2);
    }
    fit_ppm = sqrt(n / (n - 2) / (n * (n * n - 1) / 12)) / PERIOD_TICKS * 1e6;
    ends_ppm = 1 / sqrt(6) / (999 * PERIOD_TICKS) * 1e6;
    assert_near(finish(rate).u_ppm, hypot(fit_ppm, ends_ppm), 1e-4 * fit_ppm);
}

static void the_reference_counts(void **state)
{
    struct p2p_rate_setup setup = SETUP;
    struct p2p_rate *rate;
    struct p2p_rate_result result;

    (void)state;
    setup.reference_u_ppm = 0.5;
    rate = new_rate(&setup);
    feed_periods(rate, 0, 1000001);
    result = finish(rate);
    assert_near(result.u_ppm, 0.5, 1e-6);
    assert_near(result.reference_u_ppm, 0.5, 0);
}

static void resolution_counts(void **state)
{
    struct p2p_rate_setup setup = SETUP;
    struct p2p_rate *rate;

    (void)state;
    setup.resolution_ticks = 2;
    rate = new_rate(&setup);
    feed_periods(rate, 0, 10001);
    assert_near(finish(rate).u_ppm, 16 / sqrt(6) / 1e9 * 1e6, 1e-9);
}

/* A day of 1PPS; no sum may lose digits. */
static void long_runs_stay_exact(void **state)
{
    struct p2p_rate_setup setup = SETUP;
    struct p2p_rate *rate;

    (void)state;
    setup.period_ns = 1e9;
    rate = new_rate(&setup);
    for (uint64_t k = 0; k < 86400; k++) {
        feed_rise(rate, k * (TICK_HZ + 3750)); /* 30 ppm */
    }
    assert_near(finish(rate).ppm, 30, 1e-9);
}

static void random_clocks_are_covered(void **state)
{
    const char *text = getenv("P2P_TEST_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    struct p2p_prng prng;
    size_t covered = 0;

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t i = 0; i < EXPERIMENTS; i++) {
        double ppm = (double)p2p_prng_below(&prng, 200001) / 1000 - 100;
        double phase = (double)p2p_prng_below(&prng, 1000) / 1000;
        struct p2p_rate *rate = new_rate(&SETUP);
        struct p2p_rate_result result;

        for (size_t k = 0; k < 200; k++) {
            double jitter = (double)p2p_prng_below(&prng, 1001) / 100; /* 10 ticks */

            feed_rise(rate, (uint64_t)floor((double)k * PERIOD_TICKS * (1 + ppm * 1e-6) + phase + jitter));
        }
        result = finish(rate);
        assert_true(fabs(result.ppm - ppm) < 6 * result.u_ppm);
        assert_true(result.u_ppm < 0.5);
        covered += fabs(result.ppm - ppm) <= 2 * result.u_ppm;
    }
    assert_true(covered >= EXPERIMENTS * 88 / 100);
}

/* ---- Which edges count ---- */

static void only_good_rises_of_the_stimulus_line_count(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);
    struct p2p_rate_result result;

    (void)state;
    feed_periods(rate, 0, 200);
    feed_edge(rate, P2P_CHANNEL_STIMULUS, 0, 777 + 200 * PERIOD_TICKS - 100, 0);
    feed_edge(rate, P2P_CHANNEL_ANSWER, 1, 777 + 200 * PERIOD_TICKS - 50, 0);
    feed_edge(rate, P2P_CHANNEL_MARK, 1, 0, P2P_MARK_ARMED);
    feed_edge(rate, P2P_CHANNEL_STIMULUS, 1, 777 + 200 * PERIOD_TICKS, P2P_EDGE_CLIPPED);
    feed_periods(rate, 201, 1);
    result = finish(rate);
    assert_int_equal(result.n, 201);
    assert_int_equal(result.missing, 1);
}

static void missing_edges_are_counted_and_cost_nothing(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);
    struct p2p_rate_result result;

    (void)state;
    feed_periods(rate, 0, 500);
    feed_periods(rate, 509, 391); /* a gap of 10 periods */
    result = finish(rate);
    assert_int_equal(result.n, 891);
    assert_int_equal(result.missing, 9);
    assert_near(result.ppm, 0, 1e-9);
    assert_near(result.seconds, 0.0899, 1e-12);
}

/* ---- Refusals ---- */

static void too_many_missing_edges_are_refused(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    feed_periods(rate, 0, 97);
    feed_periods(rate, 99, 1);
    assert_refused(rate, "reference: 2 of 100 edges missing, expected at most one in 100: look at the signal and the "
                         "wire");
}

static void a_long_gap_is_refused(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    feed_periods(rate, 0, 5000);
    feed_periods(rate, 5010, 5000);
    assert_refused(rate,
                   "reference: after 5000 edges an interval of 1100000 ns, expected 1 to 10 periods of 100000 ns, "
                   "to a tenth of one: is this the reference, and is it steady?");
}

static void jitter_is_refused_beyond_a_tenth(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    feed_periods(rate, 0, 100);
    feed_rise(rate, 777 + 100 * PERIOD_TICKS + 1251);
    feed_periods(rate, 101, 100);
    assert_refused(rate,
                   "reference: after 100 edges an interval of 110008 ns, expected 1 to 10 periods of 100000 ns, to "
                   "a tenth of one: is this the reference, and is it steady?");
}

static void jitter_of_a_tenth_is_taken(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    feed_periods(rate, 0, 100);
    feed_rise(rate, 777 + 100 * PERIOD_TICKS + 1250);
    feed_rise(rate, 777 + 101 * PERIOD_TICKS);
    assert_int_equal(finish(rate).n, 102);
}

static void an_edge_too_many_is_refused(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    feed_periods(rate, 0, 100);
    feed_rise(rate, 777 + 99 * PERIOD_TICKS + 5);
    assert_refused(rate, "reference: after 100 edges an interval of 40 ns, expected 1 to 10 periods of 100000 ns, to a "
                         "tenth of one: is this the reference, and is it steady?");
}

static void an_edge_out_of_order_is_refused(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);
    struct p2p_rate_result result;
    struct p2p_error error = {0};

    (void)state;
    feed_periods(rate, 0, 100);
    feed_rise(rate, 776);
    assert_int_equal(p2p_rate_finish(rate, &result, &error), P2P_E_BENCH);
    p2p_rate_free(rate);
}

static void too_few_edges_are_refused(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    feed_periods(rate, 0, 9);
    assert_refused(rate, "reference: 9 edges, expected at least 10: is it on the stimulus input, and did it run long "
                         "enough?");
    assert_refused(new_rate(&SETUP),
                   "reference: 0 edges, expected at least 10: is it on the stimulus input, and did it "
                   "run long enough?");
}

static void ten_edges_are_enough(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    feed_periods(rate, 0, 10);
    assert_int_equal(finish(rate).n, 10);
}

static void a_wrong_period_is_refused(void **state)
{
    struct p2p_rate *rate = new_rate(&SETUP);

    (void)state;
    for (uint64_t k = 0; k < 100; k++) {
        feed_rise(rate, k * (PERIOD_TICKS + 13));
    }
    assert_refused(rate,
                   "reference: the clock is off by 1.04e+03 ppm, expected at most 1000: is the period 100000 ns?");
}

static void a_figure_that_says_nothing_is_refused(void **state)
{
    struct p2p_rate_setup setup = SETUP;
    struct p2p_rate *rate;

    (void)state;
    setup.period_ns = 160; /* 20 ticks */
    rate = new_rate(&setup);
    for (uint64_t k = 0; k < 10; k++) {
        feed_rise(rate, k * 20);
    }
    assert_refused(rate, "reference: uncertain by 2.27e+03 ppm, expected at most 1000: run it longer");
}

static void assert_setup_refused(const struct p2p_rate_setup *setup, const char *message)
{
    struct p2p_error error = {0};

    assert_null(p2p_rate_new(setup, &error));
    assert_int_equal(error.code, P2P_E_INPUT);
    assert_string_equal(error.message, message);
}

static void a_wrong_setup_is_refused(void **state)
{
    struct p2p_rate_setup setup = SETUP;

    (void)state;
    setup.period_ns = 159;
    assert_setup_refused(&setup, "reference: period of 159 ns, expected 160 to 1e+10");
    setup.period_ns = 2e10;
    assert_setup_refused(&setup, "reference: period of 2e+10 ns, expected 160 to 1e+10");
    setup.period_ns = (double)NAN;
    assert_setup_refused(&setup, "reference: period of nan ns, expected 160 to 1e+10");
    setup = SETUP;
    setup.reference_u_ppm = -1;
    assert_setup_refused(&setup, "reference: uncertainty of -1 ppm, expected 0 to 1000");
    setup.reference_u_ppm = 1001;
    assert_setup_refused(&setup, "reference: uncertainty of 1001 ppm, expected 0 to 1000");
}

static void out_of_memory_is_told(void **state)
{
    struct p2p_error error = {0};

    (void)state;
    memory_is_out = true;
    assert_null(p2p_rate_new(&SETUP, &error));
    memory_is_out = false;
    assert_int_equal(error.code, P2P_E_HOST);
    p2p_rate_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_true_clock_has_no_error),
        cmocka_unit_test(a_fast_clock_counts_more_ticks),
        cmocka_unit_test(a_slow_clock_counts_fewer),
        cmocka_unit_test(scatter_counts),
        cmocka_unit_test(the_reference_counts),
        cmocka_unit_test(resolution_counts),
        cmocka_unit_test(long_runs_stay_exact),
        cmocka_unit_test(random_clocks_are_covered),
        cmocka_unit_test(only_good_rises_of_the_stimulus_line_count),
        cmocka_unit_test(missing_edges_are_counted_and_cost_nothing),
        cmocka_unit_test(too_many_missing_edges_are_refused),
        cmocka_unit_test(a_long_gap_is_refused),
        cmocka_unit_test(jitter_is_refused_beyond_a_tenth),
        cmocka_unit_test(jitter_of_a_tenth_is_taken),
        cmocka_unit_test(an_edge_too_many_is_refused),
        cmocka_unit_test(an_edge_out_of_order_is_refused),
        cmocka_unit_test(too_few_edges_are_refused),
        cmocka_unit_test(ten_edges_are_enough),
        cmocka_unit_test(a_wrong_period_is_refused),
        cmocka_unit_test(a_figure_that_says_nothing_is_refused),
        cmocka_unit_test(a_wrong_setup_is_refused),
        cmocka_unit_test(out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
