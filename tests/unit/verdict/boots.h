/* SPDX-License-Identifier: MIT */
/* Results made of the figures of boots alone, for the tests of comparisons. */
#ifndef P2P_TESTS_UNIT_VERDICT_BOOTS_H
#define P2P_TESTS_UNIT_VERDICT_BOOTS_H

#include "store/result.h"

#include <stddef.h>

enum { BOOTS_MAX = 40 };

/* One configuration, "xen", whose boots have the same value in every figure. Held by value; nothing to free. */
struct boots {
    struct p2p_result result;
    struct p2p_result_configuration configuration;
    struct p2p_result_boot boots[BOOTS_MAX];
};

/* On a lab bench, complete and a PASS. */
void boots_of(struct boots *boots, const double *values_ns, size_t count);

/* The same with values from `first` on, `step` apart. */
void boots_from(struct boots *boots, double first_ns, double step_ns, size_t count);

#endif
