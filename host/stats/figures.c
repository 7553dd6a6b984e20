/* SPDX-License-Identifier: MIT */
#include "stats/figures.h"

#include <string.h>

static const char *const NAMES[P2P_FIGURE_COUNT] = {
    [P2P_FIGURE_AVG] = "avg",     [P2P_FIGURE_P50] = "p50", [P2P_FIGURE_P99] = "p99",
    [P2P_FIGURE_P99_9] = "p99_9", [P2P_FIGURE_MAX] = "max", [P2P_FIGURE_WARM_MAX] = "warm_max",
};

const char *p2p_figure_name(enum p2p_figure figure)
{
    return NAMES[figure];
}

int p2p_figure_from_name(const char *name)
{
    for (int figure = 0; figure < P2P_FIGURE_COUNT; figure++) {
        if (strcmp(NAMES[figure], name) == 0) {
            return figure;
        }
    }
    return -1;
}
