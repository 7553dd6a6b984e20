/* SPDX-License-Identifier: MIT */
/* What boot.json and result.json both say of a probe: its texts, and its uncertainty budget. */
#ifndef P2P_STORE_BUDGET_JSON_H
#define P2P_STORE_BUDGET_JSON_H

#include "config/json_reader.h"
#include "stats/uncertainty.h"

struct json_t;

/*
 * The probe's "budget". Keys that are missing mean 0: the ideal probe has none of them. A file from before there were
 * budgets has "uncertainty_ns" alone; then that is all in one part.
 */
void p2p_budget_read(const struct p2p_json_object *probe, struct p2p_uncertainty *budget);

/* A new reference; NULL: out of memory. To 10^-6: more digits of an uncertainty say nothing. */
struct json_t *p2p_budget_encode(const struct p2p_uncertainty *budget);

/* Printable ASCII that fits `text`, or the file is refused; "" if the key is missing. */
void p2p_probe_text_read(const struct p2p_json_object *probe, const char *key, char *text, size_t size);

#endif
