/* SPDX-License-Identifier: MIT */
/* Whether what a result says twice agrees: a file may have been edited, or its boots put together from several runs. */
#ifndef P2P_STORE_CONSISTENCY_H
#define P2P_STORE_CONSISTENCY_H

#include "store/result.h"

/* Adds a BENCH FAULT to the judgement for each contradiction among what was measured of one configuration. */
void p2p_check_consistency(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                           struct p2p_judgement *judgement);

/* The same of its fresh boots. */
void p2p_check_confirmation(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                            struct p2p_judgement *judgement);

#endif
