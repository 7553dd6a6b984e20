/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/histogram.h"
#include "stats/series.h"

#include <math.h>

#define GHZ UINT64_C(1000000000)

static const struct p2p_uncertainty IDEAL = {0};

static int callocs_left = -1; /* -1: no limit */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (callocs_left == 0) {
        return NULL;
    }
    if (callocs_left > 0) {
        callocs_left--;
    }
    return __real_calloc(count, size);
}

static struct p2p_series *new_series(uint32_t warmup)
{
    struct p2p_series *series = p2p_series_new(warmup);

    assert_non_null(series);
    return series;
}

static void add_boot(struct p2p_series *series, const uint64_t *latencies, size_t count)
{
    p2p_series_begin_boot(series);
    for (size_t i = 0; i < count; i++) {
        assert_true(p2p_series_add(series, latencies[i]));
    }
}

static void warm_max_drops_the_first_of_each_boot(void **state)
{
    const uint64_t first[] = {900, 800, 300, 500};
    const uint64_t second[] = {1000, 700, 400};
    const struct p2p_uncertainty budget = {.skew_ns = 0.75};
    struct p2p_series *series = new_series(2);
    struct p2p_stats stats;

    (void)state;
    add_boot(series, first, 4);
    add_boot(series, second, 3);
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_int_equal(p2p_series_count(series), 7);
    assert_int_equal(stats.n, 7);
    assert_int_equal(stats.n_warm, 3);
    assert_int_equal(stats.min_ns, 300);
    assert_int_equal(stats.max_ns, 1000);
    assert_int_equal(stats.warm_max_ns, 500);
    assert_int_equal(stats.p50_ns, 700);
    assert_true(fabs(stats.avg_ns - 4600.0 / 7) < 1e-9);
    assert_true(stats.uncertainty_ns == 1.5);
    assert_true(stats.avg_uncertainty_ns == 1.5);
    p2p_series_free(series);
}

static void warmup_0_keeps_every_sample(void **state)
{
    const uint64_t latencies[] = {900, 100};
    struct p2p_series *series = new_series(0);
    struct p2p_stats stats;

    (void)state;
    add_boot(series, latencies, 2);
    p2p_series_stats(series, GHZ, &IDEAL, &stats);
    assert_int_equal(stats.n_warm, 2);
    assert_int_equal(stats.warm_max_ns, 900);
    p2p_series_free(series);
}

static void a_boot_shorter_than_warmup_has_no_warm_sample(void **state)
{
    const uint64_t latency = 900;
    struct p2p_series *series = new_series(2);
    struct p2p_stats stats;

    (void)state;
    add_boot(series, &latency, 1);
    add_boot(series, &latency, 1);
    add_boot(series, &latency, 1);
    p2p_series_stats(series, GHZ, &IDEAL, &stats);
    assert_int_equal(stats.n, 3);
    assert_int_equal(stats.n_warm, 0);
    p2p_series_free(series);
}

static void the_first_boot_needs_no_begin(void **state)
{
    struct p2p_series *series = new_series(1);
    struct p2p_stats stats;

    (void)state;
    assert_true(p2p_series_add(series, 900));
    assert_true(p2p_series_add(series, 100));
    p2p_series_stats(series, GHZ, &IDEAL, &stats);
    assert_int_equal(stats.n_warm, 1);
    assert_int_equal(stats.warm_max_ns, 100);
    p2p_series_free(series);
}

static void an_empty_series_has_n_0(void **state)
{
    struct p2p_series *series = new_series(2);
    struct p2p_stats stats;

    (void)state;
    p2p_series_stats(series, GHZ, &IDEAL, &stats);
    assert_int_equal(stats.n, 0);
    assert_int_equal(stats.n_warm, 0);
    p2p_series_free(series);
    p2p_series_free(NULL);
}

static void figures_are_in_ns_of_the_probe_clock(void **state)
{
    struct p2p_series *series = new_series(0);
    struct p2p_stats stats;

    (void)state;
    for (uint64_t ticks = 1; ticks <= 1000; ticks++) {
        assert_true(p2p_series_add(series, ticks));
    }
    p2p_series_stats(series, 125000000, &IDEAL, &stats);
    assert_int_equal(stats.min_ns, 8);
    assert_int_equal(stats.max_ns, 8000);
    assert_int_equal(stats.warm_max_ns, 8000);
    assert_int_equal(stats.p50_ns, 4000);
    assert_int_equal(stats.p99_ns, 7920);
    assert_int_equal(stats.p99_9_ns, 7992);
    assert_true(fabs(stats.avg_ns - 4004.0) < 1e-9);
    p2p_series_free(series);
}

static void assert_near(double found, double expected)
{
    assert_true(fabs(found - expected) < 1e-9);
}

/* Answer channel minus stimulus channel: what is too long by it gets shorter, in every figure, and rounds half up. */
static void the_skew_is_taken_off_every_figure(void **state)
{
    static const struct {
        double correction_ns;
        uint64_t min_ns, p50_ns, max_ns;
    } cases[] = {{0, 8, 4000, 8000},   {2.5, 6, 3998, 7998}, {2.4, 6, 3998, 7998},
                 {-3, 11, 4003, 8003}, {7.6, 0, 3992, 7992}, {8, 0, 3992, 7992}};
    struct p2p_series *series = new_series(1);
    struct p2p_stats stats;

    (void)state;
    for (uint64_t ticks = 1; ticks <= 1000; ticks++) {
        assert_true(p2p_series_add(series, ticks));
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct p2p_uncertainty budget = {.skew_correction_ns = cases[i].correction_ns};

        p2p_series_stats(series, 125000000, &budget, &stats);
        assert_int_equal(stats.min_ns, cases[i].min_ns);
        assert_int_equal(stats.p50_ns, cases[i].p50_ns);
        assert_int_equal(stats.max_ns, cases[i].max_ns);
        assert_int_equal(stats.warm_max_ns, cases[i].max_ns);
        assert_int_equal(stats.p99_ns, cases[i].max_ns - 80);
        assert_int_equal(stats.p99_9_ns, cases[i].max_ns - 8);
        assert_near(stats.avg_ns, 4004.0 - cases[i].correction_ns);
        assert_near(stats.uncertainty_ns, 0);
    }
    p2p_series_free(series);
}

static void no_figure_falls_below_0(void **state)
{
    const struct p2p_uncertainty budget = {.skew_correction_ns = 100.25};
    struct p2p_series *series = new_series(0);
    struct p2p_stats stats;

    (void)state;
    assert_true(p2p_series_add(series, 1));
    assert_true(p2p_series_add(series, 100));
    assert_true(p2p_series_add(series, 101));
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_int_equal(stats.min_ns, 0);
    assert_int_equal(stats.p50_ns, 0);
    assert_int_equal(stats.max_ns, 1); /* 0.75 */
    assert_near(stats.avg_ns, 0);
    p2p_series_free(series);
}

/* Of the largest sample, corrected; of the mean only what is random shrinks with the number. */
static void uncertainties_are_of_the_largest_and_of_the_mean(void **state)
{
    const struct p2p_uncertainty budget = {
        .quantisation_ns = 4, .skew_ns = 1, .trigger_ns = 3, .timebase_ppm = 20, .skew_correction_ns = -1000};
    struct p2p_series *series = new_series(0);
    struct p2p_stats stats;

    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        assert_true(p2p_series_add(series, i * 1000));
    }
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_int_equal(stats.max_ns, 101000);
    assert_near(stats.avg_ns, 51500);
    assert_near(stats.uncertainty_ns, 2 * sqrt(16 + 9 + 1 + 2.02 * 2.02));
    assert_near(stats.avg_uncertainty_ns, 2 * sqrt((16.0 + 9.0) / 100 + 1 + 1.03 * 1.03));
    p2p_series_free(series);
    series = new_series(0);
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_near(stats.uncertainty_ns, 0);
    assert_near(stats.avg_uncertainty_ns, 0);
    p2p_series_free(series);
}

static void a_refused_sample_changes_nothing(void **state)
{
    struct p2p_series *series = new_series(1);
    struct p2p_stats stats;

    (void)state;
    assert_false(p2p_series_add(series, P2P_HISTOGRAM_VALUE_LIMIT));
    assert_true(p2p_series_add(series, 900)); /* still the first of its boot */
    assert_true(p2p_series_add(series, 100));
    assert_false(p2p_series_add(series, P2P_HISTOGRAM_VALUE_LIMIT));
    callocs_left = 0;
    assert_false(p2p_series_add(series, 70000));
    callocs_left = -1;
    p2p_series_stats(series, GHZ, &IDEAL, &stats);
    assert_int_equal(stats.n, 2);
    assert_int_equal(stats.n_warm, 1);
    assert_int_equal(stats.warm_max_ns, 100);
    assert_int_equal(stats.max_ns, 900);
    p2p_series_free(series);
}

static void out_of_memory_gives_no_series(void **state)
{
    (void)state;
    for (int left = 0; left < 2; left++) { /* ASan's leak check watches the half-made one */
        struct p2p_series *series;

        callocs_left = left;
        series = p2p_series_new(2);
        assert_int_equal(callocs_left, 0);
        callocs_left = -1;
        assert_null(series);
    }
}

static void ticks_become_ns_rounded_half_up(void **state)
{
    const struct {
        uint64_t ticks;
        uint64_t tick_hz;
        uint64_t ns;
    } cases[] = {
        {0, 1, 0},
        {123, 125000000, 984}, /* 8 ns a tick */
        {1, 3, 333333333},     /* 333333333.3 */
        {2, 3, 666666667},     /* 666666666.7 */
        {3, 3, 1000000000},
        {1, 2000000000, 1}, /* 0.5 goes up */
        {3, 2000000000, 2}, /* 1.5 goes up */
        {1, 2000000001, 0}, /* just below 0.5 */
        {1, UINT64_MAX, 0},
        {(UINT64_C(1) << 56) - 1, 1000000000, 72057594037927935}, /* largest stamp */
        {(UINT64_C(1) << 56) - 1, 125000000, 576460752303423480},
        {UINT64_C(4294967295), 1, UINT64_C(4294967295000000000)}, /* largest latency, slowest clock */
        {UINT64_MAX, 1000000000, UINT64_MAX},
        {UINT64_MAX, UINT64_MAX, 1000000000},
        {UINT64_C(18446744073), 1, UINT64_C(18446744073000000000)},
        {UINT64_C(18446744074), 1, UINT64_MAX}, /* saturates: 1.8446744074e19 > 2^64 - 1 */
        {UINT64_MAX, 1, UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(p2p_ticks_to_ns(cases[i].ticks, cases[i].tick_hz), cases[i].ns);
    }
}

static void ns_become_ticks_rounded_down(void **state)
{
    const struct {
        uint64_t ns;
        uint64_t tick_hz;
        uint64_t ticks;
    } cases[] = {
        {0, 125000000, 0},
        {7, 125000000, 0},
        {8, 125000000, 1},
        {150000, 125000000, 18750},
        {333333333, 3, 0},
        {333333334, 3, 1},
        {1000000000, 3, 3},
        {UINT64_MAX, 1000000000, UINT64_MAX},
        {UINT64_MAX, 125000000, UINT64_C(2305843009213693951)}, /* 2^61 - 1/8, down */
        {1000000000, UINT64_MAX, UINT64_MAX},
        {1000000001, UINT64_MAX, UINT64_MAX}, /* saturates */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(p2p_ns_to_ticks(cases[i].ns, cases[i].tick_hz), cases[i].ticks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warm_max_drops_the_first_of_each_boot),
        cmocka_unit_test(warmup_0_keeps_every_sample),
        cmocka_unit_test(a_boot_shorter_than_warmup_has_no_warm_sample),
        cmocka_unit_test(the_first_boot_needs_no_begin),
        cmocka_unit_test(an_empty_series_has_n_0),
        cmocka_unit_test(figures_are_in_ns_of_the_probe_clock),
        cmocka_unit_test(the_skew_is_taken_off_every_figure),
        cmocka_unit_test(no_figure_falls_below_0),
        cmocka_unit_test(uncertainties_are_of_the_largest_and_of_the_mean),
        cmocka_unit_test(a_refused_sample_changes_nothing),
        cmocka_unit_test(out_of_memory_gives_no_series),
        cmocka_unit_test(ticks_become_ns_rounded_half_up),
        cmocka_unit_test(ns_become_ticks_rounded_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
