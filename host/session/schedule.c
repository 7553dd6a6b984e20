/* SPDX-License-Identifier: MIT */
#include "session/schedule.h"

void p2p_schedule_init(struct p2p_schedule *schedule, const struct p2p_stimulus_plan *plan, uint64_t count,
                       uint64_t seed, uint64_t start_ns)
{
    *schedule = (struct p2p_schedule){.plan = *plan, .start_ns = start_ns, .count = count};
    p2p_prng_seed(&schedule->prng, seed);
}

size_t p2p_schedule_next(struct p2p_schedule *schedule, struct p2p_drive *edges, size_t capacity)
{
    size_t used = 0;

    while (schedule->next < schedule->count && used + 2 <= capacity) {
        uint64_t rise_ns = schedule->start_ns + schedule->next * schedule->plan.period_ns +
                           p2p_prng_upto(&schedule->prng, schedule->plan.jitter_ns);

        edges[used++] = (struct p2p_drive){.at_ns = rise_ns, .line = P2P_LINE_STIMULUS, .level = 1};
        edges[used++] =
            (struct p2p_drive){.at_ns = rise_ns + schedule->plan.width_ns, .line = P2P_LINE_STIMULUS, .level = 0};
        schedule->next++;
    }
    return used;
}

uint64_t p2p_schedule_seed(uint64_t plan_seed, size_t configuration, uint32_t boot)
{
    struct p2p_prng prng;

    /* One step of the generator between the parts, so that neighbouring plans, configurations and boots differ. */
    p2p_prng_seed(&prng, plan_seed);
    p2p_prng_seed(&prng, p2p_prng_next(&prng) + configuration);
    p2p_prng_seed(&prng, p2p_prng_next(&prng) + boot);
    return p2p_prng_next(&prng);
}
