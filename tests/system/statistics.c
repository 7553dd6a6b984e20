/* SPDX-License-Identifier: MIT */
/*
 * statistics KIND FILE: every case of tests/vectors/FILE through host/stats; prints an array of results as JSON, for
 * test_statistics.py to hold against SciPy.
 */
#include "stats/binomial.h"
#include "stats/change_points.h"
#include "stats/difference.h"
#include "stats/holm.h"
#include "stats/quantile.h"
#include "stats/series.h"
#include "stats/spread.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 64 };

/* A test's vectors are right, and there is memory. */
static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "statistics: %s\n", what);
        exit(EXIT_FAILURE);
    }
}

static double number(const json_t *from, const char *key)
{
    const json_t *value = json_object_get(from, key);

    require(json_is_number(value), key);
    return json_number_value(value);
}

static uint64_t whole(const json_t *from, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(from, key));
}

/* free() it. */
static double *numbers(const json_t *array, size_t *count)
{
    double *values;

    *count = json_array_size(array);
    values = calloc(*count + 1, sizeof *values);
    require(values != NULL && json_is_array(array), "no array");
    for (size_t i = 0; i < *count; i++) {
        values[i] = json_number_value(json_array_get(array, i));
    }
    return values;
}

static json_t *array_of(const double *values, size_t count)
{
    json_t *array = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array, json_real(values[i]));
    }
    return array;
}

static json_t *rate(const json_t *from)
{
    const uint64_t k = whole(from, "k"), n = whole(from, "n");
    const double confidence = number(from, "confidence");

    return json_pack("{sfsfsI}", "upper", p2p_binomial_upper(k, n, confidence), "lower",
                     p2p_binomial_lower(k, n, confidence), "needed",
                     (json_int_t)p2p_binomial_samples_needed(k, number(from, "probability"), confidence));
}

static json_t *ranks(const json_t *from)
{
    uint64_t low, high;

    if (!p2p_quantile_ranks(whole(from, "n"), (uint32_t)whole(from, "numerator"), (uint32_t)whole(from, "denominator"),
                            number(from, "confidence"), &low, &high)) {
        return json_null();
    }
    return json_pack("[II]", (json_int_t)low, (json_int_t)high);
}

static json_t *difference(const json_t *from)
{
    size_t a_count, b_count;
    double *a = numbers(json_object_get(from, "a"), &a_count);
    double *b = numbers(json_object_get(from, "b"), &b_count);
    const double confidence = number(from, "confidence");
    struct p2p_difference shift, ratio;

    require(p2p_difference_of(a, a_count, b, b_count, confidence, &shift), "out of memory");
    require(p2p_ratio_of(a, a_count, b, b_count, confidence, &ratio), "out of memory");
    free(a);
    free(b);
    return json_pack("{sbsfsfsfsfsfsfsfsf}", "bounded", shift.bounded, "p", shift.p, "p_least", shift.p_least, "shift",
                     shift.shift, "low", shift.low, "high", shift.high, "ratio", ratio.shift, "ratio_low", ratio.low,
                     "ratio_high", ratio.high);
}

static json_t *interval(const struct p2p_interval *interval)
{
    return interval->bounded ? json_pack("[ff]", interval->low_ns, interval->high_ns) : json_null();
}

static struct p2p_series *fill_series(const json_t *from)
{
    struct p2p_series *series = p2p_series_new((uint32_t)whole(from, "warmup"));
    const json_t *boot, *ticks;
    size_t i, k;

    require(series != NULL, "out of memory");
    json_array_foreach(json_object_get(from, "boots"), i, boot)
    {
        require(p2p_series_begin_boot(series), "out of memory");
        json_array_foreach(boot, k, ticks)
        {
            require(p2p_series_add(series, (uint64_t)json_integer_value(ticks)), "out of memory");
        }
    }
    return series;
}

/* Their spread, too. */
static json_t *boot_figures(const struct p2p_series *series, uint64_t tick_hz, const struct p2p_uncertainty *budget,
                            struct p2p_spread *spread)
{
    const size_t count = p2p_series_boot_count(series);
    struct p2p_boot_figures *boots = calloc(count, sizeof *boots);
    json_t *array = json_array();

    require(boots != NULL, "out of memory");
    for (size_t i = 0; i < count; i++) {
        p2p_series_boot_figures(series, i, tick_hz, budget, &boots[i]);
        json_array_append_new(array, json_pack("{sIsIsfso}", "n", (json_int_t)boots[i].n, "n_warm",
                                               (json_int_t)boots[i].n_warm, "variance", boots[i].variance_ns2,
                                               "figures", array_of(boots[i].value_ns, P2P_FIGURE_COUNT)));
    }
    p2p_spread_of(boots, count, spread);
    free(boots);
    return array;
}

static json_t *samples(const json_t *from)
{
    const uint64_t tick_hz = whole(from, "tick_hz");
    const struct p2p_uncertainty budget = {.skew_correction_ns = number(from, "correction_ns")};
    struct p2p_series *series = fill_series(from);
    struct p2p_outliers outliers;
    struct p2p_spread spread;
    struct p2p_stats stats;
    struct p2p_tail tail;
    json_t *boots, *result;

    p2p_series_stats(series, tick_hz, &budget, &stats);
    p2p_series_outliers(series, tick_hz, &budget, &outliers);
    p2p_series_tail(series, number(from, "probability"), tick_hz, &budget, &tail);
    boots = boot_figures(series, tick_hz, &budget, &spread);
    result =
        json_pack("{sfsososososIsIsIsfsfso}", "avg", stats.avg_ns, "avg_interval", interval(&stats.avg), "p50_interval",
                  interval(&stats.p50), "p99_interval", interval(&stats.p99), "p99_9_interval", interval(&stats.p99_9),
                  "above", (json_int_t)p2p_series_count_above(series, whole(from, "over_ns"), tick_hz, &budget),
                  "outliers", (json_int_t)outliers.count, "fence", (json_int_t)outliers.fence_ns, "between",
                  spread.between_boots_ns, "within", spread.within_boot_ns, "boots", boots);
    if (tail.known) {
        json_object_set_new(result, "tail",
                            json_pack("{sIsfsfsfsf}", "peaks", (json_int_t)tail.peaks, "threshold", tail.threshold_ns,
                                      "shape", tail.shape, "scale", tail.scale_ns, "level", tail.return_level_ns));
    }
    p2p_series_free(series);
    return result;
}

static json_t *nights(const json_t *from)
{
    size_t points[POINTS_MAX], count;
    double *series = numbers(json_object_get(from, "series"), &count);
    const size_t found = p2p_change_points(series, count, number(from, "alpha"), 1, points, POINTS_MAX);
    json_t *array = json_array();

    require(found <= POINTS_MAX, "out of memory");
    for (size_t i = 0; i < found; i++) {
        json_array_append_new(array, json_integer((json_int_t)points[i]));
    }
    free(series);
    return array;
}

static json_t *table(const json_t *from)
{
    size_t count;
    double *p = numbers(json_object_get(from, "p"), &count);
    json_t *array;

    require(p2p_holm(p, count), "out of memory");
    array = array_of(p, count);
    free(p);
    return array;
}

static const struct {
    const char *name;
    json_t *(*run)(const json_t *from);
} KINDS[] = {
    {"rates", rate},      {"ranks", ranks},   {"differences", difference},
    {"samples", samples}, {"nights", nights}, {"tables", table},
};

int main(int argc, char **argv)
{
    json_t *results = json_array();
    json_error_t error;
    json_t *vectors, *vector;
    size_t kind = 0, i;

    require(argc == 3, "usage: statistics KIND FILE");
    while (strcmp(KINDS[kind].name, argv[1]) != 0) {
        require(++kind < sizeof KINDS / sizeof *KINDS, "no such kind");
    }
    vectors = json_load_file(argv[2], 0, &error);
    require(vectors != NULL, argv[2]);
    json_array_foreach(vectors, i, vector)
    {
        json_array_append_new(results, KINDS[kind].run(vector));
    }
    require(json_dumpf(results, stdout, JSON_INDENT(1)) == 0, "cannot write");
    json_decref(results);
    json_decref(vectors);
    return EXIT_SUCCESS;
}
