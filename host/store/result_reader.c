/* SPDX-License-Identifier: MIT */
#include "store/result.h"

#include "config/json_reader.h"
#include "store/budget_json.h"
#include "store/result_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond all that a plan can ask for: 10000 configurations, of 1000 boots and 10 fresh ones each. */
enum { FILE_BYTES_MAX = 1 << 28, REFERENCES_MAX = 10000 * P2P_RELATIVE_LIMITS_MAX, ORDER_MAX = 10000 * 1010 };

static const struct p2p_json_key ROOT_KEYS[] = {
    {"schema", "\"pin2pin.result\""},
    {"version", "1"},
    {"time_base", "\"hardware\" or \"instructions\""},
    {"complete", "whether the run went through its plan"},
    {"verdict", "the worst of all verdicts"},
    {"reason", "why"},
    {"plan", "what was asked for"},
    {"bench", "the bench's name"},
    {"wiring", "its board, pins and probe, or null"},
    {"probe", "what it was measured with"},
    {"baselines", "what relative limits are held against"},
    {"order", "the boots as they were run"},
    {"configurations", "the figures"},
    {NULL, NULL},
};
static const struct p2p_json_key PLAN_KEYS[] = {
    {"name", "the plan's name"},
    {"seed", "its seed"},
    {"boots", "boots of each configuration"},
    {"confirm_boots", "fresh boots of one that fails"},
    {"samples", "stimuli a boot"},
    {"warmup", "samples dropped"},
    {"stimulus", "when stimuli come"},
    {NULL, NULL},
};
static const struct p2p_json_key STIMULUS_KEYS[] = {
    {"period_ns", "time between stimuli"},
    {"jitter_ns", "random part"},
    {"width_ns", "how long the line is up"},
    {"deadline_ns", "when an answer is late"},
    {"kind", "\"poisson\" or \"burst\""},
    {"gap_ns", "least time between stimuli"},
    {"burst_count", "stimuli in a burst"},
    {"burst_spacing_ns", "time between stimuli of a burst"},
    {NULL, NULL},
};
static const struct p2p_json_key PROBE_KEYS[] = {
    {"name", "the probe"},
    {"serial", "its board"},
    {"firmware", "what runs in it"},
    {"tick_hz", "its clock"},
    {"uncertainty_ns", "of one short latency"},
    {"budget", "what that is made of"},
    {NULL, NULL},
};
static const struct p2p_json_key TRUTH_KEYS[] = {
    {"n", "samples compared"},
    {"max_error_ns", "or null"},
    {"mean_error_ns", "or null"},
    {"unmatched", "a count"},
    {NULL, NULL},
};
static const struct p2p_json_key CONFIGURATION_KEYS[] = {
    {"name", "the configuration"},
    {"set", "of the plan, or null"},
    {"number", "its place in the plan"},
    {"verdict", "its verdict"},
    {"reason", "why"},
    {"boots", "boots recorded"},
    {"limits", "what it is judged by"},
    {"control", "where its figures have to be for the bench to be sound"},
    {"stub", "what answered, or null"},
    {"stub_path", "how it answers, or null"},
    {"stats", "its figures"},
    {"account", "its edges"},
    {"truth", "the probe against the truth, or null"},
    {"spread", "of and in its boots, or null"},
    {"outliers", "samples far above the others, or null"},
    {"exceedance", "of a limit, or null"},
    {"relative", "limits relative to others"},
    {"confirmation", "its fresh boots, or null"},
    {"boot_figures", "figures of each boot"},
    {NULL, NULL},
};
static const struct p2p_json_key CONTROL_KEYS[] = {{"avg_ns", "where its mean has to be"}, {NULL, NULL}};
static const struct p2p_json_key BAND_KEYS[] = {{"min", "at least 1"}, {"max", "at least min"}, {NULL, NULL}};
static const struct p2p_json_key LIMITS_KEYS[] = {
    {"avg_ns", "or null"}, {"max_ns", "or null"},   {"warm_max_ns", "or null"},
    {"p99_ns", "or null"}, {"p99_9_ns", "or null"}, {"min_samples", "at least 1"},
    {NULL, NULL},
};
static const struct p2p_json_key STATS_KEYS[] = {
    {"n", "samples"},
    {"n_warm", "samples after warm-up"},
    {"avg_ns", "or null"},
    {"min_ns", "or null"},
    {"max_ns", "or null"},
    {"warm_max_ns", "or null"},
    {"p50_ns", "or null"},
    {"p99_ns", "or null"},
    {"p99_9_ns", "or null"},
    {"uncertainty_ns", "or null"},
    {"avg_uncertainty_ns", "or null"},
    {"intervals", "of 95 %"},
    {NULL, NULL},
};
static const struct p2p_json_key INTERVALS_KEYS[] = {
    {"avg_ns", "or null"}, {"p50_ns", "or null"}, {"p99_ns", "or null"}, {"p99_9_ns", "or null"}, {NULL, NULL},
};
static const struct p2p_json_key INTERVAL_KEYS[] = {{"low", "its lower end"}, {"high", "its upper end"}, {NULL, NULL}};
static const struct p2p_json_key SPREAD_KEYS[] = {
    {"between_boots_ns", "of the boots' means"},
    {"within_boot_ns", "of a boot's samples"},
    {NULL, NULL},
};
static const struct p2p_json_key OUTLIERS_KEYS[] = {
    {"count", "samples above the fence"},
    {"fence_ns", "what is far"},
    {NULL, NULL},
};
static const struct p2p_json_key EXCEEDANCE_KEYS[] = {
    {"over_ns", "the limit"},
    {"probability", "to be shown to be less"},
    {"n", "stimuli"},
    {"count", "those above"},
    {"upper_95", "or null"},
    {"lower_95", "or null"},
    {"samples_needed", "or null"},
    {NULL, NULL},
};
static const struct p2p_json_key RELATIVE_KEYS[] = {
    {"figure", "which"},
    {"of", "the other configuration"},
    {"baseline", "the other's baseline, or null"},
    {"at_most", "the limit"},
    {"ratio", "or null"},
    {"low", "or null"},
    {"high", "or null"},
    {"verdict", "of this limit"},
    {"reason", "why"},
    {NULL, NULL},
};
static const struct p2p_json_key CONFIRMATION_KEYS[] = {
    {"boots", "fresh boots"},
    {"verdict", "theirs"},
    {"reason", "why"},
    {"stats", "their figures"},
    {"account", "their edges"},
    {"truth", "the probe against the truth, or null"},
    {"exceedance", "of the configuration's limit, or null"},
    {NULL, NULL},
};
static const struct p2p_json_key BOOT_KEYS[] = {
    {"boot", "its number"},
    {"n", "samples"},
    {"n_warm", "samples after warm-up"},
    {"variance_ns2", "of the samples"},
    {"avg_ns", "mean"},
    {"p50_ns", "median"},
    {"p99_ns", "quantile"},
    {"p99_9_ns", "quantile"},
    {"max_ns", "greatest"},
    {"warm_max_ns", "greatest after warm-up, or null"},
    {NULL, NULL},
};
static const struct p2p_json_key REFERENCE_KEYS[] = {
    {"baseline", "its name"},
    {"configuration", "the configuration in it"},
    {"time_base", "\"hardware\" or \"instructions\""},
    {"wiring", "the bench's, or null"},
    {"stub", "what answered, or null"},
    {"stub_path", "how it answers, or null"},
    {"probe", "what measured, or null"},
    {"tick_hz", "its clock"},
    {"boot_figures", "figures of each boot"},
    {NULL, NULL},
};
static const struct p2p_json_key ACCOUNT_KEYS[] = {
    {"stimuli", "a count"},
    {"answered", "a count"},
    {"missed", "a count"},
    {"late", "a count"},
    {"spurious", "a count"},
    {"clipped", "a count"},
    {"lost", "a count"},
    {"releases", "a count"},
    {"outside", "a count"},
    {"disordered", "a count"},
    {"answers", "a count"},
    {"edges", "a count"},
    {NULL, NULL},
};

static const char *const VERDICTS[] = {"PASS", "INCONCLUSIVE", "FAIL", "BENCH FAULT", NULL};
static const char *const STIMULUS_KINDS[] = {"periodic", "poisson", "burst", NULL};
static const char *const TIME_BASES[] = {"hardware", "instructions", NULL};
static const char *const FIGURES[] = {"avg", "p50", "p99", "p99_9", "max", "warm_max", NULL};
static const struct p2p_json_range ANY = {0, P2P_JSON_INTEGER_MAX};
static const struct p2p_json_range BOOTS = {0, 1000};
/* Confirmations go on counting. */
static const struct p2p_json_range BOOT_NUMBERS = {1, 1010};

static uint64_t read_count(const struct p2p_json_object *object, const char *key)
{
    return p2p_json_integer(object, key, ANY);
}

static uint64_t read_limit(const struct p2p_json_object *object, const char *key)
{
    return p2p_json_is_null(object, key) ? UINT64_MAX : read_count(object, key);
}

static bool is_there(const struct p2p_json_object *object, const char *key)
{
    return p2p_json_has(object, key) && !p2p_json_is_null(object, key);
}

static void read_maybe_name(const struct p2p_json_object *object, const char *key, char *name, size_t size)
{
    if (is_there(object, key)) {
        p2p_json_name(object, key, name, size);
    }
}

static void read_maybe_text(const struct p2p_json_object *object, const char *key, char *text, size_t size)
{
    if (is_there(object, key)) {
        p2p_probe_text_read(object, key, text, size);
    }
}

static void read_judgement(const struct p2p_json_object *object, struct p2p_judgement *judgement)
{
    judgement->verdict = (enum p2p_verdict)p2p_json_choice(object, "verdict", VERDICTS);
    snprintf(judgement->reason, sizeof judgement->reason, "%s", p2p_json_string_or(object, "reason", ""));
}

/* Within the integers' range: the fixed digits of the file hold no more. */
static double read_real(const struct p2p_json_object *object, const char *key)
{
    double value = p2p_json_real(object, key);

    if (value < 0 || value > (double)P2P_JSON_INTEGER_MAX) {
        p2p_json_refuse_value(object, key, "a number from 0 to 9007199254740991");
    }
    return value;
}

/* True if the figure is to be read: null stands exactly where there are no samples to make it of. */
static bool has_figure(const struct p2p_json_object *object, const char *key, uint64_t samples)
{
    if (samples == 0 && p2p_json_has(object, key) && !p2p_json_is_null(object, key)) {
        p2p_json_refuse_value(object, key, "null, as there are no samples");
    }
    return samples > 0;
}

static uint64_t read_figure(const struct p2p_json_object *object, const char *key, uint64_t samples)
{
    return has_figure(object, key, samples) ? read_count(object, key) : 0;
}

static double read_real_figure(const struct p2p_json_object *object, const char *key, uint64_t samples)
{
    return has_figure(object, key, samples) ? read_real(object, key) : 0;
}

static void read_interval(const struct p2p_json_object *intervals, const char *key, struct p2p_interval *interval)
{
    struct p2p_json_object object;

    if (!is_there(intervals, key)) {
        return;
    }
    object = p2p_json_child(intervals, key, INTERVAL_KEYS);
    *interval = (struct p2p_interval){.low_ns = read_real(&object, "low"), .high_ns = read_real(&object, "high")};
    interval->bounded = true;
    if (interval->low_ns > interval->high_ns) {
        p2p_json_refuse_value(&object, "high", "at least its low");
    }
}

/* Files from before there were intervals have none. */
static void read_intervals(const struct p2p_json_object *from, struct p2p_stats *stats)
{
    struct p2p_json_object object = p2p_json_child_or_none(from, "intervals", INTERVALS_KEYS);

    read_interval(&object, "avg_ns", &stats->avg);
    read_interval(&object, "p50_ns", &stats->p50);
    read_interval(&object, "p99_ns", &stats->p99);
    read_interval(&object, "p99_9_ns", &stats->p99_9);
}

static void read_stats(const struct p2p_json_object *from, struct p2p_stats *stats)
{
    struct p2p_json_object child = p2p_json_child(from, "stats", STATS_KEYS);
    const struct p2p_json_object *object = &child;
    uint64_t n = read_count(object, "n");
    uint64_t n_warm = read_count(object, "n_warm");

    *stats = (struct p2p_stats){
        .n = n,
        .n_warm = n_warm,
        .avg_ns = read_real_figure(object, "avg_ns", n),
        .min_ns = read_figure(object, "min_ns", n),
        .max_ns = read_figure(object, "max_ns", n),
        .warm_max_ns = read_figure(object, "warm_max_ns", n_warm),
        .p50_ns = read_figure(object, "p50_ns", n),
        .p99_ns = read_figure(object, "p99_ns", n),
        .p99_9_ns = read_figure(object, "p99_9_ns", n),
        .uncertainty_ns = read_real_figure(object, "uncertainty_ns", n),
        .avg_uncertainty_ns =
            p2p_json_has(object, "avg_uncertainty_ns") ? read_real_figure(object, "avg_uncertainty_ns", n) : 0,
    };
    read_intervals(object, stats);
}

/* Files from before there was a truth have no such key. */
static void read_truth(const struct p2p_json_object *object, struct p2p_truth *truth)
{
    struct p2p_json_object from;
    double mean_ns;

    if (!p2p_json_has(object, "truth") || p2p_json_is_null(object, "truth")) {
        return;
    }
    from = p2p_json_child(object, "truth", TRUTH_KEYS);
    truth->known = true;
    truth->n = read_count(&from, "n");
    truth->unmatched = read_count(&from, "unmatched");
    truth->max_error_ns = read_real_figure(&from, "max_error_ns", truth->n);
    if (has_figure(&from, "mean_error_ns", truth->n)) {
        mean_ns = p2p_json_real(&from, "mean_error_ns");
        if (fabs(mean_ns) > truth->max_error_ns + 0.001) { /* both are rounded */
            p2p_json_refuse_value(&from, "mean_error_ns", "at most max_error_ns, with either sign");
        }
        truth->error_sum_ns = mean_ns * (double)truth->n;
    }
}

static void read_account(const struct p2p_json_object *from, struct p2p_account *account)
{
    struct p2p_json_object child = p2p_json_child(from, "account", ACCOUNT_KEYS);
    const struct p2p_json_object *object = &child;

    *account = (struct p2p_account){
        .stimuli = read_count(object, "stimuli"),
        .answered = read_count(object, "answered"),
        .missed = read_count(object, "missed"),
        .late = read_count(object, "late"),
        .spurious = read_count(object, "spurious"),
        .clipped = read_count(object, "clipped"),
        .lost = read_count(object, "lost"),
        .releases = read_count(object, "releases"),
        .outside = read_count(object, "outside"),
        .disordered = read_count(object, "disordered"),
        .answers = read_count(object, "answers"),
        .edges = read_count(object, "edges"),
    };
}

static void read_control(const struct p2p_json_object *object, struct p2p_band *control)
{
    struct p2p_json_object from, band;

    if (!p2p_json_has(object, "control")) {
        return;
    }
    from = p2p_json_child(object, "control", CONTROL_KEYS);
    band = p2p_json_child(&from, "avg_ns", BAND_KEYS);
    control->min_ns = p2p_json_integer(&band, "min", (struct p2p_json_range){1, P2P_JSON_INTEGER_MAX});
    control->max_ns = p2p_json_integer(&band, "max", (struct p2p_json_range){control->min_ns, P2P_JSON_INTEGER_MAX});
}

static void read_limits(const struct p2p_json_object *from, struct p2p_limits *limits)
{
    struct p2p_json_object object = p2p_json_child(from, "limits", LIMITS_KEYS);

    *limits = P2P_NO_LIMITS;
    limits->avg_ns = read_limit(&object, "avg_ns");
    limits->max_ns = read_limit(&object, "max_ns");
    limits->warm_max_ns = read_limit(&object, "warm_max_ns");
    limits->p99_ns = read_limit(&object, "p99_ns");
    limits->p99_9_ns = p2p_json_has(&object, "p99_9_ns") ? read_limit(&object, "p99_9_ns") : UINT64_MAX;
    limits->min_samples = read_count(&object, "min_samples");
}

static void read_spread(const struct p2p_json_object *from, struct p2p_spread *spread)
{
    struct p2p_json_object object;

    if (is_there(from, "spread")) {
        object = p2p_json_child(from, "spread", SPREAD_KEYS);
        spread->between_boots_ns = read_real(&object, "between_boots_ns");
        spread->within_boot_ns = read_real(&object, "within_boot_ns");
    }
}

static void read_outliers(const struct p2p_json_object *from, struct p2p_outliers *outliers)
{
    struct p2p_json_object object;

    if (is_there(from, "outliers")) {
        object = p2p_json_child(from, "outliers", OUTLIERS_KEYS);
        outliers->count = read_count(&object, "count");
        outliers->fence_ns = read_count(&object, "fence_ns");
    }
}

static void read_exceedance(const struct p2p_json_object *from, struct p2p_exceedance_limit *limit,
                            struct p2p_exceedance *exceedance)
{
    struct p2p_json_object object;

    if (!is_there(from, "exceedance")) {
        return;
    }
    object = p2p_json_child(from, "exceedance", EXCEEDANCE_KEYS);
    limit->over_ns = read_count(&object, "over_ns");
    limit->probability = p2p_json_real(&object, "probability");
    if (!(limit->probability > 0 && limit->probability < 1)) {
        p2p_json_refuse_value(&object, "probability", "a number between 0 and 1");
    }
    exceedance->n = read_count(&object, "n");
    exceedance->count = p2p_json_integer(&object, "count", (struct p2p_json_range){0, exceedance->n});
    exceedance->upper_95 = read_real_figure(&object, "upper_95", exceedance->n);
    exceedance->lower_95 = read_real_figure(&object, "lower_95", exceedance->n);
    exceedance->samples_needed = read_limit(&object, "samples_needed");
}

static void read_relative(const struct p2p_json_object *object, struct p2p_relative_limit *limit,
                          struct p2p_relative *relative)
{
    limit->figure = (enum p2p_figure)p2p_json_choice(object, "figure", FIGURES);
    p2p_json_name(object, "of", limit->of, sizeof limit->of);
    read_maybe_name(object, "baseline", limit->baseline, sizeof limit->baseline);
    limit->at_most = read_real(object, "at_most");
    relative->known = is_there(object, "ratio");
    relative->ratio = relative->known ? read_real(object, "ratio") : 0;
    relative->bounded = is_there(object, "low");
    relative->low = relative->bounded ? read_real(object, "low") : 0;
    relative->high = relative->bounded ? read_real(object, "high") : 0;
    read_judgement(object, &relative->judgement);
}

static void read_relatives(const struct p2p_json_object *object, struct p2p_result_configuration *configuration)
{
    size_t count = p2p_json_array_length(object, "relative", (struct p2p_json_range){0, P2P_RELATIVE_LIMITS_MAX});

    for (size_t i = 0; i < count; i++) {
        struct p2p_json_object element = p2p_json_element(object, "relative", i, RELATIVE_KEYS);

        read_relative(&element, &configuration->limits.relative[i], &configuration->relative[i]);
    }
    configuration->limits.relative_count = count;
}

static void read_confirmation(const struct p2p_json_object *from, struct p2p_confirmation *confirmation)
{
    struct p2p_exceedance_limit same; /* as the configuration's */
    struct p2p_json_object object;

    if (!is_there(from, "confirmation")) {
        return;
    }
    object = p2p_json_child(from, "confirmation", CONFIRMATION_KEYS);
    confirmation->boots = (uint32_t)p2p_json_integer(&object, "boots", (struct p2p_json_range){1, 10});
    read_judgement(&object, &confirmation->judgement);
    read_stats(&object, &confirmation->stats);
    read_account(&object, &confirmation->account);
    read_truth(&object, &confirmation->truth);
    read_exceedance(&object, &same, &confirmation->exceedance);
}

static void read_boot(const struct p2p_json_object *object, struct p2p_result_boot *boot)
{
    struct p2p_boot_figures *figures = &boot->figures;

    boot->boot = (uint32_t)p2p_json_integer(object, "boot", BOOT_NUMBERS);
    figures->n = p2p_json_integer(object, "n", (struct p2p_json_range){1, P2P_JSON_INTEGER_MAX});
    figures->n_warm = p2p_json_integer(object, "n_warm", (struct p2p_json_range){0, figures->n});
    figures->variance_ns2 = read_real(object, "variance_ns2");
    for (enum p2p_figure figure = 0; figure < P2P_FIGURE_COUNT; figure++) {
        char key[P2P_RESULT_KEY_BYTES];

        p2p_result_figure_key(figure, key);
        figures->value_ns[figure] =
            read_real_figure(object, key, figure == P2P_FIGURE_WARM_MAX ? figures->n_warm : figures->n);
    }
}

/* NULL: there are none, or the file is refused. */
static struct p2p_result_boot *read_boots(const struct p2p_json_object *object, size_t *count)
{
    size_t length = p2p_json_array_length(object, "boot_figures", BOOTS);
    struct p2p_result_boot *boots = length == 0 ? NULL : p2p_json_allocate(object, length, sizeof *boots);

    *count = boots == NULL ? 0 : length;
    for (size_t i = 0; i < *count; i++) {
        struct p2p_json_object element = p2p_json_element(object, "boot_figures", i, BOOT_KEYS);

        read_boot(&element, &boots[i]);
    }
    return boots;
}

static void read_configuration(const struct p2p_json_object *object, struct p2p_result_configuration *configuration)
{
    p2p_json_name(object, "name", configuration->name, sizeof configuration->name);
    read_maybe_name(object, "set", configuration->set, sizeof configuration->set);
    configuration->number = (uint32_t)p2p_json_integer_or(object, "number", (struct p2p_json_range){1, 10000}, 0);
    read_judgement(object, &configuration->judgement);
    configuration->boots = (uint32_t)p2p_json_integer(object, "boots", BOOTS);
    read_limits(object, &configuration->limits);
    read_control(object, &configuration->control);
    read_maybe_text(object, "stub", configuration->stub, sizeof configuration->stub);
    read_maybe_text(object, "stub_path", configuration->stub_path, sizeof configuration->stub_path);
    read_stats(object, &configuration->stats);
    read_account(object, &configuration->account);
    read_truth(object, &configuration->truth);
    read_spread(object, &configuration->spread);
    read_outliers(object, &configuration->outliers);
    read_exceedance(object, &configuration->limits.exceedance, &configuration->exceedance);
    read_relatives(object, configuration);
    read_confirmation(object, &configuration->confirmation);
    configuration->boot_figures = read_boots(object, &configuration->boot_figure_count);
}

static void read_reference(const struct p2p_json_object *object, struct p2p_reference *reference)
{
    p2p_json_name(object, "baseline", reference->baseline, sizeof reference->baseline);
    p2p_json_name(object, "configuration", reference->configuration, sizeof reference->configuration);
    reference->time_base = (enum p2p_time_base)p2p_json_choice(object, "time_base", TIME_BASES);
    read_maybe_text(object, "wiring", reference->wiring, sizeof reference->wiring);
    read_maybe_text(object, "stub", reference->stub, sizeof reference->stub);
    read_maybe_text(object, "stub_path", reference->stub_path, sizeof reference->stub_path);
    read_maybe_name(object, "probe", reference->probe, sizeof reference->probe);
    reference->tick_hz = read_count(object, "tick_hz");
    reference->boot_figures = read_boots(object, &reference->boot_figure_count);
}

static void read_references(const struct p2p_json_object *root, struct p2p_result *result)
{
    size_t count = p2p_json_array_length(root, "baselines", (struct p2p_json_range){0, REFERENCES_MAX});

    result->references = count == 0 ? NULL : p2p_json_allocate(root, count, sizeof *result->references);
    for (size_t i = 0; result->references != NULL && i < count; i++) {
        struct p2p_json_object element = p2p_json_element(root, "baselines", i, REFERENCE_KEYS);

        read_reference(&element, &result->references[i]);
        result->reference_count = i + 1;
    }
}

/* "CONFIGURATION/boot-NNN". False: it is no boot of this result. */
static bool read_folder(const struct p2p_result *result, const char *folder, struct p2p_result_order *entry)
{
    for (size_t i = 0; i < result->configuration_count; i++) {
        const char *name = result->configurations[i].name;
        size_t length = strlen(name);
        char expected[P2P_NAME_BYTES + 16];

        if (strncmp(folder, name, length) == 0 && strncmp(folder + length, "/boot-", strlen("/boot-")) == 0) {
            unsigned long boot = strtoul(folder + length + strlen("/boot-"), NULL, 10);

            snprintf(expected, sizeof expected, "%s/boot-%03lu", name, boot);
            *entry = (struct p2p_result_order){.configuration = i, .boot = (uint32_t)boot};
            return boot >= BOOT_NUMBERS.min && boot <= BOOT_NUMBERS.max && strcmp(folder, expected) == 0;
        }
    }
    return false;
}

static void read_order(const struct p2p_json_object *root, struct p2p_result *result)
{
    size_t count = 0;
    char **folders = p2p_json_strings(root, "order", (struct p2p_json_range){0, ORDER_MAX}, &count);

    result->order = folders == NULL || count == 0 ? NULL : p2p_json_allocate(root, count, sizeof *result->order);
    for (size_t i = 0; result->order != NULL && i < count; i++) {
        if (!read_folder(result, folders[i], &result->order[i])) {
            p2p_json_refuse(root, "order", "expected boots of this result as CONFIGURATION/boot-NNN, found \"%s\"",
                            folders[i]);
        }
        result->order_count = i + 1;
    }
    p2p_json_strings_free(folders);
}

static void read_stimulus(const struct p2p_json_object *plan, struct p2p_stimulus_plan *stimulus)
{
    struct p2p_json_object object = p2p_json_child(plan, "stimulus", STIMULUS_KEYS);

    *stimulus = (struct p2p_stimulus_plan){
        .period_ns = read_count(&object, "period_ns"),
        .jitter_ns = read_count(&object, "jitter_ns"),
        .width_ns = read_count(&object, "width_ns"),
        .deadline_ns = p2p_json_integer(&object, "deadline_ns", (struct p2p_json_range){1, P2P_JSON_INTEGER_MAX}),
        .kind = (enum p2p_stimulus_kind)p2p_json_choice_or(&object, "kind", STIMULUS_KINDS, P2P_STIMULUS_PERIODIC),
    };
    if (stimulus->kind == P2P_STIMULUS_POISSON) {
        stimulus->gap_ns = read_count(&object, "gap_ns");
    }
    if (stimulus->kind == P2P_STIMULUS_BURST) {
        stimulus->burst_count =
            (uint32_t)p2p_json_integer(&object, "burst_count", (struct p2p_json_range){2, UINT32_MAX});
        stimulus->burst_spacing_ns = read_count(&object, "burst_spacing_ns");
    }
}

static void read_plan(const struct p2p_json_object *root, struct p2p_result *result)
{
    struct p2p_json_object plan = p2p_json_child(root, "plan", PLAN_KEYS);

    p2p_json_name(&plan, "name", result->plan, sizeof result->plan);
    result->seed = read_count(&plan, "seed");
    result->boots = (uint32_t)p2p_json_integer(&plan, "boots", (struct p2p_json_range){1, 1000});
    result->confirm_boots = (uint32_t)p2p_json_integer_or(&plan, "confirm_boots", (struct p2p_json_range){0, 10}, 0);
    result->samples = read_count(&plan, "samples");
    result->warmup = (uint32_t)p2p_json_integer(&plan, "warmup", (struct p2p_json_range){0, UINT32_MAX});
    read_stimulus(&plan, &result->stimulus);
}

static void read_probe(const struct p2p_json_object *root, struct p2p_result *result)
{
    struct p2p_json_object probe;

    if (p2p_json_is_null(root, "probe")) {
        return;
    }
    probe = p2p_json_child(root, "probe", PROBE_KEYS);
    p2p_json_name(&probe, "name", result->probe, sizeof result->probe);
    result->tick_hz = p2p_json_integer(&probe, "tick_hz", (struct p2p_json_range){1, P2P_JSON_INTEGER_MAX});
    p2p_probe_text_read(&probe, "serial", result->serial, sizeof result->serial);
    p2p_probe_text_read(&probe, "firmware", result->firmware, sizeof result->firmware);
    p2p_budget_read(&probe, &result->budget);
}

/* All that names a configuration means one. */
static void refuse_twins(const struct p2p_json_object *root, const struct p2p_result *result)
{
    for (size_t i = 0; i < result->configuration_count; i++) {
        const char *name = result->configurations[i].name;

        if (name[0] != '\0' && p2p_result_find(result, name) != &result->configurations[i]) {
            p2p_json_refuse(root, "configurations", "expected each name once, found \"%s\" again", name);
        }
    }
}

static void read_root(struct p2p_json_file *file, struct p2p_result *result)
{
    struct p2p_json_object root = p2p_json_root(file, P2P_RESULT_SCHEMA, P2P_RESULT_VERSION, ROOT_KEYS);
    size_t count = p2p_json_array_length(&root, "configurations", (struct p2p_json_range){1, 10000});

    result->time_base = (enum p2p_time_base)p2p_json_choice(&root, "time_base", TIME_BASES);
    result->complete = p2p_json_boolean_or(&root, "complete", false);
    read_judgement(&root, &result->judgement);
    p2p_json_name(&root, "bench", result->bench, sizeof result->bench);
    read_maybe_text(&root, "wiring", result->wiring, sizeof result->wiring);
    read_plan(&root, result);
    read_probe(&root, result);
    result->configurations = p2p_json_allocate(&root, count, sizeof *result->configurations);
    for (size_t i = 0; result->configurations != NULL && i < count; i++) {
        struct p2p_json_object element = p2p_json_element(&root, "configurations", i, CONFIGURATION_KEYS);

        read_configuration(&element, &result->configurations[i]);
        result->configuration_count = i + 1;
    }
    read_references(&root, result);
    if (result->configurations != NULL) {
        refuse_twins(&root, result);
        read_order(&root, result);
    }
}

struct p2p_result *p2p_result_load(const char *path, struct p2p_error *error)
{
    struct p2p_json_file *file = p2p_json_file_load_long(path, FILE_BYTES_MAX, error);
    struct p2p_result *result = NULL;

    if (file == NULL) {
        return NULL;
    }
    result = calloc(1, sizeof *result);
    if (result == NULL) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", path);
    } else {
        read_root(file, result);
    }
    if (p2p_json_file_code(file) != P2P_OK) {
        p2p_result_free(result);
        result = NULL;
    }
    p2p_json_file_free(file);
    return result;
}
