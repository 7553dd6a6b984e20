/* SPDX-License-Identifier: MIT */
#include "fake_gpiod.h"
#include "ports/gpiod_stimulus.h"
#include "util/prng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define STIMULUS_PLACE "lab.bench.json: $.stimulus"
#define QUERY_PLACE    "lab.bench.json: $.query"

enum { APART_NS = 1000, LATE_NS = 10000, WIDTH_NS = 100 };

/* Bench time as the test has it, and what driving a line takes of it. */
static struct {
    uint64_t now_ns, set_ns;
} bench;

/* When the voltage changed; driving takes its time afterwards. */
static uint64_t changed_ns(void)
{
    uint64_t now_ns = bench.now_ns;

    bench.now_ns += bench.set_ns;
    return now_ns;
}

static uint64_t now_ns(void *clock)
{
    assert_ptr_equal(clock, &bench);
    return bench.now_ns;
}

static const struct p2p_gpiod_stimulus_setup SETUP = {
    .stimulus = {.place = STIMULUS_PLACE, .chip = "pl061", .line = "STIMULUS"},
    .query = {.place = QUERY_PLACE, .chip = "pl061", .line = "QUERY"},
    .apart_ns = APART_NS,
    .late_ns = LATE_NS,
    .now_ns = now_ns,
    .clock = &bench,
};

static int set_up(void **state)
{
    struct p2p_error error = {0};

    fake_gpiod_reset();
    fake_gpiod.now_ns = changed_ns;
    memset(&bench, 0, sizeof bench);
    *state = p2p_gpiod_stimulus_open(&SETUP, &error);
    assert_non_null(*state);
    assert_int_equal(p2p_gpiod_stimulus_restart(*state, &error), P2P_OK);
    return 0;
}

static int tear_down(void **state)
{
    p2p_gpiod_stimulus_close(*state);
    fake_gpiod_check_all_given_back();
    return 0;
}

static void queue(struct p2p_gpiod_stimulus *stimulus, uint64_t at_ns, enum p2p_line line, uint8_t level)
{
    struct p2p_stimulus port = p2p_gpiod_stimulus_port(stimulus);
    const struct p2p_drive drive = {.at_ns = at_ns, .line = (uint8_t)line, .level = level};
    struct p2p_error error = {0};

    assert_int_equal(port.play(port.self, &drive, 1, &error), P2P_OK);
}

static void queue_pulse(struct p2p_gpiod_stimulus *stimulus, uint64_t at_ns)
{
    queue(stimulus, at_ns, P2P_LINE_STIMULUS, 1);
    queue(stimulus, at_ns + WIDTH_NS, P2P_LINE_STIMULUS, 0);
}

/* Drives the next edge `late_ns` after it is due. */
static void drive(struct p2p_gpiod_stimulus *stimulus, uint64_t late_ns)
{
    struct p2p_error error = {0};
    uint64_t due_ns = p2p_gpiod_stimulus_due_ns(stimulus);

    bench.now_ns = (due_ns > bench.now_ns ? due_ns : bench.now_ns) + late_ns;
    assert_int_equal(p2p_gpiod_stimulus_drive(stimulus, &error), P2P_OK);
}

static void check_change(size_t index, uint64_t at_ns, uint8_t line, bool high)
{
    assert_true(index < fake_gpiod.change_count);
    assert_int_equal(fake_gpiod.changes[index].at_ns, at_ns);
    assert_int_equal(fake_gpiod.changes[index].line, line);
    assert_int_equal(fake_gpiod.changes[index].high, high);
}

static void edges_are_driven_in_order_on_their_lines(void **state)
{
    (void)state;
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), UINT64_MAX);
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), UINT64_MAX);
    queue_pulse(*state, 5000);
    queue(*state, 5200, P2P_LINE_QUERY, 1);
    queue(*state, 5300, P2P_LINE_QUERY, 0);
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), 5000);
    for (size_t i = 0; i < 4; i++) {
        drive(*state, 0);
    }
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), UINT64_MAX);
    assert_int_equal(fake_gpiod.change_count, 4);
    check_change(0, 5000, 0, true);
    check_change(1, 5100, 0, false);
    check_change(2, 5200, 1, true);
    check_change(3, 5300, 1, false);
}

/* The time for the edge itself is within the call: the width is held from its end, so no pulse is narrower. */
static void a_late_pulse_keeps_its_width(void **state)
{
    bench.set_ns = 7;
    queue_pulse(*state, 5000);
    queue_pulse(*state, 8000);
    drive(*state, 300);
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), 5100);
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), 5407);
    drive(*state, 0);
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), 8000);
    check_change(0, 5300, 0, true);
    check_change(1, 5407, 0, false);
}

static void after_a_late_stimulus_the_next_waits_until_they_are_apart(void **state)
{
    queue_pulse(*state, 5000);
    queue_pulse(*state, 6500);
    queue_pulse(*state, 8000);
    drive(*state, 2500); /* at 7500 */
    drive(*state, 0);
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), 6500);
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), 7500 + APART_NS);
    drive(*state, 0);
    drive(*state, 0);
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), 7500 + 2 * APART_NS);
    drive(*state, 0);
    drive(*state, 0);
    check_change(0, 7500, 0, true);
    check_change(2, 8500, 0, true);
    check_change(3, 8600, 0, false);
    check_change(4, 9500, 0, true);
}

/* Also where `apart_ns` is shorter than a pulse. */
static void after_a_late_pulse_the_line_stays_low_for_a_width(void **state)
{
    queue_pulse(*state, 5000);
    queue_pulse(*state, 6500);
    queue_pulse(*state, 6640);
    drive(*state, 0);
    drive(*state, 1410); /* the fall at 6510 */
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), 6510 + WIDTH_NS);
    drive(*state, 1000);
    drive(*state, 1000); /* the fall at 8710; 40 ns later were asked for */
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), 8710 + 40);
}

/* The query is asked for when no stimulus is measured any more: it waits for nobody. */
static void a_query_is_held_by_no_stimulus(void **state)
{
    queue_pulse(*state, 5000);
    queue(*state, 5300, P2P_LINE_QUERY, 1);
    drive(*state, 0);
    drive(*state, 0);
    assert_int_equal(p2p_gpiod_stimulus_due_ns(*state), 5300);
}

static void the_achieved_schedule_is_of_stimuli(void **state)
{
    struct p2p_achieved achieved = p2p_gpiod_stimulus_achieved(*state);

    assert_int_equal(achieved.stimuli, 0);
    assert_true(achieved.mean_late_ns == 0);
    bench.set_ns = 5;
    for (uint64_t i = 0; i < 4; i++) {
        queue_pulse(*state, 100000 * (i + 1));
    }
    queue(*state, 500000, P2P_LINE_QUERY, 1);
    drive(*state, 15);
    drive(*state, 0);
    drive(*state, LATE_NS - 5);
    drive(*state, 0);
    drive(*state, LATE_NS);
    drive(*state, 0);
    drive(*state, 0);
    drive(*state, 0);
    drive(*state, 90000);
    achieved = p2p_gpiod_stimulus_achieved(*state);
    assert_int_equal(achieved.stimuli, 4);
    assert_int_equal(achieved.max_late_ns, LATE_NS + 5);
    assert_int_equal(achieved.late, 1);
    assert_true(achieved.mean_late_ns == (20 + LATE_NS + LATE_NS + 5 + 5) / 4.0);
}

static void what_is_no_schedule_is_refused(void **state)
{
    struct p2p_stimulus port = p2p_gpiod_stimulus_port(*state);
    struct p2p_drive edge = {.at_ns = 5000, .line = P2P_LINE_STIMULUS, .level = 1};
    struct p2p_error error = {0};

    queue(*state, 5000, P2P_LINE_QUERY, 1);
    assert_int_equal(port.play(port.self, &edge, 1, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the stimulus: an edge at 5000 ns is asked for after one at 5000 ns");
    error = (struct p2p_error){0};
    edge = (struct p2p_drive){.at_ns = 5001, .line = P2P_LINE_STIMULUS, .level = 0};
    assert_int_equal(port.play(port.self, &edge, 1, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the stimulus: at 5001 ns its line is low already");
    error = (struct p2p_error){0};
    edge = (struct p2p_drive){.at_ns = 5001, .line = P2P_LINE_QUERY, .level = 1};
    assert_int_equal(port.play(port.self, &edge, 1, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the stimulus: at 5001 ns its line is high already");
}

static void the_queue_is_bounded_and_goes_round(void **state)
{
    struct p2p_stimulus port = p2p_gpiod_stimulus_port(*state);
    struct p2p_drive edge = {.line = P2P_LINE_STIMULUS, .level = 1};
    struct p2p_error error = {0};
    uint64_t at_ns = 0;

    for (int i = 0; i < 3; i++) { /* begins somewhere within */
        queue_pulse(*state, at_ns += 10000);
        drive(*state, 0);
        drive(*state, 0);
    }
    for (int i = 0; i < P2P_GPIOD_DRIVES_MAX / 2; i++) {
        queue_pulse(*state, at_ns += 10000);
    }
    edge.at_ns = at_ns + 10000;
    assert_int_equal(port.play(port.self, &edge, 1, &error), P2P_E_BENCH);
    assert_string_equal(error.message, "the stimulus: 4096 edges wait already: this computer is too slow");
    for (int i = 0; i < P2P_GPIOD_DRIVES_MAX; i++) {
        drive(*state, 0);
    }
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), UINT64_MAX);
    assert_int_equal(fake_gpiod.change_count, 6 + P2P_GPIOD_DRIVES_MAX);
    check_change(5 + P2P_GPIOD_DRIVES_MAX, at_ns + WIDTH_NS, 0, false);
}

static void an_edge_a_second_late_is_a_fault(void **state)
{
    struct p2p_error error = {0};

    queue_pulse(*state, 5000);
    drive(*state, 1000000000);
    drive(*state, 0);
    queue_pulse(*state, UINT64_C(10000000000));
    bench.now_ns = UINT64_C(11001000000);
    assert_int_equal(p2p_gpiod_stimulus_drive(*state, &error), P2P_E_BENCH);
    assert_string_equal(error.message,
                        "the stimulus: an edge came 1001 ms late: this computer stood still, is too slow for the "
                        "plan's period_ns, or deadline_ns leaves it no room to catch up");
}

static void a_line_that_fails_in_mid_run_is_told(void **state)
{
    struct p2p_error error = {0};

    queue_pulse(*state, 5000);
    drive(*state, 0);
    fake_gpiod.sets_fail_in = 1;
    assert_int_equal(p2p_gpiod_stimulus_drive(*state, &error), P2P_E_BENCH);
    assert_string_equal(error.message, STIMULUS_PLACE
                        ": line \"STIMULUS\" of GPIO chip \"pl061\": cannot drive it inactive: Input/output error");
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), 5100); /* not played */
}

static void stop_forgets_what_waits_and_keeps_what_was_achieved(void **state)
{
    struct p2p_error error = {0};

    queue_pulse(*state, 5000);
    queue(*state, 5200, P2P_LINE_QUERY, 1);
    drive(*state, 0);
    p2p_gpiod_stimulus_stop(*state);
    assert_int_equal(p2p_gpiod_stimulus_asked_ns(*state), UINT64_MAX);
    assert_false(fake_gpiod.chips[0].lines[0].high);
    assert_int_equal(p2p_gpiod_stimulus_achieved(*state).stimuli, 1);
    queue(*state, 10, P2P_LINE_QUERY, 1); /* another schedule, which nothing of the old one is in the way of */
    drive(*state, 0);
    assert_int_equal(p2p_gpiod_stimulus_restart(*state, &error), P2P_OK);
    assert_false(fake_gpiod.chips[0].lines[1].high);
    assert_int_equal(p2p_gpiod_stimulus_achieved(*state).stimuli, 0);
}

static void a_stuck_line_is_told_before_the_boot(void **state)
{
    struct p2p_error error = {0};

    fake_gpiod.chips[0].lines[1].sticks = 1;
    assert_int_equal(p2p_gpiod_stimulus_restart(*state, &error), P2P_E_BENCH);
    assert_string_equal(error.message,
                        "the stimulus: " QUERY_PLACE
                        ": line \"QUERY\" of GPIO chip \"pl061\": stuck: driven inactive, it reads back active");
    fake_gpiod.chips[0].lines[1].sticks = FAKE_NEVER;
    fake_gpiod.chips[0].lines[1].high = true;
    fake_gpiod.sets_fail_in = 1;
    error = (struct p2p_error){0};
    assert_int_equal(p2p_gpiod_stimulus_restart(*state, &error), P2P_E_BENCH);
    assert_non_null(strstr(error.message, "STIMULUS"));
    assert_false(fake_gpiod.chips[0].lines[1].high); /* driven all the same */
}

static void what_cannot_be_opened_is_told(void **state)
{
    struct p2p_error error = {0};

    p2p_gpiod_stimulus_close(*state);
    *state = NULL;
    fake_gpiod.chips[0].lines[1].held = true;
    assert_null(p2p_gpiod_stimulus_open(&SETUP, &error));
    assert_non_null(strstr(error.message, QUERY_PLACE ": line \"QUERY\" of GPIO chip \"pl061\": busy"));
    fake_gpiod_check_all_given_back();
    fake_gpiod.chips[0].lines[0].held = true;
    error = (struct p2p_error){0};
    assert_null(p2p_gpiod_stimulus_open(&SETUP, &error));
    assert_non_null(strstr(error.message, STIMULUS_PLACE ": line \"STIMULUS\" of GPIO chip \"pl061\": busy"));
    fake_gpiod.allocations_fail_in = 1;
    error = (struct p2p_error){0};
    assert_null(p2p_gpiod_stimulus_open(&SETUP, &error));
    assert_int_equal(error.code, P2P_E_HOST);
}

/* However late: all in order, no pulse narrower, nor the line low for less, no two stimuli closer, none too early. */
static void any_lateness_keeps_the_promises(void **state)
{
    enum { STIMULI = 1000, EDGES = 2 * STIMULI };
    uint64_t seed = (uint64_t)time(NULL), asked_ns[STIMULI], at_ns = 1;
    struct p2p_prng prng;

    print_message("seed %" PRIu64 "\n", seed);
    p2p_prng_seed(&prng, seed);
    for (size_t i = 0; i < STIMULI; i++) {
        queue_pulse(*state, asked_ns[i] = at_ns += APART_NS + p2p_prng_below(&prng, 2000));
    }
    for (size_t i = 0; i < EDGES; i++) {
        bench.set_ns = p2p_prng_below(&prng, 50);
        drive(*state, p2p_prng_below(&prng, 10) == 0 ? p2p_prng_below(&prng, 20000) : 0);
    }
    assert_int_equal(fake_gpiod.change_count, EDGES);
    for (size_t i = 0; i < STIMULI; i++) {
        const struct fake_change *rise = &fake_gpiod.changes[2 * i], *fall = rise + 1;

        assert_true(rise->high && !fall->high);
        assert_true(rise->at_ns >= asked_ns[i]);
        assert_true(fall->at_ns >= rise->at_ns + WIDTH_NS);
        assert_true(i == 0 || rise->at_ns >= rise[-2].at_ns + APART_NS);
        assert_true(i == 0 || rise->at_ns >= rise[-1].at_ns + WIDTH_NS);
    }
    assert_int_equal(p2p_gpiod_stimulus_achieved(*state).stimuli, STIMULI);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(edges_are_driven_in_order_on_their_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_late_pulse_keeps_its_width, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_late_stimulus_the_next_waits_until_they_are_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_a_late_pulse_the_line_stays_low_for_a_width, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_query_is_held_by_no_stimulus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_achieved_schedule_is_of_stimuli, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_schedule_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_queue_is_bounded_and_goes_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_edge_a_second_late_is_a_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_fails_in_mid_run_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stop_forgets_what_waits_and_keeps_what_was_achieved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stuck_line_is_told_before_the_boot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_opened_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_lateness_keeps_the_promises, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
