/* SPDX-License-Identifier: MIT */
/* One edge as the probe saw it. The unit of all data between a probe and the statistics. */
#ifndef P2P_CAPTURE_EDGE_H
#define P2P_CAPTURE_EDGE_H

#include <stdint.h>

enum p2p_channel {
    P2P_CHANNEL_STIMULUS = 0, /* the line that drives the board's interrupt input; its rising edge is the stimulus */
    P2P_CHANNEL_ANSWER = 1,   /* the guest's output; the stub toggles it on each interrupt */
    P2P_CHANNEL_MARK = 7,     /* no edge: a remark by the session, `flags` holds an enum p2p_mark */
};

enum p2p_edge_flag {
    P2P_EDGE_GLITCH = 1 << 0,  /* seen by one half of the probe only: narrower than its resolution */
    P2P_EDGE_CLIPPED = 1 << 1, /* fell into the probe's dead time: the stamp is a bound, not a time */
};

/* Edges before ARMED and after DISARMED belong to bring-up and to the counters' read-out, not to the measurement. */
enum p2p_mark {
    P2P_MARK_ARMED = 1,
    P2P_MARK_DISARMED = 2,
};

enum p2p_time_base {
    P2P_TIME_HARDWARE = 0,     /* ticks of a clock */
    P2P_TIME_INSTRUCTIONS = 1, /* 1 virtual ns = 1 guest instruction: path length, not time */
};

const char *p2p_time_base_name(enum p2p_time_base base); /* "hardware", "instructions" */

struct p2p_edge {
    uint64_t ticks;  /* probe clock; below 2^56 */
    uint8_t channel; /* enum p2p_channel */
    uint8_t level;   /* 1: rising, 0: falling */
    uint8_t flags;   /* enum p2p_edge_flag; for a mark its enum p2p_mark */
};

#endif
