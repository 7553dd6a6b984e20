/* SPDX-License-Identifier: MIT */
/*
 * One channel: the words of its two counters become events.
 *
 * A counter looks at the pin every second tick, and its twin at the ticks between. Both see an edge, one tick apart,
 * and the earlier is exact if the twin was looking one tick before it. A counter that has seen an edge is blind for
 * PROBE_DEAD_TICKS. Twins are found by time and level, never by index: after a pulse that only one of them saw, an
 * index would pair the wrong ones for ever.
 */
#ifndef P2P_CORE_MERGE_H
#define P2P_CORE_MERGE_H

#include "firmware/protocol/protocol.h"

#include <stdbool.h>
#include <stdint.h>

enum { PROBE_PHASES = 2, PROBE_DEAD_TICKS = 8 };

/* Zero-initialise at tick 0, when the counters start. */
struct probe_merge {
    struct {
        bool waiting; /* a word was put and not yet taken */
        bool level;
        uint64_t ticks;
        uint64_t last_ticks; /* of the word before */
    } phase[PROBE_PHASES];
};

/* Whether the next word of `phase` may be put. */
static inline bool probe_merge_wants(const struct probe_merge *merge, unsigned phase)
{
    return !merge->phase[phase].waiting;
}

/* Words of a phase come in the order of the counter. The edge lies within 2^31 ticks (10 s at 200 MHz) of `near_ticks`.
 */
void probe_merge_put(struct probe_merge *merge, unsigned phase, uint32_t word, uint64_t near_ticks);

/* When the next event is; UINT64_MAX if no word waits. */
uint64_t probe_merge_next_ticks(const struct probe_merge *merge);

/*
 * Takes the next event and returns its `what`, without the channel. To be called only when probe_merge_next_ticks gave
 * its time, and every word of both phases up to one tick later has been put, as far as probe_merge_wants allowed.
 */
uint8_t probe_merge_take(struct probe_merge *merge);

/* Words were lost before `now_ticks`: forgets what waits, and trusts no stamp until the dead time after is over. */
void probe_merge_restart(struct probe_merge *merge, uint64_t now_ticks);

#endif
