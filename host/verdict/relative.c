/* SPDX-License-Identifier: MIT */
#include "verdict/relative.h"

#include "stats/difference.h"

#include <inttypes.h>
#include <stdio.h>

#define CONFIDENCE 0.99

enum { BOOTS_MAX = 1000, OTHER_TEXT_BYTES = P2P_NAME_BYTES + P2P_NAME_BYTES + sizeof " of baseline " };

static bool all_same(struct p2p_boot_values values)
{
    for (size_t i = 1; i < values.count; i++) {
        if (values.ns[i] != values.ns[0]) {
            return false;
        }
    }
    return true;
}

static bool is_of_tail(enum p2p_figure figure)
{
    return figure != P2P_FIGURE_AVG && figure != P2P_FIGURE_P50;
}

/* Several boots of each side without any spread, of a bench that is deterministic: no chance is left. */
static bool needs_no_more_boots(enum p2p_figure figure, enum p2p_time_base time_base, struct p2p_boot_values own,
                                struct p2p_boot_values other)
{
    return time_base == P2P_TIME_INSTRUCTIONS && own.count > 1 && other.count > 1 && all_same(own) && all_same(other) &&
           (!is_of_tail(figure) || (own.alike && other.alike));
}

static bool is_fair(enum p2p_figure figure, struct p2p_boot_values own, struct p2p_boot_values other)
{
    return (figure != P2P_FIGURE_MAX && figure != P2P_FIGURE_WARM_MAX) ||
           (own.n_least == own.n_most && other.n_least == other.n_most && own.n_least == other.n_least);
}

static bool all_positive(struct p2p_boot_values values)
{
    for (size_t i = 0; i < values.count; i++) {
        if (!(values.ns[i] > 0)) {
            return false;
        }
    }
    return true;
}

static void say_unfair(const struct p2p_relative_limit *limit, struct p2p_boot_values own, struct p2p_boot_values other,
                       const char *name, struct p2p_judgement *judgement)
{
    uint64_t least = own.n_least < other.n_least ? own.n_least : other.n_least;
    uint64_t most = own.n_most > other.n_most ? own.n_most : other.n_most;

    p2p_judgement_add(judgement, P2P_VERDICT_INCONCLUSIVE,
                      "%s cannot be held against %s: boots of %" PRIu64 " and of %" PRIu64
                      " samples: the largest of more is larger",
                      p2p_figure_name(limit->figure), name, least, most);
}

/*
 * The two outermost of the C(own + other, own) orders of the boots have to be rarer than the interval leaves out. With
 * `other` boots of a baseline, which stay as they are, or as many as `own`, in the same run.
 */
static size_t boots_needed(const struct p2p_relative_limit *limit, size_t other)
{
    for (size_t own = 1; own <= BOOTS_MAX; own++) {
        size_t fixed = limit->baseline[0] != '\0' ? other : own;
        double orders = 1;

        for (size_t i = 1; i <= fixed; i++) {
            orders *= (double)(own + i) / (double)i;
        }
        if (2 / orders <= 1 - CONFIDENCE) {
            return own;
        }
    }
    return BOOTS_MAX;
}

static void describe_other(const struct p2p_relative_limit *limit, char text[OTHER_TEXT_BYTES])
{
    bool baseline = limit->baseline[0] != '\0';

    snprintf(text, OTHER_TEXT_BYTES, "%s%s%s", limit->of, baseline ? " of baseline " : "",
             baseline ? limit->baseline : "");
}

static void judge_interval(const struct p2p_relative_limit *limit, struct p2p_relative *relative)
{
    const char *figure = p2p_figure_name(limit->figure);
    char other[OTHER_TEXT_BYTES];
    enum p2p_verdict verdict = P2P_VERDICT_PASS;

    describe_other(limit, other);
    if (relative->low > limit->at_most) {
        verdict = P2P_VERDICT_FAIL;
    } else if (relative->high > limit->at_most) {
        verdict = P2P_VERDICT_INCONCLUSIVE;
    }
    if (verdict != P2P_VERDICT_PASS) {
        p2p_judgement_add(&relative->judgement, verdict, "%s is %.4g (99 %%: %.4g to %.4g) of %s, limit %g", figure,
                          relative->ratio, relative->low, relative->high, other, limit->at_most);
    }
}

bool p2p_judge_relative(const struct p2p_relative_limit *limit, enum p2p_time_base time_base,
                        struct p2p_boot_values own, struct p2p_boot_values other, struct p2p_relative *relative)
{
    struct p2p_difference ratio;
    bool exact;
    char name[OTHER_TEXT_BYTES];

    *relative = (struct p2p_relative){0};
    describe_other(limit, name);
    if (own.count == 0 || other.count == 0 || !all_positive(own) || !all_positive(other)) {
        p2p_judgement_add(&relative->judgement, P2P_VERDICT_INCONCLUSIVE, "no %s above 0 ns to compare with %s",
                          p2p_figure_name(limit->figure), name);
        return true;
    }
    if (!is_fair(limit->figure, own, other)) {
        say_unfair(limit, own, other, name, &relative->judgement);
        return true;
    }
    if (!p2p_ratio_of(other.ns, other.count, own.ns, own.count, CONFIDENCE, &ratio)) {
        return false;
    }
    relative->bounded = ratio.bounded || needs_no_more_boots(limit->figure, time_base, own, other);
    exact = relative->bounded && all_same(own) && all_same(other);
    relative->known = true;
    relative->ratio = exact ? own.ns[0] / other.ns[0] : ratio.shift; /* the shift went through a root */
    if (!relative->bounded) {
        p2p_judgement_add(&relative->judgement, P2P_VERDICT_INCONCLUSIVE,
                          "%s is %.4g of %s, limit %g: too few boots to say so with 99 %%, %zu of %zu",
                          p2p_figure_name(limit->figure), relative->ratio, name, limit->at_most, own.count,
                          boots_needed(limit, other.count));
        return true;
    }
    relative->low = exact ? relative->ratio : ratio.low;
    relative->high = exact ? relative->ratio : ratio.high;
    judge_interval(limit, relative);
    return true;
}
