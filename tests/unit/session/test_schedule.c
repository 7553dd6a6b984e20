/* SPDX-License-Identifier: MIT */
#include "session/schedule.h"

#include "util/prng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static const struct p2p_stimulus_plan DEMO = {
    .period_ns = 1000000, .jitter_ns = 780000, .width_ns = 50000, .deadline_ns = 150000};

/* From a model of the generator in another language. The same plan must play the same for ever, or old runs can't be
 * repeated. */
static void times_are_fixed_by_plan_and_seed(void **state)
{
    static const struct {
        uint64_t seed, rises_ns[4];
    } golden[] = {
        {UINT64_C(0x0), {5361294, 6151518, 7425101, 8631169}},
        {UINT64_C(0x1), {5554103, 6239421, 7622532, 8231270}},
        {UINT64_C(0x40931a087e5ecfdc), {5204586, 6173909, 7035513, 8409880}},
        {UINT64_C(0xffffffffffffffff), {5020321, 6533023, 7519497, 8262101}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct p2p_schedule schedule;
        struct p2p_drive edges[8];

        p2p_schedule_init(&schedule, &DEMO, 4, golden[i].seed, 5000000);
        assert_int_equal(p2p_schedule_next(&schedule, edges, 8), 8);
        for (size_t stimulus = 0; stimulus < 4; stimulus++) {
            assert_int_equal(edges[2 * stimulus].at_ns, golden[i].rises_ns[stimulus]);
        }
    }
}

static void seeds_of_boots_are_fixed(void **state)
{
    (void)state;
    assert_int_equal(p2p_schedule_seed(1, 0, 1), UINT64_C(0x7c34603f9b0f1c57));
    assert_int_equal(p2p_schedule_seed(1, 3, 1), UINT64_C(0x40931a087e5ecfdc));
    assert_int_equal(p2p_schedule_seed(0, 0, 1), UINT64_C(0xd5d90d9880f3927));
}

static void neighbouring_plans_configurations_and_boots_differ(void **state)
{
    enum { PLANS = 4, CONFIGURATIONS = 8, BOOTS = 16, SEEDS = PLANS * CONFIGURATIONS * BOOTS };
    uint64_t seeds[SEEDS];
    size_t count = 0;

    (void)state;
    for (uint64_t plan = 0; plan < PLANS; plan++) {
        for (size_t configuration = 0; configuration < CONFIGURATIONS; configuration++) {
            for (uint32_t boot = 1; boot <= BOOTS; boot++) {
                seeds[count] = p2p_schedule_seed(plan, configuration, boot);
                for (size_t i = 0; i < count; i++) {
                    assert_int_not_equal(seeds[i], seeds[count]);
                }
                count++;
            }
        }
    }
    assert_int_equal(count, SEEDS);
}

static void without_jitter_all_is_regular(void **state)
{
    const struct p2p_stimulus_plan plan = {.period_ns = 100, .width_ns = 40};
    struct p2p_schedule schedule;
    struct p2p_drive edges[6];

    (void)state;
    p2p_schedule_init(&schedule, &plan, 3, 9, 1000);
    assert_int_equal(p2p_schedule_next(&schedule, edges, 6), 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(edges[i].at_ns, 1000 + 100 * (i / 2) + 40 * (i % 2));
        assert_int_equal(edges[i].line, P2P_LINE_STIMULUS);
        assert_int_equal(edges[i].level, i % 2 == 0);
    }
    assert_int_equal(p2p_schedule_next(&schedule, edges, 6), 0);
}

/* A jitter of 0 to 3 takes all four values, and none other. */
static void jitter_reaches_both_its_bounds(void **state)
{
    const struct p2p_stimulus_plan plan = {.period_ns = 10, .jitter_ns = 3, .width_ns = 2};
    struct p2p_schedule schedule;
    struct p2p_drive edges[2];
    unsigned seen = 0;

    (void)state;
    p2p_schedule_init(&schedule, &plan, 200, 1, 0);
    for (uint64_t i = 0; p2p_schedule_next(&schedule, edges, 2) == 2; i++) {
        uint64_t jitter_ns = edges[0].at_ns - 10 * i;

        assert_true(jitter_ns <= 3);
        seen |= 1U << jitter_ns;
    }
    assert_int_equal(seen, 0xf);
}

static void nothing_is_handed_out_of_an_empty_schedule_or_into_no_room(void **state)
{
    struct p2p_schedule schedule;
    struct p2p_drive edges[2];

    (void)state;
    p2p_schedule_init(&schedule, &DEMO, 0, 1, 0);
    assert_int_equal(p2p_schedule_next(&schedule, edges, 2), 0);
    p2p_schedule_init(&schedule, &DEMO, 1, 1, 0);
    assert_int_equal(p2p_schedule_next(&schedule, edges, 0), 0);
    assert_int_equal(p2p_schedule_next(&schedule, edges, 2), 2);
}

/* Any plan that the reader lets pass, in pieces of any size: the same edges, ascending, each where it may be. */
static void check_random_plan(uint64_t seed)
{
    struct p2p_prng prng;
    struct p2p_stimulus_plan plan;
    struct p2p_schedule whole, pieces;
    uint64_t count, start_ns, last_ns = 0;
    struct p2p_drive edges[64], same[2];

    p2p_prng_seed(&prng, seed);
    plan.period_ns = 3 + p2p_prng_below(&prng, 1000000000);
    plan.width_ns = 1 + p2p_prng_below(&prng, plan.period_ns - 1);
    plan.jitter_ns = p2p_prng_below(&prng, plan.period_ns - plan.width_ns);
    plan.deadline_ns = plan.period_ns - plan.jitter_ns;
    count = p2p_prng_below(&prng, 300);
    start_ns = p2p_prng_below(&prng, 1000000000000);
    p2p_schedule_init(&whole, &plan, count, seed, start_ns);
    p2p_schedule_init(&pieces, &plan, count, seed, start_ns);
    for (uint64_t i = 0; i < count;) {
        size_t got = p2p_schedule_next(&pieces, edges, 2 * (1 + (size_t)p2p_prng_below(&prng, 32)));

        assert_true(got > 0 && got % 2 == 0);
        for (size_t at = 0; at < got; at += 2, i++) {
            uint64_t earliest_ns = start_ns + i * plan.period_ns;

            assert_int_equal(p2p_schedule_next(&whole, same, 2), 2);
            assert_int_equal(edges[at].at_ns, same[0].at_ns);
            assert_in_range(edges[at].at_ns, earliest_ns, earliest_ns + plan.jitter_ns);
            assert_int_equal(edges[at + 1].at_ns, edges[at].at_ns + plan.width_ns);
            assert_true(i == 0 || edges[at].at_ns > last_ns);
            last_ns = edges[at + 1].at_ns;
        }
    }
    assert_int_equal(p2p_schedule_next(&pieces, edges, 64), 0);
    assert_int_equal(p2p_schedule_next(&whole, same, 2), 0);
}

static void any_plan_keeps_its_bounds(void **state)
{
    uint64_t seed = (uint64_t)time(NULL);

    (void)state;
    print_message("seeds from %" PRIu64 "\n", seed);
    for (uint64_t i = 0; i < 500; i++) {
        check_random_plan(seed + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_fixed_by_plan_and_seed),
        cmocka_unit_test(seeds_of_boots_are_fixed),
        cmocka_unit_test(neighbouring_plans_configurations_and_boots_differ),
        cmocka_unit_test(without_jitter_all_is_regular),
        cmocka_unit_test(jitter_reaches_both_its_bounds),
        cmocka_unit_test(nothing_is_handed_out_of_an_empty_schedule_or_into_no_room),
        cmocka_unit_test(any_plan_keeps_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
