/* SPDX-License-Identifier: MIT */
#include "verdict/trend.h"

#include "verdict/setups.h"

#include <stdlib.h>

/* One figure of one configuration over the nights that have it. */
struct series {
    double *ns;
    size_t *nights; /* index of each value's night */
    size_t count;
    double *scratch; /* room for a night's boots, or for all nights */
    size_t *points;
};

static void free_series(struct series *series)
{
    free(series->ns);
    free(series->nights);
    free(series->scratch);
    free(series->points);
}

static size_t most_boots(const struct p2p_named_result *nights, size_t count)
{
    size_t most = count;

    for (size_t night = 0; night < count; night++) {
        for (size_t i = 0; i < nights[night].result->configuration_count; i++) {
            const size_t boots = nights[night].result->configurations[i].boot_figure_count;

            most = boots > most ? boots : most;
        }
    }
    return most;
}

static bool make_room(const struct p2p_named_result *nights, size_t count, struct series *series)
{
    series->ns = calloc(count, sizeof *series->ns);
    series->nights = calloc(count, sizeof *series->nights);
    series->scratch = calloc(most_boots(nights, count), sizeof *series->scratch);
    series->points = calloc(count, sizeof *series->points);
    return series->ns != NULL && series->nights != NULL && series->scratch != NULL && series->points != NULL;
}

static void collect(const struct p2p_named_result *nights, size_t count, const char *configuration,
                    enum p2p_figure figure, struct series *series)
{
    series->count = 0;
    for (size_t night = 0; night < count; night++) {
        const struct p2p_result_configuration *own = p2p_result_find(nights[night].result, configuration);
        size_t boots = 0;

        if (own != NULL) {
            boots = p2p_result_boot_values(own->boot_figures, own->boot_figure_count, figure, series->scratch);
        }
        if (boots > 0) {
            series->ns[series->count] = p2p_median(series->scratch, boots);
            series->nights[series->count++] = night;
        }
    }
}

/* Of the values from index `begin` to before `end`. */
static double median_of(const struct series *series, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        series->scratch[i - begin] = series->ns[i];
    }
    return p2p_median(series->scratch, end - begin);
}

static bool add_change(struct p2p_trend *trend, const struct p2p_trend_change *change)
{
    struct p2p_trend_change *grown = realloc(trend->changes, (trend->change_count + 1) * sizeof *grown);

    if (grown == NULL) {
        return false;
    }
    trend->changes = grown;
    trend->changes[trend->change_count++] = *change;
    return true;
}

static bool add_changes(struct p2p_trend *trend, const char *configuration, enum p2p_figure figure,
                        const struct series *series, double alpha, uint64_t seed)
{
    const size_t found = p2p_change_points(series->ns, series->count, alpha, seed, series->points, series->count);

    if (found == P2P_CHANGE_POINTS_FAILED) {
        return false;
    }
    trend->series_count++;
    for (size_t i = 0; i < found; i++) {
        const size_t begin = i == 0 ? 0 : series->points[i - 1], at = series->points[i];
        const size_t end = i + 1 == found ? series->count : series->points[i + 1];
        const struct p2p_trend_change change = {
            .configuration = configuration,
            .figure = figure,
            .night = series->nights[at],
            .before_ns = median_of(series, begin, at),
            .after_ns = median_of(series, at, end),
        };

        if (!add_change(trend, &change)) {
            return false;
        }
    }
    return true;
}

static bool find_changes(const struct p2p_named_result *nights, size_t count, double alpha, uint64_t seed,
                         struct p2p_trend *trend)
{
    const struct p2p_result *last = nights[count - 1].result;
    struct series series = {0};
    bool enough_memory = make_room(nights, count, &series);

    for (size_t i = 0; i < last->configuration_count && enough_memory; i++) {
        const char *name = last->configurations[i].name;

        for (int figure = 0; figure < P2P_FIGURE_COUNT && enough_memory; figure++) {
            collect(nights, count, name, (enum p2p_figure)figure, &series);
            if (series.count >= P2P_TREND_NIGHTS_MIN) {
                enough_memory = add_changes(trend, name, (enum p2p_figure)figure, &series, alpha, seed);
            }
        }
    }
    free_series(&series);
    return enough_memory;
}

bool p2p_trend_of(const struct p2p_named_result *nights, size_t count, double alpha, uint64_t seed,
                  struct p2p_trend *trend)
{
    *trend = (struct p2p_trend){0};
    for (size_t night = 0; night + 1 < count; night++) {
        p2p_compare_setups(nights[night].result, nights[count - 1].result, &trend->comparability);
    }
    if (p2p_is_comparable(&trend->comparability) && !find_changes(nights, count, alpha, seed, trend)) {
        p2p_trend_free(trend);
        return false;
    }
    return true;
}

void p2p_trend_free(struct p2p_trend *trend)
{
    free(trend->changes);
    *trend = (struct p2p_trend){0};
}
