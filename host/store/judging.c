/* SPDX-License-Identifier: MIT */
#include "store/judging.h"

#include "store/consistency.h"
#include "verdict/comparable.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

/* ---- The figures of one configuration ---- */

/* What a sample may be off by: a tick, and three times what else there is, over the longest latency. */
static double allowed_error_ns(const struct p2p_result *result)
{
    const struct p2p_uncertainty *budget = &result->budget;

    return NS_PER_S / (double)result->tick_hz + 3 * budget->skew_ns +
           3e-6 * budget->timebase_ppm * (double)result->stimulus.deadline_ns;
}

/* What the mean may be off by: five times its standard uncertainty, which chance exceeds once in a million runs. */
static double allowed_mean_error_ns(const struct p2p_result *result, const struct p2p_stats *stats, uint64_t n)
{
    struct p2p_uncertainty budget = result->budget;

    budget.quantisation_ns = p2p_quantisation_ns(1, result->tick_hz);
    return 2.5 * p2p_uncertainty_of_mean_ns(&budget, stats->avg_ns, n); /* which is expanded, k = 2 */
}

/* Where the truth is known, the probe is held to it: one that is wrong measures nothing. */
static void judge_truth(const struct p2p_result *result, const struct p2p_truth *truth, const struct p2p_stats *stats,
                        struct p2p_judgement *judgement)
{
    double mean_error_ns = p2p_truth_mean_error_ns(truth);

    if (truth->unmatched > 0) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT, "%" PRIu64 " sample%s that the probe or the truth lacks",
                          truth->unmatched, truth->unmatched == 1 ? "" : "s");
    }
    /* 0.0005 ns: a file has the picosecond. */
    if (truth->n > 0 && truth->max_error_ns > allowed_error_ns(result) + 5e-4) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT,
                          "the probe is off by up to %.3f ns from the truth, its budget allows %.3f ns",
                          truth->max_error_ns, allowed_error_ns(result));
    }
    if (truth->n > 0 && fabs(mean_error_ns) > allowed_mean_error_ns(result, stats, truth->n) + 5e-4) {
        p2p_judgement_add(
            judgement, P2P_VERDICT_BENCH_FAULT,
            "the mean is off by %.3f ns from the truth, its uncertainty allows %.3f ns (without jitter the "
            "stimuli stand still against the probe's ticks)",
            fabs(mean_error_ns), allowed_mean_error_ns(result, stats, truth->n));
    }
}

/* What was measured, against the limits that need nothing else. */
static void judge_measured(const struct p2p_stats *stats, const struct p2p_account *account,
                           const struct p2p_limits *limits, struct p2p_exceedance *exceedance,
                           struct p2p_judgement *judgement)
{
    struct p2p_judgement measured = {0};

    if (account->stimuli == 0 && judgement->verdict == P2P_VERDICT_BENCH_FAULT) {
        return; /* the fault has said it all */
    }
    p2p_judge(stats, account, limits, &measured);
    p2p_judge_exceedance(&limits->exceedance, exceedance, &measured);
    if (measured.verdict != P2P_VERDICT_PASS) {
        p2p_judgement_add(judgement, measured.verdict, "%s", measured.reason);
    }
}

static void judge_figures(const struct p2p_result *result, struct p2p_result_configuration *configuration)
{
    struct p2p_judgement *judgement = &configuration->judgement;

    judge_truth(result, &configuration->truth, &configuration->stats, judgement);
    p2p_check_consistency(result, configuration, judgement);
    judge_measured(&configuration->stats, &configuration->account, &configuration->limits, &configuration->exceedance,
                   judgement);
    p2p_judge_control(&configuration->stats, &configuration->control, judgement);
}

/* ---- Against others ---- */

/* What a limit is held against; `boots` NULL: nothing, and the judgement says why. */
struct other {
    const struct p2p_result_boot *boots;
    size_t count;
};

static struct other find_in_run(const struct p2p_result *result, const char *name, struct p2p_judgement *judgement)
{
    const struct p2p_result_configuration *found = p2p_result_find(result, name);

    if (found == NULL) {
        p2p_judgement_add(judgement, P2P_VERDICT_INCONCLUSIVE, "%s was not run", name);
        return (struct other){0};
    }
    if (found->judgement.verdict == P2P_VERDICT_BENCH_FAULT || found->boot_figure_count == 0) {
        p2p_judgement_add(judgement, P2P_VERDICT_INCONCLUSIVE, "%s has no figures that count", name);
        return (struct other){0};
    }
    return (struct other){found->boot_figures, found->boot_figure_count};
}

static bool is_comparable(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                          const struct p2p_reference *reference, struct p2p_judgement *judgement)
{
    const struct p2p_setup then = {
        .time_base = reference->time_base,
        .wiring = reference->wiring,
        .probe = reference->probe,
        .serial = "",
        .tick_hz = reference->tick_hz,
        .stub = reference->stub,
        .stub_path = reference->stub_path,
    };
    const struct p2p_setup now = {
        .time_base = result->time_base,
        .wiring = result->wiring,
        .probe = result->probe,
        .serial = "",
        .tick_hz = result->tick_hz,
        .stub = configuration->stub,
        .stub_path = configuration->stub_path,
    };
    struct p2p_comparability comparability = {0};

    p2p_compare_benches(&then, &now, &comparability);
    p2p_compare_guests(configuration->name, &then, &now, &comparability);
    if (!p2p_is_comparable(&comparability)) {
        p2p_judgement_add(judgement, P2P_VERDICT_INCONCLUSIVE,
                          "baseline %s (A) and this run (B) are not comparable: %s", reference->baseline,
                          comparability.reasons);
    }
    return p2p_is_comparable(&comparability);
}

static struct other find_in_baseline(const struct p2p_result *result,
                                     const struct p2p_result_configuration *configuration,
                                     const struct p2p_relative_limit *limit, struct p2p_judgement *judgement)
{
    for (size_t i = 0; i < result->reference_count; i++) {
        const struct p2p_reference *reference = &result->references[i];

        if (strcmp(reference->baseline, limit->baseline) == 0 && strcmp(reference->configuration, limit->of) == 0) {
            return is_comparable(result, configuration, reference, judgement)
                       ? (struct other){reference->boot_figures, reference->boot_figure_count}
                       : (struct other){0};
        }
    }
    p2p_judgement_add(judgement, P2P_VERDICT_INCONCLUSIVE, "there is no %s of baseline %s", limit->of, limit->baseline);
    return (struct other){0};
}

static struct other find_other(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                               const struct p2p_relative_limit *limit, struct p2p_judgement *judgement)
{
    return limit->baseline[0] == '\0' ? find_in_run(result, limit->of, judgement)
                                      : find_in_baseline(result, configuration, limit, judgement);
}

/* Into `values`, which has room for all of them. */
static struct p2p_boot_values take_values(struct other from, enum p2p_figure figure, double *values)
{
    struct p2p_boot_values taken = {.ns = values, .n_least = UINT64_MAX, .alike = true};

    taken.count = p2p_result_boot_values(from.boots, from.count, figure, values);
    for (size_t i = 0; i < from.count; i++) {
        const struct p2p_boot_figures *figures = &from.boots[i].figures;
        uint64_t n = figure == P2P_FIGURE_WARM_MAX ? figures->n_warm : figures->n;

        taken.n_least = n < taken.n_least ? n : taken.n_least;
        taken.n_most = n > taken.n_most ? n : taken.n_most;
        taken.alike = taken.alike && figures->variance_ns2 == 0;
    }
    return taken;
}

static bool judge_relative(const struct p2p_result *result, const struct p2p_result_configuration *configuration,
                           const struct p2p_relative_limit *limit, struct p2p_relative *relative)
{
    const struct other self = {configuration->boot_figures, configuration->boot_figure_count};
    struct p2p_boot_values own;
    double *values = NULL;
    struct other other;
    bool done = true;

    *relative = (struct p2p_relative){0};
    other = find_other(result, configuration, limit, &relative->judgement);
    if (other.boots == NULL) {
        return true;
    }
    values = calloc(self.count + other.count, sizeof *values);
    if (values == NULL) {
        return false;
    }
    own = take_values(self, limit->figure, values);
    done = p2p_judge_relative(limit, result->time_base, own, take_values(other, limit->figure, values + own.count),
                              relative);
    free(values);
    return done;
}

static bool judge_relatives(const struct p2p_result *result, struct p2p_result_configuration *configuration)
{
    const bool counts = configuration->judgement.verdict != P2P_VERDICT_BENCH_FAULT;

    for (size_t i = 0; i < configuration->limits.relative_count; i++) {
        struct p2p_relative *relative = &configuration->relative[i];

        if (!judge_relative(result, configuration, &configuration->limits.relative[i], relative)) {
            return false;
        }
        if (counts && relative->judgement.verdict != P2P_VERDICT_PASS) {
            p2p_judgement_add(&configuration->judgement, relative->judgement.verdict, "%s", relative->judgement.reason);
        }
    }
    return true;
}

/* ---- Fresh boots of what failed ---- */

static double figure_of(const struct p2p_stats *stats, enum p2p_figure figure)
{
    const double values[P2P_FIGURE_COUNT] = {
        [P2P_FIGURE_AVG] = stats->avg_ns,         [P2P_FIGURE_P50] = (double)stats->p50_ns,
        [P2P_FIGURE_P99] = (double)stats->p99_ns, [P2P_FIGURE_P99_9] = (double)stats->p99_9_ns,
        [P2P_FIGURE_MAX] = (double)stats->max_ns, [P2P_FIGURE_WARM_MAX] = (double)stats->warm_max_ns,
    };

    return values[figure];
}

/* A fresh boot has no interval: how many times the plan's boots it is, in the ratio's own terms, must do. */
static void confirm_relatives(const struct p2p_result_configuration *configuration, const struct p2p_stats *fresh,
                              struct p2p_judgement *judgement)
{
    for (size_t i = 0; i < configuration->limits.relative_count; i++) {
        const struct p2p_relative_limit *limit = &configuration->limits.relative[i];
        const struct p2p_relative *relative = &configuration->relative[i];
        double before = figure_of(&configuration->stats, limit->figure);
        double ratio = before > 0 ? relative->ratio * figure_of(fresh, limit->figure) / before : 0;

        if (relative->known && fresh->n_warm > 0 && ratio > limit->at_most) {
            p2p_judgement_add(judgement, P2P_VERDICT_FAIL, "%s is %.4g of %s, limit %g", p2p_figure_name(limit->figure),
                              ratio, limit->of, limit->at_most);
        }
    }
}

static void say_confirmation(const struct p2p_confirmation *confirmation, struct p2p_judgement *judgement)
{
    bool one = confirmation->boots == 1;

    switch (confirmation->judgement.verdict) {
    case P2P_VERDICT_FAIL:
        p2p_judgement_add(judgement, P2P_VERDICT_PASS, one ? "confirmed on a fresh boot" : "confirmed on fresh boots");
        break;
    case P2P_VERDICT_PASS:
        p2p_judgement_add(judgement, P2P_VERDICT_PASS,
                          one ? "a fresh boot did not show it again" : "fresh boots did not show it again");
        break;
    case P2P_VERDICT_INCONCLUSIVE:
        p2p_judgement_add(judgement, P2P_VERDICT_PASS, "%s could not tell: %s", one ? "a fresh boot" : "fresh boots",
                          confirmation->judgement.reason);
        break;
    case P2P_VERDICT_BENCH_FAULT:
        p2p_judgement_add(judgement, P2P_VERDICT_PASS,
                          one ? "the fresh boot was a BENCH FAULT" : "the fresh boots were a BENCH FAULT");
        break;
    }
}

/* Fewer samples than the plan asks for are no reason to be inconclusive: they are not the measurement. */
static void judge_confirmation(const struct p2p_result *result, struct p2p_result_configuration *configuration)
{
    struct p2p_confirmation *confirmation = &configuration->confirmation;
    struct p2p_limits limits = configuration->limits;

    if (confirmation->boots == 0) {
        return;
    }
    limits.min_samples = 1;
    judge_truth(result, &confirmation->truth, &confirmation->stats, &confirmation->judgement);
    p2p_check_confirmation(result, configuration, &confirmation->judgement);
    judge_measured(&confirmation->stats, &confirmation->account, &limits, &confirmation->exceedance,
                   &confirmation->judgement);
    confirm_relatives(configuration, &confirmation->stats, &confirmation->judgement);
    if (configuration->judgement.verdict < P2P_VERDICT_FAIL) {
        p2p_judgement_add(&configuration->judgement, P2P_VERDICT_BENCH_FAULT,
                          "there are fresh boots of it, as of what had failed, but it did not FAIL");
    } else if (configuration->judgement.verdict == P2P_VERDICT_FAIL) {
        say_confirmation(confirmation, &configuration->judgement);
    }
}

/* ---- The whole ---- */

/* A sick bench voids the run, not only the configuration that showed it. */
static void judge_whole(struct p2p_result *result)
{
    uint64_t planned = (uint64_t)result->boots * result->configuration_count, recorded = 0;

    result->judgement = (struct p2p_judgement){0};
    for (size_t i = 0; i < result->configuration_count; i++) {
        const struct p2p_result_configuration *configuration = &result->configurations[i];
        struct p2p_judgement control = {0};

        recorded += configuration->boots;
        p2p_judge_control(&configuration->stats, &configuration->control, &control);
        if (control.verdict != P2P_VERDICT_PASS) {
            p2p_judgement_add(&result->judgement, control.verdict, "%s: %s", configuration->name, control.reason);
        }
        if (configuration->judgement.verdict != P2P_VERDICT_PASS) {
            p2p_judgement_add(&result->judgement, configuration->judgement.verdict, "%s: %s", configuration->name,
                              p2p_verdict_name(configuration->judgement.verdict));
        }
    }
    if (recorded == planned && !result->complete) {
        p2p_judgement_add(&result->judgement, P2P_VERDICT_BENCH_FAULT,
                          "the run is incomplete: all boots of the plan are recorded, but it did not come to its end");
    } else if (recorded != planned) {
        p2p_judgement_add(&result->judgement, P2P_VERDICT_BENCH_FAULT,
                          "the run is incomplete: %" PRIu64 " of %" PRIu64 " boots recorded", recorded, planned);
    }
}

bool p2p_result_judge(struct p2p_result *result)
{
    for (size_t i = 0; i < result->configuration_count; i++) {
        judge_figures(result, &result->configurations[i]);
    }
    for (size_t i = 0; i < result->configuration_count; i++) {
        if (!judge_relatives(result, &result->configurations[i])) {
            return false;
        }
        judge_confirmation(result, &result->configurations[i]);
    }
    judge_whole(result);
    return true;
}

/* What the file holds of faults of boots cannot be made again of figures. */
static struct p2p_judgement only_fault(const struct p2p_judgement *judgement)
{
    return judgement->verdict == P2P_VERDICT_BENCH_FAULT ? *judgement : (struct p2p_judgement){0};
}

/* The file's verdict, `said`, or worse. */
static void settle(const struct p2p_judgement *said, struct p2p_judgement *judgement)
{
    struct p2p_judgement again = *judgement;

    *judgement = *said;
    if (again.verdict > said->verdict) {
        p2p_judgement_add(judgement, P2P_VERDICT_BENCH_FAULT, "the file says %s, its figures do not: %s",
                          p2p_verdict_name(said->verdict), again.reason);
    }
}

bool p2p_result_judge_again(struct p2p_result *result)
{
    struct p2p_judgement *said = calloc(2 * result->configuration_count, sizeof *said);
    struct p2p_judgement whole = result->judgement;
    bool done;

    if (said == NULL) {
        return false;
    }
    for (size_t i = 0; i < result->configuration_count; i++) {
        struct p2p_result_configuration *configuration = &result->configurations[i];

        said[2 * i] = configuration->judgement;
        said[2 * i + 1] = configuration->confirmation.judgement;
        configuration->judgement = only_fault(&said[2 * i]);
        configuration->confirmation.judgement = only_fault(&said[2 * i + 1]);
    }
    done = p2p_result_judge(result);
    for (size_t i = 0; i < result->configuration_count && done; i++) {
        settle(&said[2 * i], &result->configurations[i].judgement);
        settle(&said[2 * i + 1], &result->configurations[i].confirmation.judgement);
    }
    judge_whole(result);
    if (whole.verdict > result->judgement.verdict) {
        result->judgement = whole;
    }
    free(said);
    return done;
}
