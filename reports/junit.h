/* SPDX-License-Identifier: MIT */
/*
 * A result as JUnit XML, in the one dialect that Jenkins' and Ant's schemas both take (docs/schema/junit.xsd): a suite
 * for the run, a case for each configuration, and the case "(run)" for what is wrong with the whole. FAIL is a
 * `failure`, BENCH FAULT an `error`, INCONCLUSIVE `skipped`. Figures are the suite's properties,
 * "CONFIGURATION.FIGURE", as neither schema allows any in a case. The text report is its `system-out`.
 *
 * The schemas want a date and durations, which a result does not have, so that the same measurement gives the same
 * bytes (the boots' own times are in boot.json): these are 1970-01-01T00:00:00 and 0. The host is the bench.
 */
#ifndef P2P_REPORTS_JUNIT_H
#define P2P_REPORTS_JUNIT_H

#include "store/result.h"

#include <stdbool.h>
#include <stdio.h>

/* False: out of memory, and `out` has a part of it. Write errors are left in the stream's error flag. */
bool p2p_report_junit(const struct p2p_result *result, FILE *out);

#endif
