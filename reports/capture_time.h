/* SPDX-License-Identifier: MIT */
/* Ticks as decimal text, by integers only: what stands there is the tick's time, not a double's idea of it. */
#ifndef P2P_REPORTS_CAPTURE_TIME_H
#define P2P_REPORTS_CAPTURE_TIME_H

#include <stddef.h>
#include <stdint.h>

enum { P2P_TIME_TEXT_BYTES = 48 };

/*
 * In nanoseconds: whole ones if ticks are (125 MHz: 8 ns), else with three decimals, exact if a tick is a whole number
 * of picoseconds and else rounded to the nearest. `tick_hz` below 2^32 and not 0.
 */
void p2p_format_ns(uint64_t ticks, uint64_t tick_hz, char text[P2P_TIME_TEXT_BYTES]);

/* The same in picoseconds. */
void p2p_format_ps(uint64_t ticks, uint64_t tick_hz, char text[P2P_TIME_TEXT_BYTES]);

#endif
