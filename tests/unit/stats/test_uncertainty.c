/* SPDX-License-Identifier: MIT */
#include "stats/uncertainty.h"

#include "util/prng.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define TICK_NS 8.0
#define TICK_HZ 125000000

enum { LATENCIES = 200000, EXPERIMENTS = 5000 };

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance)) {
        print_error("found %.9g, expected %.9g +- %.3g\n", found, expected, tolerance);
        fail();
    }
}

static void quantisation_is_a_triangle_of_one_resolution(void **state)
{
    (void)state;
    assert_near(p2p_quantisation_ns(1, 125000000), 3.265986, 1e-6);
    assert_near(p2p_quantisation_ns(1, 200000000), 2.041241, 1e-6);
    assert_near(p2p_quantisation_ns(2, 200000000), 4.082483, 1e-6);
}

static void a_sample_has_the_root_of_the_sum_of_squares_twice(void **state)
{
    const struct p2p_uncertainty budget = {.quantisation_ns = 3, .skew_ns = 4, .trigger_ns = 12, .timebase_ppm = 84};

    (void)state;
    assert_near(p2p_uncertainty_of_sample_ns(&budget, 0), 2 * 13, 1e-9);
    assert_near(p2p_uncertainty_of_sample_ns(&budget, 1e6), 2 * 85, 1e-9);
    assert_near(p2p_uncertainty_of_sample_ns(&budget, 2e6), 2 * sqrt(169 + 168 * 168), 1e-9);
}

static void each_part_tells_budgets_apart(void **state)
{
    const struct p2p_uncertainty budget = {3, 4, 12, 84, 2};
    const struct p2p_uncertainty others[] = {
        {3.5, 4, 12, 84, 2}, {3, 4.5, 12, 84, 2}, {3, 4, 12.5, 84, 2}, {3, 4, 12, 84.5, 2}, {3, 4, 12, 84, 2.5},
    };

    (void)state;
    assert_true(p2p_uncertainty_is_same(&budget, &(struct p2p_uncertainty){3, 4, 12, 84, 2}));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(p2p_uncertainty_is_same(&budget, &others[i]));
    }
}

static void of_a_mean_only_the_random_part_shrinks(void **state)
{
    const struct p2p_uncertainty budget = {.quantisation_ns = 6, .skew_ns = 12, .trigger_ns = 8, .timebase_ppm = 0};
    const struct p2p_uncertainty rate = {.timebase_ppm = 10};

    (void)state;
    assert_near(p2p_uncertainty_of_mean_ns(&budget, 2000, 1), p2p_uncertainty_of_sample_ns(&budget, 2000), 1e-12);
    assert_near(p2p_uncertainty_of_mean_ns(&budget, 2000, 4), 2 * 13, 1e-9);
    assert_near(p2p_uncertainty_of_mean_ns(&budget, 2000, UINT64_MAX), 2 * 12, 1e-6);
    assert_near(p2p_uncertainty_of_mean_ns(&rate, 1e6, 10000), 2 * 10, 1e-9);
}

static void the_ideal_probe_has_none(void **state)
{
    const struct p2p_uncertainty budget = {0};

    (void)state;
    assert_true(p2p_uncertainty_of_sample_ns(&budget, 1e9) == 0);
    assert_true(p2p_uncertainty_of_mean_ns(&budget, 1e9, 7) == 0);
}

/* The correction moves latencies; it does not make them less certain. */
static void the_correction_is_no_uncertainty(void **state)
{
    const struct p2p_uncertainty budget = {.skew_correction_ns = 1000};

    (void)state;
    assert_true(p2p_uncertainty_of_sample_ns(&budget, 1000) == 0);
}

/* ---- Monte Carlo: the bounds are six standard deviations of the counted figure or more ---- */

static struct p2p_prng seeded(void)
{
    const char *text = getenv("P2P_TEST_SEED");
    const uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : (uint64_t)time(NULL);
    struct p2p_prng prng;

    print_message("P2P_TEST_SEED=%" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    return prng;
}

static double uniform(struct p2p_prng *prng)
{
    return (double)p2p_prng_below(prng, UINT64_C(1) << 53) / 9007199254740992.0;
}

/* Box and Muller. */
static double normal(struct p2p_prng *prng)
{
    double radius = sqrt(-2 * log(1 - uniform(prng)));

    return radius * cos(6.283185307179586 * uniform(prng));
}

/* As the probe does it: both edges go to the tick that has begun. */
static double measure(struct p2p_prng *prng, double latency_ns)
{
    double start_ns = uniform(prng) * 1e6;

    return (floor((start_ns + latency_ns) / TICK_NS) - floor(start_ns / TICK_NS)) * TICK_NS;
}

static void random_phases_scatter_as_quantisation_says(void **state)
{
    struct p2p_prng prng = seeded();
    double expected = p2p_quantisation_ns(1, TICK_HZ);
    struct p2p_uncertainty budget = {.quantisation_ns = expected};
    double sum = 0, squares = 0;
    size_t covered = 0;

    (void)state;
    for (size_t i = 0; i < LATENCIES; i++) {
        double latency_ns = 1000 + uniform(&prng) * 3000;
        double error_ns = measure(&prng, latency_ns) - latency_ns;

        assert_true(fabs(error_ns) <= TICK_NS * (1 + 1e-9));
        sum += error_ns;
        squares += error_ns * error_ns;
        covered += fabs(error_ns) <= p2p_uncertainty_of_sample_ns(&budget, latency_ns);
    }
    assert_near(sum / LATENCIES, 0, 6 * expected / sqrt(LATENCIES));
    assert_near(sqrt(squares / LATENCIES), expected, 0.01 * expected);
    assert_near((double)covered / LATENCIES, 0.966, 0.003); /* of a triangle within 2 sigma */
}

/* How often the interval of a mean of `n` holds the true mean, when all of the budget happens. */
static double coverage_of_mean(const struct p2p_uncertainty *budget, uint64_t n)
{
    struct p2p_prng prng = seeded();
    size_t covered = 0;

    for (size_t i = 0; i < EXPERIMENTS; i++) {
        double skew_ns = normal(&prng) * budget->skew_ns;
        double rate = 1 + normal(&prng) * budget->timebase_ppm * 1e-6;
        double error_ns = 0, mean_ns = 0;

        for (uint64_t k = 0; k < n; k++) {
            double latency_ns = 1000 + uniform(&prng) * 3000;
            double seen_ns = latency_ns * rate + skew_ns + normal(&prng) * budget->trigger_ns;

            seen_ns = measure(&prng, seen_ns);
            mean_ns += seen_ns / (double)n;
            error_ns += (seen_ns - latency_ns) / (double)n;
        }
        covered += fabs(error_ns) <= p2p_uncertainty_of_mean_ns(budget, mean_ns, n);
    }
    return (double)covered / EXPERIMENTS;
}

static void the_interval_of_the_mean_covers(void **state)
{
    const struct p2p_uncertainty random = {.quantisation_ns = p2p_quantisation_ns(1, TICK_HZ), .trigger_ns = 2};
    struct p2p_uncertainty all = random;

    (void)state;
    all.skew_ns = 0.9;
    all.timebase_ppm = 300;
    assert_near(coverage_of_mean(&random, 50), 0.9545, 0.018);
    assert_near(coverage_of_mean(&all, 50), 0.9545, 0.018);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantisation_is_a_triangle_of_one_resolution),
        cmocka_unit_test(a_sample_has_the_root_of_the_sum_of_squares_twice),
        cmocka_unit_test(each_part_tells_budgets_apart),
        cmocka_unit_test(of_a_mean_only_the_random_part_shrinks),
        cmocka_unit_test(the_ideal_probe_has_none),
        cmocka_unit_test(the_correction_is_no_uncertainty),
        cmocka_unit_test(random_phases_scatter_as_quantisation_says),
        cmocka_unit_test(the_interval_of_the_mean_covers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
