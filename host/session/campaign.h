/* SPDX-License-Identifier: MIT */
/*
 * A whole plan on a bench: boots its configurations in turns, records each boot in the run folder, and analyses what
 * was recorded. The configurations take turns boot by boot, so that a bench that drifts drifts under all of them.
 */
#ifndef P2P_SESSION_CAMPAIGN_H
#define P2P_SESSION_CAMPAIGN_H

#include "session/session.h"
#include "store/result.h"

struct p2p_progress {
    const char *configuration;
    uint32_t boot;                          /* from 1 */
    uint64_t boots_done, boots_planned;     /* of all configurations */
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
    void *user;
};

/*
 * Fills `result` (from p2p_result_new with the same selection) and writes it to the folder before the first boot, after
 * each, and at the end. A bench that fails is a verdict, not an error, and the other boots go on. Errors: this computer
 * fails, a file named by the plan is wrong, or P2P_E_INTERRUPTED; then the result on disk says that it is incomplete.
 */
enum p2p_code p2p_campaign_run(const struct p2p_campaign *campaign, struct p2p_result *result, struct p2p_error *error);

#endif
