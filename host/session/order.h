/* SPDX-License-Identifier: MIT */
/*
 * In what order the boots run. A round boots every configuration once. Rounds come in pairs: a random order, then the
 * same mirrored (ABBA), so that a bench that drifts steadily drifts under all configurations alike, and one that
 * drifts in steps has no favourite. Pure; the seed repeats it on every machine.
 */
#ifndef P2P_SESSION_ORDER_H
#define P2P_SESSION_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* The order of round `round` (from 1) in `order`: the numbers 0 to count - 1, each once. */
void p2p_order_round(uint64_t plan_seed, uint32_t round, size_t count, size_t *order);

#endif
