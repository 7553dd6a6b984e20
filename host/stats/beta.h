/* SPDX-License-Identifier: MIT */
/* The regularised incomplete beta function, on which binomial's and Student's distribution rest. */
#ifndef P2P_STATS_BETA_H
#define P2P_STATS_BETA_H

/* I_x(a, b) for a, b > 0 and 0 <= x <= 1: to 10^-10 or better for a + b up to 10^10. */
double p2p_beta(double a, double b, double x);

/* The x with I_x(a, b) = `probability`, in 0..1. */
double p2p_beta_quantile(double a, double b, double probability);

#endif
