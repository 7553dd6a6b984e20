/* SPDX-License-Identifier: MIT */
/*
 * A whole plan on a bench: boots its configurations in turns (session/order.h), records each boot in the run folder,
 * and analyses what was recorded. Last, each configuration that FAILs gets the plan's confirm_boots fresh boots: they
 * go on counting, and stand beside its figures and verdict without changing them (docs/adr/0008).
 */
#ifndef P2P_SESSION_CAMPAIGN_H
#define P2P_SESSION_CAMPAIGN_H

#include "session/session.h"
#include "store/result.h"

struct p2p_progress {
    const char *configuration;
    uint32_t boot;                          /* from 1 */
    uint64_t boots_done, boots_planned;     /* of all configurations; more are planned when some are to be confirmed */
    uint64_t stimuli_done, stimuli_planned; /* of all boots */
};

struct p2p_campaign {
    const struct p2p_ports *ports;
    const struct p2p_bench *bench;
    const struct p2p_plan *plan;
    const size_t *selected; /* indices of the plan's configurations to run, in the result's order */
    const char *folder;     /* the run folder: exists, empty */
    /* Called often; may be NULL. */
    void (*progress)(void *user, const struct p2p_progress *progress);
    /* Called with each result that was written to the folder; may be NULL. Its error ends the run. */
    enum p2p_code (*written)(void *user, const struct p2p_result *result, struct p2p_error *error);
    void *user;
};

/*
 * Fills `result` (from p2p_result_new with the same selection) and writes it to the folder before the first boot, after
 * each, and at the end. A bench that fails is a verdict, not an error, and the other boots go on. Errors: this computer
 * fails, a file named by the plan is wrong, or P2P_E_INTERRUPTED; then the result on disk says that it is incomplete.
 */
enum p2p_code p2p_campaign_run(const struct p2p_campaign *campaign, struct p2p_result *result, struct p2p_error *error);

#endif
