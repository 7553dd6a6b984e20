/* SPDX-License-Identifier: MIT */
#include "config/limits_plan.h"

#include "config/stimulus_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct p2p_json_range MIN_SAMPLES = {1, UINT64_C(1000000000000)}; /* most boots by most samples */
static const struct p2p_json_range RELATIVE_LIMITS = {0, P2P_RELATIVE_LIMITS_MAX};
static const struct p2p_json_real_range PROBABILITY = {1e-9, 0.5};
static const struct p2p_json_real_range RATIO = {0.001, 1000};

static const struct p2p_json_key LIMITS_KEYS[] = {
    {"avg_ns", "limit of the mean"},
    {"max_ns", "limit of the largest"},
    {"warm_max_ns", "limit of the largest after warm-up"},
    {"p99_ns", "limit of the 99th percentile"},
    {"p99_9_ns", "limit of the 99.9th percentile"},
    {"min_samples", "fewest warm samples to judge by"},
    {"exceedance", "how improbable a longer latency has to be"},
    {"relative", "limits as parts of what others take"},
    {NULL, NULL},
};

static const struct p2p_json_key EXCEEDANCE_KEYS[] = {
    {"over_ns", "the latency"},
    {"probability", "what the probability of a longer one has to be below"},
    {NULL, NULL},
};

static const struct p2p_json_key RELATIVE_KEYS[] = {
    {"figure", "which figure of both"},
    {"at_most", "how many times the other's it may be"},
    {"of", "the other configuration"},
    {"baseline", "the pinned baseline that the other is in"},
    {NULL, NULL},
};

static void read_exceedance(const struct p2p_json_object *limits, struct p2p_exceedance_limit *limit)
{
    struct p2p_json_object object = p2p_json_child(limits, "exceedance", EXCEEDANCE_KEYS);

    limit->over_ns = p2p_json_integer(&object, "over_ns", P2P_TIME_NS);
    limit->probability = p2p_json_real_within(&object, "probability", PROBABILITY);
}

static enum p2p_figure read_figure(const struct p2p_json_object *object)
{
    const char *names[P2P_FIGURE_COUNT + 1] = {NULL};

    for (size_t i = 0; i < P2P_FIGURE_COUNT; i++) {
        names[i] = p2p_figure_name((enum p2p_figure)i);
    }
    return (enum p2p_figure)p2p_json_choice(object, "figure", names);
}

static bool is_configuration(const struct p2p_plan *plan, const char *name)
{
    bool found = false;

    for (size_t i = 0; i < plan->configuration_count && !found; i++) {
        found = strcmp(plan->configurations[i].name, name) == 0;
    }
    return found;
}

/* "of" names the other; as an object, it tells on which axes of its set the other differs. */
static void read_other(const struct p2p_json_object *object, const struct p2p_place *place, char name[P2P_NAME_BYTES])
{
    struct p2p_combination other;
    struct p2p_json_object axes;

    if (!p2p_json_is_object(object, "of")) {
        p2p_json_name(object, "of", name, P2P_NAME_BYTES);
        return;
    }
    if (place == NULL) {
        p2p_json_refuse_value(object, "of", "a name, as axes are for the limits of a set");
        return;
    }
    axes = p2p_json_child(object, "of", P2P_AXES);
    other = place->combination;
    p2p_matrix_move(&place->matrix, &axes, &other);
    p2p_matrix_name(&place->matrix, &other, place->set, name);
}

static void read_relative(const struct p2p_json_object *object, const struct p2p_plan *plan,
                          const struct p2p_place *place, const char *own_name, struct p2p_relative_limit *limit)
{
    bool pinned = p2p_json_has(object, "baseline");

    limit->figure = read_figure(object);
    limit->at_most = p2p_json_real_within(object, "at_most", RATIO);
    if (pinned) {
        p2p_json_name(object, "baseline", limit->baseline, sizeof limit->baseline);
    }
    if (pinned && !p2p_json_has(object, "of")) {
        snprintf(limit->of, sizeof limit->of, "%s", own_name);
        return;
    }
    read_other(object, place, limit->of);
    if (!pinned && strcmp(limit->of, own_name) == 0) {
        p2p_json_refuse(object, "of", "is \"%s\" itself: give this limit to the others only", own_name);
    } else if (!pinned && !is_configuration(plan, limit->of)) {
        p2p_json_refuse(object, "of", "there is no configuration \"%s\" in this plan, for \"%s\"", limit->of, own_name);
    }
}

static void read_relatives(const struct p2p_json_object *object, const struct p2p_plan *plan,
                           const struct p2p_place *place, struct p2p_configuration *configuration)
{
    struct p2p_limits *limits = &configuration->limits;

    limits->relative_count = p2p_json_array_length(object, "relative", RELATIVE_LIMITS);
    for (size_t i = 0; i < limits->relative_count; i++) {
        struct p2p_json_object relative = p2p_json_element(object, "relative", i, RELATIVE_KEYS);

        limits->relative[i] = (struct p2p_relative_limit){0};
        read_relative(&relative, plan, place, configuration->name, &limits->relative[i]);
    }
}

void p2p_limits_plan_read(const struct p2p_json_object *parent, const struct p2p_plan *plan,
                          const struct p2p_place *place, struct p2p_configuration *configuration)
{
    struct p2p_json_object object = p2p_json_child_or_none(parent, "limits", LIMITS_KEYS);
    struct p2p_limits *limits = &configuration->limits;
    uint64_t warm = plan->boots * (plan->samples - plan->warmup);

    limits->avg_ns = p2p_json_integer_or(&object, "avg_ns", P2P_TIME_NS, limits->avg_ns);
    limits->max_ns = p2p_json_integer_or(&object, "max_ns", P2P_TIME_NS, limits->max_ns);
    limits->warm_max_ns = p2p_json_integer_or(&object, "warm_max_ns", P2P_TIME_NS, limits->warm_max_ns);
    limits->p99_ns = p2p_json_integer_or(&object, "p99_ns", P2P_TIME_NS, limits->p99_ns);
    limits->p99_9_ns = p2p_json_integer_or(&object, "p99_9_ns", P2P_TIME_NS, limits->p99_9_ns);
    limits->min_samples = p2p_json_integer_or(&object, "min_samples", MIN_SAMPLES, limits->min_samples);
    if (limits->min_samples > warm) {
        p2p_json_refuse(&object, "min_samples",
                        "%" PRIu64 " can never be reached: boots x (samples - warmup) is %" PRIu64, limits->min_samples,
                        warm);
    }
    if (p2p_json_has(&object, "exceedance")) {
        read_exceedance(&object, &limits->exceedance);
    }
    if (p2p_json_has(&object, "relative")) {
        read_relatives(&object, plan, place, configuration);
    }
}
