/* SPDX-License-Identifier: MIT */
/*
 * A result as CSV (RFC 4180): a row for each configuration, in the same columns for every result, so that the rows of
 * several can be joined. No value: an empty field. Pure; write errors are left in the stream's error flag.
 */
#ifndef P2P_REPORTS_CSV_H
#define P2P_REPORTS_CSV_H

#include "store/result.h"

#include <stdio.h>

void p2p_report_csv(const struct p2p_result *result, FILE *out);

#endif
