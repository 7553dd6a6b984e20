/* SPDX-License-Identifier: MIT */
/*
 * The counters: four state machines of PIO0 in step, each with a DMA channel that writes its words into a ring of its
 * own. Nothing of it needs the CPU, which comes by every 2 ms. Streams are numbered as in core/probe.h.
 */
#ifndef P2P_RP2040_CAPTURE_H
#define P2P_RP2040_CAPTURE_H

#include "hardware/platform_defs.h" /* SYS_CLK_HZ */

#include <stdbool.h>
#include <stdint.h>

/*
 * A word is in its ring this long after its edge at the latest: synchroniser, program and DMA take well below 1 us, and
 * the clock of capture_now has 1 us of its own on either side.
 */
enum { CAPTURE_SETTLE_US = 4, CAPTURE_TICKS_PER_US = SYS_CLK_HZ / 1000000 };

/* Starts the clock, at 0, and the counters. Once. */
void capture_start(void);

/* Ticks since capture_start, a whole number of microseconds; the counters and this clock have the same crystal. */
uint64_t capture_now(void);

/* Whether no word has come since capture_next gave the last one. */
bool capture_is_quiet(void);

/* Lets capture_next read up to what is in the rings now. */
void capture_look(void);

enum capture_found { CAPTURE_NOTHING, CAPTURE_WORD, CAPTURE_LAPPED };

/*
 * The next word of a stream. CAPTURE_LAPPED: the ring went round before it was read; both streams of the channel go on
 * with the words that come after this look.
 */
enum capture_found capture_next(unsigned stream, uint32_t *word);

/* Bit mask of the streams whose FIFO dropped a word since the last call. */
unsigned capture_stalls(void);

#endif
