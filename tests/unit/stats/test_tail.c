/* SPDX-License-Identifier: MIT */
#include "stats/tail.h"

#include "near.h"

#define TICK_NS 8.0

enum { SAMPLES = 100000 };

/* Values whose ranks lie evenly on a distribution: x(q) is exceeded with probability q. */
static struct p2p_histogram *sampled(double (*x)(double q))
{
    struct p2p_histogram *histogram = p2p_histogram_new();

    assert_non_null(histogram);
    for (int i = 0; i < SAMPLES; i++) {
        assert_true(p2p_histogram_add(histogram, (uint64_t)(x((i + 0.5) / SAMPLES) + 0.5)));
    }
    return histogram;
}

static double exponential(double q)
{
    return -10000 * log(q);
}

static double heavy(double q)
{
    return 10000 * pow(q, -0.25);
}

static double even(double q)
{
    return 1000000 * (1 - q);
}

static void known_tails_are_found(void **state)
{
    static const struct {
        double (*x)(double q);
        double shape, scale, level; /* 1e-6 beyond the samples: in ticks */
    } cases[] = {{exponential, 0, 10000, 138155}, {heavy, 0.25, 7905.7, 316228}, {even, -1, 10000, 999999}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct p2p_histogram *histogram = sampled(cases[i].x);
        struct p2p_tail tail;

        p2p_tail_of(histogram, 1e-6, TICK_NS, &tail);
        assert_true(tail.known);
        assert_int_equal(tail.peaks, SAMPLES / 100);
        assert_near(tail.threshold_ns, cases[i].x(0.01) * TICK_NS, 0.001 * tail.threshold_ns);
        assert_near(tail.shape, cases[i].shape, 0.02);
        assert_near(tail.scale_ns, cases[i].scale * TICK_NS, 0.02 * tail.scale_ns);
        assert_near(tail.return_level_ns, cases[i].level * TICK_NS, 0.1 * tail.return_level_ns);
        p2p_histogram_free(histogram);
    }
}

/* By hand: excesses of 0.5 and 2.5 ticks, 50 each; moments 1.5 and 4925 / 9900. */
static void equal_peaks_share_their_places(void **state)
{
    struct p2p_histogram *histogram = p2p_histogram_new();
    struct p2p_tail tail;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        assert_true(p2p_histogram_add(histogram, i < 50 ? 501 : i < 100 ? 503 : 500));
    }
    p2p_tail_of(histogram, 1e-6, TICK_NS, &tail);
    assert_true(tail.known);
    assert_int_equal(tail.peaks, 100);
    assert_near(tail.threshold_ns, 500.5 * TICK_NS, 1e-9);
    assert_near(tail.shape, -0.97, 1e-9);
    assert_near(tail.scale_ns, 2.955 * TICK_NS, 1e-9);
    p2p_histogram_free(histogram);
}

static void a_level_is_not_below_the_threshold(void **state)
{
    struct p2p_histogram *histogram = sampled(exponential);
    struct p2p_tail tail;

    (void)state;
    p2p_tail_of(histogram, 0.5, TICK_NS, &tail);
    assert_true(tail.known);
    assert_near(tail.return_level_ns, tail.threshold_ns, 0);
    p2p_histogram_free(histogram);
}

static void few_peaks_say_nothing(void **state)
{
    struct p2p_histogram *histogram = p2p_histogram_new();
    struct p2p_tail tail;

    (void)state;
    p2p_tail_of(histogram, 1e-6, TICK_NS, &tail);
    assert_false(tail.known);
    for (uint64_t i = 1; i <= 100 * P2P_TAIL_PEAKS_MIN - 1; i++) {
        assert_true(p2p_histogram_add(histogram, i));
    }
    p2p_tail_of(histogram, 1e-6, TICK_NS, &tail); /* 99 above the 9901st */
    assert_false(tail.known);
    assert_true(p2p_histogram_add(histogram, 20000));
    p2p_tail_of(histogram, 1e-6, TICK_NS, &tail);
    assert_true(tail.known);
    assert_int_equal(tail.peaks, P2P_TAIL_PEAKS_MIN);
    p2p_histogram_free(histogram);
}

static void peaks_that_are_alike_have_no_shape(void **state)
{
    struct p2p_histogram *histogram = p2p_histogram_new();
    struct p2p_tail tail;

    (void)state;
    for (uint64_t i = 1; i <= 100 * P2P_TAIL_PEAKS_MIN; i++) {
        assert_true(p2p_histogram_add(histogram, i % 100 == 0 ? 700 : 500));
    }
    p2p_tail_of(histogram, 1e-6, TICK_NS, &tail);
    assert_false(tail.known);
    p2p_histogram_free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_tails_are_found),
        cmocka_unit_test(equal_peaks_share_their_places),
        cmocka_unit_test(a_level_is_not_below_the_threshold),
        cmocka_unit_test(few_peaks_say_nothing),
        cmocka_unit_test(peaks_that_are_alike_have_no_shape),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
