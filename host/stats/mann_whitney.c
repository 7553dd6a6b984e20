/* SPDX-License-Identifier: MIT */
#include "stats/mann_whitney.h"

#include <math.h>
#include <stdlib.h>

#define SQRT_2 1.41421356237309504880

enum { EXACT_MAX = P2P_MANN_WHITNEY_EXACT_MAX };

/* Ranks count from 1, those of equal values are their mean, and all are doubled to be whole. */
struct ranks {
    size_t a_count, b_count;
    size_t *twice;  /* of all values, ascending */
    size_t a_twice; /* sum over group a */
    double tied;    /* sum of t^3 - t over the groups of t equal values */
};

struct value {
    double value;
    bool in_a;
};

static int by_value(const void *left, const void *right)
{
    const double a = ((const struct value *)left)->value;
    const double b = ((const struct value *)right)->value;

    return (a > b) - (a < b);
}

static void rank_sorted(const struct value *values, struct ranks *ranks)
{
    const size_t n = ranks->a_count + ranks->b_count;
    size_t end;

    for (size_t first = 0; first < n; first = end) {
        double t;

        for (end = first + 1; end < n && values[end].value == values[first].value;) {
            end++;
        }
        for (size_t i = first; i < end; i++) {
            ranks->twice[i] = first + 1 + end;
            ranks->a_twice += values[i].in_a ? ranks->twice[i] : 0;
        }
        t = (double)(end - first);
        ranks->tied += t * t * t - t;
    }
}

/* False: out of memory. */
static bool rank(const double *a, const double *b, struct ranks *ranks)
{
    const size_t n = ranks->a_count + ranks->b_count;
    struct value *values = calloc(n, sizeof *values);

    ranks->twice = calloc(n, sizeof *ranks->twice);
    if (values != NULL && ranks->twice != NULL) {
        for (size_t i = 0; i < n; i++) {
            const bool in_a = i < ranks->a_count;

            values[i] = (struct value){.value = in_a ? a[i] : b[i - ranks->a_count], .in_a = in_a};
        }
        qsort(values, n, sizeof *values, by_value);
        rank_sorted(values, ranks);
    }
    free(values);
    return values != NULL && ranks->twice != NULL;
}

/*
 * P(the doubled ranks of a group of `a_count`, drawn blindly, add up to s), for all s up to n (n + 1), the sum of all.
 * By counting the groups of each size and sum, value by value. free() it; NULL: out of memory.
 */
static double *null_distribution(const size_t *twice, size_t n, size_t a_count)
{
    const size_t sums = n * (n + 1) + 1;
    double *ways = calloc(a_count + 1, sums * sizeof *ways); /* by size and sum */
    const double *of_size;
    double all = 0;

    if (ways == NULL) {
        return NULL;
    }
    of_size = ways + a_count * sums;
    ways[0] = 1;
    for (size_t i = 0; i < n; i++) {
        for (size_t size = i < a_count ? i + 1 : a_count; size > 0; size--) {
            const double *without = ways + (size - 1) * sums;
            double *with = ways + size * sums + twice[i];

            for (size_t s = 0; s < sums - twice[i]; s++) {
                with[s] += without[s];
            }
        }
    }
    for (size_t s = 0; s < sums; s++) {
        all += of_size[s];
    }
    for (size_t s = 0; s < sums; s++) {
        ways[s] = of_size[s] / all;
    }
    return ways;
}

/* Twice the smaller tail. False: out of memory. */
static bool exact_p(const struct ranks *ranks, double *p)
{
    const size_t n = ranks->a_count + ranks->b_count;
    double *chance = null_distribution(ranks->twice, n, ranks->a_count);
    double low = 0, high = 0;

    if (chance == NULL) {
        return false;
    }
    for (size_t s = 0; s <= n * (n + 1); s++) {
        low += s <= ranks->a_twice ? chance[s] : 0;
        high += s >= ranks->a_twice ? chance[s] : 0;
    }
    free(chance);
    *p = fmin(2 * fmin(low, high), 1);
    return true;
}

/* Corrected for ties, and for going in steps. */
static double normal_p(const struct ranks *ranks)
{
    const double a = (double)ranks->a_count, b = (double)ranks->b_count, n = a + b;
    const double off = fabs((double)ranks->a_twice / 2 - a * (n + 1) / 2);
    const double variance = a * b / 12 * (n + 1 - ranks->tied / (n * (n - 1)));

    return variance > 0 ? fmin(erfc((off - 0.5) / sqrt(variance) / SQRT_2), 1) : 1;
}

bool p2p_mann_whitney(const double *a, size_t a_count, const double *b, size_t b_count, double *p)
{
    struct ranks ranks = {.a_count = a_count, .b_count = b_count};
    bool done = rank(a, b, &ranks);

    if (done && a_count + b_count <= EXACT_MAX) {
        done = exact_p(&ranks, p);
    } else if (done) {
        *p = normal_p(&ranks);
    }
    free(ranks.twice);
    return done;
}

double p2p_mann_whitney_least(size_t a_count, size_t b_count)
{
    double p = 2;

    for (size_t i = 1; i <= a_count; i++) { /* over the number of ways to draw group a */
        p *= (double)i / (double)(b_count + i);
    }
    return fmin(p, 1);
}

/* False: out of memory. */
static bool exact_rank(size_t a_count, size_t b_count, double confidence, size_t *k)
{
    const double tail = (1 - confidence) / 2 * (1 + 1e-9); /* chances that are equal to it may be rounded up */
    const size_t n = a_count + b_count;
    size_t twice[EXACT_MAX];
    double *chance;
    double below;

    for (size_t i = 0; i < n; i++) {
        twice[i] = 2 * (i + 1);
    }
    chance = null_distribution(twice, n, a_count);
    if (chance == NULL) {
        return false;
    }
    *k = 0;
    below = chance[a_count * (a_count + 1)]; /* group a has the lowest ranks */
    while (below <= tail) {
        ++*k;
        below += chance[a_count * (a_count + 1) + 2 * *k];
    }
    free(chance);
    return true;
}

/* How many standard deviations to both sides hold so much of a normal distribution. */
static double normal_reach(double confidence)
{
    double low = 0, high = 40;

    while (high - low > 1e-12) {
        const double middle = (low + high) / 2;

        if (erf(middle / SQRT_2) < confidence) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high;
}

static size_t normal_rank(size_t a_count, size_t b_count, double confidence)
{
    const double a = (double)a_count, b = (double)b_count;
    const double k = a * b / 2 - normal_reach(confidence) * sqrt(a * b * (a + b + 1) / 12);

    return k > 0 ? (size_t)k : 0; /* down: the interval gets wider */
}

bool p2p_mann_whitney_rank(size_t a_count, size_t b_count, double confidence, size_t *k)
{
    if (a_count + b_count <= EXACT_MAX) {
        return exact_rank(a_count, b_count, confidence, k);
    }
    *k = normal_rank(a_count, b_count, confidence);
    return true;
}
