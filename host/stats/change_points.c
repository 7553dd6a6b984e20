/* SPDX-License-Identifier: MIT */
#include "stats/change_points.h"

#include "util/prng.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEGMENT_MIN = P2P_CHANGE_POINTS_SEGMENT_MIN,
    AS_GOOD_MAX = 5, /* so many of AS_GOOD_MAX / alpha permutations are alpha of them */
};

struct search {
    const double *series;
    double *shuffled;  /* room for a value, */
    double *to_before; /* and two sums, */
    double *to_left;   /* for each night */
    double alpha;
    struct p2p_prng prng;
    size_t *points;
    size_t capacity;
    size_t found;
};

/*
 * From sums of distances between pairs: within m values, within the next n, and between both. Twice the mean between
 * them, less the mean within each: 0 is expected if they are alike. Weighted by how much there is to see.
 */
static double energy(double left, double right, double between, double m, double n)
{
    return m * n / (m + n) * (2 * between / (m * n) - left / (m * (m - 1) / 2) - right / (n * (n - 1) / 2));
}

/*
 * The largest energy of all splits of `values`, and where the right side begins. That side may end before the values
 * do: else a change that a second one takes back could hide behind it. O(count^2).
 */
static double best_split(const struct search *search, const double *values, size_t count, size_t *where)
{
    double *to_before = search->to_before; /* from each value to all ahead of it */
    double *to_left = search->to_left;     /* from each value to those left of the split */
    double left = 0, best = -INFINITY;

    for (size_t i = 0; i < count; i++) {
        to_before[i] = to_left[i] = 0;
        for (size_t k = 0; k < i; k++) {
            to_before[i] += fabs(values[i] - values[k]);
        }
    }
    for (size_t split = 1; split + SEGMENT_MIN <= count; split++) { /* one more value goes to the left */
        double right = 0, between = 0;

        left += to_before[split - 1];
        for (size_t i = split; i < count; i++) {
            double here;

            to_left[i] += fabs(values[i] - values[split - 1]);
            between += to_left[i];
            right += to_before[i] - to_left[i];
            if (split < SEGMENT_MIN || i + 1 - split < SEGMENT_MIN) {
                continue;
            }
            here = energy(left, right, between, (double)split, (double)(i + 1 - split));
            if (here > best) {
                best = here;
                *where = split;
            }
        }
    }
    return best;
}

static void shuffle(struct p2p_prng *prng, double *values, size_t count)
{
    for (size_t i = count - 1; i > 0; i--) {
        const size_t other = p2p_prng_upto(prng, i);
        const double value = values[i];

        values[i] = values[other];
        values[other] = value;
    }
}

/*
 * Whether at most alpha of all orders of these values split as well. The order seen counts as one of them; equal splits
 * may differ by their sums' rounding.
 */
static bool is_change(struct search *search, const double *values, size_t count, double seen)
{
    const double as_well = seen * (1 - 1e-9);
    const size_t orders = (size_t)ceil(AS_GOOD_MAX / search->alpha);
    size_t as_good = 1;
    size_t where;

    memcpy(search->shuffled, values, count * sizeof *values);
    for (size_t i = 1; i < orders && as_good <= AS_GOOD_MAX; i++) {
        shuffle(&search->prng, search->shuffled, count);
        as_good += best_split(search, search->shuffled, count, &where) >= as_well;
    }
    return as_good <= AS_GOOD_MAX;
}

static void look(struct search *search, size_t begin, size_t end)
{
    const double *values = search->series + begin;
    const size_t count = end - begin;
    size_t split = 0;
    double best;

    if (count / 2 < SEGMENT_MIN) {
        return;
    }
    best = best_split(search, values, count, &split);
    if (best <= 0 || !is_change(search, values, count, best)) {
        return;
    }
    look(search, begin, begin + split);
    if (search->found < search->capacity) {
        search->points[search->found] = begin + split;
    }
    search->found++;
    look(search, begin + split, end);
}

size_t p2p_change_points(const double *series, size_t count, double alpha, uint64_t seed, size_t *points,
                         size_t capacity)
{
    struct search search = {.series = series, .alpha = alpha, .capacity = capacity};

    if (count == 0) {
        return 0;
    }
    search.shuffled = calloc(count, 3 * sizeof *search.shuffled);
    if (search.shuffled == NULL) {
        return P2P_CHANGE_POINTS_FAILED;
    }
    search.to_before = search.shuffled + count;
    search.to_left = search.to_before + count;
    search.points = points;
    p2p_prng_seed(&search.prng, seed);
    look(&search, 0, count);
    free(search.shuffled);
    return search.found;
}
