/* SPDX-License-Identifier: MIT */
#include "stats/difference.h"

#include "stats/mann_whitney.h"

#include <math.h>
#include <stdlib.h>

static int by_number(const void *left, const void *right)
{
    const double a = *(const double *)left;
    const double b = *(const double *)right;

    return (a > b) - (a < b);
}

/* Of each pair b - a, or b / a; ascending. free() it; NULL: out of memory. */
static double *pairs(const double *a, size_t a_count, const double *b, size_t b_count, bool ratio)
{
    double *all = calloc(a_count, b_count * sizeof *all);
    size_t count = 0;

    if (all == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < a_count; i++) {
        for (size_t j = 0; j < b_count; j++) {
            all[count++] = ratio ? b[j] / a[i] : b[j] - a[i];
        }
    }
    qsort(all, count, sizeof *all, by_number);
    return all;
}

/* Of ratios it is the geometric mean: a against b has to say the same as b against a. */
static double median(const double *ascending, size_t count, bool ratio)
{
    const double low = ascending[(count - 1) / 2];
    const double high = ascending[count / 2];

    return ratio ? sqrt(low * high) : (low + high) / 2;
}

static bool compare(const double *a, size_t a_count, const double *b, size_t b_count, double confidence, bool ratio,
                    struct p2p_difference *difference)
{
    double *all;
    size_t k;

    *difference = (struct p2p_difference){.p_least = p2p_mann_whitney_least(a_count, b_count)};
    if (!p2p_mann_whitney(a, a_count, b, b_count, &difference->p) ||
        !p2p_mann_whitney_rank(a_count, b_count, confidence, &k)) {
        return false;
    }
    all = pairs(a, a_count, b, b_count, ratio);
    if (all == NULL) {
        return false;
    }
    difference->shift = median(all, a_count * b_count, ratio);
    difference->bounded = k > 0;
    if (difference->bounded) {
        difference->low = all[k - 1];
        difference->high = all[a_count * b_count - k];
    }
    free(all);
    return true;
}

bool p2p_difference_of(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                       struct p2p_difference *difference)
{
    return compare(a, a_count, b, b_count, confidence, false, difference);
}

bool p2p_ratio_of(const double *a, size_t a_count, const double *b, size_t b_count, double confidence,
                  struct p2p_difference *ratio)
{
    return compare(a, a_count, b, b_count, confidence, true, ratio);
}
