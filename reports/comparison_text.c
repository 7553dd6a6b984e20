/* SPDX-License-Identifier: MIT */
#include "reports/comparison_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void print_notes(FILE *out, const struct p2p_comparability *comparability)
{
    if (comparability->notes[0] != '\0') {
        fprintf(out, "note: %s\n", comparability->notes);
    }
}

static void print_side(FILE *out, const char *letter, struct p2p_named_result side)
{
    const struct p2p_result *result = side.result;

    fprintf(out, "%s: %s (plan %s on bench %s, %" PRIu32 " boots of %" PRIu64 "): %s\n", letter, side.name,
            result->plan, result->bench, result->boots, result->samples, p2p_verdict_name(result->judgement.verdict));
}

static int name_width(const struct p2p_comparison *comparison)
{
    size_t width = strlen("configuration");

    for (size_t i = 0; i < comparison->row_count; i++) {
        const size_t length = strlen(comparison->rows[i].configuration);

        width = length > width ? length : width;
    }
    return (int)width;
}

/* The first row that gives the same reason. */
static size_t first_with_reason(const struct p2p_comparison *comparison, size_t row)
{
    size_t first = 0;

    while (strcmp(comparison->rows[first].reason, comparison->rows[row].reason) != 0) {
        first++;
    }
    return first;
}

/* Footnotes are numbered as their reasons come up. */
static size_t footnote(const struct p2p_comparison *comparison, size_t row)
{
    const size_t first = first_with_reason(comparison, row);
    size_t number = 0;

    for (size_t i = 0; i <= first; i++) {
        number += first_with_reason(comparison, i) == i;
    }
    return number;
}

static void print_effect(FILE *out, const struct p2p_comparison_row *row)
{
    const struct p2p_difference *difference = &row->difference;
    char interval[48] = "-", effect[24] = "-", p[16] = "exact";

    if (difference->bounded && !row->exact) {
        snprintf(interval, sizeof interval, "[%+.2f, %+.2f]", difference->low, difference->high);
    }
    if (isfinite(row->effect)) {
        snprintf(effect, sizeof effect, "%+.2f %%", 100 * row->effect);
    }
    if (row->change == P2P_CHANGE_NOT_COMPARED) {
        snprintf(p, sizeof p, "-");
    } else if (!row->exact) {
        snprintf(p, sizeof p, "%.2g", row->p_adjusted);
    }
    fprintf(out, "  %10.2f  %10.2f  %+9.2f  %22s  %10s  %7s", row->a_ns, row->b_ns, difference->shift, interval, effect,
            p);
}

static void print_rows(FILE *out, const struct p2p_comparison *comparison)
{
    const int width = name_width(comparison);
    char interval[32];

    snprintf(interval, sizeof interval, "interval (%g %%)", 100 * (1 - comparison->rules.alpha));
    fprintf(out, "%-*s  %-8s  %10s  %10s  %9s  %22s  %10s  %7s\n", width, "configuration", "figure", "A", "B", "B - A",
            interval, "effect", "p");
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct p2p_comparison_row *row = &comparison->rows[i];

        fprintf(out, "%-*s  %-8s", width, row->configuration, p2p_figure_name(row->figure));
        if (row->a_boots > 0 && row->b_boots > 0) {
            print_effect(out, row);
        } else {
            fprintf(out, "  %10s  %10s  %9s  %22s  %10s  %7s", "-", "-", "-", "-", "-", "-");
        }
        fprintf(out, "  %s [%zu]\n", p2p_change_name(row->change), footnote(comparison, i));
    }
    fputc('\n', out);
    for (size_t i = 0; i < comparison->row_count; i++) {
        if (first_with_reason(comparison, i) == i) {
            fprintf(out, "[%zu] %s\n", footnote(comparison, i), comparison->rows[i].reason);
        }
    }
}

/* What is in no figure. */
static void print_answers(FILE *out, const struct p2p_comparison *comparison)
{
    for (size_t i = 0; i < comparison->configuration_count; i++) {
        const struct p2p_comparison_answers *answers = &comparison->answers[i];
        const struct p2p_account *a = &answers->a, *b = &answers->b;

        if (answers->change != P2P_CHANGE_SAME) {
            fprintf(out,
                    "%s: B missed %" PRIu64 " and answered %" PRIu64 " of %" PRIu64 " stimuli late, A missed %" PRIu64
                    " and answered %" PRIu64 " of %" PRIu64 " late: %s\n",
                    answers->configuration, b->missed, b->late, b->stimuli, a->missed, a->late, a->stimuli,
                    p2p_change_name(answers->change));
        }
    }
}

/* Exceedances of a limit that both have. Samples of a boot are not independent: they are shown, and not tested. */
static void print_exceedances(FILE *out, const struct p2p_result *a, const struct p2p_result *b)
{
    for (size_t i = 0; i < a->configuration_count; i++) {
        const struct p2p_result_configuration *own = &a->configurations[i];
        const struct p2p_result_configuration *other = p2p_result_find(b, own->name);
        const uint64_t over_ns = own->limits.exceedance.over_ns;

        if (other != NULL && over_ns != UINT64_MAX && other->limits.exceedance.over_ns == over_ns &&
            own->exceedance.n > 0 && other->exceedance.n > 0) {
            fprintf(out,
                    "%s over %" PRIu64 " ns: A %" PRIu64 " of %" PRIu64 " (below %.2g with 95 %%), B %" PRIu64
                    " of %" PRIu64 " (below %.2g)\n",
                    own->name, over_ns, own->exceedance.count, own->exceedance.n, own->exceedance.upper_95,
                    other->exceedance.count, other->exceedance.n, other->exceedance.upper_95);
        }
    }
}

static void print_summary(FILE *out, const struct p2p_comparison *comparison)
{
    for (int change = 0; change <= P2P_CHANGE_NOT_COMPARED; change++) {
        const size_t count = p2p_comparison_count(comparison, (enum p2p_change)change);

        if (count > 0 || change <= P2P_CHANGE_FASTER) {
            fprintf(out, "%s%zu %s", change > 0 ? ", " : "", count, p2p_change_name((enum p2p_change)change));
        }
    }
    fputc('\n', out);
}

void p2p_comparison_text(const struct p2p_comparison *comparison, struct p2p_named_result a, struct p2p_named_result b,
                         FILE *out)
{
    print_side(out, "A", a);
    print_side(out, "B", b);
    print_notes(out, &comparison->comparability);
    fprintf(out, "time base: %s; figures in ns, medians over the boots; p is that of the whole table\n\n",
            p2p_time_base_name(a.result->time_base));
    print_rows(out, comparison);
    print_answers(out, comparison);
    print_exceedances(out, a.result, b.result);
    print_summary(out, comparison);
}

void p2p_trend_text(const struct p2p_trend *trend, const struct p2p_named_result *nights, size_t count, FILE *out)
{
    fprintf(out, "%zu nights, from %s to %s\n", count, nights[0].name, nights[count - 1].name);
    print_notes(out, &trend->comparability);
    for (size_t i = 0; i < trend->change_count; i++) {
        const struct p2p_trend_change *change = &trend->changes[i];
        const double step_ns = change->after_ns - change->before_ns;

        fprintf(out, "%s %s: from %.2f to %.2f ns (%+.2f) since %s\n", change->configuration,
                p2p_figure_name(change->figure), change->before_ns, change->after_ns, step_ns,
                nights[change->night].name);
    }
    fprintf(out, "%zu change%s in %zu series\n", trend->change_count, trend->change_count == 1 ? "" : "s",
            trend->series_count);
}
