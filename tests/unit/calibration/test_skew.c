/* SPDX-License-Identifier: MIT */
#include "calibration/skew.h"

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

#define TICK_NS 8.0

/* 12 ticks of window: edges of one level must be 25 ticks apart at least. */
static const struct p2p_skew_setup SETUP = {.tick_hz = 125000000, .resolution_ticks = 1, .window_ns = 100};

#define CALM_TICKS UINT64_C(1000)

enum { EXPERIMENTS = 300, PAIRS = 1000 };

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

static struct p2p_skew *new_skew(void)
{
    struct p2p_skew *skew = p2p_skew_new(&SETUP);

    assert_non_null(skew);
    return skew;
}

static void feed_edge(struct p2p_skew *skew, uint8_t channel, uint8_t level, uint64_t ticks, uint8_t flags)
{
    const struct p2p_edge edge = {.ticks = ticks, .channel = channel, .level = level, .flags = flags};

    p2p_skew_feed(skew, &edge, 1);
}

/* One physical edge, which the answer channel stamps `difference` ticks later. */
static void feed_pair(struct p2p_skew *skew, uint8_t level, uint64_t ticks, int64_t difference)
{
    uint64_t answer = ticks + (uint64_t)difference;

    if (difference >= 0) {
        feed_edge(skew, P2P_CHANNEL_STIMULUS, level, ticks, 0);
        feed_edge(skew, P2P_CHANNEL_ANSWER, level, answer, 0);
    } else {
        feed_edge(skew, P2P_CHANNEL_ANSWER, level, answer, 0);
        feed_edge(skew, P2P_CHANNEL_STIMULUS, level, ticks, 0);
    }
}

/* Periods of two edges with one difference a polarity; returns the ticks behind them. */
static uint64_t feed_periods(struct p2p_skew *skew, uint64_t from, size_t count, int64_t rising, int64_t falling)
{
    for (size_t i = 0; i < count; i++) {
        feed_pair(skew, 1, from, rising);
        feed_pair(skew, 0, from + CALM_TICKS / 2, falling);
        from += CALM_TICKS;
    }
    return from;
}

static void assert_account(const struct p2p_skew *skew, uint64_t pairs, uint64_t alone, uint64_t flagged)
{
    const struct p2p_skew_account *account = p2p_skew_account(skew);

    assert_int_equal(account->pairs, pairs);
    assert_int_equal(account->alone, alone);
    assert_int_equal(account->flagged, flagged);
    assert_int_equal(account->edges, 2 * pairs + alone + flagged);
}

/* Ends the run, which must be good. */
static void finish(struct p2p_skew *skew, struct p2p_skew_mean means[P2P_POLARITIES])
{
    struct p2p_error error = {0};
    enum p2p_code code = p2p_skew_finish(skew, means, &error);

    assert_string_equal(error.message, "");
    assert_int_equal(code, P2P_OK);
}

static void assert_refused(struct p2p_skew *skew, const char *message)
{
    struct p2p_skew_mean means[P2P_POLARITIES];
    struct p2p_error error = {0};

    assert_int_equal(p2p_skew_finish(skew, means, &error), P2P_E_BENCH);
    assert_int_equal(error.code, P2P_E_BENCH);
    assert_string_equal(error.message, message);
    p2p_skew_free(skew);
}

/* ---- The figures ---- */

static void each_polarity_has_its_own_mean(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];

    (void)state;
    feed_periods(skew, 5000, 150, 3, -2);
    finish(skew, means);
    assert_account(skew, 300, 0, 0);
    assert_int_equal(means[P2P_RISING].n, 150);
    assert_near(means[P2P_RISING].mean_ns, 24, 1e-9);
    assert_int_equal(means[P2P_FALLING].n, 150);
    assert_near(means[P2P_FALLING].mean_ns, -16, 1e-9);
    p2p_skew_free(skew);
}

/* The interval never changes: nothing says that the signal's phase moves at all. */
static void of_a_locked_signal_a_tick_stays_open(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];

    (void)state;
    feed_periods(skew, 0, 5000, 0, 0);
    finish(skew, means);
    assert_near(means[P2P_RISING].mean_ns, 0, 0);
    assert_near(means[P2P_RISING].u_ns, TICK_NS / sqrt(3), 1e-9);
    p2p_skew_free(skew);
}

/* Edges that are left out change the interval, too; they must not look like a phase that moves. */
static void gaps_do_not_hide_that_a_signal_is_locked(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    uint64_t at = 0;

    (void)state;
    for (size_t i = 0; i < 20; i++) {
        at = feed_periods(skew, at, 200, 1, 1);
        feed_edge(skew, P2P_CHANNEL_ANSWER, 1, at, i % 2 == 0 ? 0 : P2P_EDGE_GLITCH);
        at += 3 * CALM_TICKS;
    }
    finish(skew, means);
    assert_account(skew, 8000, 10, 10);
    assert_near(means[P2P_RISING].u_ns, TICK_NS / sqrt(3), 1e-9);
    p2p_skew_free(skew);
}

/* 101 pairs, intervals of 1000 and 1001 ticks in turn: 99 changes, 49.5 looks. */
static void the_rule_of_three_bounds_what_was_never_seen(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    uint64_t at = 0;

    (void)state;
    for (size_t i = 0; i < 101; i++) {
        feed_pair(skew, 1, at, i % 2 == 0 ? 1 : 2);
        feed_pair(skew, 0, at + 500, 1);
        at += CALM_TICKS + i % 2;
    }
    finish(skew, means);
    assert_near(means[P2P_FALLING].u_ns, 3 / 49.5 * TICK_NS / sqrt(3), 1e-9);
    assert_near(means[P2P_RISING].mean_ns, (51 * 1 + 50 * 2) / 101.0 * TICK_NS, 1e-9);
    /* s^2 = 51 * 50 / 101 / 100 */
    assert_near(means[P2P_RISING].u_ns, TICK_NS * sqrt(51 * 50 / 101.0 / 100 / 101 + pow(3 / 49.5, 2) / 3), 1e-9);
    p2p_skew_free(skew);
}

static void a_coarser_probe_leaves_more_open(void **state)
{
    const struct p2p_skew_setup coarse = {.tick_hz = 125000000, .resolution_ticks = 2, .window_ns = 100};
    struct p2p_skew *skew = p2p_skew_new(&coarse);
    struct p2p_skew_mean means[P2P_POLARITIES];

    (void)state;
    assert_non_null(skew);
    feed_periods(skew, 0, 100, 0, 0);
    finish(skew, means);
    assert_near(means[P2P_RISING].u_ns, 2 * TICK_NS / sqrt(3), 1e-9);
    p2p_skew_free(skew);
}

static void two_wirings_tell_inputs_from_cables(void **state)
{
    /* Inputs: the answer's is 3 ns slower. Cables: the one at the answer input when straight is 2 ns longer. */
    const struct p2p_skew_mean straight = {.n = 100, .mean_ns = 3 + 2, .u_ns = 0.3};
    const struct p2p_skew_mean swapped = {.n = 100, .mean_ns = 3 - 2, .u_ns = 0.4};
    struct p2p_skew_parts parts = p2p_skew_split(&straight, &swapped);

    (void)state;
    assert_near(parts.probe_ns, 3, 1e-12);
    assert_near(parts.cable_ns, 2, 1e-12);
    assert_near(parts.u_ns, 0.25, 1e-12);
}

/* ---- Pairing ---- */

static void an_edge_alone_is_counted_and_harms_no_other(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    uint64_t at = feed_periods(skew, 0, 150, 1, 1);

    (void)state;
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at, 0); /* its answer is lost */
    at = feed_periods(skew, at + CALM_TICKS, 150, 1, 1);
    feed_edge(skew, P2P_CHANNEL_ANSWER, 0, at, 0); /* at the very end */
    finish(skew, means);
    assert_account(skew, 600, 2, 0);
    assert_near(means[P2P_RISING].mean_ns, TICK_NS, 1e-9);
    assert_near(means[P2P_FALLING].mean_ns, TICK_NS, 1e-9);
    p2p_skew_free(skew);
}

static void the_window_includes_its_end_only(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    uint64_t at = feed_periods(skew, 0, 200, 0, 0);

    (void)state;
    feed_pair(skew, 1, at, 12);
    feed_pair(skew, 1, at + CALM_TICKS, 13);
    feed_pair(skew, 1, at + 2 * CALM_TICKS, -12);
    feed_pair(skew, 1, at + 3 * CALM_TICKS, -13);
    finish(skew, means);
    assert_account(skew, 402, 4, 0);
    assert_int_equal(means[P2P_RISING].n, 202);
    p2p_skew_free(skew);
}

static void levels_and_channels_are_not_mixed(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    uint64_t at = feed_periods(skew, 0, 300, 0, 0);

    (void)state;
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at, 0);
    feed_edge(skew, P2P_CHANNEL_ANSWER, 0, at + 1, 0);
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at + CALM_TICKS, 0);
    finish(skew, means);
    assert_account(skew, 600, 3, 0);
    p2p_skew_free(skew);
}

static void flagged_edges_are_left_out(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    uint64_t at = feed_periods(skew, 0, 300, 1, 1);

    (void)state;
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at, 0);
    feed_edge(skew, P2P_CHANNEL_ANSWER, 1, at + 5, P2P_EDGE_CLIPPED);
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 0, at + 500, P2P_EDGE_GLITCH);
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 0, at + 501, P2P_EDGE_GLITCH); /* too close for an edge that counts */
    finish(skew, means);
    assert_account(skew, 600, 1, 3);
    assert_near(means[P2P_RISING].mean_ns, TICK_NS, 1e-9);
    p2p_skew_free(skew);
}

static void marks_are_passed_over(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];

    (void)state;
    feed_edge(skew, P2P_CHANNEL_MARK, 0, UINT64_C(1) << 40, P2P_MARK_ARMED);
    feed_periods(skew, 0, 100, 1, 1);
    finish(skew, means);
    assert_account(skew, 200, 0, 0);
    p2p_skew_free(skew);
}

/* ---- Refusals ---- */

static void too_few_pairs_are_refused(void **state)
{
    struct p2p_skew *skew = new_skew();

    (void)state;
    feed_edge(skew, P2P_CHANNEL_ANSWER, 0, feed_periods(skew, 0, 99, 0, 0), 0);
    assert_refused(skew, "skew: 99 pairs of falling edges, expected at least 100 (alone: 1, flagged: 0): does the same "
                         "signal drive both inputs, and long enough?");
}

static void no_edges_are_refused(void **state)
{
    (void)state;
    assert_refused(new_skew(), "skew: 0 pairs of falling edges, expected at least 100 (alone: 0, flagged: 0): does the "
                               "same signal drive both inputs, and long enough?");
}

static void many_edges_left_out_are_refused(void **state)
{
    struct p2p_skew *skew = new_skew();
    uint64_t at = feed_periods(skew, 0, 100, 0, 0);

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at + i * CALM_TICKS, i < 2 ? P2P_EDGE_CLIPPED : 0);
    }
    assert_refused(skew,
                   "skew: of 405 edges 3 are alone and 2 flagged, expected at most one in 100: look at the signal "
                   "and the wires");
}

static void edges_too_close_to_be_told_apart_are_refused(void **state)
{
    struct p2p_skew *skew = new_skew();
    uint64_t at = feed_periods(skew, 0, 200, 0, 0);

    (void)state;
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at, 0);
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at + 24, 0);
    feed_periods(skew, at + CALM_TICKS, 200, 0, 0);
    assert_refused(skew,
                   "skew: two edges of one level are 192 ns apart, expected more than 200: use a slower signal, or "
                   "find out why it bounces");
}

static void edges_just_far_enough_are_taken(void **state)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    uint64_t at = feed_periods(skew, 0, 200, 0, 0);

    (void)state;
    feed_pair(skew, 1, at, 0);
    feed_pair(skew, 1, at + 25, 0);
    finish(skew, means);
    assert_account(skew, 402, 0, 0);
    p2p_skew_free(skew);
}

static void edges_out_of_order_are_refused(void **state)
{
    struct p2p_skew *skew = new_skew();
    uint64_t at = feed_periods(skew, 0, 200, 0, 0);

    (void)state;
    feed_edge(skew, P2P_CHANNEL_STIMULUS, 1, at, 0);
    feed_edge(skew, P2P_CHANNEL_ANSWER, 1, at - 1, 0);
    assert_refused(skew, "skew: an edge is 1 ticks before its predecessor");
}

static void out_of_memory_is_told(void **state)
{
    (void)state;
    memory_is_out = true;
    assert_null(p2p_skew_new(&SETUP));
    memory_is_out = false;
    p2p_skew_free(NULL);
}

/* ---- Monte Carlo ---- */

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

/* What the probe makes of an edge at `at_ns` with the skew. */
static void feed_physical(struct p2p_skew *skew, uint8_t level, double at_ns, double skew_ns)
{
    double stimulus = floor(at_ns / TICK_NS);

    feed_pair(skew, level, (uint64_t)stimulus, (int64_t)(floor((at_ns + skew_ns) / TICK_NS) - stimulus));
}

/* The mean of rising edges of a signal with this period, and up to `jitter_ns` more. */
static struct p2p_skew_mean run(struct p2p_prng *prng, double period_ns, double jitter_ns, double skew_ns)
{
    struct p2p_skew *skew = new_skew();
    struct p2p_skew_mean means[P2P_POLARITIES];
    double at_ns = 1000 + uniform(prng) * TICK_NS;

    for (size_t i = 0; i < PAIRS; i++) {
        double jittered_ns = at_ns + uniform(prng) * jitter_ns;

        feed_physical(skew, 1, jittered_ns, skew_ns);
        feed_physical(skew, 0, jittered_ns + period_ns / 2, skew_ns);
        at_ns += period_ns;
    }
    finish(skew, means);
    p2p_skew_free(skew);
    return means[P2P_RISING];
}

static void the_mean_resolves_parts_of_a_tick(void **state)
{
    struct p2p_prng prng = seeded();
    size_t covered = 0;

    (void)state;
    for (size_t i = 0; i < EXPERIMENTS; i++) {
        double skew_ns = (uniform(&prng) - 0.5) * 40;
        struct p2p_skew_mean mean = run(&prng, 100000, 20000, skew_ns);

        assert_true(mean.u_ns < 0.15);
        assert_true(fabs(mean.mean_ns - skew_ns) < 6 * mean.u_ns);
        covered += fabs(mean.mean_ns - skew_ns) <= 2 * mean.u_ns;
    }
    assert_true(covered >= EXPERIMENTS * 88 / 100);
}

/* The phase goes round a few times only: the scatter alone would promise far too much. */
static void a_phase_that_creeps_is_seen_through(void **state)
{
    struct p2p_prng prng = seeded();

    (void)state;
    for (size_t i = 0; i < EXPERIMENTS; i++) {
        double skew_ns = (uniform(&prng) - 0.5) * 40;
        double rounds = uniform(&prng) * 30;
        struct p2p_skew_mean mean = run(&prng, 100000 + rounds * TICK_NS / PAIRS, 0, skew_ns);

        assert_true(fabs(mean.mean_ns - skew_ns) <= 2 * mean.u_ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_polarity_has_its_own_mean),
        cmocka_unit_test(of_a_locked_signal_a_tick_stays_open),
        cmocka_unit_test(gaps_do_not_hide_that_a_signal_is_locked),
        cmocka_unit_test(the_rule_of_three_bounds_what_was_never_seen),
        cmocka_unit_test(a_coarser_probe_leaves_more_open),
        cmocka_unit_test(two_wirings_tell_inputs_from_cables),
        cmocka_unit_test(an_edge_alone_is_counted_and_harms_no_other),
        cmocka_unit_test(the_window_includes_its_end_only),
        cmocka_unit_test(levels_and_channels_are_not_mixed),
        cmocka_unit_test(flagged_edges_are_left_out),
        cmocka_unit_test(marks_are_passed_over),
        cmocka_unit_test(too_few_pairs_are_refused),
        cmocka_unit_test(no_edges_are_refused),
        cmocka_unit_test(many_edges_left_out_are_refused),
        cmocka_unit_test(edges_too_close_to_be_told_apart_are_refused),
        cmocka_unit_test(edges_just_far_enough_are_taken),
        cmocka_unit_test(edges_out_of_order_are_refused),
        cmocka_unit_test(out_of_memory_is_told),
        cmocka_unit_test(the_mean_resolves_parts_of_a_tick),
        cmocka_unit_test(a_phase_that_creeps_is_seen_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
