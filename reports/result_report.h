/* SPDX-License-Identifier: MIT */
/* A result in any of the formats that `report` makes, and the files that `run` keeps beside result.json. */
#ifndef P2P_REPORTS_RESULT_REPORT_H
#define P2P_REPORTS_RESULT_REPORT_H

#include "store/result.h"
#include "util/error.h"

/* `format` is "text", "json", "junit" or "csv". The whole report; free() it. NULL: out of memory. */
char *p2p_result_report(const struct p2p_result *result, const char *format);

/* Writes junit.xml and result.csv into the run folder, as p2p_write_file does. */
enum p2p_code p2p_result_reports_save(const struct p2p_result *result, const char *folder, struct p2p_error *error);

#endif
