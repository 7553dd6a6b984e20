/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "memory.h"
#include "near.h"
#include "stats/histogram.h"
#include "stats/series.h"

#define GHZ UINT64_C(1000000000)

static const struct p2p_uncertainty IDEAL = {0};

static struct p2p_series *new_series(uint32_t warmup)
{
    struct p2p_series *series = p2p_series_new(warmup);

    assert_non_null(series);
    return series;
}

static struct p2p_series *new_boot(uint32_t warmup)
{
    struct p2p_series *series = new_series(warmup);

    assert_true(p2p_series_begin_boot(series));
    return series;
}

static void add_boot(struct p2p_series *series, const uint64_t *latencies, size_t count)
{
    assert_true(p2p_series_begin_boot(series));
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
    struct p2p_series *series = new_boot(0);
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

/* Answer channel minus stimulus channel: what is too long by it gets shorter, in every figure, and rounds half up. */
static void the_skew_is_taken_off_every_figure(void **state)
{
    static const struct {
        double correction_ns;
        uint64_t min_ns, p50_ns, max_ns;
    } cases[] = {{0, 8, 4000, 8000},   {2.5, 6, 3998, 7998}, {2.4, 6, 3998, 7998},
                 {-3, 11, 4003, 8003}, {7.6, 0, 3992, 7992}, {8, 0, 3992, 7992}};
    struct p2p_series *series = new_boot(1);
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
        assert_near(stats.avg_ns, 4004.0 - cases[i].correction_ns, 1e-9);
        assert_near(stats.uncertainty_ns, 0, 1e-9);
    }
    p2p_series_free(series);
}

static void no_figure_falls_below_0(void **state)
{
    const struct p2p_uncertainty budget = {.skew_correction_ns = 100.25};
    struct p2p_series *series = new_boot(0);
    struct p2p_stats stats;

    (void)state;
    assert_true(p2p_series_add(series, 1));
    assert_true(p2p_series_add(series, 100));
    assert_true(p2p_series_add(series, 101));
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_int_equal(stats.min_ns, 0);
    assert_int_equal(stats.p50_ns, 0);
    assert_int_equal(stats.max_ns, 1); /* 0.75 */
    assert_near(stats.avg_ns, 0, 1e-9);
    p2p_series_free(series);
}

/* Of the largest sample, corrected; of the mean only what is random shrinks with the number. */
static void uncertainties_are_of_the_largest_and_of_the_mean(void **state)
{
    const struct p2p_uncertainty budget = {
        .quantisation_ns = 4, .skew_ns = 1, .trigger_ns = 3, .timebase_ppm = 20, .skew_correction_ns = -1000};
    struct p2p_series *series = new_boot(0);
    struct p2p_stats stats;

    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        assert_true(p2p_series_add(series, i * 1000));
    }
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_int_equal(stats.max_ns, 101000);
    assert_near(stats.avg_ns, 51500, 1e-9);
    assert_near(stats.uncertainty_ns, 2 * sqrt(16 + 9 + 1 + 2.02 * 2.02), 1e-9);
    assert_near(stats.avg_uncertainty_ns, 2 * sqrt((16.0 + 9.0) / 100 + 1 + 1.03 * 1.03), 1e-9);
    p2p_series_free(series);
    series = new_series(0);
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_near(stats.uncertainty_ns, 0, 1e-9);
    assert_near(stats.avg_uncertainty_ns, 0, 1e-9);
    p2p_series_free(series);
}

static void a_refused_sample_changes_nothing(void **state)
{
    struct p2p_series *series = new_boot(1);
    struct p2p_boot_figures boot;
    struct p2p_stats stats;

    (void)state;
    assert_false(p2p_series_add(series, P2P_HISTOGRAM_VALUE_LIMIT));
    assert_true(p2p_series_add(series, 900)); /* still the first of its boot */
    assert_true(p2p_series_add(series, 100));
    assert_false(p2p_series_add(series, P2P_HISTOGRAM_VALUE_LIMIT));
    for (int left = 0; left < 4; left++) { /* two for the boot, two for all */
        memory_lasts_for(left);
        assert_false(p2p_series_add(series, UINT64_C(70000) << left)); /* a page that is not there yet */
        assert_true(memory_ran_out());
    }
    p2p_series_stats(series, GHZ, &IDEAL, &stats);
    p2p_series_boot_figures(series, 0, GHZ, &IDEAL, &boot);
    assert_int_equal(stats.n, 2);
    assert_int_equal(stats.n_warm, 1);
    assert_int_equal(stats.warm_max_ns, 100);
    assert_int_equal(stats.max_ns, 900);
    assert_int_equal(boot.n, 2);
    assert_int_equal(boot.n_warm, 1);
    assert_near(boot.value_ns[P2P_FIGURE_MAX], 900, 0);
    p2p_series_free(series);
}

static void out_of_memory_gives_no_series(void **state)
{
    (void)state;
    for (int left = 0; left < 3; left++) { /* ASan's leak check watches the half-made one */
        memory_lasts_for(left);
        assert_null(p2p_series_new(2));
        assert_true(memory_ran_out());
    }
}

/* 16 boots have room at first. A boot that could not begin is none. */
static void out_of_memory_begins_no_boot(void **state)
{
    struct p2p_series *series = new_series(0);
    struct p2p_boot_figures boot;

    (void)state;
    memory_lasts_for(0);
    assert_false(p2p_series_begin_boot(series));
    assert_true(memory_ran_out());
    for (uint64_t i = 0; i < 16; i++) {
        add_boot(series, &i, 1);
    }
    memory_lasts_for(0);
    assert_false(p2p_series_begin_boot(series));
    assert_true(memory_ran_out());
    assert_int_equal(p2p_series_boot_count(series), 16);
    add_boot(series, &(uint64_t){99}, 1);
    for (size_t i = 0; i < 17; i++) {
        p2p_series_boot_figures(series, i, GHZ, &IDEAL, &boot);
        assert_int_equal(boot.n, 1);
        assert_near(boot.value_ns[P2P_FIGURE_AVG], i == 16 ? 99 : (double)i, 0);
    }
    p2p_series_free(series);
}

/* By hand: 1000 samples of 1..1000 ticks of 8 ns, and the same ten times over 100 ticks later, with a skew of 3 ns. */
static void each_boot_has_its_own_figures(void **state)
{
    const struct p2p_uncertainty budget = {.skew_correction_ns = 3};
    const double expected[3][P2P_FIGURE_COUNT] = {
        {4001, 3997, 7917, 7989, 7997, 7997}, {4801, 4797, 8717, 8789, 8797, 8797}, {0}};
    struct p2p_series *series = new_series(2);

    (void)state;
    for (uint64_t boot = 0; boot < 2; boot++) {
        assert_true(p2p_series_begin_boot(series));
        for (uint64_t i = 0; i < 1000 + 9000 * boot; i++) {
            assert_true(p2p_series_add(series, i % 1000 + 1 + 100 * boot));
        }
    }
    assert_true(p2p_series_begin_boot(series)); /* without a sample */
    assert_int_equal(p2p_series_boot_count(series), 3);
    for (size_t boot = 0; boot < 3; boot++) {
        struct p2p_boot_figures figures;
        const double n = boot == 0 ? 1000 : 10000;

        p2p_series_boot_figures(series, boot, 125000000, &budget, &figures);
        assert_int_equal(figures.n, boot == 2 ? 0 : n);
        assert_int_equal(figures.n_warm, boot == 2 ? 0 : n - 2);
        assert_near(figures.variance_ns2, boot == 2 ? 0 : 64 * (1e6 - 1) / 12 * n / (n - 1), 1e-6);
        for (size_t figure = 0; figure < P2P_FIGURE_COUNT; figure++) {
            assert_near(figures.value_ns[figure], expected[boot][figure], 1e-9);
        }
    }
    p2p_series_free(series);
}

/* Ranks 40 and 61 of 100 hold the median with 95 %, as any table says. */
static void quantiles_have_intervals_where_there_are_samples_enough(void **state)
{
    const struct p2p_uncertainty budget = {.skew_correction_ns = 5};
    struct p2p_series *series = new_boot(0);
    struct p2p_stats stats;

    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        assert_true(p2p_series_add(series, 10 * i));
    }
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_true(stats.p50.bounded);
    assert_near(stats.p50.low_ns, 395, 0);
    assert_near(stats.p50.high_ns, 605, 0);
    assert_false(stats.p99.bounded);
    assert_false(stats.p99_9.bounded);
    p2p_series_free(series);
}

/* Means 10, 20 and 60 of boots of unlike length: 30 +- 4.303 * 26.458 / sqrt(3), and not below 0. */
static void the_mean_has_students_interval_of_the_boots(void **state)
{
    const struct p2p_uncertainty budget = {.skew_correction_ns = -30};
    const uint64_t first[] = {5, 15, 10};
    const uint64_t others[] = {20, 60};
    struct p2p_series *series = new_series(0);
    struct p2p_stats stats;

    (void)state;
    add_boot(series, first, 3);
    assert_true(p2p_series_begin_boot(series)); /* one without a sample says nothing of means */
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_false(stats.avg.bounded);
    add_boot(series, &others[0], 1);
    add_boot(series, &others[1], 1);
    p2p_series_stats(series, GHZ, &IDEAL, &stats);
    assert_true(stats.avg.bounded);
    assert_near(stats.avg.low_ns, 0, 0);
    assert_near(stats.avg.high_ns, 30 + 4.30265273 * 26.45751311 / sqrt(3), 1e-6);
    p2p_series_stats(series, GHZ, &budget, &stats);
    assert_near(stats.avg.high_ns, 60 + 4.30265273 * 26.45751311 / sqrt(3), 1e-6);
    p2p_series_free(series);
}

static void samples_above_are_counted_corrected(void **state)
{
    const struct p2p_uncertainty budget = {.skew_correction_ns = 2.5};
    struct p2p_series *series = new_boot(0);

    (void)state;
    for (uint64_t ticks = 1; ticks <= 1000; ticks++) {
        assert_true(p2p_series_add(series, ticks));
    }
    assert_int_equal(p2p_series_count_above(series, 7999, 125000000, &IDEAL), 1);
    assert_int_equal(p2p_series_count_above(series, 8000, 125000000, &IDEAL), 0);  /* equal is not above */
    assert_int_equal(p2p_series_count_above(series, 7991, 125000000, &budget), 1); /* 7997.5 */
    assert_int_equal(p2p_series_count_above(series, 0, 125000000, &budget), 1000);
    assert_int_equal(p2p_series_count_above(series, UINT64_MAX, 125000000, &IDEAL), 0);
    p2p_series_free(series);
}

static void outliers_lie_beyond_tukeys_outer_fence(void **state)
{
    struct p2p_series *series = new_boot(0);
    struct p2p_outliers outliers;
    struct p2p_stats stats;

    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        assert_true(p2p_series_add(series, i)); /* quartiles 25 and 75 */
    }
    assert_true(p2p_series_add(series, 226));
    assert_true(p2p_series_add(series, 231));
    p2p_series_outliers(series, 125000000, &(struct p2p_uncertainty){.skew_correction_ns = 8}, &outliers);
    assert_int_equal(outliers.fence_ns, (77 + 3 * (77 - 26) - 1) * 8);
    assert_int_equal(outliers.count, 1);
    p2p_series_stats(series, 125000000, &IDEAL, &stats);
    assert_int_equal(stats.max_ns, 231 * 8); /* and is in every figure */
    p2p_series_free(series);
}

/* Where all but a few agree, the fence leaves room for what a clock's rounding does. */
static void the_fence_is_at_least_three_ticks_off(void **state)
{
    struct p2p_series *series = new_boot(0);
    struct p2p_outliers outliers;

    (void)state;
    for (uint64_t i = 0; i < 97; i++) {
        assert_true(p2p_series_add(series, 500));
    }
    assert_true(p2p_series_add(series, 501));
    assert_true(p2p_series_add(series, 503));
    assert_true(p2p_series_add(series, 504));
    p2p_series_outliers(series, GHZ, &IDEAL, &outliers);
    assert_int_equal(outliers.fence_ns, 503);
    assert_int_equal(outliers.count, 1);
    p2p_series_free(series);
}

/* An even tail has an end, next to the largest value, and the shape -1. */
static void a_tail_is_corrected_like_every_figure(void **state)
{
    struct p2p_series *series = new_boot(0);
    struct p2p_tail tail;

    (void)state;
    for (uint64_t i = 1; i <= 100000; i++) {
        assert_true(p2p_series_add(series, i));
    }
    p2p_series_tail(series, 1e-5, 500000000, &(struct p2p_uncertainty){.skew_correction_ns = 50}, &tail);
    assert_true(tail.known);
    assert_int_equal(tail.peaks, 1000);
    assert_near(tail.threshold_ns, 2 * 99000.5 - 50, 1e-9);
    assert_near(tail.shape, -1, 0.01);
    assert_near(tail.return_level_ns, 2 * 100000 - 50, 10);
    p2p_series_free(series);
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
        cmocka_unit_test(an_empty_series_has_n_0),
        cmocka_unit_test(figures_are_in_ns_of_the_probe_clock),
        cmocka_unit_test(the_skew_is_taken_off_every_figure),
        cmocka_unit_test(no_figure_falls_below_0),
        cmocka_unit_test(uncertainties_are_of_the_largest_and_of_the_mean),
        cmocka_unit_test(a_refused_sample_changes_nothing),
        cmocka_unit_test(out_of_memory_gives_no_series),
        cmocka_unit_test(out_of_memory_begins_no_boot),
        cmocka_unit_test(each_boot_has_its_own_figures),
        cmocka_unit_test(quantiles_have_intervals_where_there_are_samples_enough),
        cmocka_unit_test(the_mean_has_students_interval_of_the_boots),
        cmocka_unit_test(samples_above_are_counted_corrected),
        cmocka_unit_test(outliers_lie_beyond_tukeys_outer_fence),
        cmocka_unit_test(the_fence_is_at_least_three_ticks_off),
        cmocka_unit_test(a_tail_is_corrected_like_every_figure),
        cmocka_unit_test(ticks_become_ns_rounded_half_up),
        cmocka_unit_test(ns_become_ticks_rounded_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
