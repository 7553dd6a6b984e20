/* SPDX-License-Identifier: MIT */
/* A result as text for a terminal: pure, result in, characters out. */
#ifndef P2P_REPORTS_TEXT_H
#define P2P_REPORTS_TEXT_H

#include "store/result.h"

#include <stdio.h>

/* 110 columns at most, but for long names and reasons. Write errors are left in the stream's error flag. */
void p2p_report_text(const struct p2p_result *result, FILE *out);

#endif
