/* SPDX-License-Identifier: MIT */
/* "P(latency > L) < p, with 95 % confidence": what the samples say of such a limit. */
#ifndef P2P_VERDICT_EXCEEDANCE_H
#define P2P_VERDICT_EXCEEDANCE_H

#include "verdict/verdict.h"

/* All zero without a limit, or without a stimulus. */
struct p2p_exceedance {
    uint64_t n;              /* stimuli: one that was missed or late exceeds every limit */
    uint64_t count;          /* of them, those above */
    double upper_95;         /* Clopper-Pearson, each one-sided */
    double lower_95;         /*   with 95 % */
    uint64_t samples_needed; /* least n with which this count would be few enough */
};

/*
 * Fills in bounds and samples_needed from n and count, and adds the finding: PASS, if the upper bound is low enough;
 * FAIL, if the lower bound is above the limit; else INCONCLUSIVE, with how many more samples it takes.
 */
void p2p_judge_exceedance(const struct p2p_exceedance_limit *limit, struct p2p_exceedance *exceedance,
                          struct p2p_judgement *judgement);

#endif
