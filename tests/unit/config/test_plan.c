/* SPDX-License-Identifier: MIT */
#include "allocations.h"
#include "config/plan.h"
#include "corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DEMO       P2P_SOURCE_DIR "/fixtures/plans/demo.plan.json"
#define MINIMAL    P2P_SOURCE_DIR "/tests/unit/config/good/plan/minimal.json"
#define EVERYTHING P2P_SOURCE_DIR "/tests/unit/config/good/plan/everything.json"
#define POISSON    P2P_SOURCE_DIR "/tests/unit/config/good/plan/stimulus-poisson.json"
#define BURST      P2P_SOURCE_DIR "/tests/unit/config/good/plan/stimulus-burst.json"
#define CONTROL    P2P_SOURCE_DIR "/tests/unit/config/good/plan/control.json"
#define MATRIX     P2P_SOURCE_DIR "/tests/unit/config/good/plan/matrix.json"
#define LARGEST    P2P_SOURCE_DIR "/tests/unit/config/good/plan/largest.json"

static void *load(const char *path, struct p2p_error *error)
{
    return p2p_plan_load(path, error);
}

static void release(void *loaded)
{
    p2p_plan_free(loaded);
}

static const struct corpus_loader LOADER = {"plan", load, release};

static struct p2p_plan *load_good(const char *path)
{
    struct p2p_error error = {0};
    struct p2p_plan *plan = p2p_plan_load(path, &error);

    assert_string_equal(error.message, "");
    assert_non_null(plan);
    assert_string_equal(plan->path, path);
    return plan;
}

static void assert_limits(const struct p2p_limits *found, struct p2p_limits expected)
{
    assert_int_equal(found->avg_ns, expected.avg_ns);
    assert_int_equal(found->max_ns, expected.max_ns);
    assert_int_equal(found->warm_max_ns, expected.warm_max_ns);
    assert_int_equal(found->p99_ns, expected.p99_ns);
    assert_int_equal(found->p99_9_ns, expected.p99_9_ns);
    assert_int_equal(found->min_samples, expected.min_samples);
}

static struct p2p_limits limits_of(uint64_t avg_ns, uint64_t max_ns, uint64_t warm_max_ns, uint64_t p99_ns,
                                   uint64_t min_samples)
{
    struct p2p_limits limits = P2P_NO_LIMITS;

    limits.avg_ns = avg_ns;
    limits.max_ns = max_ns;
    limits.warm_max_ns = warm_max_ns;
    limits.p99_ns = p99_ns;
    limits.min_samples = min_samples;
    return limits;
}

static void demo_is_as_documented(void **state)
{
    static const struct {
        const char *name;
        const char *image;
        const char *version;
        enum p2p_vwfi vwfi;
    } expected[] = {
        {"native", NULL, NULL, P2P_VWFI_TRAP},
        {"xen-4.17-vwfi-trap", P2P_SOURCE_DIR "/build/xen/4.17/xen", "4.17", P2P_VWFI_TRAP},
        {"xen-4.17-vwfi-native", P2P_SOURCE_DIR "/build/xen/4.17/xen", "4.17", P2P_VWFI_NATIVE},
        {"xen-4.20-vwfi-trap", P2P_SOURCE_DIR "/build/xen/4.20/xen", "4.20", P2P_VWFI_TRAP},
        {"xen-4.20-vwfi-native", P2P_SOURCE_DIR "/build/xen/4.20/xen", "4.20", P2P_VWFI_NATIVE},
    };
    struct p2p_plan *plan = load_good(DEMO);

    (void)state;
    assert_string_equal(plan->name, "demo");
    assert_string_equal(plan->bench_path, P2P_SOURCE_DIR "/fixtures/benches/virtual-gicv2.bench.json");
    assert_int_equal(plan->seed, 1);
    assert_int_equal(plan->boots, 2);
    assert_int_equal(plan->samples, 1000);
    assert_int_equal(plan->warmup, 2);
    assert_int_equal(plan->stimulus.period_ns, 1000000);
    assert_int_equal(plan->stimulus.jitter_ns, 780000);
    assert_int_equal(plan->stimulus.width_ns, 50000);
    assert_int_equal(plan->stimulus.deadline_ns, 150000);
    assert_int_equal(plan->configuration_count, 5);
    for (size_t i = 0; i < 5; i++) {
        const struct p2p_configuration *configuration = &plan->configurations[i];

        assert_string_equal(configuration->name, expected[i].name);
        assert_limits(&configuration->limits, P2P_NO_LIMITS);
        assert_int_equal(configuration->xen == NULL, expected[i].image == NULL);
        if (configuration->xen != NULL) {
            assert_string_equal(configuration->xen->image, expected[i].image);
            assert_string_equal(configuration->xen->version, expected[i].version);
            assert_int_equal(configuration->xen->vwfi, expected[i].vwfi);
        }
    }
    p2p_plan_free(plan);
}

static void left_out_keys_have_their_defaults(void **state)
{
    struct p2p_plan *plan = load_good(MINIMAL);

    (void)state;
    assert_null(plan->bench_path);
    assert_null(plan->baselines);
    assert_int_equal(plan->seed, 1);
    assert_int_equal(plan->boots, 10);
    assert_int_equal(plan->confirm_boots, 1);
    assert_int_equal(plan->samples, 10000);
    assert_int_equal(plan->warmup, 2);
    assert_int_equal(plan->stimulus.jitter_ns, 0);
    assert_int_equal(plan->configuration_count, 1);
    assert_int_equal(plan->neighbour_count, 0);
    assert_null(plan->configurations[0].xen);
    assert_null(plan->configurations[0].guest);
    assert_string_equal(plan->configurations[0].set, "");
    assert_int_equal(plan->configurations[0].gic + plan->configurations[0].cpus, 0);
    assert_limits(&plan->configurations[0].limits, P2P_NO_LIMITS);
    p2p_plan_free(plan);
}

static void every_key_is_read(void **state)
{
    struct p2p_plan *plan = load_good(EVERYTHING);
    const struct p2p_xen *xen = plan->configurations[1].xen;

    (void)state;
    assert_string_equal(plan->name, "everything");
    assert_string_equal(plan->bench_path, P2P_SOURCE_DIR "/tests/unit/config/good/bench/minimal.json");
    assert_string_equal(plan->baselines, P2P_SOURCE_DIR "/tests/unit/config/good/baselines");
    assert_int_equal(plan->seed, 7);
    assert_int_equal(plan->boots, 3);
    assert_int_equal(plan->confirm_boots, 0);
    assert_int_equal(plan->warmup, 5);
    assert_int_equal(plan->configuration_count, 3 + 3);
    assert_string_equal(plan->configurations[1].name, "0xen_4.17-null");
    assert_string_equal(xen->image, "/opt/xen/4.17/xen");
    assert_string_equal(xen->version, "4.17.4");
    assert_string_equal(xen->scheduler, "null");
    assert_int_equal(xen->vwfi, P2P_VWFI_NATIVE);
    assert_true(xen->debug);
    assert_string_equal(xen->extra_command_line, "bootscrub=0 sync_console=0 sched-gran=cpu");
    xen = plan->configurations[2].xen;
    assert_string_equal(xen->image, P2P_SOURCE_DIR "/tests/unit/config/good/plan/xen");
    assert_string_equal(xen->scheduler, "credit2");
    assert_int_equal(xen->vwfi, P2P_VWFI_TRAP);
    assert_false(xen->debug);
    assert_string_equal(xen->extra_command_line, "");
    p2p_plan_free(plan);
}

static void neighbours_are_read_and_found(void **state)
{
    struct p2p_plan *plan = load_good(EVERYTHING);
    const struct p2p_configuration *configuration = &plan->configurations[2];
    const struct p2p_neighbour *noisy = &plan->neighbours[0], *large = &plan->neighbours[1];

    (void)state;
    assert_int_equal(plan->neighbour_count, 2);
    assert_string_equal(noisy->name, "noisy");
    assert_string_equal(noisy->image, P2P_SOURCE_DIR "/tests/unit/config/good/plan/pin2pin-noisy");
    assert_int_equal(noisy->memory_mib, 16);
    assert_int_equal(noisy->vcpus, 1);
    assert_string_equal(large->image, "/opt/large");
    assert_int_equal(large->memory_mib, 64);
    assert_int_equal(large->vcpus, 2);
    assert_int_equal(configuration->neighbour_count, 2);
    assert_ptr_equal(configuration->neighbours[0], large);
    assert_ptr_equal(configuration->neighbours[1], noisy);
    p2p_plan_free(plan);
}

static void a_configuration_may_have_its_own_guest_and_machine(void **state)
{
    struct p2p_plan *plan = load_good(EVERYTHING);
    const struct p2p_configuration *configuration = &plan->configurations[2];
    const struct p2p_cpupool *pool = &configuration->xen->cpupool;

    (void)state;
    assert_string_equal(configuration->guest, P2P_SOURCE_DIR "/tests/unit/config/good/plan/guests/tbm");
    assert_int_equal(configuration->gic, 3);
    assert_int_equal(configuration->cpus, 4);
    assert_int_equal(pool->first_cpu, 2);
    assert_int_equal(pool->cpu_count, 2);
    assert_string_equal(pool->scheduler, "null");
    assert_int_equal(plan->configurations[1].xen->cpupool.cpu_count, 0);
    p2p_plan_free(plan);
}

static void assert_relative(const struct p2p_relative_limit *found, enum p2p_figure figure, double at_most,
                            const char *of, const char *baseline)
{
    assert_int_equal(found->figure, figure);
    assert_true(found->at_most == at_most);
    assert_string_equal(found->of, of);
    assert_string_equal(found->baseline, baseline);
}

static void limits_may_be_improbabilities_and_relations(void **state)
{
    struct p2p_plan *plan = load_good(EVERYTHING);
    const struct p2p_limits *limits = &plan->configurations[2].limits, *none = &plan->configurations[0].limits;

    (void)state;
    assert_int_equal(limits->p99_9_ns, 9000);
    assert_int_equal(limits->exceedance.over_ns, 4500);
    assert_true(limits->exceedance.probability == 0.0001);
    assert_int_equal(limits->relative_count, 3);
    assert_relative(&limits->relative[0], P2P_FIGURE_P99_9, 50, "native", "");
    assert_relative(&limits->relative[1], P2P_FIGURE_WARM_MAX, 1.05, "xen", "4.20.0");
    assert_relative(&limits->relative[2], P2P_FIGURE_AVG, 1.5, "xen-old", "4.20.0");
    assert_true(none->exceedance.over_ns == UINT64_MAX);
    assert_int_equal(none->relative_count, 0);
    p2p_plan_free(plan);
}

static void a_set_is_every_combination_but_the_excluded(void **state)
{
    static const struct {
        const char *name, *set, *scheduler;
        uint32_t gic, cpus;
        size_t neighbours;
        bool debug;
    } expected[] = {
        {"bare", "", NULL, 0, 0, 0, false},
        {"native-gicv2", "native", NULL, 2, 0, 0, false},
        {"native-gicv3", "native", NULL, 3, 0, 0, false},
        {"xen-4.20-credit2-quiet-gicv3", "xen", "credit2", 3, 2, 0, false},
        {"xen-4.20-credit2-quiet-gicv2", "xen", "credit2", 2, 2, 0, false},
        {"xen-4.20-credit2-noisy-gicv3", "xen", "credit2", 3, 2, 1, false},
        {"xen-4.20-debug-credit2-quiet-gicv3", "xen", "credit2", 3, 2, 0, true},
        {"xen-4.20-debug-credit2-quiet-gicv2", "xen", "credit2", 2, 2, 0, true},
        {"xen-4.20-debug-credit2-noisy-gicv3", "xen", "credit2", 3, 2, 1, true},
        {"xen-4.20-debug-null-quiet-gicv3", "xen", "null", 3, 2, 0, true},
        {"xen-4.20-debug-null-quiet-gicv2", "xen", "null", 2, 2, 0, true},
        {"xen-4.20-debug-null-noisy-gicv3", "xen", "null", 3, 2, 1, true},
        {"pool", "pool", "rtds", 0, 4, 0, true},
    };
    struct p2p_plan *plan = load_good(MATRIX);

    (void)state;
    assert_int_equal(plan->configuration_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < plan->configuration_count; i++) {
        const struct p2p_configuration *found = &plan->configurations[i];

        assert_string_equal(found->name, expected[i].name);
        assert_string_equal(found->set, expected[i].set);
        assert_int_equal(found->gic, expected[i].gic);
        assert_int_equal(found->cpus, expected[i].cpus);
        assert_int_equal(found->neighbour_count, expected[i].neighbours);
        assert_int_equal(found->xen == NULL, expected[i].scheduler == NULL);
        if (found->xen != NULL) {
            assert_string_equal(found->xen->scheduler, expected[i].scheduler);
            assert_int_equal(found->xen->debug, expected[i].debug);
        }
    }
    assert_null(plan->configurations[0].guest);
    assert_string_equal(plan->configurations[2].guest, P2P_SOURCE_DIR "/tests/unit/config/good/plan/tbm");
    p2p_plan_free(plan);
}

static void a_build_says_what_it_is(void **state)
{
    struct p2p_plan *plan = load_good(MATRIX);
    const struct p2p_xen *xen = plan->configurations[9].xen;

    (void)state;
    assert_string_equal(xen->build, "4.20-debug");
    assert_string_equal(xen->image, P2P_SOURCE_DIR "/tests/unit/config/builds/4.20-debug/xen");
    assert_string_equal(xen->version, "4.20");
    assert_int_equal(xen->vwfi, P2P_VWFI_NATIVE);
    assert_string_equal(xen->extra_command_line, "loglvl=all");
    xen = plan->configurations[12].xen;
    assert_int_equal(xen->cpupool.first_cpu, 3);
    assert_string_equal(xen->cpupool.scheduler, "credit2");
    p2p_plan_free(plan);
}

/* Of the plan, then the set, then each case that matches, in their order. */
static void limits_of_a_set_override_each_other_key_by_key(void **state)
{
    struct p2p_plan *plan = load_good(MATRIX);
    const struct p2p_limits *last = &plan->configurations[11].limits;

    (void)state;
    assert_limits(&plan->configurations[0].limits, limits_of(9000, 9500, UINT64_MAX, UINT64_MAX, 1));
    assert_limits(&plan->configurations[1].limits, limits_of(9000, 9500, UINT64_MAX, UINT64_MAX, 1));
    assert_limits(&plan->configurations[3].limits, limits_of(9000, 8000, UINT64_MAX, 6000, 1));
    assert_limits(&plan->configurations[9].limits, limits_of(9000, 7000, UINT64_MAX, 6000, 1));
    assert_limits(last, limits_of(9000, 5000, UINT64_MAX, 6000, 1));
    assert_limits(&plan->configurations[12].limits, limits_of(9000, 9500, UINT64_MAX, UINT64_MAX, 1));
    assert_int_equal(plan->configurations[9].limits.relative_count, 0);
    assert_int_equal(last->relative_count, 2);
    assert_relative(&last->relative[0], P2P_FIGURE_MAX, 2, "xen-4.20-debug-credit2-quiet-gicv3", "");
    assert_relative(&last->relative[1], P2P_FIGURE_AVG, 9, "bare", "");
    p2p_plan_free(plan);
}

static void kinds_of_stimuli_have_their_own_keys(void **state)
{
    struct p2p_plan *plan = load_good(MINIMAL);

    (void)state;
    assert_int_equal(plan->stimulus.kind, P2P_STIMULUS_PERIODIC);
    assert_int_equal(plan->stimulus.gap_ns + plan->stimulus.burst_count + plan->stimulus.burst_spacing_ns, 0);
    p2p_plan_free(plan);
    plan = load_good(POISSON);
    assert_int_equal(plan->stimulus.kind, P2P_STIMULUS_POISSON);
    assert_int_equal(plan->stimulus.gap_ns, 150000);
    assert_int_equal(plan->stimulus.jitter_ns, 0);
    p2p_plan_free(plan);
    plan = load_good(BURST);
    assert_int_equal(plan->stimulus.kind, P2P_STIMULUS_BURST);
    assert_int_equal(plan->stimulus.burst_count, 4);
    assert_int_equal(plan->stimulus.burst_spacing_ns, 150000);
    assert_int_equal(plan->stimulus.jitter_ns, 299999);
    p2p_plan_free(plan);
}

static void limits_override_the_plan_s_key_by_key(void **state)
{
    struct p2p_limits third = limits_of(1000, UINT64_MAX, 1950, UINT64_MAX, 2985);
    struct p2p_plan *plan = load_good(EVERYTHING);

    (void)state;
    third.p99_9_ns = 9000;
    assert_limits(&plan->configurations[0].limits, limits_of(1000, UINT64_MAX, 800, 700, 2985));
    assert_limits(&plan->configurations[1].limits, limits_of(1000, 2500, 1950, UINT64_MAX, 1));
    assert_limits(&plan->configurations[2].limits, third);
    p2p_plan_free(plan);
}

static void largest_numbers_are_exact(void **state)
{
    struct p2p_plan *plan = load_good(LARGEST);

    (void)state;
    assert_int_equal(strlen(plan->name), P2P_NAME_BYTES - 1);
    assert_true(plan->seed == UINT64_C(9007199254740991));
    assert_int_equal(plan->boots, 1000);
    assert_int_equal(plan->samples, 1000000000);
    assert_int_equal(plan->warmup, 1000000);
    assert_true(plan->stimulus.period_ns == UINT64_C(4000000000));
    assert_true(plan->configurations[0].limits.min_samples == UINT64_C(999000000000));
    p2p_plan_free(plan);
}

static void good_files_load(void **state)
{
    (void)state;
    assert_true(corpus_check_good(&LOADER) >= 4);
}

static void bad_files_are_refused_in_the_expected_words(void **state)
{
    (void)state;
    assert_true(corpus_check_bad(&LOADER) >= 280);
}

static void every_truncation_is_refused_with_its_place(void **state)
{
    (void)state;
    corpus_check_truncated(&LOADER, EVERYTHING);
}

static void every_failed_allocation_is_told(void **state)
{
    size_t count = 0;
    bool failed = true;

    (void)state;
    while (failed) {
        struct p2p_error error = {0};
        struct p2p_plan *plan;

        allocations_fail_after(count++);
        plan = p2p_plan_load(EVERYTHING, &error);
        failed = allocations_failed();
        assert_int_equal(plan == NULL, failed);
        assert_int_equal(error.code, failed ? P2P_E_HOST : P2P_OK);
        p2p_plan_free(plan);
    }
    assert_true(count > 12);
}

/* Jansson calls some of its own failures syntax errors, and once in a while even overlooks one. */
static void a_failed_allocation_of_jansson_leaks_nothing(void **state)
{
    size_t count = 0;
    bool failed = true;

    (void)state;
    allocations_hook_jansson(true);
    while (failed) {
        struct p2p_error error = {0};
        struct p2p_plan *plan;

        allocations_fail_after(count++);
        plan = p2p_plan_load(EVERYTHING, &error);
        failed = allocations_failed();
        assert_int_equal(plan == NULL, error.code != P2P_OK);
        assert_int_equal(plan == NULL, error.message[0] != '\0');
        p2p_plan_free(plan);
    }
    allocations_hook_jansson(false);
    assert_true(count > 100);
}

static void the_control_is_one_of_the_configurations(void **state)
{
    struct p2p_error error = {0};
    struct p2p_plan *plan = p2p_plan_load(CONTROL, &error);

    (void)state;
    assert_non_null(plan);
    assert_int_equal(plan->configurations[0].control.max_ns, 0);
    assert_int_equal(plan->configurations[1].control.min_ns, 480);
    assert_int_equal(plan->configurations[1].control.max_ns, 480);
    p2p_plan_free(plan);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(p2p_stimulus_kind_name(P2P_STIMULUS_PERIODIC), "periodic");
    assert_string_equal(p2p_stimulus_kind_name(P2P_STIMULUS_POISSON), "poisson");
    assert_string_equal(p2p_stimulus_kind_name(P2P_STIMULUS_BURST), "burst");
    assert_string_equal(p2p_vwfi_name(P2P_VWFI_TRAP), "trap");
    assert_string_equal(p2p_vwfi_name(P2P_VWFI_NATIVE), "native");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demo_is_as_documented),
        cmocka_unit_test(left_out_keys_have_their_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(neighbours_are_read_and_found),
        cmocka_unit_test(a_configuration_may_have_its_own_guest_and_machine),
        cmocka_unit_test(limits_may_be_improbabilities_and_relations),
        cmocka_unit_test(a_set_is_every_combination_but_the_excluded),
        cmocka_unit_test(a_build_says_what_it_is),
        cmocka_unit_test(limits_of_a_set_override_each_other_key_by_key),
        cmocka_unit_test(kinds_of_stimuli_have_their_own_keys),
        cmocka_unit_test(limits_override_the_plan_s_key_by_key),
        cmocka_unit_test(largest_numbers_are_exact),
        cmocka_unit_test(good_files_load),
        cmocka_unit_test(bad_files_are_refused_in_the_expected_words),
        cmocka_unit_test(every_truncation_is_refused_with_its_place),
        cmocka_unit_test(every_failed_allocation_is_told),
        cmocka_unit_test(a_failed_allocation_of_jansson_leaks_nothing),
        cmocka_unit_test(the_control_is_one_of_the_configurations),
        cmocka_unit_test(kinds_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
