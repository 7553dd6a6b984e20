/* SPDX-License-Identifier: MIT */
#include "reports/capture_time.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S  UINT64_C(1000000000)
#define PS_PER_NS UINT64_C(1000)

/* 2^56 ticks in picoseconds do not fit 64 bits, so seconds stand apart. */
struct instant {
    uint64_t s, ps;
};

/* Rounding never carries into the second: a tick before it is 10^12 / 2^32 ps away at least. */
static struct instant instant_of(uint64_t ticks, uint64_t tick_hz)
{
    const uint64_t scaled = ticks % tick_hz * NS_PER_S; /* below 2^32 * 10^9: fits */

    return (struct instant){
        .s = ticks / tick_hz,
        .ps = scaled / tick_hz * PS_PER_NS + (scaled % tick_hz * PS_PER_NS + tick_hz / 2) / tick_hz,
    };
}

void p2p_format_ns(uint64_t ticks, uint64_t tick_hz, char text[P2P_TIME_TEXT_BYTES])
{
    const struct instant instant = instant_of(ticks, tick_hz);
    const uint64_t ns = instant.ps / PS_PER_NS;
    int length;

    if (instant.s > 0) {
        length = snprintf(text, P2P_TIME_TEXT_BYTES, "%" PRIu64 "%09" PRIu64, instant.s, ns);
    } else {
        length = snprintf(text, P2P_TIME_TEXT_BYTES, "%" PRIu64, ns);
    }
    if (NS_PER_S % tick_hz != 0) {
        snprintf(text + length, P2P_TIME_TEXT_BYTES - (size_t)length, ".%03" PRIu64, instant.ps % PS_PER_NS);
    }
}

void p2p_format_ps(uint64_t ticks, uint64_t tick_hz, char text[P2P_TIME_TEXT_BYTES])
{
    const struct instant instant = instant_of(ticks, tick_hz);

    if (instant.s > 0) {
        snprintf(text, P2P_TIME_TEXT_BYTES, "%" PRIu64 "%012" PRIu64, instant.s, instant.ps);
    } else {
        snprintf(text, P2P_TIME_TEXT_BYTES, "%" PRIu64, instant.ps);
    }
}
