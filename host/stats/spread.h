/* SPDX-License-Identifier: MIT */
/* Does chance work from sample to sample or from boot to boot? A one-way layout with random effects. */
#ifndef P2P_STATS_SPREAD_H
#define P2P_STATS_SPREAD_H

#include "stats/figures.h"

#include <stddef.h>

/* Standard deviations. */
struct p2p_spread {
    double between_boots_ns; /* of the boots' true means; 0 with fewer than two boots, or if `within` explains it all */
    double within_boot_ns;   /* of the samples of one boot */
};

/* Boots without a sample are left out. */
void p2p_spread_of(const struct p2p_boot_figures *boots, size_t count, struct p2p_spread *spread);

#endif
