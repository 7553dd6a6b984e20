/* SPDX-License-Identifier: MIT */
#include "store/result.h"

#include "config/json_reader.h"
#include "store/budget_json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESULT_VERSION = 1 };

static const char SCHEMA[] = "pin2pin.result";

struct p2p_result *p2p_result_new(const struct p2p_plan *plan, const struct p2p_bench *bench, const size_t *selected,
                                  size_t configuration_count)
{
    struct p2p_result *result = calloc(1, sizeof *result);

    if (result == NULL) {
        return NULL;
    }
    result->configurations = calloc(configuration_count, sizeof *result->configurations);
    if (result->configurations == NULL) {
        free(result);
        return NULL;
    }
    snprintf(result->plan, sizeof result->plan, "%s", plan->name);
    snprintf(result->bench, sizeof result->bench, "%s", bench->name);
    result->seed = plan->seed;
    result->boots = plan->boots;
    result->samples = plan->samples;
    result->warmup = plan->warmup;
    result->stimulus = plan->stimulus;
    result->configuration_count = configuration_count;
    for (size_t i = 0; i < configuration_count; i++) {
        const struct p2p_configuration *from = &plan->configurations[selected[i]];

        snprintf(result->configurations[i].name, sizeof result->configurations[i].name, "%s", from->name);
        result->configurations[i].limits = from->limits;
        result->configurations[i].control = from->control;
    }
    return result;
}

void p2p_result_free(struct p2p_result *result)
{
    if (result != NULL) {
        free(result->configurations);
        free(result);
    }
}

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

static json_t *encode_limits(const struct p2p_limits *limits)
{
    return json_pack("{so so so so sI}", "avg_ns", limit(limits->avg_ns), "max_ns", limit(limits->max_ns),
                     "warm_max_ns", limit(limits->warm_max_ns), "p99_ns", limit(limits->p99_ns), "min_samples",
                     (json_int_t)limits->min_samples);
}

static json_t *encode_stats(const struct p2p_stats *stats)
{
    bool any = stats->n > 0;

    return json_pack("{sI so so so so so so so so so so}", "n", (json_int_t)stats->n, "avg_ns",
                     real_ns(any, stats->avg_ns), "min_ns", maybe(any, stats->min_ns), "max_ns",
                     maybe(any, stats->max_ns), "warm_max_ns", maybe(stats->n_warm > 0, stats->warm_max_ns), "p50_ns",
                     maybe(any, stats->p50_ns), "p99_ns", maybe(any, stats->p99_ns), "p99_9_ns",
                     maybe(any, stats->p99_9_ns), "n_warm", json_integer((json_int_t)stats->n_warm), "uncertainty_ns",
                     real_ns(any, stats->uncertainty_ns), "avg_uncertainty_ns",
                     real_ns(any, stats->avg_uncertainty_ns));
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

static json_t *encode_configuration(const struct p2p_result_configuration *configuration)
{
    return json_pack("{ss ss so si so so* so so so}", "name", configuration->name, "verdict",
                     p2p_verdict_name(configuration->judgement.verdict), "reason",
                     reason_text(&configuration->judgement), "boots", (int)configuration->boots, "limits",
                     encode_limits(&configuration->limits), "control", encode_control(&configuration->control), "stats",
                     encode_stats(&configuration->stats), "account", encode_account(&configuration->account), "truth",
                     encode_truth(&configuration->truth));
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
    return json_pack("{ss sI sI sI sI so}", "name", result->plan, "seed", (json_int_t)result->seed, "boots",
                     (json_int_t)result->boots, "samples", (json_int_t)result->samples, "warmup",
                     (json_int_t)result->warmup, "stimulus", encode_stimulus(&result->stimulus));
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
    root = json_pack("{ss si ss sb ss so so ss so so}", "schema", SCHEMA, "version", RESULT_VERSION, "time_base",
                     p2p_time_base_name(result->time_base), "complete", (int)result->complete, "verdict",
                     p2p_verdict_name(result->judgement.verdict), "reason", reason_text(&result->judgement), "plan",
                     encode_plan(result), "bench", result->bench, "probe", encode_probe(result), "configurations",
                     configurations);
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

static const struct p2p_json_key ROOT_KEYS[] = {
    {"schema", "\"pin2pin.result\""},
    {"version", "1"},
    {"time_base", "\"hardware\" or \"instructions\""},
    {"complete", "whether the run went through its plan"},
    {"verdict", "the worst of all verdicts"},
    {"reason", "why"},
    {"plan", "what was asked for"},
    {"bench", "the bench's name"},
    {"probe", "what it was measured with"},
    {"configurations", "the figures"},
    {NULL, NULL},
};
static const struct p2p_json_key PLAN_KEYS[] = {
    {"name", "the plan's name"},
    {"seed", "its seed"},
    {"boots", "boots of each configuration"},
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
    {"verdict", "its verdict"},
    {"reason", "why"},
    {"boots", "boots recorded"},
    {"limits", "what it is judged by"},
    {"control", "where its figures have to be for the bench to be sound"},
    {"stats", "its figures"},
    {"account", "its edges"},
    {"truth", "the probe against the truth, or null"},
    {NULL, NULL},
};
static const struct p2p_json_key CONTROL_KEYS[] = {{"avg_ns", "where its mean has to be"}, {NULL, NULL}};
static const struct p2p_json_key BAND_KEYS[] = {{"min", "at least 1"}, {"max", "at least min"}, {NULL, NULL}};
static const struct p2p_json_key LIMITS_KEYS[] = {
    {"avg_ns", "or null"}, {"max_ns", "or null"},         {"warm_max_ns", "or null"},
    {"p99_ns", "or null"}, {"min_samples", "at least 1"}, {NULL, NULL},
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
static const struct p2p_json_range ANY = {0, P2P_JSON_INTEGER_MAX};

static uint64_t read_count(const struct p2p_json_object *object, const char *key)
{
    return p2p_json_integer(object, key, ANY);
}

static uint64_t read_limit(const struct p2p_json_object *object, const char *key)
{
    return p2p_json_is_null(object, key) ? UINT64_MAX : read_count(object, key);
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

static void read_stats(const struct p2p_json_object *object, struct p2p_stats *stats)
{
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

static void read_account(const struct p2p_json_object *object, struct p2p_account *account)
{
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

static void read_configuration(const struct p2p_json_object *object, struct p2p_result_configuration *configuration)
{
    struct p2p_json_object limits = p2p_json_child(object, "limits", LIMITS_KEYS);
    struct p2p_json_object stats = p2p_json_child(object, "stats", STATS_KEYS);
    struct p2p_json_object account = p2p_json_child(object, "account", ACCOUNT_KEYS);

    p2p_json_name(object, "name", configuration->name, sizeof configuration->name);
    read_judgement(object, &configuration->judgement);
    configuration->boots = (uint32_t)p2p_json_integer(object, "boots", (struct p2p_json_range){0, 1000});
    configuration->limits = (struct p2p_limits){
        .avg_ns = read_limit(&limits, "avg_ns"),
        .max_ns = read_limit(&limits, "max_ns"),
        .warm_max_ns = read_limit(&limits, "warm_max_ns"),
        .p99_ns = read_limit(&limits, "p99_ns"),
        .min_samples = read_count(&limits, "min_samples"),
    };
    read_control(object, &configuration->control);
    read_stats(&stats, &configuration->stats);
    read_account(&account, &configuration->account);
    read_truth(object, &configuration->truth);
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

static void read_root(struct p2p_json_file *file, struct p2p_result *result)
{
    struct p2p_json_object root = p2p_json_root(file, SCHEMA, RESULT_VERSION, ROOT_KEYS);
    size_t count = p2p_json_array_length(&root, "configurations", (struct p2p_json_range){1, 10000});

    result->time_base = (enum p2p_time_base)p2p_json_choice(&root, "time_base", TIME_BASES);
    result->complete = p2p_json_boolean_or(&root, "complete", false);
    read_judgement(&root, &result->judgement);
    p2p_json_name(&root, "bench", result->bench, sizeof result->bench);
    read_plan(&root, result);
    read_probe(&root, result);
    result->configurations = p2p_json_allocate(&root, count, sizeof *result->configurations);
    for (size_t i = 0; result->configurations != NULL && i < count; i++) {
        struct p2p_json_object element = p2p_json_element(&root, "configurations", i, CONFIGURATION_KEYS);

        read_configuration(&element, &result->configurations[i]);
        result->configuration_count = i + 1;
    }
}

struct p2p_result *p2p_result_load(const char *path, struct p2p_error *error)
{
    struct p2p_json_file *file = p2p_json_file_load(path, error);
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
