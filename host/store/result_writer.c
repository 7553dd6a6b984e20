/* SPDX-License-Identifier: MIT */
#include "store/result.h"

#include "store/budget_json.h"
#include "store/result_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An integer that may be missing: null, never NaN or a number that means none. */
static json_t *maybe(bool there, uint64_t value)
{
    return there ? json_integer((json_int_t)value) : json_null();
}

/* To the picosecond: more digits of a mean say nothing. */
static json_t *real_ns(bool there, double value)
{
    char text[64];

    if (!there) {
        return json_null();
    }
    snprintf(text, sizeof text, "%.3f", value);
    return json_real(strtod(text, NULL) + 0.0); /* never -0.0 */
}

/*
 * A reason may quote a damaged file and may be cut in the middle of a character; JSON holds UTF-8 only, so what is not
 * printable ASCII becomes '?'.
 */
static json_t *reason_text(const struct p2p_judgement *judgement)
{
    char clean[P2P_REASON_BYTES];
    size_t length = strlen(judgement->reason);

    for (size_t i = 0; i < length; i++) {
        clean[i] = judgement->reason[i];
        if (clean[i] < ' ' || clean[i] > '~') {
            clean[i] = '?';
        }
    }
    return json_stringn(clean, length);
}

static json_t *limit(uint64_t value)
{
    return maybe(value != UINT64_MAX, value);
}

/* A text that is "" where there is none. */
static json_t *maybe_text(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

/* Six digits: a probability or a ratio is known no better. */
static json_t *real_6(bool there, double value)
{
    char text[64];

    if (!there) {
        return json_null();
    }
    snprintf(text, sizeof text, "%.6g", value);
    return json_real(strtod(text, NULL));
}

static json_t *encode_limits(const struct p2p_limits *limits)
{
    return json_pack("{so so so so so sI}", "avg_ns", limit(limits->avg_ns), "max_ns", limit(limits->max_ns),
                     "warm_max_ns", limit(limits->warm_max_ns), "p99_ns", limit(limits->p99_ns), "p99_9_ns",
                     limit(limits->p99_9_ns), "min_samples", (json_int_t)limits->min_samples);
}

static json_t *encode_interval(const struct p2p_interval *interval)
{
    return interval->bounded
               ? json_pack("{so so}", "low", real_ns(true, interval->low_ns), "high", real_ns(true, interval->high_ns))
               : json_null();
}

static json_t *encode_intervals(const struct p2p_stats *stats)
{
    return json_pack("{so so so so}", "avg_ns", encode_interval(&stats->avg), "p50_ns", encode_interval(&stats->p50),
                     "p99_ns", encode_interval(&stats->p99), "p99_9_ns", encode_interval(&stats->p99_9));
}

static json_t *encode_stats(const struct p2p_stats *stats)
{
    bool any = stats->n > 0;

    return json_pack("{sI so so so so so so so so so so so}", "n", (json_int_t)stats->n, "avg_ns",
                     real_ns(any, stats->avg_ns), "min_ns", maybe(any, stats->min_ns), "max_ns",
                     maybe(any, stats->max_ns), "warm_max_ns", maybe(stats->n_warm > 0, stats->warm_max_ns), "p50_ns",
                     maybe(any, stats->p50_ns), "p99_ns", maybe(any, stats->p99_ns), "p99_9_ns",
                     maybe(any, stats->p99_9_ns), "n_warm", json_integer((json_int_t)stats->n_warm), "uncertainty_ns",
                     real_ns(any, stats->uncertainty_ns), "avg_uncertainty_ns", real_ns(any, stats->avg_uncertainty_ns),
                     "intervals", encode_intervals(stats));
}

static json_t *encode_truth(const struct p2p_truth *truth)
{
    bool any = truth->n > 0;

    if (!truth->known) {
        return json_null();
    }
    return json_pack("{sI so so sI}", "n", (json_int_t)truth->n, "max_error_ns", real_ns(any, truth->max_error_ns),
                     "mean_error_ns", real_ns(any, p2p_truth_mean_error_ns(truth)), "unmatched",
                     (json_int_t)truth->unmatched);
}

static json_t *encode_account(const struct p2p_account *account)
{
    return json_pack("{sI sI sI sI sI sI sI sI sI sI sI sI}", "stimuli", (json_int_t)account->stimuli, "answered",
                     (json_int_t)account->answered, "missed", (json_int_t)account->missed, "late",
                     (json_int_t)account->late, "spurious", (json_int_t)account->spurious, "clipped",
                     (json_int_t)account->clipped, "lost", (json_int_t)account->lost, "releases",
                     (json_int_t)account->releases, "outside", (json_int_t)account->outside, "disordered",
                     (json_int_t)account->disordered, "answers", (json_int_t)account->answers, "edges",
                     (json_int_t)account->edges);
}

/* Left out of a configuration that is no control, as in the first files of version 1. */
static json_t *encode_control(const struct p2p_band *control)
{
    return control->max_ns == 0 ? NULL
                                : json_pack("{s{sI sI}}", "avg_ns", "min", (json_int_t)control->min_ns, "max",
                                            (json_int_t)control->max_ns);
}

/* Quantiles and extremes are whole ns, as in the stats. */
static json_t *encode_boot(const struct p2p_result_boot *boot)
{
    const struct p2p_boot_figures *figures = &boot->figures;
    json_t *object = json_pack("{sI sI sI so}", "boot", (json_int_t)boot->boot, "n", (json_int_t)figures->n, "n_warm",
                               (json_int_t)figures->n_warm, "variance_ns2", real_ns(true, figures->variance_ns2));

    for (enum p2p_figure figure = 0; figure < P2P_FIGURE_COUNT; figure++) {
        bool there = figure == P2P_FIGURE_WARM_MAX ? figures->n_warm > 0 : figures->n > 0;
        double value = figures->value_ns[figure];
        char key[P2P_RESULT_KEY_BYTES];

        p2p_result_figure_key(figure, key);
        json_object_set_new(object, key,
                            figure == P2P_FIGURE_AVG ? real_ns(there, value) : maybe(there, (uint64_t)llround(value)));
    }
    return object;
}

static json_t *encode_boots(const struct p2p_result_boot *boots, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, encode_boot(&boots[i]));
    }
    return array;
}

static json_t *encode_spread(const struct p2p_result_configuration *configuration)
{
    const struct p2p_spread *spread = &configuration->spread;

    return configuration->boot_figure_count == 0
               ? json_null()
               : json_pack("{so so}", "between_boots_ns", real_ns(true, spread->between_boots_ns), "within_boot_ns",
                           real_ns(true, spread->within_boot_ns));
}

static json_t *encode_outliers(const struct p2p_result_configuration *configuration)
{
    const struct p2p_outliers *outliers = &configuration->outliers;

    return configuration->stats.n == 0
               ? json_null()
               : json_pack("{sI sI}", "count", (json_int_t)outliers->count, "fence_ns", (json_int_t)outliers->fence_ns);
}

static json_t *encode_exceedance(const struct p2p_exceedance_limit *limit, const struct p2p_exceedance *exceedance)
{
    bool any = exceedance->n > 0;

    if (limit->over_ns == UINT64_MAX) {
        return json_null();
    }
    return json_pack("{sI so sI sI so so so}", "over_ns", (json_int_t)limit->over_ns, "probability",
                     json_real(limit->probability), "n", (json_int_t)exceedance->n, "count",
                     (json_int_t)exceedance->count, "upper_95", real_6(any, exceedance->upper_95), "lower_95",
                     real_6(any, exceedance->lower_95), "samples_needed",
                     maybe(any && exceedance->samples_needed <= P2P_JSON_INTEGER_MAX, exceedance->samples_needed));
}

static json_t *encode_relative(const struct p2p_relative_limit *limit, const struct p2p_relative *relative)
{
    bool bounded = relative->known && relative->bounded;

    return json_pack("{ss ss so sf so so so ss so}", "figure", p2p_figure_name(limit->figure), "of", limit->of,
                     "baseline", maybe_text(limit->baseline), "at_most", limit->at_most, "ratio",
                     real_6(relative->known, relative->ratio), "low", real_6(bounded, relative->low), "high",
                     real_6(bounded, relative->high), "verdict", p2p_verdict_name(relative->judgement.verdict),
                     "reason", reason_text(&relative->judgement));
}

static json_t *encode_relatives(const struct p2p_result_configuration *configuration)
{
    json_t *array = json_array();

    for (size_t i = 0; i < configuration->limits.relative_count; i++) {
        json_array_append_new(array, encode_relative(&configuration->limits.relative[i], &configuration->relative[i]));
    }
    return array;
}

static json_t *encode_confirmation(const struct p2p_result_configuration *configuration)
{
    const struct p2p_confirmation *confirmation = &configuration->confirmation;

    if (confirmation->boots == 0) {
        return json_null();
    }
    return json_pack("{sI ss so so so so so}", "boots", (json_int_t)confirmation->boots, "verdict",
                     p2p_verdict_name(confirmation->judgement.verdict), "reason", reason_text(&confirmation->judgement),
                     "stats", encode_stats(&confirmation->stats), "account", encode_account(&confirmation->account),
                     "truth", encode_truth(&confirmation->truth), "exceedance",
                     encode_exceedance(&configuration->limits.exceedance, &confirmation->exceedance));
}

static json_t *encode_configuration(const struct p2p_result_configuration *configuration)
{
    json_t *number = configuration->number == 0 ? NULL : json_integer(configuration->number);

    return json_pack("{ss so so* ss so si so so* so so so so so so so so so so so}", "name", configuration->name, "set",
                     maybe_text(configuration->set), "number", number, "verdict",
                     p2p_verdict_name(configuration->judgement.verdict), "reason",
                     reason_text(&configuration->judgement), "boots", (int)configuration->boots, "limits",
                     encode_limits(&configuration->limits), "control", encode_control(&configuration->control), "stub",
                     maybe_text(configuration->stub), "stub_path", maybe_text(configuration->stub_path), "stats",
                     encode_stats(&configuration->stats), "account", encode_account(&configuration->account), "truth",
                     encode_truth(&configuration->truth), "spread", encode_spread(configuration), "outliers",
                     encode_outliers(configuration), "exceedance",
                     encode_exceedance(&configuration->limits.exceedance, &configuration->exceedance), "relative",
                     encode_relatives(configuration), "confirmation", encode_confirmation(configuration),
                     "boot_figures", encode_boots(configuration->boot_figures, configuration->boot_figure_count));
}

static json_t *encode_reference(const struct p2p_reference *reference)
{
    return json_pack("{ss ss ss so so so so sI so}", "baseline", reference->baseline, "configuration",
                     reference->configuration, "time_base", p2p_time_base_name(reference->time_base), "wiring",
                     maybe_text(reference->wiring), "stub", maybe_text(reference->stub), "stub_path",
                     maybe_text(reference->stub_path), "probe", maybe_text(reference->probe), "tick_hz",
                     (json_int_t)reference->tick_hz, "boot_figures",
                     encode_boots(reference->boot_figures, reference->boot_figure_count));
}

static json_t *encode_references(const struct p2p_result *result)
{
    json_t *array = json_array();

    for (size_t i = 0; i < result->reference_count; i++) {
        json_array_append_new(array, encode_reference(&result->references[i]));
    }
    return array;
}

/* By their folders. */
static json_t *encode_order(const struct p2p_result *result)
{
    json_t *array = json_array();

    for (size_t i = 0; i < result->order_count; i++) {
        json_array_append_new(array,
                              json_sprintf("%s/boot-%03u", result->configurations[result->order[i].configuration].name,
                                           (unsigned)result->order[i].boot));
    }
    return array;
}

/* A periodic one stands without its kind, as in the first files of version 1. */
static json_t *encode_stimulus(const struct p2p_stimulus_plan *stimulus)
{
    bool poisson = stimulus->kind == P2P_STIMULUS_POISSON, burst = stimulus->kind == P2P_STIMULUS_BURST;

    return json_pack("{sI sI sI sI ss* so* so* so*}", "period_ns", (json_int_t)stimulus->period_ns, "jitter_ns",
                     (json_int_t)stimulus->jitter_ns, "width_ns", (json_int_t)stimulus->width_ns, "deadline_ns",
                     (json_int_t)stimulus->deadline_ns, "kind",
                     poisson || burst ? p2p_stimulus_kind_name(stimulus->kind) : NULL, "gap_ns",
                     poisson ? json_integer((json_int_t)stimulus->gap_ns) : NULL, "burst_count",
                     burst ? json_integer((json_int_t)stimulus->burst_count) : NULL, "burst_spacing_ns",
                     burst ? json_integer((json_int_t)stimulus->burst_spacing_ns) : NULL);
}

static json_t *encode_plan(const struct p2p_result *result)
{
    return json_pack("{ss sI sI sI sI sI so}", "name", result->plan, "seed", (json_int_t)result->seed, "boots",
                     (json_int_t)result->boots, "confirm_boots", (json_int_t)result->confirm_boots, "samples",
                     (json_int_t)result->samples, "warmup", (json_int_t)result->warmup, "stimulus",
                     encode_stimulus(&result->stimulus));
}

static json_t *encode_probe(const struct p2p_result *result)
{
    if (result->probe[0] == '\0') {
        return json_null();
    }
    return json_pack("{ss ss ss sI so so}", "name", result->probe, "serial", result->serial, "firmware",
                     result->firmware, "tick_hz", (json_int_t)result->tick_hz, "uncertainty_ns",
                     real_ns(true, p2p_uncertainty_of_sample_ns(&result->budget, 0)), "budget",
                     p2p_budget_encode(&result->budget));
}

char *p2p_result_encode(const struct p2p_result *result)
{
    json_t *configurations = json_array();
    json_t *root = NULL;
    char *text = NULL, *line = NULL;

    for (size_t i = 0; i < result->configuration_count; i++) {
        json_array_append_new(configurations, encode_configuration(&result->configurations[i]));
    }
    root = json_pack("{ss si ss sb ss so so ss so so so so so}", "schema", P2P_RESULT_SCHEMA, "version",
                     P2P_RESULT_VERSION, "time_base", p2p_time_base_name(result->time_base), "complete",
                     (int)result->complete, "verdict", p2p_verdict_name(result->judgement.verdict), "reason",
                     reason_text(&result->judgement), "plan", encode_plan(result), "bench", result->bench, "wiring",
                     maybe_text(result->wiring), "probe", encode_probe(result), "baselines", encode_references(result),
                     "order", encode_order(result), "configurations", configurations);
    if (root != NULL && json_array_size(configurations) == result->configuration_count) {
        /* 15 digits: every decimal of so many survives the way through a double. */
        text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    }
    json_decref(root);
    if (text != NULL && asprintf(&line, "%s\n", text) < 0) {
        line = NULL;
    }
    free(text);
    return line;
}
