/* SPDX-License-Identifier: MIT */
/*
 * The result of a run: what result.json holds (docs/schema/result.schema.json) and what reports are made of.
 * Everything in it is made again from the boots' folders by p2p_analysis; it holds no time of day, so that the same
 * measurement gives the same bytes.
 */
#ifndef P2P_STORE_RESULT_H
#define P2P_STORE_RESULT_H

#include "capture/edge.h"
#include "capture/pairing.h"
#include "config/bench.h"
#include "config/plan.h"
#include "stats/series.h"
#include "store/truth.h"
#include "util/error.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p2p_result_configuration {
    char name[P2P_NAME_BYTES];
    struct p2p_limits limits;
    struct p2p_band control;
    struct p2p_judgement judgement;
    uint32_t boots; /* recorded, whole or not */
    struct p2p_stats stats;
    struct p2p_account account;
    struct p2p_truth truth;
};

struct p2p_result {
    /* What was asked for. */
    char plan[P2P_NAME_BYTES];
    char bench[P2P_NAME_BYTES];
    uint64_t seed;
    uint32_t boots;
    uint64_t samples;
    uint32_t warmup;
    struct p2p_stimulus_plan stimulus;
    /* What it was measured with; name "" until the first boot. */
    char probe[P2P_NAME_BYTES];
    char serial[P2P_NAME_BYTES];
    char firmware[P2P_NAME_BYTES];
    uint64_t tick_hz;
    enum p2p_time_base time_base;
    struct p2p_uncertainty budget;
    /* What came of it. */
    bool complete; /* every boot of the plan was recorded to its end or to its fault */
    struct p2p_judgement judgement;
    size_t configuration_count;
    struct p2p_result_configuration *configurations;
};

/* Nothing measured yet; only the first `configuration_count` of `selected` (indices into the plan). NULL: no memory. */
struct p2p_result *p2p_result_new(const struct p2p_plan *plan, const struct p2p_bench *bench, const size_t *selected,
                                  size_t configuration_count);
void p2p_result_free(struct p2p_result *result);

/* result.json's text, ended by a newline; free() it. NULL: out of memory. */
char *p2p_result_encode(const struct p2p_result *result);

/* NULL: see `error` (P2P_E_INPUT, with file and JSON path). Free with p2p_result_free. */
struct p2p_result *p2p_result_load(const char *path, struct p2p_error *error);

#endif
