/* SPDX-License-Identifier: MIT */
#include "config/configuration_plan.h"

#include "config/matrix.h"
#include "config/xen_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct p2p_json_range GIC = {2, 3};
static const struct p2p_json_range CPUS = {1, P2P_CPUS_MAX};
static const struct p2p_json_range NEIGHBOUR_MIB = {1, 1024};
static const struct p2p_json_range NEIGHBOURS = {0, P2P_NEIGHBOURS_MAX};

static const struct p2p_json_key NEIGHBOUR_KEYS[] = {
    {"image", "the path of its image"},
    {"memory_mib", "its memory"},
    {"vcpus", "its virtual CPUs"},
    {NULL, NULL},
};

/* ---- Neighbours ---- */

void p2p_neighbours_plan_read(const struct p2p_json_object *root, struct p2p_plan *plan)
{
    struct p2p_json_object all = p2p_json_child_or_none(root, "neighbours", NULL);
    size_t count = 0;
    const char *name;

    while (p2p_json_key_at(&all, count) != NULL) {
        count++;
    }
    plan->neighbours = count == 0 ? NULL : p2p_json_allocate(root, count, sizeof *plan->neighbours);
    for (size_t i = 0; plan->neighbours != NULL && (name = p2p_json_key_at(&all, i)) != NULL; i++) {
        struct p2p_json_object object = p2p_json_child(&all, name, NEIGHBOUR_KEYS);
        struct p2p_neighbour *neighbour = &plan->neighbours[i];

        plan->neighbour_count = i + 1;
        if (strcmp(name, P2P_QUIET) == 0) {
            p2p_json_refuse(&all, name, "\"" P2P_QUIET "\" stands for no neighbour in a matrix: take another name");
        }
        snprintf(neighbour->name, sizeof neighbour->name, "%s", name);
        neighbour->image = p2p_json_path(&object, "image");
        neighbour->memory_mib = (uint32_t)p2p_json_integer_or(&object, "memory_mib", NEIGHBOUR_MIB, 16);
        neighbour->vcpus = (uint32_t)p2p_json_integer_or(&object, "vcpus", CPUS, 1);
    }
}

void p2p_neighbour_plan_release(struct p2p_neighbour *neighbour)
{
    free(neighbour->image);
}

static void add_neighbour(const struct p2p_json_object *object, const char *name, const struct p2p_plan *plan,
                          struct p2p_configuration *configuration)
{
    for (size_t i = 0; i < plan->neighbour_count; i++) {
        if (strcmp(plan->neighbours[i].name, name) == 0) {
            configuration->neighbours[configuration->neighbour_count++] = &plan->neighbours[i];
            return;
        }
    }
    p2p_json_refuse(object, "neighbours", "\"%s\" is none of the plan's \"neighbours\"", name);
}

/* Several by their own key, one at most by a matrix. */
static void read_neighbours(const struct p2p_json_object *own, const struct p2p_json_object *picked,
                            const struct p2p_plan *plan, struct p2p_configuration *configuration)
{
    const struct p2p_json_object *object = p2p_matrix_or_own(picked, own, "neighbours");
    char **names = NULL;
    size_t count = 0;

    if (object == picked) {
        const char *name = p2p_json_string(object, "neighbours");

        if (strcmp(name, P2P_QUIET) != 0) {
            add_neighbour(object, name, plan, configuration);
        }
    } else {
        names = p2p_json_strings(object, "neighbours", NEIGHBOURS, &count);
        for (size_t i = 0; i < count; i++) {
            add_neighbour(object, names[i], plan, configuration);
        }
        p2p_json_strings_free(names);
    }
    if (configuration->neighbour_count > 0 && configuration->xen == NULL) {
        p2p_json_refuse(object, "neighbours", "the bare board has none: give the configuration a \"xen\"");
    }
}

/* ---- CPUs ---- */

static void check_pool(const struct p2p_json_object *xen, const struct p2p_configuration *configuration)
{
    const struct p2p_cpupool *pool = &configuration->xen->cpupool;

    if (pool->cpu_count > 0 && configuration->cpus == 0) {
        p2p_json_refuse(xen, "cpupool", "needs to know how many CPUs there are: give the configuration \"cpus\"");
    } else if (pool->cpu_count > 0 && pool->first_cpu + pool->cpu_count > configuration->cpus) {
        p2p_json_refuse(xen, "cpupool", "CPU %" PRIu32 " is none of the configuration's \"cpus\" (%" PRIu32 ")",
                        pool->first_cpu + pool->cpu_count - 1, configuration->cpus);
    }
}

/* The null scheduler ties each virtual CPU to a physical one; those that find none never run, and nobody is told. */
static void check_null(const struct p2p_json_object *object, const struct p2p_configuration *configuration)
{
    const struct p2p_xen *xen = configuration->xen;
    uint32_t cpus = configuration->cpus > 0 ? configuration->cpus : 1, vcpus = 1;

    if (xen->cpupool.cpu_count > 0) {
        cpus -= xen->cpupool.cpu_count;
        vcpus = 0;
    }
    for (size_t i = 0; i < configuration->neighbour_count; i++) {
        vcpus += configuration->neighbours[i]->vcpus;
    }
    if (strcmp(xen->scheduler, "null") == 0 && vcpus > cpus) {
        p2p_json_refuse(object, "neighbours",
                        "the null scheduler gives each virtual CPU a CPU of its own, but there are %" PRIu32
                        " for %" PRIu32 ": give more \"cpus\", or exclude it",
                        cpus, vcpus);
    }
}

/* ---- Configurations ---- */

static void read_xen(const struct p2p_json_object *own, const struct p2p_json_object *picked, const char *builds,
                     struct p2p_configuration *configuration)
{
    struct p2p_json_object xen = p2p_json_child(own, "xen", P2P_XEN_KEYS);

    configuration->xen = p2p_json_allocate(own, 1, sizeof *configuration->xen);
    if (configuration->xen != NULL) {
        p2p_xen_plan_read(&xen, picked, builds, configuration->xen);
        check_pool(&xen, configuration);
    }
}

static bool is_on_xen(const struct p2p_json_object *own, const struct p2p_json_object *picked)
{
    return p2p_json_has(own, "xen") ||
           (picked != NULL &&
            (p2p_json_has(picked, "build") || p2p_json_has(picked, "scheduler") || p2p_json_has(picked, "vwfi")));
}

void p2p_configuration_plan_read(const struct p2p_json_object *own, const struct p2p_json_object *picked,
                                 const char *builds, const struct p2p_plan *plan,
                                 struct p2p_configuration *configuration)
{
    const struct p2p_json_object *gic = p2p_matrix_or_own(picked, own, "gic");
    const struct p2p_json_object *cpus = p2p_matrix_or_own(picked, own, "cpus");

    configuration->gic = (uint32_t)p2p_json_integer_or(gic, "gic", GIC, 0);
    configuration->cpus = (uint32_t)p2p_json_integer_or(cpus, "cpus", CPUS, 0);
    configuration->guest = p2p_json_has(own, "guest") ? p2p_json_path(own, "guest") : NULL;
    if (is_on_xen(own, picked)) {
        read_xen(own, picked, builds, configuration);
    }
    read_neighbours(own, picked, plan, configuration);
    if (configuration->neighbour_count > 0 && configuration->xen != NULL) {
        check_null(p2p_matrix_or_own(picked, own, "neighbours"), configuration);
    }
}

void p2p_configuration_plan_check_name(const struct p2p_json_object *object, const struct p2p_plan *plan,
                                       const struct p2p_configuration *configuration)
{
    static const char *const files[] = {"result.json", "junit.xml", "result.csv"}; /* and their temporary names */
    const char *name = configuration->name;

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (strncmp(name, files[i], strlen(files[i])) == 0) {
            p2p_json_refuse(object, "name", "\"%s\" would be in the way of the run folder's %s: use another", name,
                            files[i]);
        }
    }
    for (const struct p2p_configuration *other = plan->configurations; other < configuration; other++) {
        if (strcmp(other->name, name) == 0) {
            p2p_json_refuse(object, "name", "\"%s\" is the name of configurations[%zu], too: make it unique", name,
                            (size_t)(other - plan->configurations));
        }
    }
}

void p2p_configuration_plan_release(struct p2p_configuration *configuration)
{
    p2p_xen_plan_free(configuration->xen);
    free(configuration->guest);
}
