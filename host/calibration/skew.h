/* SPDX-License-Identifier: MIT */
/*
 * The skew between the probe's two inputs, from a run in which the same signal drives both. Pure: edges in, one mean a
 * polarity out; one pass, constant memory.
 *
 * Each physical edge gives a difference, answer's stamp minus stimulus' stamp, in whole ticks. The signal must run free
 * of the probe's clock: then its phase within the tick is uniform, and the mean of the differences has no bias, however
 * small a part of a tick the skew is. docs/uncertainty.md derives the figures and the signs.
 */
#ifndef P2P_CALIBRATION_SKEW_H
#define P2P_CALIBRATION_SKEW_H

#include "capture/edge.h"
#include "util/error.h"

#include <stddef.h>
#include <stdint.h>

/* An index; the same as p2p_edge's level. */
enum p2p_polarity { P2P_FALLING = 0, P2P_RISING = 1, P2P_POLARITIES = 2 };

enum { P2P_SKEW_PAIRS_MIN = 100 }; /* of each polarity: at 125 MHz a type A uncertainty of 0.4 ns at most */

#define P2P_SKEW_WINDOW_NS UINT64_C(100) /* 20 m more of cable on one input than on the other */

struct p2p_skew_setup {
    uint64_t tick_hz;          /* the clock's nominal rate, > 0 */
    uint64_t resolution_ticks; /* > 0 */
    uint64_t window_ns;        /* farther apart is not the same edge: a tick to 1000 ns; P2P_SKEW_WINDOW_NS is good */
};

/* Where every edge went: edges = 2 * pairs + alone + flagged. */
struct p2p_skew_account {
    uint64_t edges;   /* of both channels; marks are passed over */
    uint64_t pairs;   /* of both polarities */
    uint64_t alone;   /* without a partner of the same level within the window */
    uint64_t flagged; /* GLITCH or CLIPPED: their stamp is no time */
};

/* Answer minus stimulus. n == 0: not measured. */
struct p2p_skew_mean {
    uint64_t n;
    double mean_ns;
    double u_ns; /* standard: scatter, and what phases that may not be uniform leave open */
};

struct p2p_skew;

/* NULL: out of memory. Free with p2p_skew_free. */
struct p2p_skew *p2p_skew_new(const struct p2p_skew_setup *setup);
void p2p_skew_free(struct p2p_skew *skew); /* may be NULL */

/* Edges in the order of the probe's stream, in pieces of any size. */
void p2p_skew_feed(struct p2p_skew *skew, const struct p2p_edge *edges, size_t count);

/*
 * No more edges come. P2P_E_BENCH: too few pairs, more than one edge in a hundred left out, edges of one level less
 * than two windows apart (a partner could be mistaken), or out of order.
 */
enum p2p_code p2p_skew_finish(struct p2p_skew *skew, struct p2p_skew_mean means[P2P_POLARITIES],
                              struct p2p_error *error);

/* Complete after finish. Valid until p2p_skew_free. */
const struct p2p_skew_account *p2p_skew_account(const struct p2p_skew *skew);

/* Two runs, told apart: the cables exchanged their inputs in between. */
struct p2p_skew_parts {
    double probe_ns; /* the inputs': answer's delay minus stimulus' */
    double cable_ns; /* the cables': delay of the one at the answer input when wired straight, minus the other's */
    double u_ns;     /* standard, of either */
};

/* Both measured. */
struct p2p_skew_parts p2p_skew_split(const struct p2p_skew_mean *straight, const struct p2p_skew_mean *swapped);

#endif
