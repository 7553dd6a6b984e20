/* SPDX-License-Identifier: MIT */
/*
 * When each stimulus rises and falls: fixed by the plan and a seed, and the same on every machine: no floating point.
 * Pure. An exponential time is drawn exactly and rounded down to whole ns.
 */
#ifndef P2P_SESSION_SCHEDULE_H
#define P2P_SESSION_SCHEDULE_H

#include "config/plan.h"
#include "ports/ports.h"
#include "util/prng.h"

struct p2p_schedule {
    struct p2p_stimulus_plan plan;
    struct p2p_prng prng;
    uint64_t start_ns;
    uint64_t rise_ns; /* of the stimulus before; start_ns before the first */
    uint64_t next;    /* stimulus */
    uint64_t count;
};

void p2p_schedule_init(struct p2p_schedule *schedule, const struct p2p_stimulus_plan *plan, uint64_t count,
                       uint64_t seed, uint64_t start_ns);

/* The next edges, ascending, a rise and a fall for each stimulus; `capacity` is even. 0: all handed out. */
size_t p2p_schedule_next(struct p2p_schedule *schedule, struct p2p_drive *edges, size_t capacity);

#endif
