/* SPDX-License-Identifier: MIT */
#include "stats/joint.h"

#include "util/prng.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rank sums are compared as reals. */
#define ROUNDING 1e-9

struct table {
    size_t figures, boots;
    double *scores; /* [boot * figures + figure]: midrank less the mean rank, of unit length over all boots */
    double observed[P2P_JOINT_FIGURES_MAX];
    uint64_t as_far[P2P_JOINT_FIGURES_MAX]; /* splits in which any figure is as far as this one was observed */
    uint64_t splits;
};

/* Twice the midrank of value `i` among all. */
static size_t twice_midrank(const double *values, size_t count, size_t i)
{
    size_t rank = 1;

    for (size_t j = 0; j < count; j++) {
        rank += 2 * (values[j] < values[i]) + (values[j] == values[i]);
    }
    return rank;
}

/* A figure that is the same in all boots scores 0. */
static void score(const double *values, size_t figure, struct table *table)
{
    double square = 0;

    for (size_t i = 0; i < table->boots; i++) {
        double *at = &table->scores[i * table->figures + figure];

        *at = ((double)twice_midrank(values, table->boots, i) - (double)(table->boots + 1)) / 2;
        square += *at * *at;
    }
    for (size_t i = 0; square > 0 && i < table->boots; i++) {
        table->scores[i * table->figures + figure] /= sqrt(square);
    }
}

static void add_boot(const struct table *table, size_t boot, double sums[P2P_JOINT_FIGURES_MAX])
{
    for (size_t figure = 0; figure < table->figures; figure++) {
        sums[figure] += table->scores[boot * table->figures + figure];
    }
}

/* A rank sum's distance from what is expected, which is 0, is the same for both groups. */
static void count_split(struct table *table, const double sums[P2P_JOINT_FIGURES_MAX])
{
    double largest = 0;

    for (size_t figure = 0; figure < table->figures; figure++) {
        largest = fmax(largest, fabs(sums[figure]));
    }
    for (size_t figure = 0; figure < table->figures; figure++) {
        table->as_far[figure] += largest >= table->observed[figure] - ROUNDING;
    }
    table->splits++;
}

/* All ways to add `group` of the boots from `boot` on to those that make up `sums`. */
static void count_all_splits(struct table *table, size_t boot, size_t group, const double sums[P2P_JOINT_FIGURES_MAX])
{
    double with_boot[P2P_JOINT_FIGURES_MAX];

    if (group == 0) {
        count_split(table, sums);
        return;
    }
    if (table->boots - boot > group) {
        count_all_splits(table, boot + 1, group, sums);
    }
    memcpy(with_boot, sums, sizeof with_boot);
    add_boot(table, boot, with_boot);
    count_all_splits(table, boot + 1, group - 1, with_boot);
}

/* `order` of all boots; `group` of them are drawn. The split that was observed is one of them. */
static void count_random_splits(struct table *table, size_t *order, size_t group, uint64_t seed)
{
    struct p2p_prng prng;

    p2p_prng_seed(&prng, seed);
    count_split(table, table->observed);
    while (table->splits < P2P_JOINT_SPLITS) {
        double sums[P2P_JOINT_FIGURES_MAX] = {0};

        for (size_t i = 0; i < group; i++) {
            const size_t other = i + p2p_prng_below(&prng, table->boots - i);
            const size_t boot = order[other];

            order[other] = order[i];
            order[i] = boot;
            add_boot(table, boot, sums);
        }
        count_split(table, sums);
    }
}

/* Ways to take `group` of `boots`, or more than P2P_JOINT_SPLITS. */
static double count_of_splits(size_t boots, size_t group)
{
    double splits = 1;

    for (size_t i = 1; i <= group && splits <= P2P_JOINT_SPLITS; i++) {
        splits *= (double)(boots - group + i) / (double)i;
    }
    return splits;
}

static void test(struct table *table, size_t *order, size_t group, uint64_t seed)
{
    static const double nothing[P2P_JOINT_FIGURES_MAX] = {0};

    for (size_t boot = 0; boot < group; boot++) {
        add_boot(table, boot, table->observed);
    }
    for (size_t figure = 0; figure < table->figures; figure++) {
        table->observed[figure] = fabs(table->observed[figure]);
    }
    if (count_of_splits(table->boots, group) <= P2P_JOINT_SPLITS) {
        count_all_splits(table, 0, group, nothing);
    } else {
        count_random_splits(table, order, group, seed);
    }
}

bool p2p_joint_p(const double *values, size_t figure_count, size_t a_count, size_t b_count, uint64_t seed, double *p)
{
    struct table table = {.figures = figure_count, .boots = a_count + b_count};
    size_t *order = calloc(table.boots, sizeof *order);
    bool enough_memory;

    assert(figure_count <= P2P_JOINT_FIGURES_MAX);
    table.scores = calloc(figure_count * table.boots + 1, sizeof *table.scores);
    enough_memory = order != NULL && table.scores != NULL;
    if (enough_memory) {
        for (size_t figure = 0; figure < figure_count; figure++) {
            score(values + figure * table.boots, figure, &table);
        }
        for (size_t i = 0; i < table.boots; i++) {
            order[i] = i;
        }
        test(&table, order, a_count, seed);
        for (size_t figure = 0; figure < figure_count; figure++) {
            p[figure] = (double)table.as_far[figure] / (double)table.splits;
        }
    }
    free(table.scores);
    free(order);
    return enough_memory;
}
