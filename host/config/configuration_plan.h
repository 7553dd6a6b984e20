/* SPDX-License-Identifier: MIT */
/* One configuration of a plan, and the neighbours that it may have. */
#ifndef P2P_CONFIG_CONFIGURATION_PLAN_H
#define P2P_CONFIG_CONFIGURATION_PLAN_H

#include "config/json_reader.h"
#include "config/plan.h"

/* In a matrix: no neighbour. */
#define P2P_QUIET "quiet"

/* The "neighbours" of a plan. */
void p2p_neighbours_plan_read(const struct p2p_json_object *root, struct p2p_plan *plan);

/*
 * Everything of a configuration but its name and limits. `own` is its object, or that of its set; `picked` the values
 * of the set's matrix, or NULL. `builds` as of p2p_xen_plan_read.
 */
void p2p_configuration_plan_read(const struct p2p_json_object *own, const struct p2p_json_object *picked,
                                 const char *builds, const struct p2p_plan *plan,
                                 struct p2p_configuration *configuration);

/* `configuration` is the next of the plan's: refuses the `name` of `object` if it can't have it. */
void p2p_configuration_plan_check_name(const struct p2p_json_object *object, const struct p2p_plan *plan,
                                       const struct p2p_configuration *configuration);

/* What they own, not themselves. */
void p2p_neighbour_plan_release(struct p2p_neighbour *neighbour);
void p2p_configuration_plan_release(struct p2p_configuration *configuration);

#endif
