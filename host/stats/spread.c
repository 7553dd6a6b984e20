/* SPDX-License-Identifier: MIT */
#include "stats/spread.h"

#include <math.h>

/* Analysis of variance, unbalanced: Searle, Casella and McCulloch, "Variance Components" (1992), 3.6. */
void p2p_spread_of(const struct p2p_boot_figures *boots, size_t count, struct p2p_spread *spread)
{
    double k = 0, n = 0, n_squared = 0, mean = 0, between = 0, within = 0;

    for (size_t i = 0; i < count; i++) {
        const double boot_n = (double)boots[i].n;
        const double distance = boots[i].value_ns[P2P_FIGURE_AVG] - mean;

        if (boot_n > 0) {
            k++;
            n += boot_n;
            n_squared += boot_n * boot_n;
            mean += distance * boot_n / n;
            between += distance * boot_n * (boots[i].value_ns[P2P_FIGURE_AVG] - mean);
            within += boots[i].variance_ns2 * (boot_n - 1);
        }
    }
    *spread = (struct p2p_spread){0};
    if (n > k) {
        within /= n - k;
        spread->within_boot_ns = sqrt(within);
    }
    if (k > 1) {
        const double mean_n = (n - n_squared / n) / (k - 1); /* of a boot; n / k if all are alike */

        spread->between_boots_ns = sqrt(fmax((between / (k - 1) - within) / mean_n, 0));
    }
}
