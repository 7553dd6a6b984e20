/* SPDX-License-Identifier: MIT */
/* The "limits" of a plan, a set, a case and a configuration. */
#ifndef P2P_CONFIG_LIMITS_PLAN_H
#define P2P_CONFIG_LIMITS_PLAN_H

#include "config/json_reader.h"
#include "config/plan.h"
#include "config/set_plan.h"

/*
 * Puts the "limits" of `parent`, if it has any, over those of `configuration`, key by key. All configurations of the
 * plan must have their names. `place` is where in a set this one stands; NULL: in none.
 */
void p2p_limits_plan_read(const struct p2p_json_object *parent, const struct p2p_plan *plan,
                          const struct p2p_place *place, struct p2p_configuration *configuration);

#endif
