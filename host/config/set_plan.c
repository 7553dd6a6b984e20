/* SPDX-License-Identifier: MIT */
#include "config/set_plan.h"

#include "config/configuration_plan.h"
#include "config/limits_plan.h"

#include <stdio.h>
#include <string.h>

static const struct p2p_json_range SETS = {0, P2P_CONFIGURATIONS_MAX};
static const struct p2p_json_range RULES = {0, 64};

static const struct p2p_json_key SET_KEYS[] = {
    {"name", "the set's name, the beginning of its configurations' names"},
    {"xen", "the Xen to boot, as far as all have it in common"},
    {"guest", "the guest's image, instead of the bench's stub"},
    {"gic", "the version of the interrupt controller"},
    {"cpus", "how many physical CPUs"},
    {"neighbours", "other domains beside the guest's"},
    {"matrix", "what they differ in"},
    {"exclude", "combinations that there are not to be"},
    {"limits", "limits that differ from the plan's"},
    {"cases", "limits of some of them"},
    {NULL, NULL},
};

static const struct p2p_json_key CASE_KEYS[] = {
    {"match", "which ones are meant, by some of their values"},
    {"limits", "limits that differ from the set's"},
    {NULL, NULL},
};

/* Goes through all configurations of all sets. */
struct walk {
    const struct p2p_json_object *root;
    size_t set_count, next_set, next_number;
    struct p2p_json_object set; /* where it is */
    size_t taken;               /* of that set, so far */
    struct p2p_place place;
};

static struct walk begin(const struct p2p_json_object *root)
{
    return (struct walk){.root = root, .set_count = p2p_json_array_length(root, "sets", SETS)};
}

static void enter_set(struct walk *walk)
{
    walk->set = p2p_json_element(walk->root, "sets", walk->next_set, SET_KEYS);
    p2p_json_name(&walk->set, "name", walk->place.set, sizeof walk->place.set);
    walk->place.matrix = p2p_matrix_read(&walk->set);
    walk->next_set++;
    walk->next_number = 0;
    walk->taken = 0;
}

static bool is_excluded(const struct walk *walk)
{
    size_t count = p2p_json_array_length(&walk->set, "exclude", RULES);
    bool excluded = false;

    for (size_t i = 0; i < count; i++) {
        struct p2p_json_object some = p2p_json_element(&walk->set, "exclude", i, P2P_AXES);

        excluded = p2p_matrix_matches(&walk->place.matrix, &some, &walk->place.combination) || excluded;
    }
    return excluded;
}

/* False: there are no more. */
static bool next(struct walk *walk)
{
    do {
        while (walk->next_number == walk->place.matrix.count) {
            if (walk->next_set > 0 && walk->taken == 0) {
                p2p_json_refuse(&walk->set, "exclude", "leaves nothing of the matrix: leave the set out");
            }
            if (walk->next_set == walk->set_count) {
                return false;
            }
            enter_set(walk);
        }
        walk->place.combination = p2p_matrix_combination(&walk->place.matrix, walk->next_number++);
    } while (is_excluded(walk));
    walk->taken++;
    return true;
}

size_t p2p_set_plan_count(const struct p2p_json_object *root)
{
    struct walk walk = begin(root);
    size_t count = 0;

    while (next(&walk)) {
        count++;
    }
    return p2p_json_file_code(root->file) == P2P_OK ? count : 0;
}

/* --only takes a set's name, too: it must mean one thing. */
static void check_set_name(const struct walk *walk, const struct p2p_plan *plan)
{
    for (size_t i = 0; i < plan->configuration_count; i++) {
        const struct p2p_configuration *other = &plan->configurations[i];

        if (strcmp(other->set, walk->place.set) != 0 && strcmp(other->name, walk->place.set) == 0) {
            p2p_json_refuse(&walk->set, "name", "\"%s\" is the name of configurations[%zu], too: make it unique",
                            walk->place.set, i);
        }
    }
    for (size_t i = 0; i + 1 < walk->next_set; i++) {
        struct p2p_json_object other = p2p_json_element(walk->root, "sets", i, SET_KEYS);

        if (strcmp(p2p_json_string(&other, "name"), walk->place.set) == 0) {
            p2p_json_refuse(&walk->set, "name", "\"%s\" is the name of sets[%zu], too: make it unique", walk->place.set,
                            i);
        }
    }
}

static void read_one(const struct walk *walk, const char *builds, struct p2p_plan *plan)
{
    const struct p2p_place *place = &walk->place;
    struct p2p_json_object picked = p2p_matrix_pick(&place->matrix, &place->combination);
    struct p2p_configuration *configuration = &plan->configurations[plan->configuration_count++];

    snprintf(configuration->set, sizeof configuration->set, "%s", place->set);
    p2p_configuration_plan_read(&walk->set, &picked, builds, plan, configuration);
    if (!p2p_matrix_name(&place->matrix, &place->combination, place->set, configuration->name)) {
        p2p_json_refuse(&walk->set, "name", "\"%s...\" is longer than %d: make it, or the values' names, shorter",
                        configuration->name, P2P_NAME_BYTES - 1);
    }
    p2p_configuration_plan_check_name(&walk->set, plan, configuration);
}

void p2p_set_plan_read(const struct p2p_json_object *root, const char *builds, struct p2p_plan *plan)
{
    struct walk walk = begin(root);

    while (p2p_json_file_code(root->file) == P2P_OK && next(&walk)) {
        check_set_name(&walk, plan);
        read_one(&walk, builds, plan);
    }
}

static void read_cases(const struct walk *walk, const struct p2p_plan *plan, struct p2p_configuration *configuration)
{
    size_t count = p2p_json_array_length(&walk->set, "cases", RULES);

    for (size_t i = 0; i < count; i++) {
        struct p2p_json_object one = p2p_json_element(&walk->set, "cases", i, CASE_KEYS);
        struct p2p_json_object match = p2p_json_child(&one, "match", P2P_AXES);

        if (p2p_matrix_matches(&walk->place.matrix, &match, &walk->place.combination)) {
            p2p_limits_plan_read(&one, plan, &walk->place, configuration);
        }
    }
}

/* Its limits would be nobody's, and nobody would notice. */
static void check_case(const struct walk *walk, const struct p2p_json_object *one)
{
    struct p2p_json_object match = p2p_json_child(one, "match", P2P_AXES);
    struct walk other = *walk;

    for (size_t number = 0; number < walk->place.matrix.count; number++) {
        other.place.combination = p2p_matrix_combination(&walk->place.matrix, number);
        if (!is_excluded(&other) && p2p_matrix_matches(&walk->place.matrix, &match, &other.place.combination)) {
            return;
        }
    }
    p2p_json_refuse(one, "match", "matches nothing but what is excluded: leave this case out");
}

static void check_cases(const struct walk *walk)
{
    size_t count = p2p_json_array_length(&walk->set, "cases", RULES);

    for (size_t i = 0; i < count; i++) {
        struct p2p_json_object one = p2p_json_element(&walk->set, "cases", i, CASE_KEYS);

        check_case(walk, &one);
    }
}

void p2p_set_plan_read_limits(const struct p2p_json_object *root, struct p2p_plan *plan)
{
    struct p2p_configuration *configuration = plan->configurations;
    struct walk walk = begin(root);

    while (p2p_json_file_code(root->file) == P2P_OK && next(&walk)) {
        while (configuration->set[0] == '\0') {
            configuration++; /* those given one by one stand first */
        }
        p2p_limits_plan_read(&walk.set, plan, &walk.place, configuration);
        read_cases(&walk, plan, configuration);
        if (walk.taken == 1) { /* once a set */
            check_cases(&walk);
        }
        configuration++;
    }
}
