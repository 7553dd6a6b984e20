/* SPDX-License-Identifier: MIT */
/* Comparisons and trends for people and for machines: pure. */
#ifndef P2P_REPORTS_COMPARISON_REPORT_H
#define P2P_REPORTS_COMPARISON_REPORT_H

#include "verdict/comparison.h"
#include "verdict/trend.h"

#include <stdio.h>

/*
 * A table in the manner of benchstat: a row for each figure of each configuration, what changed first; the reasons for
 * its words are footnotes. Of comparable results only. Write errors are left in the stream's error flag.
 */
void p2p_comparison_text(const struct p2p_comparison *comparison, struct p2p_named_result a, struct p2p_named_result b,
                         FILE *out);

/* A line for each change. `nights` are those that the trend was made of. */
void p2p_trend_text(const struct p2p_trend *trend, const struct p2p_named_result *nights, size_t count, FILE *out);

/* docs/schema/comparison.schema.json and trend.schema.json, ended by a newline; free() it. NULL: out of memory. */
char *p2p_comparison_encode(const struct p2p_comparison *comparison, struct p2p_named_result a,
                            struct p2p_named_result b);
char *p2p_trend_encode(const struct p2p_trend *trend, const struct p2p_named_result *nights, size_t count);

#endif
