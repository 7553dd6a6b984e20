/* SPDX-License-Identifier: MIT */
#include "verdict/comparison.h"

#include "stats/holm.h"
#include "stats/joint.h"
#include "verdict/setups.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One half of the false alarms that are promised: an exact test comes as near to its alpha as the boots let it. */
const struct p2p_comparison_rules P2P_COMPARISON_DEFAULTS = {.alpha = 0.005, .noise_floor = 0.01};

enum {
    BOOTS_MAX = 1000,
    SEED = 1, /* of the exchanges: the same results give the same comparison */
};

/* One configuration of both sides. */
struct pair {
    const struct p2p_result *a, *b;
    const struct p2p_result_configuration *own, *other;
    size_t sure_boots; /* so many of each side do not agree by chance */
};

static const char *const CHANGES[] = {
    [P2P_CHANGE_SLOWER] = "slower",
    [P2P_CHANGE_FASTER] = "faster",
    [P2P_CHANGE_SAME] = "same",
    [P2P_CHANGE_UNDECIDED] = "~",
    [P2P_CHANGE_TOO_FEW] = "too few boots",
    [P2P_CHANGE_TOO_STRICT] = "alpha too small",
    [P2P_CHANGE_NOT_COMPARED] = "not compared",
};

const char *p2p_change_name(enum p2p_change change)
{
    return CHANGES[change];
}

static int compare_reals(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double p2p_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_reals);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* A bench that failed measured nothing. */
static void check_sound(const char *which, const struct p2p_result *result, struct p2p_comparability *comparability)
{
    if (!result->complete) {
        p2p_remark(comparability->reasons, "%s is incomplete", which);
    } else if (result->judgement.verdict == P2P_VERDICT_BENCH_FAULT) {
        p2p_remark(comparability->reasons, "%s is a BENCH FAULT: %s", which, result->judgement.reason);
    }
}

__attribute__((format(printf, 3, 4))) static void decide(struct p2p_comparison_row *row, enum p2p_change change,
                                                         const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(row->reason, sizeof row->reason, format, arguments);
    va_end(arguments);
    row->change = change;
}

static bool all_same(const double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (values[i] != values[0]) {
            return false;
        }
    }
    return true;
}

/* The largest of more samples is larger, whatever is under test. */
static bool is_fair(const struct p2p_result *a, const struct p2p_result *b, enum p2p_figure figure)
{
    if (figure == P2P_FIGURE_MAX) {
        return a->samples == b->samples;
    }
    return figure != P2P_FIGURE_WARM_MAX || (a->samples == b->samples && a->warmup == b->warmup);
}

static size_t count_boots(const struct p2p_result_configuration *configuration)
{
    size_t count = 0;

    for (size_t i = 0; i < configuration->boot_figure_count; i++) {
        count += configuration->boot_figures[i].figures.n_warm > 0;
    }
    return count;
}

static void take_boots(const struct p2p_result_configuration *configuration, enum p2p_figure figure, double *values)
{
    for (size_t i = 0; i < configuration->boot_figure_count; i++) {
        const struct p2p_boot_figures *figures = &configuration->boot_figures[i].figures;

        if (figures->n_warm > 0) {
            *values++ = figures->value_ns[figure];
        }
    }
}

static bool samples_agree(const struct p2p_result_configuration *configuration)
{
    return configuration->stats.min_ns == configuration->stats.max_ns;
}

/*
 * Virtual time alone does not: where samples spread, a few boots have the same maximum now and then. Boots whose
 * samples are all alike are no accident, nor are so many boots that their order alone would be significant.
 */
static bool leaves_no_chance(const struct pair *pair, size_t a_boots, size_t b_boots)
{
    const size_t fewer = a_boots < b_boots ? a_boots : b_boots;

    return pair->a->time_base == P2P_TIME_INSTRUCTIONS && fewer > 1 &&
           (fewer >= pair->sure_boots || (samples_agree(pair->own) && samples_agree(pair->other)));
}

/* `values` of A, then of B; `scratch` has room for either. False: out of memory. */
static bool measure(const double *values, double *scratch, bool may_be_exact, double alpha,
                    struct p2p_comparison_row *row)
{
    const double *a_values = values, *b_values = values + row->a_boots;
    struct p2p_difference *difference = &row->difference;

    row->exact = may_be_exact && all_same(a_values, row->a_boots) && all_same(b_values, row->b_boots);
    if (row->exact) {
        difference->shift = difference->low = difference->high = b_values[0] - a_values[0];
        difference->bounded = true;
    } else if (!p2p_difference_of(a_values, row->a_boots, b_values, row->b_boots, 1 - alpha, difference)) {
        return false;
    }
    memcpy(scratch, a_values, row->a_boots * sizeof *scratch);
    row->a_ns = p2p_median(scratch, row->a_boots);
    memcpy(scratch, b_values, row->b_boots * sizeof *scratch);
    row->b_ns = p2p_median(scratch, row->b_boots);
    row->effect = difference->shift == 0 ? 0 : difference->shift / row->a_ns;
    return true;
}

static bool is_tested(const struct p2p_comparison_row *row)
{
    return row->change != P2P_CHANGE_NOT_COMPARED && !row->exact;
}

/* All rows of one configuration, a row a figure, with their p together. False: out of memory. */
static bool make_rows_of(const struct pair *pair, double alpha, struct p2p_comparison_row rows[P2P_FIGURE_COUNT])
{
    const size_t a_boots = count_boots(pair->own), b_boots = count_boots(pair->other), boots = a_boots + b_boots;
    double *values = calloc((P2P_FIGURE_COUNT + 1) * boots + 1, sizeof *values); /* of what is tested, and scratch */
    double p[P2P_FIGURE_COUNT];
    const bool may_be_exact = leaves_no_chance(pair, a_boots, b_boots);
    bool enough_memory = values != NULL;
    size_t tested = 0;

    for (int figure = 0; figure < P2P_FIGURE_COUNT && enough_memory; figure++) {
        struct p2p_comparison_row *row = &rows[figure];
        double *at = values + tested * boots;

        *row = (struct p2p_comparison_row){pair->own->name, (enum p2p_figure)figure, a_boots, b_boots,
                                           .change = P2P_CHANGE_UNDECIDED};
        if (a_boots == 0 || b_boots == 0) {
            decide(row, P2P_CHANGE_NOT_COMPARED, "no boot of %s has samples after warm-up", a_boots == 0 ? "A" : "B");
            continue;
        }
        take_boots(pair->own, row->figure, at);
        take_boots(pair->other, row->figure, at + a_boots);
        enough_memory = measure(at, values + P2P_FIGURE_COUNT * boots, may_be_exact, alpha, row);
        if (!is_fair(pair->a, pair->b, row->figure)) {
            decide(row, P2P_CHANGE_NOT_COMPARED,
                   "A and B have boots of other sizes, and the largest of more samples is larger");
        }
        tested += is_tested(row);
    }
    enough_memory = enough_memory && (tested == 0 || p2p_joint_p(values, tested, a_boots, b_boots, SEED, p));
    for (size_t i = 0, next = 0; i < P2P_FIGURE_COUNT && enough_memory; i++) {
        if (is_tested(&rows[i])) {
            rows[i].p_adjusted = p[next++];
        }
    }
    free(values);
    return enough_memory;
}

/* The least p of a configuration's rows; above 1: none was tested. */
static double least_p(const struct p2p_comparison_row rows[P2P_FIGURE_COUNT])
{
    double least = INFINITY;

    for (size_t i = 0; i < P2P_FIGURE_COUNT; i++) {
        if (is_tested(&rows[i])) {
            least = fmin(least, rows[i].p_adjusted);
        }
    }
    return least;
}

/* From one configuration's p to the whole table's. *tested: configurations that have a row to test. */
static bool adjust(struct p2p_comparison *comparison, size_t *tested)
{
    double *p = calloc(comparison->row_count / P2P_FIGURE_COUNT, sizeof *p);
    bool enough_memory;

    *tested = 0;
    for (size_t i = 0; p != NULL && i < comparison->row_count; i += P2P_FIGURE_COUNT) {
        const double least = least_p(&comparison->rows[i]);

        if (least <= 1) {
            p[(*tested)++] = least;
        }
    }
    enough_memory = p != NULL && p2p_holm(p, *tested);
    for (size_t i = 0, next = 0; enough_memory && i < comparison->row_count; i += P2P_FIGURE_COUNT) {
        const double least = least_p(&comparison->rows[i]);
        const double factor = least <= 1 ? p[next++] / least : 1;

        for (size_t j = i; j < i + P2P_FIGURE_COUNT; j++) {
            comparison->rows[j].p_adjusted = fmin(1, factor * comparison->rows[j].p_adjusted);
        }
    }
    free(p);
    return enough_memory;
}

/* So that the two outermost of the C(2n, n) orders of n and n boots are rare enough, in any of `tested` ones. */
static size_t boots_needed(size_t tested, double alpha)
{
    double orders = 1;

    for (size_t n = 1; n <= BOOTS_MAX; n++) {
        orders *= 2 * (2 * (double)n - 1) / (double)n;
        if (2 / orders * (double)tested <= alpha) {
            return n;
        }
    }
    return BOOTS_MAX;
}

/* What no number of boots gets below: no test is finer than one of P2P_JOINT_SPLITS, in any of `tested` ones. */
static double least_alpha(size_t tested)
{
    return (double)tested / P2P_JOINT_SPLITS;
}

static void judge_exact(struct p2p_comparison_row *row)
{
    const double shift = row->difference.shift;

    if (shift == 0) {
        decide(row, P2P_CHANGE_SAME, "exact: all boots of A and of B agree");
    } else {
        decide(row, shift > 0 ? P2P_CHANGE_SLOWER : P2P_CHANGE_FASTER, "exact: all boots of A agree, and all of B do");
    }
}

static void judge_tested(const struct p2p_comparison_rules *rules, size_t tested, double uncertainty_ns,
                         struct p2p_comparison_row *row)
{
    const struct p2p_difference *difference = &row->difference;
    const double percent = 100 * rules->noise_floor;
    const double floor_ns = rules->noise_floor * row->a_ns + uncertainty_ns;
    const char *probes = uncertainty_ns > 0 ? " and the probes' uncertainty" : "";

    if (row->p_adjusted <= rules->alpha && fabs(difference->shift) > floor_ns) {
        decide(row, difference->shift > 0 ? P2P_CHANGE_SLOWER : P2P_CHANGE_FASTER,
               "p is at most %g, and the effect beyond the noise floor of %g %%%s", rules->alpha, percent, probes);
    } else if (row->p_adjusted <= rules->alpha) {
        decide(row, P2P_CHANGE_SAME, "p is at most %g, but the effect within the noise floor of %g %%%s", rules->alpha,
               percent, probes);
    } else if (difference->bounded && difference->low >= -floor_ns && difference->high <= floor_ns) {
        decide(row, P2P_CHANGE_SAME, "the whole interval is within the noise floor of %g %%%s", percent, probes);
    } else if (least_alpha(tested) > rules->alpha) {
        decide(row, P2P_CHANGE_TOO_STRICT,
               "%d random splits of the boots cannot tell so little chance in %zu configuration%s: --alpha %g at least",
               P2P_JOINT_SPLITS, tested, tested == 1 ? "" : "s", least_alpha(tested));
    } else if (difference->p_least * (double)tested > rules->alpha) {
        decide(row, P2P_CHANGE_TOO_FEW, "%zu and %zu boots of %zu configuration%s can show nothing: take %zu of each",
               row->a_boots, row->b_boots, tested, tested == 1 ? "" : "s", boots_needed(tested, rules->alpha));
    } else {
        decide(row, P2P_CHANGE_UNDECIDED, "p is above %g: chance can explain it", rules->alpha);
    }
}

/* What two probes of a kind may differ by in the mean of one configuration; 0 of one and the same. */
static double uncertainty_ns(const struct p2p_result *a, const struct p2p_result *b, double latency_ns)
{
    if (strcmp(a->serial, b->serial) == 0) {
        return 0;
    }
    return hypot(p2p_uncertainty_of_mean_ns(&a->budget, latency_ns, a->samples),
                 p2p_uncertainty_of_mean_ns(&b->budget, latency_ns, b->samples));
}

static int compare_rows(const void *left, const void *right)
{
    const struct p2p_comparison_row *a = left, *b = right;
    const bool a_changed = a->change <= P2P_CHANGE_FASTER, b_changed = b->change <= P2P_CHANGE_FASTER;
    const double a_effect = fabs(a->effect), b_effect = fabs(b->effect);
    int by_name;

    if (a_changed != b_changed) {
        return a_changed ? -1 : 1;
    }
    if (a_effect != b_effect) {
        return a_effect > b_effect ? -1 : 1;
    }
    by_name = strcmp(a->configuration, b->configuration);
    return by_name != 0 ? by_name : (int)a->figure - (int)b->figure;
}

uint64_t p2p_unanswered(const struct p2p_account *account)
{
    return account->missed + account->late;
}

static double unanswered_rate(const struct p2p_account *account)
{
    return account->stimuli == 0 ? 0 : (double)p2p_unanswered(account) / (double)account->stimuli;
}

static struct p2p_comparison_answers compare_answers(const struct pair *pair)
{
    const double a_rate = unanswered_rate(&pair->own->account), b_rate = unanswered_rate(&pair->other->account);
    const enum p2p_change worse = b_rate > a_rate ? P2P_CHANGE_SLOWER : P2P_CHANGE_NOT_COMPARED;

    return (struct p2p_comparison_answers){pair->own->name, pair->own->account, pair->other->account,
                                           a_rate == b_rate ? P2P_CHANGE_SAME : worse};
}

/* Of `pairs` configurations. False: out of memory. */
static bool make_rows(const struct p2p_result *a, const struct p2p_result *b, size_t pairs,
                      struct p2p_comparison *comparison)
{
    const size_t sure_boots = boots_needed(pairs, comparison->rules.alpha);

    for (size_t i = 0; i < a->configuration_count; i++) {
        const struct p2p_result_configuration *own = &a->configurations[i];
        const struct pair pair = {a, b, own, p2p_result_find(b, own->name), sure_boots};

        if (pair.other == NULL) {
            continue;
        }
        if (!make_rows_of(&pair, comparison->rules.alpha, &comparison->rows[comparison->row_count])) {
            return false;
        }
        comparison->row_count += P2P_FIGURE_COUNT;
        comparison->answers[comparison->configuration_count++] = compare_answers(&pair);
    }
    return true;
}

/* Without B's late answers, what is slower still is slower; nothing else can be said, and nothing without A's. */
static void judge_answers(const struct p2p_comparison_answers *answers,
                          struct p2p_comparison_row rows[P2P_FIGURE_COUNT])
{
    const bool is_b = answers->change == P2P_CHANGE_SLOWER;

    for (size_t i = 0; i < P2P_FIGURE_COUNT && answers->change != P2P_CHANGE_SAME; i++) {
        if (rows[i].change != P2P_CHANGE_NOT_COMPARED && !(is_b && rows[i].change == P2P_CHANGE_SLOWER)) {
            decide(&rows[i], P2P_CHANGE_NOT_COMPARED,
                   "%s missed or was late for more stimuli: what is beyond the deadline is in no figure",
                   is_b ? "B" : "A");
        }
    }
}

static void judge(const struct p2p_result *a, const struct p2p_result *b, size_t tested,
                  struct p2p_comparison *comparison)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        struct p2p_comparison_row *row = &comparison->rows[i];

        if (is_tested(row)) {
            judge_tested(&comparison->rules, tested, uncertainty_ns(a, b, row->a_ns), row);
        } else if (row->change != P2P_CHANGE_NOT_COMPARED) {
            judge_exact(row);
        }
    }
    for (size_t i = 0; i < comparison->configuration_count; i++) {
        judge_answers(&comparison->answers[i], &comparison->rows[i * P2P_FIGURE_COUNT]);
    }
}

bool p2p_compare(const struct p2p_result *a, const struct p2p_result *b, const struct p2p_comparison_rules *rules,
                 struct p2p_comparison *comparison)
{
    size_t pairs, tested;

    *comparison = (struct p2p_comparison){.rules = *rules};
    check_sound("A", a, &comparison->comparability);
    check_sound("B", b, &comparison->comparability);
    pairs = p2p_compare_setups(a, b, &comparison->comparability);
    if (!p2p_is_comparable(&comparison->comparability)) {
        return true;
    }
    comparison->rows = calloc(pairs * P2P_FIGURE_COUNT, sizeof *comparison->rows);
    comparison->answers = calloc(pairs, sizeof *comparison->answers);
    if (comparison->rows == NULL || comparison->answers == NULL || !make_rows(a, b, pairs, comparison) ||
        !adjust(comparison, &tested)) {
        p2p_comparison_free(comparison);
        return false;
    }
    judge(a, b, tested, comparison);
    qsort(comparison->rows, comparison->row_count, sizeof *comparison->rows, compare_rows);
    return true;
}

void p2p_comparison_free(struct p2p_comparison *comparison)
{
    free(comparison->rows);
    free(comparison->answers);
    *comparison = (struct p2p_comparison){0};
}

size_t p2p_comparison_count(const struct p2p_comparison *comparison, enum p2p_change change)
{
    size_t count = 0;

    for (size_t i = 0; i < comparison->row_count; i++) {
        count += comparison->rows[i].change == change;
    }
    return count;
}

bool p2p_comparison_is_slower(const struct p2p_comparison *comparison)
{
    bool slower = p2p_comparison_count(comparison, P2P_CHANGE_SLOWER) > 0;

    for (size_t i = 0; i < comparison->configuration_count && !slower; i++) {
        slower = comparison->answers[i].change == P2P_CHANGE_SLOWER;
    }
    return slower;
}

static bool has_compared_row(const struct p2p_comparison *comparison, const char *configuration)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        if (comparison->rows[i].change != P2P_CHANGE_NOT_COMPARED &&
            strcmp(comparison->rows[i].configuration, configuration) == 0) {
            return true;
        }
    }
    return false;
}

bool p2p_comparison_is_open(const struct p2p_comparison *comparison)
{
    bool open = p2p_comparison_count(comparison, P2P_CHANGE_TOO_FEW) > 0 ||
                p2p_comparison_count(comparison, P2P_CHANGE_TOO_STRICT) > 0;

    for (size_t i = 0; i < comparison->configuration_count && !open; i++) {
        open = !has_compared_row(comparison, comparison->answers[i].configuration);
    }
    return open;
}
