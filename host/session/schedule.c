/* SPDX-License-Identifier: MIT */
#include "session/schedule.h"

#include <stdbool.h>

void p2p_schedule_init(struct p2p_schedule *schedule, const struct p2p_stimulus_plan *plan, uint64_t count,
                       uint64_t seed, uint64_t start_ns)
{
    *schedule = (struct p2p_schedule){.plan = *plan, .start_ns = start_ns, .rise_ns = start_ns, .count = count};
    p2p_prng_seed(&schedule->prng, seed);
}

/*
 * Exponential with mean `mean_ns` (below 2^32), by von Neumann's comparisons: a run of falling uniform numbers has odd
 * length with probability exp(-first), so first is kept then; else the whole part grows by one and a new run begins.
 * (J. von Neumann, "Various techniques used in connection with random digits", NBS AMS 12, 1951.) -log(u) would do as
 * well, but its last bit is up to each machine's libm.
 */
static uint64_t exponential_ns(struct p2p_prng *prng, uint64_t mean_ns)
{
    for (uint64_t whole = 0;; whole++) {
        uint64_t first = p2p_prng_next(prng), last = first, next;
        bool odd = true;

        while ((next = p2p_prng_next(prng)) < last) {
            last = next;
            odd = !odd;
        }
        if (odd) {
            return whole * mean_ns + ((first >> 32) * mean_ns >> 32);
        }
    }
}

static uint64_t next_rise_ns(struct p2p_schedule *schedule)
{
    const struct p2p_stimulus_plan *plan = &schedule->plan;

    switch (plan->kind) {
    case P2P_STIMULUS_POISSON:
        return schedule->rise_ns + (schedule->next == 0 ? 0 : plan->gap_ns) +
               exponential_ns(&schedule->prng, plan->period_ns - plan->gap_ns);
    case P2P_STIMULUS_BURST:
        if (schedule->next % plan->burst_count != 0) {
            return schedule->rise_ns + plan->burst_spacing_ns;
        }
        return schedule->start_ns + schedule->next / plan->burst_count * plan->period_ns +
               p2p_prng_upto(&schedule->prng, plan->jitter_ns);
    case P2P_STIMULUS_PERIODIC:
        break;
    }
    return schedule->start_ns + schedule->next * plan->period_ns + p2p_prng_upto(&schedule->prng, plan->jitter_ns);
}

size_t p2p_schedule_next(struct p2p_schedule *schedule, struct p2p_drive *edges, size_t capacity)
{
    size_t used = 0;

    while (schedule->next < schedule->count && used + 2 <= capacity) {
        uint64_t rise_ns = next_rise_ns(schedule);

        schedule->rise_ns = rise_ns;
        edges[used++] = (struct p2p_drive){.at_ns = rise_ns, .line = P2P_LINE_STIMULUS, .level = 1};
        edges[used++] =
            (struct p2p_drive){.at_ns = rise_ns + schedule->plan.width_ns, .line = P2P_LINE_STIMULUS, .level = 0};
        schedule->next++;
    }
    return used;
}
