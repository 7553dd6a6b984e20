/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "reports/comparison_report.h"
#include "store/baseline.h"
#include "store/judging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char BASELINE[] = "baseline:";

enum { TREND_SEED = 1 }; /* of the permutations: the same nights give the same answer */

/* The results that the operands name, under these names. */
struct inputs {
    size_t count;
    struct p2p_named_result *named; /* the results are owned */
};

static void free_inputs(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        p2p_result_free(inputs->named[i].result);
    }
    free(inputs->named);
}

/* A run folder, a result.json, or "baseline:NAME". NULL: see `error`. */
static struct p2p_result *load_as_written(const char *operand, const char *baselines, struct p2p_error *error)
{
    struct p2p_result *result = NULL;
    char *folder;

    if (strncmp(operand, BASELINE, strlen(BASELINE)) != 0) {
        return p2p_load_result(operand, error);
    }
    folder = p2p_baseline_folder(baselines, error);
    if (folder != NULL) {
        result = p2p_baseline_load(folder, operand + strlen(BASELINE), error);
    }
    free(folder);
    return result;
}

/* The file may have been edited: as in `gate`, its verdict is not believed over its figures. NULL: see `error`. */
static struct p2p_result *load(const char *operand, const char *baselines, struct p2p_error *error)
{
    struct p2p_result *result = load_as_written(operand, baselines, error);

    if (result != NULL && !p2p_result_judge_again(result)) {
        p2p_error_set(error, P2P_E_HOST, "%s: out of memory", operand);
        p2p_result_free(result);
        result = NULL;
    }
    return result;
}

/* A night on a sick bench measured nothing: it is no part of a trend. */
static bool is_left_out(const struct p2p_options *options, const char *operand, const struct p2p_result *result)
{
    if (!options->trend || result->judgement.verdict != P2P_VERDICT_BENCH_FAULT) {
        return false;
    }
    if (!options->quiet) {
        fprintf(stderr, "pin2pin: %s is a BENCH FAULT and left out\n", operand);
    }
    return true;
}

static enum p2p_code load_inputs(const struct p2p_options *options, struct inputs *inputs, struct p2p_error *error)
{
    inputs->named = calloc(options->operand_count, sizeof *inputs->named);
    if (inputs->named == NULL) {
        p2p_error_set(error, P2P_E_HOST, "out of memory");
        return P2P_E_HOST;
    }
    for (size_t i = 0; i < options->operand_count; i++) {
        const char *operand = options->operands[i];
        struct p2p_result *result = load(operand, options->baselines, error);

        if (result == NULL) {
            return p2p_failure(error);
        }
        if (is_left_out(options, operand, result)) {
            p2p_result_free(result);
            continue;
        }
        inputs->named[inputs->count++] = (struct p2p_named_result){operand, result};
    }
    return P2P_OK;
}

static struct p2p_comparison_rules rules_of(const struct p2p_options *options)
{
    struct p2p_comparison_rules rules = P2P_COMPARISON_DEFAULTS;

    if (options->has_alpha) {
        rules.alpha = options->alpha;
    }
    if (options->has_noise_floor) {
        rules.noise_floor = options->noise_floor_percent / 100;
    }
    return rules;
}

/* `text` is freed; NULL: there was no memory for it. */
static enum p2p_code print(char *text, struct p2p_error *error)
{
    if (text == NULL) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    fputs(text, stdout);
    free(text);
    return P2P_OK;
}

/* The machine's answer says so itself. */
static enum p2p_code refuse(const struct p2p_options *options, const struct p2p_comparability *comparability,
                            struct p2p_error *error)
{
    return p2p_is_comparable(comparability) || options->json
               ? P2P_OK
               : p2p_error_set(error, P2P_E_INPUT, "these are not comparable: %s", comparability->reasons);
}

static int exit_code_of(const struct p2p_comparison *comparison)
{
    if (!p2p_is_comparable(&comparison->comparability)) {
        return P2P_EXIT_USAGE;
    }
    if (p2p_comparison_is_slower(comparison)) {
        return P2P_EXIT_FAIL;
    }
    return p2p_comparison_is_open(comparison) ? P2P_EXIT_INCONCLUSIVE : P2P_EXIT_PASS;
}

/* Sets *exit_code if it returns P2P_OK. */
static enum p2p_code compare(const struct p2p_options *options, const struct inputs *inputs, int *exit_code,
                             struct p2p_error *error)
{
    const struct p2p_named_result a = inputs->named[0], b = inputs->named[1];
    const struct p2p_comparison_rules rules = rules_of(options);
    struct p2p_comparison comparison;
    enum p2p_code code;

    if (!p2p_compare(a.result, b.result, &rules, &comparison)) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    code = refuse(options, &comparison.comparability, error);
    if (options->json) {
        code = print(p2p_comparison_encode(&comparison, a, b), error);
    } else if (code == P2P_OK) {
        p2p_comparison_text(&comparison, a, b, stdout);
    }
    *exit_code = exit_code_of(&comparison);
    p2p_comparison_free(&comparison);
    return code;
}

/* The same of a series of nights. */
static enum p2p_code follow(const struct p2p_options *options, const struct inputs *inputs, int *exit_code,
                            struct p2p_error *error)
{
    struct p2p_trend trend;
    enum p2p_code code;

    if (inputs->count < P2P_TREND_NIGHTS_MIN) {
        return p2p_error_set(error, P2P_E_INPUT, "%zu nights without a BENCH FAULT show no trend: it takes %d or more",
                             inputs->count, P2P_TREND_NIGHTS_MIN);
    }
    if (!p2p_trend_of(inputs->named, inputs->count, rules_of(options).alpha, TREND_SEED, &trend)) {
        return p2p_error_set(error, P2P_E_HOST, "out of memory");
    }
    code = refuse(options, &trend.comparability, error);
    if (options->json) {
        code = print(p2p_trend_encode(&trend, inputs->named, inputs->count), error);
    } else if (code == P2P_OK) {
        p2p_trend_text(&trend, inputs->named, inputs->count, stdout);
    }
    *exit_code = p2p_is_comparable(&trend.comparability) ? P2P_EXIT_PASS : P2P_EXIT_USAGE;
    p2p_trend_free(&trend);
    return code;
}

int p2p_verb_compare(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    struct inputs inputs = {0};
    enum p2p_code code;
    int exit_code = P2P_EXIT_PASS;

    if (!options->trend && options->operand_count != 2) {
        p2p_error_set(&error, P2P_E_INPUT, "compare takes two results, A and B; a series of nights by --trend");
        code = P2P_E_INPUT;
    } else {
        code = load_inputs(options, &inputs, &error);
    }
    if (code == P2P_OK) {
        code = (options->trend ? follow : compare)(options, &inputs, &exit_code, &error);
    }
    free_inputs(&inputs);
    return code == P2P_OK ? p2p_finish_output(exit_code) : p2p_complain(&error, options);
}
