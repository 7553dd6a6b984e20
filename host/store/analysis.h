/* SPDX-License-Identifier: MIT */
/*
 * From recorded boots to a result: the one way, for `run` after each boot as for `report` years later.
 */
#ifndef P2P_STORE_ANALYSIS_H
#define P2P_STORE_ANALYSIS_H

#include "store/result.h"

struct p2p_analysis;

/* Fills `result` (borrowed; its plan part is set, nothing measured yet). NULL: out of memory. */
struct p2p_analysis *p2p_analysis_new(struct p2p_result *result);
void p2p_analysis_free(struct p2p_analysis *analysis);

/*
 * Takes in one boot of configuration number `configuration` from its folder; numbers above the plan's are fresh boots
 * of a configuration that failed, and are kept apart. What is wrong with the boot (a fault, no
 * end, unreadable edges) becomes part of the verdict. An error is returned only if this computer fails.
 */
enum p2p_code p2p_analysis_add_boot(struct p2p_analysis *analysis, size_t configuration, uint32_t boot,
                                    const char *boot_folder, struct p2p_error *error);

/*
 * Brings figures and verdicts in `result` up to date; more boots may follow. `ended` says that the run went through
 * its whole plan. If not, or if boots are missing, the result is incomplete, and that is a BENCH FAULT. An error is
 * returned only if this computer fails.
 */
enum p2p_code p2p_analysis_update(struct p2p_analysis *analysis, bool ended, struct p2p_error *error);

/* Loads DIR/result.json and makes everything in it again from the boots. NULL: see `error`. */
struct p2p_result *p2p_analyse_run(const char *folder, struct p2p_error *error);

#endif
