/* SPDX-License-Identifier: MIT */
#include "stats/change_points.h"

#include "memory.h"
#include "near.h"
#include "util/prng.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define ALPHA 0.05

enum { NIGHTS = 40, SERIES = 400, POINTS = 8 };

/* Levels with some noise: each night's value is its level plus 0..noise. */
static void nights(struct p2p_prng *prng, double noise, double (*level)(size_t night), double *series)
{
    for (size_t i = 0; i < NIGHTS; i++) {
        series[i] = level(i) + noise * (double)p2p_prng_below(prng, 1000) / 1000;
    }
}

static double flat(size_t night)
{
    (void)night;
    return 100;
}

static double step(size_t night)
{
    return night < 25 ? 100 : 103;
}

/* A regression, and its cure: the mean of all that follows the first change hardly differs. */
static double hump(size_t night)
{
    return night >= 12 && night < 24 ? 110 : 100;
}

static double outlier(size_t night)
{
    return night == 20 ? 150 : 100;
}

static void a_step_is_found_where_it_is(void **state)
{
    struct p2p_prng prng;
    double series[NIGHTS];
    size_t points[POINTS];

    (void)state;
    p2p_prng_seed(&prng, 1);
    nights(&prng, 2, step, series);
    assert_int_equal(p2p_change_points(series, NIGHTS, 0.01, 1, points, POINTS), 1);
    assert_int_equal(points[0], 25);
}

static void a_hump_has_two_ends(void **state)
{
    struct p2p_prng prng;
    double series[NIGHTS];
    size_t points[POINTS];

    (void)state;
    p2p_prng_seed(&prng, 1);
    nights(&prng, 4, hump, series);
    assert_int_equal(p2p_change_points(series, NIGHTS, 0.01, 1, points, POINTS), 2);
    assert_int_equal(points[0], 12);
    assert_int_equal(points[1], 24);
}

/* As on a deterministic bench. */
static void values_without_any_noise_will_do(void **state)
{
    double series[NIGHTS];
    size_t points[POINTS];

    (void)state;
    for (size_t i = 0; i < NIGHTS; i++) {
        series[i] = hump(i);
    }
    assert_int_equal(p2p_change_points(series, NIGHTS, 0.01, 7, points, POINTS), 2);
    for (size_t i = 0; i < NIGHTS; i++) {
        series[i] = 0.1;
    }
    assert_int_equal(p2p_change_points(series, NIGHTS, 0.01, 7, points, POINTS), 0);
}

static void one_night_is_no_change(void **state)
{
    struct p2p_prng prng;
    double series[NIGHTS];
    size_t points[POINTS];

    (void)state;
    p2p_prng_seed(&prng, 3);
    nights(&prng, 2, outlier, series);
    assert_int_equal(p2p_change_points(series, NIGHTS, 0.01, 1, points, POINTS), 0);
}

static void too_short_a_series_has_none(void **state)
{
    const double series[] = {1, 1, 1, 9, 9, 9};
    size_t points[POINTS];

    (void)state;
    assert_int_equal(p2p_change_points(series, 0, 0.2, 1, points, POINTS), 0);
    assert_int_equal(p2p_change_points(series, 5, 0.2, 1, points, POINTS), 0);
    assert_int_equal(p2p_change_points(series, 6, 0.3, 2, points, POINTS), 1); /* 2 of 20 orders split so well */
    assert_int_equal(points[0], 3);
    assert_int_equal(p2p_change_points(series, 6, 0.05, 1, points, POINTS), 0);
}

/* Ten expected of 200; six standard deviations more are 28. */
static void without_a_change_alarms_are_as_rare_as_asked_for(void **state)
{
    const char *text = getenv("P2P_TEST_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    struct p2p_prng prng;
    size_t alarms = 0;

    (void)state;
    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t i = 0; i < SERIES; i++) {
        double series[NIGHTS];
        size_t points[POINTS];

        nights(&prng, 2, flat, series);
        alarms += p2p_change_points(series, NIGHTS, ALPHA, i, points, POINTS) > 0;
    }
    print_message("%zu alarms in %d series\n", alarms, SERIES);
    assert_near((double)alarms, SERIES * ALPHA, 6 * sqrt(SERIES * ALPHA * (1 - ALPHA)));
}

static void no_more_is_written_than_there_is_room_for(void **state)
{
    double series[NIGHTS];
    size_t points[] = {99, 99};

    (void)state;
    for (size_t i = 0; i < NIGHTS; i++) {
        series[i] = hump(i);
    }
    assert_int_equal(p2p_change_points(series, NIGHTS, 0.01, 1, points, 1), 2);
    assert_int_equal(points[0], 12);
    assert_int_equal(points[1], 99);
}

static void out_of_memory_is_told(void **state)
{
    const double series[] = {1, 1, 1, 9, 9, 9};
    size_t points[POINTS];

    (void)state;
    memory_lasts_for(0);
    assert_true(p2p_change_points(series, 6, 0.2, 1, points, POINTS) == P2P_CHANGE_POINTS_FAILED);
    assert_true(memory_ran_out());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_found_where_it_is),
        cmocka_unit_test(a_hump_has_two_ends),
        cmocka_unit_test(values_without_any_noise_will_do),
        cmocka_unit_test(one_night_is_no_change),
        cmocka_unit_test(too_short_a_series_has_none),
        cmocka_unit_test(without_a_change_alarms_are_as_rare_as_asked_for),
        cmocka_unit_test(no_more_is_written_than_there_is_room_for),
        cmocka_unit_test(out_of_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
