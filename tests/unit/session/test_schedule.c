/* SPDX-License-Identifier: MIT */
#include "session/schedule.h"

#include "store/boot_seed.h"
#include "util/prng.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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

static void check_rises(const struct p2p_stimulus_plan *plan, uint64_t seed, const uint64_t *rises_ns, size_t count)
{
    struct p2p_schedule schedule;
    struct p2p_drive edges[2];

    p2p_schedule_init(&schedule, plan, count, seed, 5000000);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(p2p_schedule_next(&schedule, edges, 2), 2);
        assert_int_equal(edges[0].at_ns, rises_ns[i]);
        assert_int_equal(edges[1].at_ns, rises_ns[i] + plan->width_ns);
    }
    assert_int_equal(p2p_schedule_next(&schedule, edges, 2), 0);
}

/* From the same model as above. */
static void times_of_poisson_stimuli_and_bursts_are_fixed_too(void **state)
{
    static const struct p2p_stimulus_plan poisson = {
        .kind = P2P_STIMULUS_POISSON, .period_ns = 1000000, .gap_ns = 200000, .width_ns = 50000};
    static const struct p2p_stimulus_plan burst = {.kind = P2P_STIMULUS_BURST,
                                                   .period_ns = 1000000,
                                                   .jitter_ns = 300000,
                                                   .width_ns = 50000,
                                                   .burst_count = 3,
                                                   .burst_spacing_ns = 200000};
    static const struct {
        uint64_t seed, poisson_ns[4], burst_ns[7];
    } golden[] = {
        {UINT64_C(0x0),
         {5481010, 5763425, 6549822, 7087591},
         {5198996, 5398996, 5598996, 6267311, 6467311, 6667311, 7061247}},
        {UINT64_C(0x1),
         {6113062, 8777426, 9014082, 9584666},
         {5185610, 5385610, 5585610, 6128851, 6328851, 6528851, 7029668}},
        {UINT64_C(0x40931a087e5ecfdc),
         {5947101, 7706723, 8013783, 8874665},
         {5079504, 5279504, 5479504, 6153675, 6353675, 6553675, 7150322}},
        {UINT64_C(0xffffffffffffffff),
         {5447914, 6053751, 6707530, 7203790},
         {5091235, 5291235, 5491235, 6113023, 6313023, 6513023, 7186726}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        check_rises(&poisson, golden[i].seed, golden[i].poisson_ns, 4);
        check_rises(&burst, golden[i].seed, golden[i].burst_ns, 7);
    }
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* What the gaps between Poisson stimuli have beyond `gap_ns`; the first stimulus has it after the start. */
static void draw_gaps(const struct p2p_stimulus_plan *plan, uint64_t seed, uint64_t *gaps_ns, size_t count)
{
    struct p2p_schedule schedule;
    struct p2p_drive edges[2];
    uint64_t earliest_ns = 12345;

    p2p_schedule_init(&schedule, plan, count, seed, earliest_ns);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(p2p_schedule_next(&schedule, edges, 2), 2);
        assert_true(edges[0].at_ns >= earliest_ns);
        gaps_ns[i] = edges[0].at_ns - earliest_ns;
        earliest_ns = edges[0].at_ns + plan->gap_ns;
    }
}

/* Kolmogorov-Smirnov against the exact law. 2.69 / sqrt(n) is exceeded once in a million seeds. */
static void gaps_of_poisson_stimuli_are_exponential(void **state)
{
    enum { GAPS = 20000 };
    const struct p2p_stimulus_plan plan = {
        .kind = P2P_STIMULUS_POISSON, .period_ns = 1000000, .gap_ns = 150001, .width_ns = 50000};
    const double mean_ns = (double)(plan.period_ns - plan.gap_ns);
    uint64_t seed = (uint64_t)time(NULL), *gaps_ns = calloc(GAPS, sizeof *gaps_ns);
    double distance = 0;

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    assert_non_null(gaps_ns);
    draw_gaps(&plan, seed, gaps_ns, GAPS);
    qsort(gaps_ns, GAPS, sizeof *gaps_ns, ascending);
    for (size_t i = 0; i < GAPS; i++) {
        double expected = -expm1(-(double)gaps_ns[i] / mean_ns);

        distance = fmax(distance, fmax(expected - (double)i / GAPS, (double)(i + 1) / GAPS - expected));
    }
    free(gaps_ns);
    assert_true(distance < 2.69 / sqrt(GAPS));
}

/* With a mean of 3 ns rounding shows: P(k) = exp(-k / 3) (1 - exp(-1 / 3)). Five sigmas each. */
static void exponential_times_are_rounded_down(void **state)
{
    enum { GAPS = 20000, VALUES = 12 };
    const struct p2p_stimulus_plan plan = {.kind = P2P_STIMULUS_POISSON, .period_ns = 13, .gap_ns = 10, .width_ns = 5};
    uint64_t seed = (uint64_t)time(NULL), *gaps_ns = calloc(GAPS, sizeof *gaps_ns);
    unsigned seen[VALUES] = {0};

    (void)state;
    print_message("seed %" PRIu64 "\n", seed);
    assert_non_null(gaps_ns);
    draw_gaps(&plan, seed, gaps_ns, GAPS);
    for (size_t i = 0; i < GAPS; i++) {
        if (gaps_ns[i] < VALUES) {
            seen[gaps_ns[i]]++;
        }
    }
    free(gaps_ns);
    for (size_t k = 0; k < VALUES; k++) {
        double share = exp(-(double)k / 3) * -expm1(-1.0 / 3);

        assert_true(fabs((double)seen[k] - GAPS * share) < 5 * sqrt(GAPS * share * (1 - share)));
    }
}

static void a_burst_keeps_its_spacing_and_bursts_their_period(void **state)
{
    const struct p2p_stimulus_plan plan = {.kind = P2P_STIMULUS_BURST,
                                           .period_ns = 1000,
                                           .jitter_ns = 500,
                                           .width_ns = 10,
                                           .burst_count = 4,
                                           .burst_spacing_ns = 100};
    struct p2p_schedule schedule;
    struct p2p_drive edges[8];
    uint64_t least_ns = UINT64_MAX, most_ns = 0;

    (void)state;
    p2p_schedule_init(&schedule, &plan, 4 * UINT64_C(500), 3, 7000);
    for (uint64_t burst = 0; burst < 500; burst++) {
        uint64_t jitter_ns;

        assert_int_equal(p2p_schedule_next(&schedule, edges, 8), 8);
        jitter_ns = edges[0].at_ns - 7000 - 1000 * burst;
        assert_true(jitter_ns <= 500);
        least_ns = jitter_ns < least_ns ? jitter_ns : least_ns;
        most_ns = jitter_ns > most_ns ? jitter_ns : most_ns;
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(edges[i].at_ns, edges[0].at_ns + 100 * (i / 2) + 10 * (i % 2));
            assert_int_equal(edges[i].level, i % 2 == 0);
        }
    }
    assert_int_equal(p2p_schedule_next(&schedule, edges, 8), 0);
    assert_true(least_ns < 50 && most_ns > 450); /* 500 draws: never seen otherwise with this seed */
}

static void seeds_of_boots_are_fixed(void **state)
{
    (void)state;
    assert_int_equal(p2p_boot_seed(1, 0, 1), UINT64_C(0x7c34603f9b0f1c57));
    assert_int_equal(p2p_boot_seed(1, 3, 1), UINT64_C(0x40931a087e5ecfdc));
    assert_int_equal(p2p_boot_seed(0, 0, 1), UINT64_C(0xd5d90d9880f3927));
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
                seeds[count] = p2p_boot_seed(plan, configuration, boot);
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

/* Any that the reader lets pass. */
static void draw_plan(struct p2p_prng *prng, struct p2p_stimulus_plan *plan)
{
    uint64_t length_ns;

    *plan = (struct p2p_stimulus_plan){.kind = (enum p2p_stimulus_kind)p2p_prng_below(prng, 3)};
    plan->period_ns = 3 + p2p_prng_below(prng, 1000000000);
    plan->width_ns = 1 + p2p_prng_below(prng, plan->period_ns - 2);
    length_ns = plan->width_ns;
    switch (plan->kind) {
    case P2P_STIMULUS_POISSON:
        plan->gap_ns = plan->width_ns + 1 + p2p_prng_below(prng, plan->period_ns - plan->width_ns - 1);
        return;
    case P2P_STIMULUS_BURST:
        plan->burst_count = 2 + (uint32_t)p2p_prng_below(prng, 20);
        plan->burst_spacing_ns = plan->width_ns + 1 + p2p_prng_below(prng, 100000000);
        length_ns += (plan->burst_count - 1) * plan->burst_spacing_ns;
        plan->period_ns += length_ns;
        break;
    case P2P_STIMULUS_PERIODIC:
        break;
    }
    plan->jitter_ns = p2p_prng_below(prng, plan->period_ns - length_ns);
}

/* Stimulus `i` rises where it may; the one before did at `before_ns`. */
static void check_rise(const struct p2p_stimulus_plan *plan, uint64_t start_ns, uint64_t i, uint64_t before_ns,
                       uint64_t rise_ns)
{
    switch (plan->kind) {
    case P2P_STIMULUS_PERIODIC:
        assert_in_range(rise_ns, start_ns + i * plan->period_ns, start_ns + i * plan->period_ns + plan->jitter_ns);
        break;
    case P2P_STIMULUS_POISSON:
        assert_true(rise_ns >= (i == 0 ? start_ns : before_ns + plan->gap_ns));
        break;
    case P2P_STIMULUS_BURST:
        if (i % plan->burst_count != 0) {
            assert_int_equal(rise_ns, before_ns + plan->burst_spacing_ns);
        } else {
            start_ns += i / plan->burst_count * plan->period_ns;
            assert_in_range(rise_ns, start_ns, start_ns + plan->jitter_ns);
        }
        break;
    }
}

/* In pieces of any size: the same edges, ascending, each where it may be. */
static void check_random_plan(uint64_t seed)
{
    struct p2p_prng prng;
    struct p2p_stimulus_plan plan;
    struct p2p_schedule whole, pieces;
    uint64_t count, start_ns, rise_ns = 0, last_ns = 0;
    struct p2p_drive edges[64], same[2];

    p2p_prng_seed(&prng, seed);
    draw_plan(&prng, &plan);
    count = p2p_prng_below(&prng, 300);
    start_ns = p2p_prng_below(&prng, 1000000000000);
    p2p_schedule_init(&whole, &plan, count, seed, start_ns);
    p2p_schedule_init(&pieces, &plan, count, seed, start_ns);
    for (uint64_t i = 0; i < count;) {
        size_t got = p2p_schedule_next(&pieces, edges, 2 * (1 + (size_t)p2p_prng_below(&prng, 32)));

        assert_true(got > 0 && got % 2 == 0);
        for (size_t at = 0; at < got; at += 2, i++) {
            assert_int_equal(p2p_schedule_next(&whole, same, 2), 2);
            assert_int_equal(edges[at].at_ns, same[0].at_ns);
            check_rise(&plan, start_ns, i, rise_ns, edges[at].at_ns);
            assert_int_equal(edges[at + 1].at_ns, edges[at].at_ns + plan.width_ns);
            assert_true(i == 0 || edges[at].at_ns > last_ns);
            rise_ns = edges[at].at_ns;
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
        cmocka_unit_test(times_of_poisson_stimuli_and_bursts_are_fixed_too),
        cmocka_unit_test(gaps_of_poisson_stimuli_are_exponential),
        cmocka_unit_test(exponential_times_are_rounded_down),
        cmocka_unit_test(a_burst_keeps_its_spacing_and_bursts_their_period),
        cmocka_unit_test(seeds_of_boots_are_fixed),
        cmocka_unit_test(neighbouring_plans_configurations_and_boots_differ),
        cmocka_unit_test(without_jitter_all_is_regular),
        cmocka_unit_test(jitter_reaches_both_its_bounds),
        cmocka_unit_test(nothing_is_handed_out_of_an_empty_schedule_or_into_no_room),
        cmocka_unit_test(any_plan_keeps_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
