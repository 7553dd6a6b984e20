/* SPDX-License-Identifier: MIT */
/* What two results say of how they were measured: verdict/comparable.h, for all that they have in common. */
#ifndef P2P_VERDICT_SETUPS_H
#define P2P_VERDICT_SETUPS_H

#include "store/result.h"
#include "verdict/comparable.h"

#include <stddef.h>

/* Configurations are paired by name. Returns how many both have; none is a reason. Verdicts have no part in it. */
size_t p2p_compare_setups(const struct p2p_result *a, const struct p2p_result *b,
                          struct p2p_comparability *comparability);

#endif
