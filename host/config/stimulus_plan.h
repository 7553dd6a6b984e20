/* SPDX-License-Identifier: MIT */
/* The "stimulus" of a plan. */
#ifndef P2P_CONFIG_STIMULUS_PLAN_H
#define P2P_CONFIG_STIMULUS_PLAN_H

#include "config/json_reader.h"
#include "config/plan.h"

/* 1 ns to 4 s: a latency must fit the histogram's 2^32 ticks at 1 GHz, so the deadline must, and all that it is within.
 */
extern const struct p2p_json_range P2P_TIME_NS;

/* A stimulus must be over before the earliest next one, and the latest one must have its whole deadline. */
void p2p_stimulus_plan_read(const struct p2p_json_object *root, struct p2p_stimulus_plan *stimulus);

#endif
