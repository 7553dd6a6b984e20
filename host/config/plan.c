/* SPDX-License-Identifier: MIT */
#include "config/plan.h"

#include "config/configuration_plan.h"
#include "config/json_reader.h"
#include "config/limits_plan.h"
#include "config/set_plan.h"
#include "config/stimulus_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct p2p_json_range SEED = {0, P2P_JSON_INTEGER_MAX};
static const struct p2p_json_range BOOTS = {1, 1000};
static const struct p2p_json_range CONFIRM_BOOTS = {0, 10};
static const struct p2p_json_range SAMPLES = {1, 1000000000};
static const struct p2p_json_range WARMUP = {0, 1000000};
static const struct p2p_json_range CONFIGURATIONS = {1, P2P_CONFIGURATIONS_MAX};

static const struct p2p_json_key PLAN_KEYS[] = {
    {"schema", "what kind of file this is"},
    {"version", "the version of the file's form"},
    {"name", "the plan's name in reports"},
    {"bench", "the bench file to run on"},
    {"builds", "the folder of Xen's builds"},
    {"baselines", "the folder of pinned baselines"},
    {"seed", "the seed of the stimuli's jitter"},
    {"boots", "how often to boot each configuration"},
    {"confirm_boots", "how often to boot a configuration again that failed"},
    {"samples", "stimuli a boot"},
    {"warmup", "samples at the start of each boot that WARM_MAX leaves out"},
    {"stimulus", "the timing of the stimuli"},
    {"limits", "the limits of every configuration"},
    {"neighbours", "domains that can be put beside the guest's"},
    {"configurations", "what to boot and measure, unless \"sets\" say it"},
    {"sets", "what to boot and measure, as matrices"},
    {"control", "the configuration that tells whether the bench is sound"},
    {NULL, NULL},
};

static const struct p2p_json_key CONFIGURATION_KEYS[] = {
    {"name", "the configuration's name, also of its folder in the run"},
    {"xen", "the Xen to boot, nothing for the bare board"},
    {"guest", "the guest's image, instead of the bench's stub"},
    {"gic", "the version of the interrupt controller"},
    {"cpus", "how many physical CPUs"},
    {"neighbours", "other domains beside the guest's"},
    {"limits", "limits that differ from the plan's"},
    {NULL, NULL},
};

static const struct p2p_json_key CONTROL_KEYS[] = {
    {"configuration", "the name of one of the plan's configurations"},
    {"avg_ns", "where its mean has to be"},
    {NULL, NULL},
};

static const struct p2p_json_key BAND_KEYS[] = {
    {"min", "the least that is sound"},
    {"max", "the most that is sound"},
    {NULL, NULL},
};

static void read_single(const struct p2p_json_object *root, size_t count, const char *builds, struct p2p_plan *plan)
{
    for (size_t i = 0; i < count; i++) {
        struct p2p_json_object object = p2p_json_element(root, "configurations", i, CONFIGURATION_KEYS);
        struct p2p_configuration *configuration = &plan->configurations[plan->configuration_count++];

        p2p_json_name(&object, "name", configuration->name, sizeof configuration->name);
        p2p_configuration_plan_read(&object, NULL, builds, plan, configuration);
        p2p_configuration_plan_check_name(&object, plan, configuration);
    }
}

/* Limits come last: they may be relative to any configuration. */
static void read_limits(const struct p2p_json_object *root, size_t single_count, struct p2p_plan *plan)
{
    for (size_t i = 0; i < plan->configuration_count; i++) {
        plan->configurations[i].limits = P2P_NO_LIMITS;
        p2p_limits_plan_read(root, plan, NULL, &plan->configurations[i]);
    }
    for (size_t i = 0; i < single_count; i++) {
        struct p2p_json_object object = p2p_json_element(root, "configurations", i, CONFIGURATION_KEYS);

        p2p_limits_plan_read(&object, plan, NULL, &plan->configurations[i]);
    }
    p2p_set_plan_read_limits(root, plan);
}

static void read_configurations(const struct p2p_json_object *root, const char *builds, struct p2p_plan *plan)
{
    bool only_sets = p2p_json_has(root, "sets") && !p2p_json_has(root, "configurations");
    size_t single_count = only_sets ? 0 : p2p_json_array_length(root, "configurations", CONFIGURATIONS);
    size_t count = single_count + p2p_set_plan_count(root);

    if (count == 0 || count > CONFIGURATIONS.max) {
        p2p_json_refuse(root, "sets", "expected at most %" PRIu64 " configurations in all, and at least one, found %zu",
                        CONFIGURATIONS.max, count);
    }
    plan->configurations = p2p_json_allocate(root, count, sizeof *plan->configurations);
    if (plan->configurations == NULL) {
        return;
    }
    read_single(root, single_count, builds, plan);
    p2p_set_plan_read(root, builds, plan);
    if (p2p_json_file_code(root->file) == P2P_OK) {
        read_limits(root, single_count, plan);
    }
}

static void read_control(const struct p2p_json_object *root, struct p2p_plan *plan)
{
    struct p2p_json_object control, band;
    struct p2p_configuration *configuration = NULL;
    const char *name;

    if (!p2p_json_has(root, "control") || plan->configurations == NULL) {
        return;
    }
    control = p2p_json_child(root, "control", CONTROL_KEYS);
    band = p2p_json_child(&control, "avg_ns", BAND_KEYS);
    name = p2p_json_string(&control, "configuration");
    for (size_t i = 0; i < plan->configuration_count && configuration == NULL; i++) {
        configuration = strcmp(plan->configurations[i].name, name) == 0 ? &plan->configurations[i] : NULL;
    }
    if (configuration == NULL) {
        p2p_json_refuse_value(&control, "configuration", "the name of one of the plan's configurations");
        return;
    }
    configuration->control.min_ns = p2p_json_integer(&band, "min", P2P_TIME_NS);
    configuration->control.max_ns = p2p_json_integer(&band, "max", P2P_TIME_NS);
    if (configuration->control.max_ns < configuration->control.min_ns) {
        p2p_json_refuse(&band, "max", "%" PRIu64 " is below min, %" PRIu64, configuration->control.max_ns,
                        configuration->control.min_ns);
    }
}

static void read_plan(const struct p2p_json_object *root, const char *path, struct p2p_plan *plan)
{
    char *builds = p2p_json_has(root, "builds") ? p2p_json_path(root, "builds") : NULL;

    plan->path = p2p_json_copy(root, path);
    p2p_json_name(root, "name", plan->name, sizeof plan->name);
    plan->bench_path = p2p_json_has(root, "bench") ? p2p_json_path(root, "bench") : NULL;
    plan->baselines = p2p_json_has(root, "baselines") ? p2p_json_path(root, "baselines") : NULL;
    plan->seed = p2p_json_integer_or(root, "seed", SEED, 1);
    plan->boots = (uint32_t)p2p_json_integer_or(root, "boots", BOOTS, 10);
    plan->confirm_boots = (uint32_t)p2p_json_integer_or(root, "confirm_boots", CONFIRM_BOOTS, 1);
    plan->samples = p2p_json_integer_or(root, "samples", SAMPLES, 10000);
    plan->warmup = (uint32_t)p2p_json_integer_or(root, "warmup", WARMUP, 2);
    if (plan->warmup >= plan->samples) {
        p2p_json_refuse(root, "warmup", "%" PRIu32 " leaves none of the %" PRIu64 " samples of a boot", plan->warmup,
                        plan->samples);
    }
    p2p_stimulus_plan_read(root, &plan->stimulus);
    p2p_neighbours_plan_read(root, plan);
    read_configurations(root, builds, plan);
    read_control(root, plan);
    free(builds);
}

struct p2p_plan *p2p_plan_load(const char *path, struct p2p_error *error)
{
    struct p2p_json_file *file = p2p_json_file_load(path, error);
    struct p2p_json_object root;
    struct p2p_plan *plan;

    if (file == NULL) {
        return NULL;
    }
    root = p2p_json_root(file, "pin2pin.plan", 1, PLAN_KEYS);
    plan = p2p_json_allocate(&root, 1, sizeof *plan);
    if (plan != NULL) {
        read_plan(&root, path, plan);
    }
    if (p2p_json_file_code(file) != P2P_OK) {
        p2p_plan_free(plan);
        plan = NULL;
    }
    p2p_json_file_free(file);
    return plan;
}

void p2p_plan_free(struct p2p_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (size_t i = 0; i < plan->configuration_count; i++) {
        p2p_configuration_plan_release(&plan->configurations[i]);
    }
    for (size_t i = 0; i < plan->neighbour_count; i++) {
        p2p_neighbour_plan_release(&plan->neighbours[i]);
    }
    free(plan->configurations);
    free(plan->neighbours);
    free(plan->baselines);
    free(plan->bench_path);
    free(plan->path);
    free(plan);
}
