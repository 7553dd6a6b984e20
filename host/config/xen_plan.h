/* SPDX-License-Identifier: MIT */
/* The "xen" of a configuration. */
#ifndef P2P_CONFIG_XEN_PLAN_H
#define P2P_CONFIG_XEN_PLAN_H

#include "config/json_reader.h"
#include "config/plan.h"

/* Keys of a "xen", for whoever enters one. */
extern const struct p2p_json_key P2P_XEN_KEYS[];

/*
 * `own` is the "xen"; `picked` the values of a matrix, which give some of its keys, or NULL. `builds` is the folder of
 * the builds that may be named; NULL: none.
 */
void p2p_xen_plan_read(const struct p2p_json_object *own, const struct p2p_json_object *picked, const char *builds,
                       struct p2p_xen *xen);
void p2p_xen_plan_free(struct p2p_xen *xen); /* may be NULL */

#endif
