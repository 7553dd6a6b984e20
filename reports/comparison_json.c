/* SPDX-License-Identifier: MIT */
#include "reports/comparison_report.h"

#include "reports/plain.h"
#include "util/file.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* Never NaN nor infinite; to 10^-6, which is finer than any figure. */
static json_t *real(bool there, double value)
{
    return there && isfinite(value) ? json_real(nearbyint(value * 1e6) / 1e6 + 0.0) : json_null();
}

/* Of any size: as it is. */
static json_t *probability(bool there, double value)
{
    return there ? json_real(value) : json_null();
}

/* JSON holds UTF-8 only, and a path may be anything. */
static json_t *plain(const char *text)
{
    char *copy = p2p_format("%s", text);
    json_t *json;

    for (char *at = copy; at != NULL && *at != '\0'; at++) {
        *at = p2p_plain_character(*at);
    }
    json = copy == NULL ? NULL : json_string(copy);
    free(copy);
    return json;
}

static json_t *encode_side(struct p2p_named_result side)
{
    const struct p2p_result *result = side.result;

    return json_pack("{so ss ss ss sI sI}", "name", plain(side.name), "plan", result->plan, "bench", result->bench,
                     "verdict", p2p_verdict_name(result->judgement.verdict), "boots", (json_int_t)result->boots,
                     "samples", (json_int_t)result->samples);
}

static json_t *encode_row(const struct p2p_comparison_row *row)
{
    const struct p2p_difference *difference = &row->difference;
    const bool there = row->a_boots > 0 && row->b_boots > 0;
    const bool bounded = there && difference->bounded;
    const bool tested = there && !row->exact && row->change != P2P_CHANGE_NOT_COMPARED;

    return json_pack(
        "{ss ss sI sI so so so so so so sb so so ss ss}", "configuration", row->configuration, "figure",
        p2p_figure_name(row->figure), "a_boots", (json_int_t)row->a_boots, "b_boots", (json_int_t)row->b_boots, "a_ns",
        real(there, row->a_ns), "b_ns", real(there, row->b_ns), "difference_ns", real(there, difference->shift),
        "low_ns", real(bounded, difference->low), "high_ns", real(bounded, difference->high), "effect",
        real(there, row->effect), "exact", (int)row->exact, "p", probability(tested, difference->p), "p_adjusted",
        probability(tested, row->p_adjusted), "change", p2p_change_name(row->change), "reason", row->reason);
}

static json_t *encode_answers(const struct p2p_comparison_answers *answers)
{
    return json_pack("{ss sI sI sI sI}", "configuration", answers->configuration, "a_unanswered",
                     (json_int_t)p2p_unanswered(&answers->a), "a_stimuli", (json_int_t)answers->a.stimuli,
                     "b_unanswered", (json_int_t)p2p_unanswered(&answers->b), "b_stimuli",
                     (json_int_t)answers->b.stimuli);
}

/* Takes over `root`; NULL: there was no memory for it, or for one of its parts. */
static char *finish(json_t *root)
{
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    char *line = text == NULL ? NULL : p2p_format("%s\n", text);

    free(text);
    json_decref(root);
    return line;
}

char *p2p_comparison_encode(const struct p2p_comparison *comparison, struct p2p_named_result a,
                            struct p2p_named_result b)
{
    json_t *rows = json_array(), *configurations = json_array();
    bool whole = rows != NULL && configurations != NULL;

    for (size_t i = 0; i < comparison->row_count && whole; i++) {
        whole = json_array_append_new(rows, encode_row(&comparison->rows[i])) == 0;
    }
    for (size_t i = 0; i < comparison->configuration_count && whole; i++) {
        whole = json_array_append_new(configurations, encode_answers(&comparison->answers[i])) == 0;
    }
    if (!whole) {
        json_decref(rows);
        json_decref(configurations);
        return NULL;
    }
    return finish(json_pack(
        "{ss si so so ss so so sb so so so so}", "schema", "pin2pin.comparison", "version", 1, "a", encode_side(a), "b",
        encode_side(b), "time_base", p2p_time_base_name(a.result->time_base), "alpha",
        real(true, comparison->rules.alpha), "noise_floor", real(true, comparison->rules.noise_floor), "comparable",
        (int)p2p_is_comparable(&comparison->comparability), "reasons", plain(comparison->comparability.reasons),
        "notes", plain(comparison->comparability.notes), "rows", rows, "configurations", configurations));
}

static json_t *encode_change(const struct p2p_trend_change *change, const struct p2p_named_result *nights)
{
    return json_pack("{ss ss sI so so so}", "configuration", change->configuration, "figure",
                     p2p_figure_name(change->figure), "night", (json_int_t)change->night, "since",
                     plain(nights[change->night].name), "before_ns", real(true, change->before_ns), "after_ns",
                     real(true, change->after_ns));
}

char *p2p_trend_encode(const struct p2p_trend *trend, const struct p2p_named_result *nights, size_t count)
{
    json_t *names = json_array(), *changes = json_array();
    bool whole = names != NULL && changes != NULL;

    for (size_t i = 0; i < count && whole; i++) {
        whole = json_array_append_new(names, plain(nights[i].name)) == 0;
    }
    for (size_t i = 0; i < trend->change_count && whole; i++) {
        whole = json_array_append_new(changes, encode_change(&trend->changes[i], nights)) == 0;
    }
    if (!whole) {
        json_decref(names);
        json_decref(changes);
        return NULL;
    }
    return finish(json_pack("{ss si so sb so so sI so}", "schema", "pin2pin.trend", "version", 1, "nights", names,
                            "comparable", (int)p2p_is_comparable(&trend->comparability), "reasons",
                            plain(trend->comparability.reasons), "notes", plain(trend->comparability.notes), "series",
                            (json_int_t)trend->series_count, "changes", changes));
}
