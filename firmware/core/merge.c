/* SPDX-License-Identifier: MIT */
#include "firmware/core/merge.h"

/*
 * A counter counts down from 0 by one in two ticks; bit 0 of the word is the level, above it are the count's low 31
 * bits. So the negative count, in place, is the time modulo 2^32, but for the tick by which phase 1 starts later.
 */
static uint32_t word_ticks(unsigned phase, uint32_t word)
{
    return phase - (word & ~UINT32_C(1));
}

/* By a signed difference, as an edge may be a little before `near_ticks` or after; in unsigned arithmetic throughout.
 */
static uint64_t extend(uint32_t ticks, uint64_t near_ticks)
{
    const uint32_t half = UINT32_C(1) << 31;

    return near_ticks - half + (uint32_t)(ticks - (uint32_t)near_ticks + half);
}

void probe_merge_put(struct probe_merge *merge, unsigned phase, uint32_t word, uint64_t near_ticks)
{
    merge->phase[phase].waiting = true;
    merge->phase[phase].level = (word & 1) != 0;
    merge->phase[phase].ticks = extend(word_ticks(phase, word), near_ticks);
}

/* The phase whose word is the earlier; any if none waits. The two are never equal: one is even, one odd. */
static unsigned earlier_phase(const struct probe_merge *merge)
{
    if (!merge->phase[0].waiting || !merge->phase[1].waiting) {
        return merge->phase[1].waiting ? 1 : 0;
    }
    return merge->phase[1].ticks < merge->phase[0].ticks ? 1 : 0;
}

uint64_t probe_merge_next_ticks(const struct probe_merge *merge)
{
    const unsigned phase = earlier_phase(merge);

    return merge->phase[phase].waiting ? merge->phase[phase].ticks : UINT64_MAX;
}

static void consume(struct probe_merge *merge, unsigned phase)
{
    merge->phase[phase].waiting = false;
    merge->phase[phase].last_ticks = merge->phase[phase].ticks;
}

uint8_t probe_merge_take(struct probe_merge *merge)
{
    const unsigned phase = earlier_phase(merge), twin = 1 - phase;
    const uint64_t ticks = merge->phase[phase].ticks;
    const bool level = merge->phase[phase].level;
    uint8_t what = level ? PROBE_WHAT_LEVEL : 0;

    /* The twin was still blind one tick ago: the edge may have been earlier. */
    if (ticks <= merge->phase[twin].last_ticks + PROBE_DEAD_TICKS) {
        what |= PROBE_WHAT_CLIPPED;
    }
    consume(merge, phase);
    if (merge->phase[twin].waiting && merge->phase[twin].level == level && merge->phase[twin].ticks == ticks + 1) {
        consume(merge, twin);
    } else {
        what |= PROBE_WHAT_GLITCH;
    }
    return what;
}

void probe_merge_restart(struct probe_merge *merge, uint64_t now_ticks)
{
    for (unsigned phase = 0; phase < PROBE_PHASES; phase++) {
        merge->phase[phase].waiting = false;
        merge->phase[phase].last_ticks = now_ticks;
    }
}
