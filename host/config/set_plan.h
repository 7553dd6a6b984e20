/* SPDX-License-Identifier: MIT */
/* The "sets" of a plan: configurations that a matrix makes, and the limits of single cases among them. */
#ifndef P2P_CONFIG_SET_PLAN_H
#define P2P_CONFIG_SET_PLAN_H

#include "config/json_reader.h"
#include "config/matrix.h"
#include "config/plan.h"

/* Where in a set a configuration stands. */
struct p2p_place {
    struct p2p_matrix matrix;
    struct p2p_combination combination;
    char set[P2P_NAME_BYTES];
};

/* How many configurations the sets of the plan `root` make; 0 when refused. */
size_t p2p_set_plan_count(const struct p2p_json_object *root);

/*
 * Appends them to the plan's, which has room for them. Afterwards, when every configuration has its name, their limits
 * can be read; those of the plan itself have to be there.
 */
void p2p_set_plan_read(const struct p2p_json_object *root, const char *builds, struct p2p_plan *plan);
void p2p_set_plan_read_limits(const struct p2p_json_object *root, struct p2p_plan *plan);

#endif
