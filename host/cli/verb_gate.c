/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include "store/result.h"
#include "store/run_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The file may have been edited: a verdict is not believed over the figures beside it, nor that of the whole over its
 * parts'. What is printed, in words or as JSON, and the exit code are all of the result as judged again.
 */
static void judge_again(struct p2p_result *result)
{
    struct p2p_judgement *whole = &result->judgement;

    for (size_t i = 0; i < result->configuration_count; i++) {
        struct p2p_result_configuration *configuration = &result->configurations[i];
        struct p2p_judgement *part = &configuration->judgement;
        struct p2p_judgement again;

        p2p_judge(&configuration->stats, &configuration->account, &configuration->limits, &again);
        if (again.verdict > part->verdict) {
            p2p_judgement_add(part, P2P_VERDICT_BENCH_FAULT, "the file says %s, its figures do not: %s",
                              p2p_verdict_name(part->verdict), again.reason);
        }
        if (part->verdict > whole->verdict) {
            p2p_judgement_add(whole, part->verdict, "%s: %s", configuration->name, p2p_verdict_name(part->verdict));
        }
    }
    if (!result->complete && whole->verdict != P2P_VERDICT_BENCH_FAULT) {
        p2p_judgement_add(whole, P2P_VERDICT_BENCH_FAULT, "the run is incomplete");
    }
}

/* A result.json, or the run folder that it is in. */
static struct p2p_result *load(const char *path, struct p2p_error *error)
{
    char *inside = p2p_result_path(path);
    struct p2p_result *result = p2p_result_load(inside != NULL && access(inside, F_OK) == 0 ? inside : path, error);

    free(inside);
    return result;
}

int p2p_verb_gate(const struct p2p_options *options)
{
    struct p2p_error error = {0};
    struct p2p_result *result = load(options->argument, &error);
    int exit_code;

    if (result == NULL) {
        return p2p_complain(&error, options);
    }
    judge_again(result);
    exit_code = p2p_exit_for(result->judgement.verdict, options);
    if (options->json && !p2p_print_json(result)) {
        exit_code = P2P_EXIT_BENCH_FAULT;
    }
    if (!options->json) {
        for (size_t i = 0; i < result->configuration_count; i++) {
            const struct p2p_result_configuration *configuration = &result->configurations[i];
            const char *reason = configuration->judgement.reason;

            printf("%s: %s%s%s\n", configuration->name, p2p_verdict_name(configuration->judgement.verdict),
                   reason[0] != '\0' ? ": " : "", reason);
        }
        printf("%s\n", p2p_verdict_name(result->judgement.verdict));
    }
    p2p_result_free(result);
    return p2p_finish_output(exit_code);
}
