/* SPDX-License-Identifier: MIT */
/*
 * rates [--repetitions N] [--seed N] [--boots N] [--spread PERCENT] TRACES: how often comparisons and limits are wrong,
 * by the product's own code, for a plan of 10 boots of 10,000 samples. In each repetition, of each distribution and
 * each spread between boots, one run is compared with another of the same kind: that anything is slower or faster is a
 * false alarm; one that takes 5 % longer: that nothing is slower is a miss; and one sample in 10^4 over a limit has to
 * fail, by the product's verdict.
 *
 * Prints the table of docs/comparing.md. Fails if any rate is worse than promised (1 % of false alarms, 99 % caught) by
 * more than chance explains, or if runs fail whose samples are all within the limit.
 */
#include "distributions.h"

#include "stats/binomial.h"
#include "stats/series.h"
#include "verdict/comparison.h"
#include "verdict/verdict.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOOTS_MAX = 100,
    SAMPLES = 10000,
    WARMUP = 2,
    TRACES_MAX = 8,
    TICK_HZ = 125000000,
    LIMIT_NS = 1000000, /* the longest of 10^8 samples with a Pareto tail is far below it */
    OVER_NS = 2 * LIMIT_NS,
};

#define FALSE_ALARMS_MAX 0.01
#define CAUGHT_MIN       0.99
#define SPREAD_MAX       0.01   /* beyond, 10 boots are not promised to catch 5 % */
#define CHANCE           0.9999 /* confidence with which a rate has to be worse for this program to fail */

struct distribution {
    const char *name;
    double (*draw)(const struct trace *trace, struct p2p_prng *prng);
    const struct trace *trace;
};

struct arguments {
    uint64_t repetitions, seed, boots;
    double spread; /* below 0: each of several */
    const char *traces;
};

/* How a run differs from the others of its kind. */
struct treatment {
    double factor;  /* on all latencies */
    uint64_t every; /* one sample in so many is over the limit; 0: none */
};

struct run {
    struct p2p_result result;
    struct p2p_result_configuration configuration;
    struct p2p_result_boot boots[BOOTS_MAX];
};

struct counts {
    uint64_t repetitions, false_alarms, caught_shifts, caught_tails, false_fails;
};

static void fail(const char *what)
{
    fprintf(stderr, "rates: %s\n", what);
    exit(2);
}

static void play_boot(const struct distribution *distribution, double factor, uint64_t every, struct p2p_prng *prng,
                      struct p2p_series *series)
{
    if (!p2p_series_begin_boot(series)) {
        fail("out of memory");
    }
    for (int i = 0; i < SAMPLES; i++) {
        const bool over = every > 0 && p2p_prng_below(prng, every) == 0;
        const double ns = over ? OVER_NS : factor * distribution->draw(distribution->trace, prng);

        if (!p2p_series_add(series, (uint64_t)(ns * TICK_HZ / 1e9 + 0.5))) {
            fail("a sample does not fit");
        }
    }
}

/* Boots differ by a normal factor of standard deviation `spread`. */
static void play(const struct distribution *distribution, double spread, struct treatment treatment, uint64_t boots,
                 struct p2p_prng *prng, struct run *run)
{
    static const struct p2p_uncertainty exact = {0};
    const uint64_t stimuli = boots * SAMPLES;
    struct p2p_series *series = p2p_series_new(WARMUP);
    struct p2p_result_configuration *configuration = &run->configuration;

    if (series == NULL) {
        fail("out of memory");
    }
    *run = (struct run){
        .result = {.wiring = "rates",
                   .boots = (uint32_t)boots,
                   .samples = SAMPLES,
                   .warmup = WARMUP,
                   .probe = "rates",
                   .tick_hz = TICK_HZ,
                   .complete = true,
                   .configuration_count = 1},
        .configuration = {.name = "rates", .stub = "rates 1", .limits = P2P_NO_LIMITS, .boots = (uint32_t)boots},
    };
    for (uint64_t boot = 0; boot < boots; boot++) {
        const double luck = 1 + spread * draw_normal(prng);

        play_boot(distribution, treatment.factor * luck, treatment.every, prng, series);
        p2p_series_boot_figures(series, boot, TICK_HZ, &exact, &run->boots[boot].figures);
    }
    p2p_series_stats(series, TICK_HZ, &exact, &configuration->stats);
    p2p_series_free(series);
    configuration->account = (struct p2p_account){
        .stimuli = stimuli, .answered = stimuli, .releases = stimuli, .answers = stimuli, .edges = 3 * stimuli};
    configuration->limits.warm_max_ns = LIMIT_NS;
    p2p_judge(&configuration->stats, &configuration->account, &configuration->limits, &configuration->judgement);
    configuration->boot_figures = run->boots;
    configuration->boot_figure_count = boots;
    run->result.configurations = configuration;
}

/* How many figures are slower, and how many faster. */
static void compare(const struct run *a, const struct run *b, size_t *slower, size_t *faster)
{
    struct p2p_comparison comparison;

    if (!p2p_compare(&a->result, &b->result, &P2P_COMPARISON_DEFAULTS, &comparison)) {
        fail("out of memory");
    }
    if (!p2p_is_comparable(&comparison.comparability)) {
        fail(comparison.comparability.reasons);
    }
    *slower = p2p_comparison_count(&comparison, P2P_CHANGE_SLOWER);
    *faster = p2p_comparison_count(&comparison, P2P_CHANGE_FASTER);
    p2p_comparison_free(&comparison);
}

static void repeat(const struct distribution *distribution, double spread, uint64_t boots, struct p2p_prng *prng,
                   struct counts *counts)
{
    static const struct treatment none = {.factor = 1}, shifted = {.factor = 1.05}, tailed = {1, 10000};
    static struct run a, b, slow, tail; /* large */
    size_t slower, faster;

    play(distribution, spread, none, boots, prng, &a);
    play(distribution, spread, none, boots, prng, &b);
    play(distribution, spread, shifted, boots, prng, &slow);
    play(distribution, spread, tailed, boots, prng, &tail);
    counts->repetitions++;
    compare(&a, &b, &slower, &faster);
    counts->false_alarms += slower + faster > 0;
    compare(&a, &slow, &slower, &faster);
    counts->caught_shifts += slower > 0;
    counts->caught_tails += tail.configuration.judgement.verdict == P2P_VERDICT_FAIL;
    counts->false_fails += a.configuration.judgement.verdict != P2P_VERDICT_PASS;
}

/* "x of n", and with 95 % not above, or not below, which rate. */
static void print_rate(uint64_t count, uint64_t n, bool is_bad)
{
    const double bound = is_bad ? p2p_binomial_upper(count, n, 0.95) : p2p_binomial_lower(count, n, 0.95);

    printf(" %" PRIu64 " (%s %.2f %%) |", count, is_bad ? "below" : "above", 100 * bound);
}

static bool is_as_promised(const struct counts *counts, double spread)
{
    const uint64_t n = counts->repetitions;
    const bool catches = p2p_binomial_upper(counts->caught_shifts, n, CHANCE) >= CAUGHT_MIN;

    return (catches || spread > SPREAD_MAX) &&
           p2p_binomial_lower(counts->false_alarms, n, CHANCE) <= FALSE_ALARMS_MAX &&
           p2p_binomial_upper(counts->caught_tails, n, CHANCE) >= CAUGHT_MIN && counts->false_fails == 0;
}

/* One row; false: not as promised. */
static bool measure(const struct distribution *distribution, double spread, const struct arguments *arguments,
                    uint64_t seed)
{
    struct counts counts = {0};
    struct p2p_prng prng;
    bool good;

    p2p_prng_seed(&prng, seed);
    for (uint64_t i = 0; i < arguments->repetitions; i++) {
        repeat(distribution, spread, arguments->boots, &prng, &counts);
    }
    good = is_as_promised(&counts, spread);
    printf("| %s | %g %% |", distribution->name, 100 * spread);
    print_rate(counts.false_alarms, counts.repetitions, true);
    print_rate(counts.caught_shifts, counts.repetitions, false);
    print_rate(counts.caught_tails, counts.repetitions, false);
    printf("%s\n", good ? "" : " WORSE THAN PROMISED");
    fflush(stdout);
    return good;
}

static bool measure_all(const struct distribution *distributions, size_t count, const struct arguments *arguments)
{
    static const double spreads[] = {0, 0.005, 0.01, 0.02};
    const bool one = arguments->spread >= 0;
    uint64_t seed = arguments->seed;
    bool good = true;

    printf("%" PRIu64 " repetitions, %" PRIu64 " boots of %d samples, seed %" PRIu64 "\n\n", arguments->repetitions,
           arguments->boots, SAMPLES, arguments->seed);
    printf("| latencies | spread between boots | false alarms | +5 %% caught | 1 in 10^4 over the limit caught |\n");
    printf("|---|---|---|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < (one ? 1 : sizeof spreads / sizeof spreads[0]); j++) {
            good &= measure(&distributions[i], one ? arguments->spread : spreads[j], arguments, seed++);
        }
    }
    return good;
}

static int is_csv(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);

    return length > 4 && strcmp(entry->d_name + length - 4, ".csv") == 0;
}

/* All of the folder, in the order of their names. */
static size_t load_traces(const char *folder, struct trace *traces[TRACES_MAX])
{
    struct dirent **entries = NULL;
    const int found = scandir(folder, &entries, is_csv, alphasort);
    size_t count = 0;

    for (int i = 0; i < found; i++) {
        char path[4096];

        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        free(entries[i]);
        if (count < TRACES_MAX) {
            traces[count] = trace_load(path);
            count += traces[count] != NULL;
        }
    }
    free(entries);
    return count;
}

static bool parse_count(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
    char *end;

    *value = strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && *value >= least && *value <= most;
}

static bool parse(int argc, char **argv, struct arguments *arguments)
{
    for (int i = 1; i < argc; i++) {
        uint64_t percent;
        bool good;

        if (i + 1 < argc && strcmp(argv[i], "--repetitions") == 0) {
            good = parse_count(argv[++i], 1, 1000000, &arguments->repetitions);
        } else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0) {
            good = parse_count(argv[++i], 0, UINT64_MAX, &arguments->seed);
        } else if (i + 1 < argc && strcmp(argv[i], "--boots") == 0) {
            good = parse_count(argv[++i], 1, BOOTS_MAX, &arguments->boots);
        } else if (i + 1 < argc && strcmp(argv[i], "--spread") == 0) {
            good = parse_count(argv[++i], 0, 10, &percent);
            arguments->spread = (double)percent / 100;
        } else {
            good = arguments->traces == NULL;
            arguments->traces = argv[i];
        }
        if (!good) {
            return false;
        }
    }
    return arguments->traces != NULL;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.repetitions = 1000, .seed = 1, .boots = 10, .spread = -1};
    struct distribution distributions[TRACES_MAX + 3];
    struct trace *traces[TRACES_MAX] = {0};
    size_t trace_count, count = 0;
    bool good;

    if (!parse(argc, argv, &arguments)) {
        fail("usage: rates [--repetitions N] [--seed N] [--boots N] [--spread PERCENT] TRACES");
    }
    trace_count = load_traces(arguments.traces, traces);
    if (trace_count == 0) {
        fail("no traces");
    }
    for (size_t i = 0; i < trace_count; i++) {
        distributions[count++] = (struct distribution){traces[i]->name, draw_trace, traces[i]};
    }
    distributions[count++] = (struct distribution){"lognormal, sigma 0.1", draw_lognormal, NULL};
    distributions[count++] = (struct distribution){"Pareto tail, alpha 2.5", draw_pareto, NULL};
    distributions[count++] = (struct distribution){"bimodal", draw_bimodal, NULL};
    good = measure_all(distributions, count, &arguments);
    for (size_t i = 0; i < trace_count; i++) {
        trace_free(traces[i]);
    }
    return good ? 0 : 1;
}
