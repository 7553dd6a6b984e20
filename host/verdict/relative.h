/* SPDX-License-Identifier: MIT */
/* "at most 0.4 of what that one takes": a ratio of two configurations, by their boots. */
#ifndef P2P_VERDICT_RELATIVE_H
#define P2P_VERDICT_RELATIVE_H

#include "verdict/verdict.h"

/* One figure of each boot. */
struct p2p_boot_values {
    const double *ns; /* borrowed */
    size_t count;
    uint64_t n_least, n_most; /* samples a boot that the figure is of */
    bool alike;               /* in each boot all samples are the same */
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
 * Judges by the boots, which are the replicates. FAIL: the interval lies above the limit; PASS: it lies at or below it;
 * INCONCLUSIVE: neither, or too few boots; then with how many it takes. max and warm_max of boots of different sizes
 * are INCONCLUSIVE: the largest of more samples is larger. False: out of memory.
 *
 * In time base "instructions" few boots are enough where those of each side agree to the digit: the bench is
 * deterministic. Not for the tail (p99, p99_9, max, warm_max), unless all samples are alike: what is rare may be in the
 * next boot.
 */
bool p2p_judge_relative(const struct p2p_relative_limit *limit, enum p2p_time_base time_base,
                        struct p2p_boot_values own, struct p2p_boot_values other, struct p2p_relative *relative);

#endif
