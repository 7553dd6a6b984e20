/* SPDX-License-Identifier: MIT */
#include "store/consistency.h"

#include <inttypes.h>
#include <math.h>

enum { BOOT_NUMBER_MAX = 1000 };

/* The figures of the whole are those of its boots; the greatest of the whole is the greatest of them. */
static void check_sums(const struct p2p_result_configuration *configuration, struct p2p_judgement *judgement)
{
    uint64_t n = 0, n_warm = 0;
    double max_ns = 0, warm_max_ns = 0;

    for (size_t i = 0; i < configuration->boot_figure_count; i++) {
        const struct p2p_boot_figures *boot = &configuration->boot_figures[i].figures;

        n += boot->n;
        n_warm += boot->n_warm;
        max_ns = fmax(max_ns, boot->value_ns[P2P_FIGURE_MAX]);
        warm_max_ns = boot->n_warm > 0 ? fmax(warm_max_ns, boot->value_ns[P2P_FIGURE_WARM_MAX]) : warm_max_ns;
    }
    if (n > 0 && (n != configuration->stats.n || n_warm != configuration->stats.n_warm ||
                  max_ns != (double)configuration->stats.max_ns ||
                  (n_warm > 0 && warm_max_ns != (double)configuration->stats.warm_max_ns))) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT, "the figures of the boots are not those of the whole");
    }
}

static bool ascends(const double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (!(values[i - 1] <= values[i])) {
            return false;
        }
    }
    return true;
}

/* A mean has its fractions, extremes are rounded to whole ns. */
static bool is_ordered(const struct p2p_stats *stats)
{
    const double ranks[] = {(double)stats->min_ns, (double)stats->p50_ns, (double)stats->p99_ns,
                            (double)stats->p99_9_ns, (double)stats->max_ns};

    return stats->n_warm <= stats->n && stats->warm_max_ns <= stats->max_ns &&
           ascends(ranks, sizeof ranks / sizeof *ranks) && stats->avg_ns >= (double)stats->min_ns - 1 &&
           stats->avg_ns <= (double)stats->max_ns + 1;
}

static bool is_boot_ordered(const struct p2p_boot_figures *boot)
{
    const double *ns = boot->value_ns;
    const double ranks[] = {ns[P2P_FIGURE_P50], ns[P2P_FIGURE_P99], ns[P2P_FIGURE_P99_9], ns[P2P_FIGURE_MAX]};

    return ascends(ranks, sizeof ranks / sizeof *ranks) && ns[P2P_FIGURE_AVG] <= ns[P2P_FIGURE_MAX] + 1 &&
           (boot->n_warm == 0 || ns[P2P_FIGURE_WARM_MAX] <= ns[P2P_FIGURE_MAX]);
}

static void check_boots(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                        struct p2p_judgement *judgement)
{
    bool seen[BOOT_NUMBER_MAX + 1] = {false};

    if (configuration->boots > result->boots) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT, "%" PRIu32 " boots, the plan has %" PRIu32,
                          configuration->boots, result->boots);
    }
    for (size_t i = 0; i < configuration->boot_figure_count; i++) {
        const struct p2p_result_boot *boot = &configuration->boot_figures[i];

        if (boot->boot > BOOT_NUMBER_MAX || boot->boot > result->boots || seen[boot->boot]) {
            p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                              "the figures of boot %" PRIu32 " are there twice, or it is none of the plan's",
                              boot->boot);
        } else {
            seen[boot->boot] = true;
        }
        if (!is_boot_ordered(&boot->figures)) {
            p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                              "the figures of boot %" PRIu32 " contradict each other", boot->boot);
        }
    }
}

/* Every stimulus without a sample exceeds every limit; a sample does where the greatest does. */
static bool agrees(const struct p2p_exceedance *exceedance, const struct p2p_exceedance_limit *limit,
                   const struct p2p_stats *stats, const struct p2p_account *account)
{
    uint64_t without = account->missed + account->late;

    return exceedance->n == account->stimuli && exceedance->count >= without &&
           (exceedance->count > without) == (stats->n > 0 && stats->max_ns > limit->over_ns);
}

static void check_measured(const struct p2p_stats *stats, const struct p2p_account *account,
                           const struct p2p_exceedance_limit *limit, const struct p2p_exceedance *exceedance,
                           struct p2p_judgement *judgement)
{
    if (stats->n > 0 && !is_ordered(stats)) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT, "the figures contradict each other");
    }
    if (stats->n != account->answered) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "%" PRIu64 " samples, but %" PRIu64 " stimuli answered in time", stats->n, account->answered);
    }
    if (limit->over_ns != UINT64_MAX && !agrees(exceedance, limit, stats, account)) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "%" PRIu64 " of %" PRIu64 " over %" PRIu64 " ns contradicts the figures or the account",
                          exceedance->count, exceedance->n, limit->over_ns);
    }
}

void p2p_check_consistency(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                           struct p2p_judgement *judgement)
{
    check_boots(result, configuration, judgement);
    check_sums(configuration, judgement);
    check_measured(&configuration->stats, &configuration->account, &configuration->limits.exceedance,
                   &configuration->exceedance, judgement);
}

void p2p_check_confirmation(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                            struct p2p_judgement *judgement)
{
    const struct p2p_confirmation *confirmation = &configuration->confirmation;

    if (confirmation->boots > result->confirm_boots) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT, "%" PRIu32 " fresh boots, the plan has %" PRIu32,
                          confirmation->boots, result->confirm_boots);
    }
    check_measured(&confirmation->stats, &confirmation->account, &configuration->limits.exceedance,
                   &confirmation->exceedance, judgement);
}
