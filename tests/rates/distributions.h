/* SPDX-License-Identifier: MIT */
/* Latencies to draw from: recorded ones, and shapes that are hard on statistics. */
#ifndef P2P_TESTS_RATES_DISTRIBUTIONS_H
#define P2P_TESTS_RATES_DISTRIBUTIONS_H

#include "util/prng.h"

#include <stddef.h>
#include <stdint.h>

struct trace {
    char name[64];
    uint32_t *ns; /* all samples, ascending */
    size_t count;
};

/* NULL: complains on stderr. Free with trace_free. `path` is a CSV file of latency_ns,count. */
struct trace *trace_load(const char *path);
void trace_free(struct trace *trace); /* may be NULL */

double draw_trace(const struct trace *trace, struct p2p_prng *prng);      /* with replacement */
double draw_lognormal(const struct trace *unused, struct p2p_prng *prng); /* median 1850, sigma of the logarithm 0.1 */
double draw_pareto(const struct trace *unused, struct p2p_prng *prng);    /* one in 20 in a tail of alpha 2.5 */
double draw_bimodal(const struct trace *unused, struct p2p_prng *prng);   /* 1750 and, one in three, 1950 */

/* Standard normal. */
double draw_normal(struct p2p_prng *prng);
/* Uniform in (0, 1). */
double draw_uniform(struct p2p_prng *prng);

#endif
