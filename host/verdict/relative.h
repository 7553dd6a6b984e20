/* SPDX-License-Identifier: MIT */
/* "at most 0.4 of what that one takes": a ratio of two configurations, by their boots. */
#ifndef P2P_VERDICT_RELATIVE_H
#define P2P_VERDICT_RELATIVE_H

#include "verdict/verdict.h"

/* One figure of each boot; borrowed. */
struct p2p_boot_values {
    const double *ns;
    size_t count;
};

struct p2p_relative {
    bool known;   /* there is a ratio; else the judgement says why not */
    double ratio; /* own / other: Hodges-Lehmann over the pairs of boots */
    bool bounded; /* there are enough boots for the interval */
    double low;   /* its interval of 99 %, by the exact Mann-Whitney distribution */
    double high;
    struct p2p_judgement judgement; /* of this limit alone */
};

/*
 * Judges by the boots, which are the replicates. The ratio is exact, and its interval a point, where several boots of
 * each side agree to the digit, as on a deterministic bench. FAIL: the interval lies above the limit; PASS: it lies
 * at or below it; INCONCLUSIVE: neither, or too few boots; then with how many it takes. False: out of memory.
 */
bool p2p_judge_relative(const struct p2p_relative_limit *limit, struct p2p_boot_values own,
                        struct p2p_boot_values other, struct p2p_relative *relative);

#endif
