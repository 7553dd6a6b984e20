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
#include "stats/figures.h"
#include "stats/series.h"
#include "stats/spread.h"
#include "store/truth.h"
#include "util/error.h"
#include "verdict/exceedance.h"
#include "verdict/relative.h"
#include "verdict/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { P2P_WIRING_BYTES = 160 };

/* The figures of one boot, to the picosecond, as the file holds them. Boots without a sample have none. */
struct p2p_result_boot {
    uint32_t boot;
    struct p2p_boot_figures figures;
};

/* Fresh boots of a configuration that failed: they stand beside its figures and verdict, and change neither. */
struct p2p_confirmation {
    uint32_t boots; /* 0: there are none, and nothing else is valid */
    struct p2p_judgement judgement;
    struct p2p_stats stats;
    struct p2p_account account;
    struct p2p_truth truth;
    struct p2p_exceedance exceedance;
};

struct p2p_result_configuration {
    char name[P2P_NAME_BYTES];
    char set[P2P_NAME_BYTES]; /* of the plan; "" */
    uint32_t number;          /* its place in the plan, from 1: its boots' seeds are made of it; 0: not known */
    struct p2p_limits limits;
    struct p2p_band control;
    struct p2p_judgement judgement;
    /* Of its guest, by its READY line; guests may differ by configuration. "": none was READY. */
    char stub[P2P_NAME_BYTES];      /* "pin2pin-stub 0.1.0" */
    char stub_path[P2P_NAME_BYTES]; /* what its path= says: how it runs and answers */
    uint32_t boots;                 /* recorded, whole or not; without those of the confirmation */
    struct p2p_stats stats;
    struct p2p_account account;
    struct p2p_truth truth;
    size_t boot_figure_count;
    struct p2p_result_boot *boot_figures;
    struct p2p_spread spread; /* not valid without boot figures */
    struct p2p_outliers outliers;
    struct p2p_exceedance exceedance;                      /* of limits.exceedance */
    struct p2p_relative relative[P2P_RELATIVE_LIMITS_MAX]; /* of limits.relative, one for one */
    struct p2p_confirmation confirmation;
};

/*
 * What a relative limit is held against in a pinned baseline. It is part of the result, so that this one can be judged
 * again when the baseline is gone or another has its name.
 */
struct p2p_reference {
    char baseline[P2P_NAME_BYTES];
    char configuration[P2P_NAME_BYTES];
    /* What must be equal for the two to be comparable. */
    enum p2p_time_base time_base;
    char wiring[P2P_WIRING_BYTES];
    char stub[P2P_NAME_BYTES];
    char stub_path[P2P_NAME_BYTES];
    char probe[P2P_NAME_BYTES];
    uint64_t tick_hz;
    size_t boot_figure_count;
    struct p2p_result_boot *boot_figures;
};

struct p2p_result_order {
    size_t configuration; /* index into the result's */
    uint32_t boot;
};

struct p2p_result {
    /* What was asked for. */
    char plan[P2P_NAME_BYTES];
    char bench[P2P_NAME_BYTES];
    char
        wiring[P2P_WIRING_BYTES]; /* of board, pins and probe: runs of another wiring are not comparable; "": unknown */
    uint64_t seed;
    uint32_t boots;
    uint32_t confirm_boots;
    uint64_t samples;
    uint32_t warmup;
    struct p2p_stimulus_plan stimulus;
    size_t reference_count;
    struct p2p_reference *references;
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
    size_t order_count; /* boots as they were run, confirmations last */
    struct p2p_result_order *order;
    size_t configuration_count;
    struct p2p_result_configuration *configurations;
};

/* Nothing measured yet; only the first `configuration_count` of `selected` (indices into the plan). NULL: no memory. */
struct p2p_result *p2p_result_new(const struct p2p_plan *plan, const struct p2p_bench *bench, const size_t *selected,
                                  size_t configuration_count);
void p2p_result_free(struct p2p_result *result);

/* NULL: the result has none of that name. */
const struct p2p_result_configuration *p2p_result_find(const struct p2p_result *result, const char *name);

/* One figure of all boots that have it, into `values` with room for `count`; returns how many there are. */
size_t p2p_result_boot_values(const struct p2p_result_boot *boots, size_t count, enum p2p_figure figure,
                              double *values);

/* result.json's text, ended by a newline; free() it. NULL: out of memory. */
char *p2p_result_encode(const struct p2p_result *result);

/* NULL: see `error` (P2P_E_INPUT, with file and JSON path). Free with p2p_result_free. */
struct p2p_result *p2p_result_load(const char *path, struct p2p_error *error);

#endif
