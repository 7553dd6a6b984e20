/* SPDX-License-Identifier: MIT */
#include "reports/text.h"

#include <inttypes.h>
#include <string.h>

static const char *time_base_meaning(enum p2p_time_base base)
{
    return base == P2P_TIME_INSTRUCTIONS
               ? "instructions (1 ns here is 1 guest instruction: the length of the path, not its time)"
               : "hardware (nanoseconds of the probe's clock)";
}

static int name_width(const struct p2p_result *result)
{
    size_t width = strlen("configuration");

    for (size_t i = 0; i < result->configuration_count; i++) {
        size_t length = strlen(result->configurations[i].name);

        width = length > width ? length : width;
    }
    return (int)width;
}

static void print_figure(FILE *out, bool there, uint64_t value)
{
    if (there) {
        fprintf(out, "  %8" PRIu64, value);
    } else {
        fprintf(out, "  %8s", "-");
    }
}

static void print_row(FILE *out, const struct p2p_result_configuration *configuration, int width)
{
    const struct p2p_stats *stats = &configuration->stats;
    bool any = stats->n > 0;

    fprintf(out, "%-*s", width, configuration->name);
    if (any) {
        fprintf(out, "  %8.1f", stats->avg_ns);
    } else {
        fprintf(out, "  %8s", "-");
    }
    print_figure(out, any, stats->min_ns);
    print_figure(out, any, stats->max_ns);
    print_figure(out, stats->n_warm > 0, stats->warm_max_ns);
    print_figure(out, any, stats->p99_ns);
    fprintf(out, "  %9" PRIu64 "  %5" PRIu32 "  %s\n", stats->n, configuration->boots,
            p2p_verdict_name(configuration->judgement.verdict));
}

static bool account_is_plain(const struct p2p_account *account)
{
    return account->answered == account->stimuli && account->spurious == 0 && account->clipped == 0 &&
           account->lost == 0 && account->disordered == 0;
}

/* Every edge is accounted for, and what is out of the ordinary is shown. */
static void print_account(FILE *out, const struct p2p_result *result)
{
    uint64_t stimuli = 0, answered = 0;

    for (size_t i = 0; i < result->configuration_count; i++) {
        const struct p2p_account *account = &result->configurations[i].account;

        stimuli += account->stimuli;
        answered += account->answered;
        if (!account_is_plain(account)) {
            fprintf(out,
                    "%s: %" PRIu64 " stimuli = %" PRIu64 " answered + %" PRIu64 " missed + %" PRIu64 " late; %" PRIu64
                    " spurious, %" PRIu64 " clipped, %" PRIu64 " lost, %" PRIu64 " out of order\n",
                    result->configurations[i].name, account->stimuli, account->answered, account->missed, account->late,
                    account->spurious, account->clipped, account->lost, account->disordered);
        }
    }
    fprintf(out, "edges: %" PRIu64 " stimuli, %" PRIu64 " answered in time\n", stimuli, answered);
}

static void print_truth(FILE *out, const struct p2p_result *result)
{
    uint64_t n = 0, unmatched = 0;
    double max_error_ns = 0, error_sum_ns = 0;

    for (size_t i = 0; i < result->configuration_count; i++) {
        const struct p2p_truth *truth = &result->configurations[i].truth;

        n += truth->n;
        unmatched += truth->unmatched;
        error_sum_ns += truth->error_sum_ns;
        max_error_ns = truth->max_error_ns > max_error_ns ? truth->max_error_ns : max_error_ns;
    }
    if (n == 0 && unmatched > 0) {
        fprintf(out, "against the truth: no sample that both have, %" PRIu64 " unmatched\n", unmatched);
    } else if (n > 0) {
        fprintf(out,
                "against the truth: %" PRIu64 " samples, off by %.3g ns at most and %+.2g ns on average, %" PRIu64
                " unmatched\n",
                n, max_error_ns, error_sum_ns / (double)n, unmatched);
    }
}

static void print_probe(FILE *out, const struct p2p_result *result)
{
    fprintf(out, "probe: %s%s%s%s%s, %.6g MHz, +-%.3g ns a sample (k = 2)\n", result->probe,
            result->serial[0] != '\0' ? " " : "", result->serial, result->firmware[0] != '\0' ? " " : "",
            result->firmware, (double)result->tick_hz / 1e6, p2p_uncertainty_of_sample_ns(&result->budget, 0));
    print_truth(out, result);
}

static void print_control(FILE *out, const struct p2p_result_configuration *configuration)
{
    const struct p2p_band *control = &configuration->control;
    struct p2p_judgement judgement = {0};

    if (control->max_ns == 0 || configuration->stats.n == 0) {
        return;
    }
    p2p_judge_control(&configuration->stats, control, &judgement);
    fprintf(out, "control %s: avg %.1f ns, expected %" PRIu64 " to %" PRIu64 " ns: %s\n", configuration->name,
            configuration->stats.avg_ns, control->min_ns, control->max_ns,
            judgement.verdict == P2P_VERDICT_PASS ? "the bench is sound"
                                                  : "THE BENCH IS SICK: no figure of this run counts");
}

static void print_spread_row(FILE *out, const struct p2p_result_configuration *configuration, int width)
{
    const struct p2p_interval *avg = &configuration->stats.avg;

    fprintf(out, "%-*s  %13.3g  %13.3g", width, configuration->name, configuration->spread.between_boots_ns,
            configuration->spread.within_boot_ns);
    if (avg->bounded) {
        fprintf(out, "  %.1f to %.1f\n", avg->low_ns, avg->high_ns);
    } else {
        fprintf(out, "  -\n");
    }
}

/* Of several boots only: one alone does not differ from itself. */
static void print_spread(FILE *out, const struct p2p_result *result, int width)
{
    bool headed = false;

    for (size_t i = 0; i < result->configuration_count; i++) {
        if (result->configurations[i].boot_figure_count < 2) {
            continue;
        }
        if (!headed) {
            fprintf(out, "%-*s  %13s  %13s  %s\n", width, "std deviation", "between boots", "within a boot",
                    "AVG with 95 %");
        }
        headed = true;
        print_spread_row(out, &result->configurations[i], width);
    }
    if (headed) {
        fputc('\n', out);
    }
}

/* ---- Of one configuration, a line each where there is something to say ---- */

static void print_outliers(FILE *out, const struct p2p_result_configuration *configuration)
{
    const struct p2p_outliers *outliers = &configuration->outliers;

    if (outliers->count > 0) {
        fprintf(out, "%s: %" PRIu64 " outlier%s above %" PRIu64 " ns, in all figures like all other samples\n",
                configuration->name, outliers->count, outliers->count == 1 ? "" : "s", outliers->fence_ns);
    }
}

static void print_exceedance(FILE *out, const struct p2p_result_configuration *configuration)
{
    const struct p2p_exceedance_limit *limit = &configuration->limits.exceedance;
    struct p2p_exceedance exceedance = configuration->exceedance;
    struct p2p_judgement judgement = {0};

    if (limit->over_ns == UINT64_MAX || exceedance.n == 0) {
        return;
    }
    p2p_judge_exceedance(limit, &exceedance, &judgement);
    fprintf(out, "%s: %" PRIu64 " of %" PRIu64 " over %" PRIu64 " ns: P < %.3g with 95 %%, limit %g: %s\n",
            configuration->name, exceedance.count, exceedance.n, limit->over_ns, exceedance.upper_95,
            limit->probability, p2p_verdict_name(judgement.verdict));
}

static void print_relatives(FILE *out, const struct p2p_result_configuration *configuration)
{
    for (size_t i = 0; i < configuration->limits.relative_count; i++) {
        const struct p2p_relative_limit *limit = &configuration->limits.relative[i];
        const struct p2p_relative *relative = &configuration->relative[i];

        if (!relative->known) {
            continue; /* its reason is among the configuration's */
        }
        fprintf(out, "%s: %s is %.4g", configuration->name, p2p_figure_name(limit->figure), relative->ratio);
        if (relative->bounded && relative->low < relative->high) {
            fprintf(out, " (%.4g to %.4g with 99 %%)", relative->low, relative->high);
        }
        fprintf(out, " of %s%s%s, limit %g: %s\n", limit->of, limit->baseline[0] != '\0' ? " of baseline " : "",
                limit->baseline, limit->at_most, p2p_verdict_name(relative->judgement.verdict));
    }
}

static void print_confirmation(FILE *out, const struct p2p_result_configuration *configuration)
{
    const struct p2p_confirmation *confirmation = &configuration->confirmation;

    if (confirmation->boots > 0) {
        fprintf(out, "%s: %" PRIu32 " fresh boot%s after it failed, %" PRIu64 " samples: %s%s%s\n", configuration->name,
                confirmation->boots, confirmation->boots == 1 ? "" : "s", confirmation->stats.n,
                p2p_verdict_name(confirmation->judgement.verdict),
                confirmation->judgement.reason[0] != '\0' ? ": " : "", confirmation->judgement.reason);
    }
}

static void print_details(FILE *out, const struct p2p_result *result)
{
    static void (*const details[])(FILE *, const struct p2p_result_configuration *) = {
        print_outliers,
        print_exceedance,
        print_relatives,
        print_confirmation,
    };

    for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
        for (size_t j = 0; j < result->configuration_count; j++) {
            details[i](out, &result->configurations[j]);
        }
    }
}

void p2p_report_text(const struct p2p_result *result, FILE *out)
{
    int width = name_width(result);

    fprintf(out, "plan %s on bench %s: %s\n", result->plan, result->bench, p2p_verdict_name(result->judgement.verdict));
    if (!result->complete) {
        fprintf(out, "INCOMPLETE: the run did not go through its plan; what follows is what was recorded\n");
    }
    fprintf(out, "time base: %s\n", time_base_meaning(result->time_base));
    fprintf(out,
            "latency in ns from the stimulus' rising edge to the guest's answer; WARM_MAX leaves out the first %" PRIu32
            " of each boot\n\n",
            result->warmup);
    fprintf(out, "%-*s  %8s  %8s  %8s  %8s  %8s  %9s  %5s  %s\n", width, "configuration", "AVG", "MIN", "MAX",
            "WARM_MAX", "p99", "samples", "boots", "verdict");
    for (size_t i = 0; i < result->configuration_count; i++) {
        print_row(out, &result->configurations[i], width);
    }
    fputc('\n', out);
    print_spread(out, result, width);
    print_account(out, result);
    if (result->probe[0] != '\0') {
        print_probe(out, result);
    }
    print_details(out, result);
    for (size_t i = 0; i < result->configuration_count; i++) {
        print_control(out, &result->configurations[i]);
    }
    for (size_t i = 0; i < result->configuration_count; i++) {
        const struct p2p_judgement *judgement = &result->configurations[i].judgement;

        if (judgement->reason[0] != '\0') {
            fprintf(out, "%s: %s: %s\n", result->configurations[i].name, p2p_verdict_name(judgement->verdict),
                    judgement->reason);
        }
    }
}
