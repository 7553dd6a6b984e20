/* SPDX-License-Identifier: MIT */
#include "reports/columns.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

static struct p2p_column *add(struct p2p_columns *columns, const char *name)
{
    struct p2p_column *column = &columns->columns[columns->count++];

    assert(columns->count <= P2P_COLUMNS_MAX);
    *column = (struct p2p_column){.name = name};
    return column;
}

static void add_count(struct p2p_columns *columns, const char *name, bool there, uint64_t value)
{
    struct p2p_column *column = add(columns, name);

    if (there) {
        snprintf(column->text, sizeof column->text, "%" PRIu64, value);
    }
}

/* To the picosecond, as in result.json. */
static void add_real(struct p2p_columns *columns, const char *name, bool there, double value)
{
    struct p2p_column *column = add(columns, name);

    if (there) {
        snprintf(column->text, sizeof column->text, "%.3f", value);
    }
}

static void add_probability(struct p2p_columns *columns, const char *name, bool there, double value)
{
    struct p2p_column *column = add(columns, name);

    if (there) {
        snprintf(column->text, sizeof column->text, "%.6g", value);
    }
}

static void add_stats(struct p2p_columns *columns, const struct p2p_stats *stats)
{
    const bool any = stats->n > 0;

    add_count(columns, "n", true, stats->n);
    add_count(columns, "n_warm", true, stats->n_warm);
    add_real(columns, "avg_ns", any, stats->avg_ns);
    add_count(columns, "min_ns", any, stats->min_ns);
    add_count(columns, "max_ns", any, stats->max_ns);
    add_count(columns, "warm_max_ns", stats->n_warm > 0, stats->warm_max_ns);
    add_count(columns, "p50_ns", any, stats->p50_ns);
    add_count(columns, "p99_ns", any, stats->p99_ns);
    add_count(columns, "p99_9_ns", any, stats->p99_9_ns);
    add_real(columns, "uncertainty_ns", any, stats->uncertainty_ns);
    add_real(columns, "avg_uncertainty_ns", any, stats->avg_uncertainty_ns);
}

static void add_account(struct p2p_columns *columns, const struct p2p_account *account)
{
    add_count(columns, "stimuli", true, account->stimuli);
    add_count(columns, "answered", true, account->answered);
    add_count(columns, "missed", true, account->missed);
    add_count(columns, "late", true, account->late);
    add_count(columns, "spurious", true, account->spurious);
    add_count(columns, "clipped", true, account->clipped);
    add_count(columns, "lost", true, account->lost);
}

static void add_limit(struct p2p_columns *columns, const char *name, uint64_t limit_ns)
{
    add_count(columns, name, limit_ns != UINT64_MAX, limit_ns);
}

static void add_limits(struct p2p_columns *columns, const struct p2p_limits *limits)
{
    add_limit(columns, "limit_avg_ns", limits->avg_ns);
    add_limit(columns, "limit_max_ns", limits->max_ns);
    add_limit(columns, "limit_warm_max_ns", limits->warm_max_ns);
    add_limit(columns, "limit_p99_ns", limits->p99_ns);
    add_limit(columns, "limit_p99_9_ns", limits->p99_9_ns);
}

static void add_interval(struct p2p_columns *columns, const char *low, const char *high, bool any,
                         const struct p2p_interval *interval)
{
    add_real(columns, low, any && interval->bounded, interval->low_ns);
    add_real(columns, high, any && interval->bounded, interval->high_ns);
}

static void add_intervals(struct p2p_columns *columns, const struct p2p_stats *stats)
{
    const bool any = stats->n > 0;

    add_interval(columns, "avg_low_ns", "avg_high_ns", any, &stats->avg);
    add_interval(columns, "p50_low_ns", "p50_high_ns", any, &stats->p50);
    add_interval(columns, "p99_low_ns", "p99_high_ns", any, &stats->p99);
    add_interval(columns, "p99_9_low_ns", "p99_9_high_ns", any, &stats->p99_9);
}

static void add_spread(struct p2p_columns *columns, const struct p2p_result_configuration *configuration)
{
    const bool any = configuration->boot_figure_count > 0;

    add_real(columns, "between_boots_ns", any, configuration->spread.between_boots_ns);
    add_real(columns, "within_boot_ns", any, configuration->spread.within_boot_ns);
    add_count(columns, "outliers", any, configuration->outliers.count);
    add_count(columns, "outlier_fence_ns", any, configuration->outliers.fence_ns);
}

static void add_exceedance(struct p2p_columns *columns, const struct p2p_result_configuration *configuration)
{
    const struct p2p_exceedance_limit *limit = &configuration->limits.exceedance;
    const struct p2p_exceedance *exceedance = &configuration->exceedance;
    const bool any = limit->over_ns != UINT64_MAX && exceedance->n > 0;

    add_limit(columns, "over_ns", limit->over_ns);
    add_probability(columns, "over_limit", limit->over_ns != UINT64_MAX, limit->probability);
    add_count(columns, "over_count", any, exceedance->count);
    add_probability(columns, "over_upper_95", any, exceedance->upper_95);
    add_probability(columns, "over_lower_95", any, exceedance->lower_95);
}

void p2p_columns_of(const struct p2p_result_configuration *configuration, struct p2p_columns *columns)
{
    columns->count = 0;
    add_count(columns, "boots", true, configuration->boots);
    add_stats(columns, &configuration->stats);
    add_account(columns, &configuration->account);
    add_limits(columns, &configuration->limits);
    add_intervals(columns, &configuration->stats);
    add_spread(columns, configuration);
    add_exceedance(columns, configuration);
}
