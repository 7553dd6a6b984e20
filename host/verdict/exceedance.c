/* SPDX-License-Identifier: MIT */
#include "verdict/exceedance.h"

#include "stats/binomial.h"

#include <inttypes.h>

#define CONFIDENCE 0.95

void p2p_judge_exceedance(const struct p2p_exceedance_limit *limit, struct p2p_exceedance *exceedance,
                          struct p2p_judgement *judgement)
{
    uint64_t count = exceedance->count, n = exceedance->n;
    double wanted = limit->probability;
    uint64_t more;

    if (limit->over_ns == UINT64_MAX || n == 0) {
        *exceedance = (struct p2p_exceedance){0};
        return;
    }
    exceedance->upper_95 = p2p_binomial_upper(count, n, CONFIDENCE);
    exceedance->lower_95 = p2p_binomial_lower(count, n, CONFIDENCE);
    exceedance->samples_needed = p2p_binomial_samples_needed(count, wanted, CONFIDENCE);
    more = exceedance->samples_needed - n;
    if (exceedance->lower_95 > wanted) {
        p2p_judgement_add(judgement, P2P_VERDICT_FAIL,
                          "%" PRIu64 " of %" PRIu64 " over %" PRIu64 " ns: P > %.3g at 95 %%, asked for < %g", count, n,
                          limit->over_ns, exceedance->lower_95, wanted);
    } else if (exceedance->upper_95 > wanted) {
        p2p_judgement_add(judgement, P2P_VERDICT_INCONCLUSIVE,
                          "%" PRIu64 " of %" PRIu64 " over %" PRIu64 " ns: P < %.3g at 95 %%, asked for < %g; %" PRIu64
                          " more sample%s needed, if none of them is over",
                          count, n, limit->over_ns, exceedance->upper_95, wanted, more, more == 1 ? "" : "s");
    }
}
