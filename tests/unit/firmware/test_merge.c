/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "counters.h"
#include "firmware/core/merge.h"
#include "util/prng.h"

#include <inttypes.h>
#include <time.h>

enum { EVENTS_MAX = 40000, RANDOM_EDGES = 6000, FLAGS = PROBE_WHAT_GLITCH | PROBE_WHAT_CLIPPED };

/* A channel: both counters, what came out, and the cycle it has run to. */
struct channel {
    struct program program;
    struct counter counters[PROBE_PHASES];
    struct probe_merge merge;
    uint64_t origin_ticks; /* of cycle 0 */
    uint64_t cycle;
    bool level;
    struct probe_event events[EVENTS_MAX];
    size_t event_count;
};

static struct channel channel; /* too large for the stack */

/* Both counters as after `ticks` ticks with the pin low; `ticks` is even. */
static void start(uint64_t ticks)
{
    channel = (struct channel){.origin_ticks = ticks};
    program_load(&channel.program);
    for (unsigned phase = 0; phase < PROBE_PHASES; phase++) {
        channel.counters[phase] = counter_start(&channel.program, phase == 1, (uint32_t)(ticks / 2));
    }
}

static void take_before(uint64_t horizon_ticks)
{
    while (probe_merge_next_ticks(&channel.merge) < horizon_ticks) {
        assert_true(channel.event_count < EVENTS_MAX);
        channel.events[channel.event_count].ticks = probe_merge_next_ticks(&channel.merge);
        channel.events[channel.event_count++].what = probe_merge_take(&channel.merge);
    }
}

/* As the firmware does it, but more often: each word is put as it comes, and events are taken some time after. */
static void step(bool level)
{
    const uint64_t now = channel.origin_ticks + channel.cycle;

    for (unsigned phase = 0; phase < PROBE_PHASES; phase++) {
        struct counter *counter = &channel.counters[phase];
        uint32_t word;

        counter_step(counter, &channel.program, level);
        if (probe_merge_wants(&channel.merge, phase) && counter_pull(counter, &word)) {
            probe_merge_put(&channel.merge, phase, word, now);
        }
    }
    channel.cycle++;
    take_before(now > 8 ? now - 8 : 0);
}

static void run_to(uint64_t cycle)
{
    while (channel.cycle < cycle) {
        step(channel.level);
    }
}

static void toggle_at(uint64_t cycle)
{
    run_to(cycle);
    channel.level = !channel.level;
}

static void assert_event(size_t index, uint64_t ticks, uint8_t what)
{
    assert_true(index < channel.event_count);
    assert_int_equal(channel.events[index].ticks, ticks);
    assert_int_equal(channel.events[index].what, what);
}

/* An edge at cycle c is seen by the look at c: the first tick a counter can give is that of cycle 1, which is 2. */
static uint64_t ticks_of(uint64_t cycle)
{
    return channel.origin_ticks + cycle + 1;
}

static void test_stamps_are_exact_in_both_phases(void **state)
{
    (void)state;
    for (uint64_t phase = 0; phase < 2; phase++) {
        start(0);
        toggle_at(100 + phase);
        toggle_at(200 + phase);
        toggle_at(301 + phase);
        run_to(400);
        assert_int_equal(channel.event_count, 3);
        assert_event(0, ticks_of(100 + phase), PROBE_WHAT_LEVEL);
        assert_event(1, ticks_of(200 + phase), 0);
        assert_event(2, ticks_of(301 + phase), PROBE_WHAT_LEVEL);
    }
}

static void test_nine_ticks_apart_is_exact_and_eight_is_flagged(void **state)
{
    (void)state;
    for (uint64_t phase = 0; phase < 2; phase++) {
        start(0);
        toggle_at(100 + phase);
        toggle_at(109 + phase); /* at 108 the first counter looked again */
        run_to(200);
        assert_event(1, ticks_of(109 + phase), 0);

        start(0);
        toggle_at(100 + phase);
        toggle_at(108 + phase); /* nobody can tell it from one at 102 */
        run_to(200);
        assert_event(1, ticks_of(108 + phase), PROBE_WHAT_CLIPPED);

        start(0);
        toggle_at(100 + phase);
        toggle_at(102 + phase);
        run_to(200);
        assert_event(1, ticks_of(108 + phase), PROBE_WHAT_CLIPPED);
    }
}

static void test_a_pulse_of_one_tick_is_a_glitch_and_does_not_shift_the_pairs(void **state)
{
    (void)state;
    start(0);
    toggle_at(100);
    toggle_at(101);
    toggle_at(200);
    toggle_at(300);
    run_to(400);
    assert_int_equal(channel.event_count, 4);
    assert_event(0, ticks_of(100), PROBE_WHAT_LEVEL | PROBE_WHAT_GLITCH);
    assert_event(1, ticks_of(108), PROBE_WHAT_GLITCH);
    assert_event(2, ticks_of(200), PROBE_WHAT_LEVEL);
    assert_event(3, ticks_of(300), 0);
}

/* The count passes zero, its 31 bits wrap, and so do 32 bits of ticks, at every place of the program. */
static void test_wraps_lose_no_tick(void **state)
{
    const uint64_t wraps[] = {UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(1) << 33, UINT64_C(1) << 40};

    (void)state;
    for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        for (uint64_t before = 80; before < 130; before++) {
            start(wraps[i] - 2 * (before / 2));
            toggle_at(100 + before % 2);
            toggle_at(120);
            toggle_at(500);
            run_to(600);
            assert_int_equal(channel.event_count, 3);
            assert_event(0, ticks_of(100 + before % 2), PROBE_WHAT_LEVEL);
            assert_event(1, ticks_of(120), 0);
            assert_event(2, ticks_of(500), PROBE_WHAT_LEVEL);
        }
    }
}

static void test_a_word_may_be_ahead_of_now_or_behind(void **state)
{
    const uint64_t now = (UINT64_C(5) << 32) + 1000;
    const int64_t offsets[] = {-(INT64_C(1) << 31) + 2000, -2000, -2, 0, 2, 2000, (INT64_C(1) << 31) - 2000};

    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct probe_merge merge = {0};
        const uint64_t ticks = now + (uint64_t)offsets[i];

        probe_merge_put(&merge, 0, 0 - (uint32_t)ticks, now);
        assert_int_equal(probe_merge_next_ticks(&merge), ticks);
    }
}

static void test_nothing_waits_at_first(void **state)
{
    const struct probe_merge merge = {0};

    (void)state;
    assert_true(probe_merge_next_ticks(&merge) == UINT64_MAX);
    assert_true(probe_merge_wants(&merge, 0));
    assert_true(probe_merge_wants(&merge, 1));
}

/* A push that is dropped costs no time: the stamps after it are right. */
static void test_a_dropped_word_does_not_shift_time(void **state)
{
    uint32_t word;

    (void)state;
    start(0);
    channel.counters[0].fifo_count = FIFO_WORDS;
    for (uint64_t cycle = 0; cycle < 100; cycle++) {
        counter_step(&channel.counters[0], &channel.program, cycle >= 51);
    }
    assert_true(channel.counters[0].stalled);
    channel.counters[0].fifo_count = 0;
    for (uint64_t cycle = 100; cycle < 200; cycle++) {
        counter_step(&channel.counters[0], &channel.program, cycle < 151);
    }
    assert_true(counter_pull(&channel.counters[0], &word));
    probe_merge_put(&channel.merge, 0, word, 0);
    assert_int_equal(probe_merge_next_ticks(&channel.merge), 152);
}

/* All words are there at once: the twin's next edge is not taken for the one it did not see. */
static void test_a_later_edge_is_no_twin(void **state)
{
    struct probe_merge merge = {0};

    (void)state;
    probe_merge_put(&merge, 0, (0 - 100U) | 1, 500);
    probe_merge_put(&merge, 1, (0 - 300U) | 1, 500);
    assert_int_equal(probe_merge_take(&merge), PROBE_WHAT_LEVEL | PROBE_WHAT_GLITCH);
    assert_int_equal(probe_merge_next_ticks(&merge), 301);
    probe_merge_put(&merge, 0, 0 - 302U, 500); /* a tick after it, but of the other level */
    assert_int_equal(probe_merge_take(&merge), PROBE_WHAT_LEVEL | PROBE_WHAT_GLITCH);
    assert_int_equal(probe_merge_next_ticks(&merge), 302);
}

static void test_restart_forgets_and_distrusts(void **state)
{
    struct probe_merge merge = {0};

    (void)state;
    probe_merge_put(&merge, 1, 1 - 501U, 500);
    probe_merge_restart(&merge, 1000);
    assert_true(probe_merge_next_ticks(&merge) == UINT64_MAX);
    probe_merge_put(&merge, 0, 0 - 1008U, 1000);
    probe_merge_put(&merge, 1, 0 - 1008U, 1000); /* of phase 1: a tick later */
    assert_int_equal(probe_merge_take(&merge), PROBE_WHAT_CLIPPED);
    probe_merge_restart(&merge, 1000);
    probe_merge_put(&merge, 0, 0 - 1010U, 1000);
    probe_merge_put(&merge, 1, 0 - 1010U, 1000);
    assert_int_equal(probe_merge_take(&merge), 0);
}

/* The next edge is mostly near: 1 tick to 24; sometimes far. */
static uint64_t random_gap(struct p2p_prng *prng)
{
    return 1 + p2p_prng_below(prng, p2p_prng_below(prng, 4) == 0 ? 300 : 24);
}

/* Each event without flags is an edge of that level at exactly that tick. */
static void check_against(const uint64_t *edges, size_t edge_count, uint64_t seed)
{
    size_t edge = 0, exact = 0;

    for (size_t i = 0; i < channel.event_count; i++) {
        const struct probe_event *event = &channel.events[i];

        while (edge < edge_count && ticks_of(edges[edge]) < event->ticks) {
            edge++;
        }
        if (i > 0) {
            assert_true(event->ticks >= event[-1].ticks);
        }
        if ((event->what & FLAGS) == 0) {
            exact++;
            if (edge == edge_count || ticks_of(edges[edge]) != event->ticks ||
                (edge % 2 == 0) != ((event->what & PROBE_WHAT_LEVEL) != 0)) {
                fail_msg("seed %" PRIu64 ": unflagged event at %" PRIu64 " is no edge", seed, event->ticks);
            }
        }
    }
    assert_true(exact > edge_count / 20);
}

static void test_no_inexact_event_is_unflagged(void **state)
{
    static uint64_t edges[RANDOM_EDGES];
    const uint64_t origins[] = {0, (UINT64_C(1) << 31) - 30000, (UINT64_C(1) << 32) - 30000,
                                (UINT64_C(1) << 33) - 30000};
    const uint64_t seed = (uint64_t)time(NULL);
    struct p2p_prng prng;

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        uint64_t cycle = 40;

        start(origins[i]);
        for (size_t edge = 0; edge < RANDOM_EDGES; edge++) {
            cycle += random_gap(&prng);
            edges[edge] = cycle;
            toggle_at(cycle);
        }
        run_to(cycle + 100);
        check_against(edges, RANDOM_EDGES, seed);
    }
}

/* Edges that keep the dead time are all there, exact and without flags. */
static void test_edges_that_keep_the_dead_time_are_all_exact(void **state)
{
    static uint64_t edges[RANDOM_EDGES];
    const uint64_t seed = (uint64_t)time(NULL);
    struct p2p_prng prng;
    uint64_t cycle = 40;

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    start((UINT64_C(1) << 33) - 100000);
    for (size_t edge = 0; edge < RANDOM_EDGES; edge++) {
        cycle += PROBE_DEAD_TICKS + 2 + p2p_prng_below(&prng, 40);
        edges[edge] = cycle;
        toggle_at(cycle);
    }
    run_to(cycle + 100);
    assert_int_equal(channel.event_count, RANDOM_EDGES);
    for (size_t edge = 0; edge < RANDOM_EDGES; edge++) {
        assert_event(edge, ticks_of(edges[edge]), edge % 2 == 0 ? PROBE_WHAT_LEVEL : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_waits_at_first),
        cmocka_unit_test(test_stamps_are_exact_in_both_phases),
        cmocka_unit_test(test_nine_ticks_apart_is_exact_and_eight_is_flagged),
        cmocka_unit_test(test_a_pulse_of_one_tick_is_a_glitch_and_does_not_shift_the_pairs),
        cmocka_unit_test(test_wraps_lose_no_tick),
        cmocka_unit_test(test_a_word_may_be_ahead_of_now_or_behind),
        cmocka_unit_test(test_a_dropped_word_does_not_shift_time),
        cmocka_unit_test(test_a_later_edge_is_no_twin),
        cmocka_unit_test(test_restart_forgets_and_distrusts),
        cmocka_unit_test(test_no_inexact_event_is_unflagged),
        cmocka_unit_test(test_edges_that_keep_the_dead_time_are_all_exact),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
