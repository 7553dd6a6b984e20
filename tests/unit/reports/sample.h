/* SPDX-License-Identifier: MIT */
/* Results for the tests of reports: plausible, and small. */
#ifndef P2P_TESTS_UNIT_REPORTS_SAMPLE_H
#define P2P_TESTS_UNIT_REPORTS_SAMPLE_H

#include "store/result.h"

/* Measured, and a PASS without limits: its mean is base_ns + 0.25. */
struct p2p_result_configuration sample_configuration(const char *name, uint64_t base_ns);

/* A complete run on a lab bench; `configurations` is borrowed. */
struct p2p_result sample_result(struct p2p_result_configuration *configurations, size_t count);

/* Gives a configuration a verdict, and the run as well. */
void sample_judge(struct p2p_result *result, size_t configuration, enum p2p_verdict verdict, const char *reason);

#endif
