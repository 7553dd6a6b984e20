/* SPDX-License-Identifier: MIT */
/*
 * A series of nights: where did a figure of a configuration change for good? By E-divisive change points over the
 * medians of each night's boots; a night without such a figure is left out. Each series is tested alone: `alpha` is the
 * chance of a false alarm in one of them.
 */
#ifndef P2P_VERDICT_TREND_H
#define P2P_VERDICT_TREND_H

#include "stats/change_points.h"
#include "stats/figures.h"
#include "store/result.h"
#include "verdict/comparison.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fewer cannot show a change. */
enum { P2P_TREND_NIGHTS_MIN = 2 * P2P_CHANGE_POINTS_SEGMENT_MIN };

struct p2p_trend_change {
    const char *configuration; /* borrowed from the last night */
    enum p2p_figure figure;
    size_t night;               /* index of the first one after the change */
    double before_ns, after_ns; /* medians of the nights on either side, up to the next change */
};

struct p2p_trend {
    struct p2p_comparability comparability; /* of all nights with the last one; if they are not, there are no changes */
    size_t series_count;                    /* that were tested */
    size_t change_count;
    struct p2p_trend_change *changes; /* by configuration and figure, as in the last night's result */
};

/*
 * `nights` from the oldest to the latest, at least one, none of them a BENCH FAULT; they have to outlive the trend.
 * Configurations are those of the last one. False: out of memory, and nothing is to be freed; else end with
 * p2p_trend_free.
 */
bool p2p_trend_of(const struct p2p_named_result *nights, size_t count, double alpha, uint64_t seed,
                  struct p2p_trend *trend);
void p2p_trend_free(struct p2p_trend *trend);

#endif
